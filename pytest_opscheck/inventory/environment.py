"""Fills `${NAME}` and `${NAME:-default}` in from the environment, and remembers what came from there as secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..secrets import is_secret_key, url_secrets
from .lines import Path
from .problems import Problems

_VARIABLE = re.compile(r"\$(?P<escaped>\$)?\{(?P<name>[^}:]*)(?::-(?P<default>[^}]*))?\}")


def expand(document: Any, environment: Mapping[str, str], problems: Problems) -> tuple[Any, list[str]]:
    """Return a document with its variables filled in, and the secret values that came in so, or stood in password fields."""
    secrets: list[str] = []

    def text(said: str, path: Path) -> str:
        def value(match: re.Match[str]) -> str:
            name, default = match["name"], match["default"]
            if match["escaped"]:
                return match[0][1:]
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
                problems.add(path, f"{match[0]!r} names no variable; write ${{NAME}}, or $${{ for the text itself")
                return ""
            found = environment.get(name, default)
            if found is None or (found == "" and default is None):
                state = "is empty" if found == "" else "is not set"
                problems.add(path, f"the environment variable {name} {state}; set it, or write ${{{name}:-default}}")
                return ""
            secrets.append(found)
            return found

        filled = _VARIABLE.sub(value, said)
        if filled != said or (path and isinstance(path[-1], str) and is_secret_key(path[-1])):
            secrets.append(filled)
        secrets.extend(url_secrets(filled))
        return filled

    return _mapped(document, text, ()), [secret for secret in secrets if secret]


def _mapped(data: Any, text: Any, path: Path) -> Any:
    if isinstance(data, str):
        return text(data, path)
    if isinstance(data, dict):
        return {key: _mapped(value, text, (*path, key)) for key, value in data.items()}
    if isinstance(data, list):
        return [_mapped(value, text, (*path, index)) for index, value in enumerate(data)]
    return data
