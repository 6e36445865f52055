"""Keeps secrets in: what came from the environment or a password field is masked wherever text leaves the program."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

MASK = "***"
_SHORTEST = 4
"""Shorter values stand in ordinary words too often to be masked in running text; their type masks them alone."""
_SHORTEST_NUMBER = 6
"""A short number, such as a port, is no secret, and masking it would garble what was measured."""


_SECRET_KEY = re.compile(r"password|passwd|secret|token|api_?key|signature", re.IGNORECASE)


def is_secret_key(key: str) -> bool:
    """Tell whether a key's name says that its value is secret."""
    return _SECRET_KEY.search(key) is not None


@dataclass(frozen=True, repr=False)
class Redactor:
    """Replaces every known secret in text, in each form that a library may print it in."""

    forms: tuple[str, ...] = ()

    @classmethod
    def of(cls, secrets: Iterable[str]) -> Redactor:
        """Make a redactor of secret values."""
        forms = {form for secret in secrets for form in _forms(secret) if _worth_masking(form)}
        return cls(tuple(sorted(forms, key=lambda form: (-len(form), form))))

    def __repr__(self) -> str:
        return f"<Redactor of {len(self.forms)} forms>"

    def text(self, text: str) -> str:
        """Return text without secrets."""
        for form in self.forms:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def data(self, data: Any) -> Any:
        """Return plain data (lists, mappings, texts, numbers) without secrets."""
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, dict):
            return {self.data(key): self.data(value) for key, value in data.items()}
        if isinstance(data, list | tuple):
            return [self.data(value) for value in data]
        return data


def _worth_masking(form: str) -> bool:
    return len(form) >= (_SHORTEST_NUMBER if re.fullmatch(r"[\d.]+", form) else _SHORTEST)


def _forms(secret: str) -> Iterable[str]:
    """Yield a secret, its password and tokens where it is a URL, and each as it is quoted elsewhere."""
    for part in (secret, *secret.splitlines(), *url_secrets(secret)):
        stripped = part.strip()
        yield from (stripped, quote(stripped, safe=""), quote(stripped), quote_plus(stripped), unquote(stripped))
        yield from (repr(stripped)[1:-1], json.dumps(stripped)[1:-1])


def url_secrets(text: str) -> tuple[str, ...]:
    """Return the password and tokens of a URL or `key=value` connection string, none for other text."""
    found = re.findall(r"(?:password|passfile|sslpassword)\s*=\s*'?([^'\s&]+)", text, re.IGNORECASE)
    if "://" in text:
        try:
            parts = urlsplit(text)
            password = parts.password
        except ValueError:
            return tuple(found)
        found += [password, unquote(password)] if password else []
        pairs = (pair.partition("=") for pair in parts.query.split("&"))
        found += [value for key, _, value in pairs if value and _SECRET_KEY.search(key)]
    elif match := re.match(r"[^@/\s]*:([^@/\s]+)@", text):
        found.append(match[1])
    return tuple(found)


def without_password(url: str) -> str:
    """Return a URL as a message may show it: scheme, host, port and path."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return MASK
    return f"{parts.scheme}://{host}{parts.path}" if parts.scheme else MASK
