"""Keeps secrets in: what came from the environment or a password field is masked wherever text leaves the program."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

MASK = "***"
_SHORTEST = 4
"""Shorter values stand in ordinary words too often to be masked in running text; their type masks them alone."""
_SHORTEST_NUMBER = 6
"""A short number, such as a port, is no secret, and masking it would garble what was measured."""
_OURS = frozenset({"breach", "unknown", "blocked", "waived", "maintenance", "true", "false", "null", "None"})
"""Words of the results themselves: masking one would leave a result without its verdict."""

_SECRET_KEY = re.compile(
    r"passw|passphrase|secret|token|(?:api|access|private)[_-]?key|credential|signature|authorization|cookie",
    re.IGNORECASE,
)
_QUERY_KEY = re.compile(r"key|auth|sig|pwd|pass", re.IGNORECASE)
_CONNECTION_PASSWORD = re.compile(r"(?:ssl)?password\s*=\s*(?:'((?:\\.|[^'\\])*)'|([^\s'&;]+))", re.IGNORECASE)
_USER_INFO = re.compile(r"(?:^|[\s;,/])[^\s/@:;,]*:(?!//)([^\s@]+)@(?!sha256:)")
"""A user and password in front of a host, in whatever URL or host spec, also one that no parser takes."""
_AUTHORIZATION = re.compile(r"(?:Bearer|Basic|Token)\s+(\S+)")
_HOST = re.compile(r"(?:\[[^\]]*\]|[^:\s]*)(?::[0-9]*)?")
_ORDINARY = re.compile(r"/?[A-Za-z_]*")
_PORT_AND_PATH = re.compile(r"[0-9]{1,5}/")


def is_secret_key(key: str) -> bool:
    """Tell whether a key's name says that its value is secret."""
    return _SECRET_KEY.search(key) is not None


@dataclass(frozen=True, repr=False)
class Redactor:
    """Replaces every known secret in text, in each form that a library may print it in."""

    forms: tuple[str, ...] = ()

    @classmethod
    def of(cls, secrets: Iterable[str], names: Collection[str] = ()) -> Redactor:
        """Make a redactor of secret values; `names` stand in the inventory as plain words, so they are none."""
        found = {form for secret in set(secrets) for form in _forms(secret) if _worth_masking(form)}
        return cls(tuple(sorted(found - _OURS - set(names), key=lambda form: (-len(form), form))))

    def __repr__(self) -> str:
        return f"<Redactor of {len(self.forms)} forms>"

    def text(self, text: str) -> str:
        """Return text without secrets."""
        for form in self.forms:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def data(self, data: Any) -> Any:
        """Return plain data (lists, mappings, texts, numbers) without secrets. Keys are the program's own words."""
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, dict):
            return {key: self.data(value) for key, value in data.items()}
        if isinstance(data, list | tuple):
            return [self.data(value) for value in data]
        return data


def _worth_masking(form: str) -> bool:
    return len(form) >= (_SHORTEST_NUMBER if re.fullmatch(r"[0-9.]+", form) else _SHORTEST)


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret, what it consists of where it is a URL, and each as it is quoted elsewhere."""
    for part in (secret, *secret.splitlines(), *secret_parts(secret), *_parts_of_url(secret)):
        stripped = part.strip()
        yield from (stripped, quote(stripped, safe=""), quote(stripped), quote_plus(stripped), unquote(stripped))
        yield from (repr(stripped)[1:-1], json.dumps(stripped)[1:-1])


def _parts_of_url(secret: str) -> Iterator[str]:
    """Yield what messages show of a URL: it without its password, user, path or database, and query.

    Its host stays readable, for whoever has to mend it. So does a user, path, database or value of its query that is an
    ordinary word, such as `postgres`: masked, it would garble every path and message that has the word. What a key such
    as `token` names in the query is masked whatever it is.
    """
    if "://" not in secret:
        return
    try:
        parts = urlsplit(secret)
    except ValueError:
        return
    yield without_password(secret).removesuffix(MASK)
    told = (parts.username or "", parts.path, parts.path.strip("/"))
    yield from (part for part in told if not _ORDINARY.fullmatch(part))
    yield parts.query
    values = (pair.partition("=")[2] for pair in parts.query.split("&"))
    yield from (value for value in values if not _ORDINARY.fullmatch(value))


def secret_parts(text: str) -> tuple[str, ...]:
    """Return the passwords and tokens of a URL, connection string, host spec or header, none for other text."""
    found = [quoted or bare for quoted, bare in _CONNECTION_PASSWORD.findall(text)]
    if header := _AUTHORIZATION.fullmatch(text.strip()):
        found.append(header[1])
    for password in _USER_INFO.findall(text):
        if not _PORT_AND_PATH.match(password):
            # An unescaped / # or ? ends the host early, and a parser then complains of the part before it.
            found += [password, *re.split(r"[/#?]", password)]
    if "://" in text:
        found += _url_parts(text)
    return tuple(dict.fromkeys(form for part in found if part for form in (part, unquote(part))))


def _url_parts(text: str) -> Iterator[str]:
    try:
        parts = urlsplit(text)
        yield parts.password or ""
    except ValueError:
        return
    if parts.scheme in ("http", "https") and parts.username and not parts.password:
        yield parts.username  # a token alone, as in https://TOKEN@host/
    for pair in parts.query.split("&"):
        key, _, value = pair.partition("=")
        if is_secret_key(key) or _QUERY_KEY.fullmatch(key):
            yield value


def without_password(url: str) -> str:
    """Return a URL as a message may show it: scheme, host, port and path."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return MASK
    hosts = parts.netloc.rpartition("@")[2]
    # An unescaped / # or ? in a password ends the host early, and leaves the password where none is looked for.
    odd = "@" in parts.path or "@" in parts.fragment or ("@" in parts.query and not parts.path)
    if not parts.scheme or odd or not all(_HOST.fullmatch(host) for host in hosts.split(",")):
        return MASK
    return f"{parts.scheme}://{hosts}{parts.path}"
