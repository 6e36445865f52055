"""Fills `${NAME}` and `${NAME:-default}` in from the environment, and remembers what came from there as secret."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..secrets import is_secret_key, secret_parts
from .lines import Key
from .problems import Problems

_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$\{)|\{(?:(?P<name>[^}:]*)(?::-(?P<default>[^}]*))?\})?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def expand(document: dict[str, Any], environment: Mapping[str, str], problems: Problems) -> dict[str, Any]:
    """Return a document with its variables filled in.

    The problems learn which values are secret: those that came in so, and those of password fields.
    """

    def text(said: str, path: Key) -> str:
        came_in = False

        def value(match: re.Match[str]) -> str:
            nonlocal came_in
            if match["escaped"]:
                return match["escaped"]
            came_in = True
            return _value(match, environment, path, problems)

        filled = _VARIABLE.sub(value, said)
        if came_in or (path and isinstance(path[-1], str) and is_secret_key(path[-1])):
            problems.keep_secret(path, filled)
        problems.keep_secret(path, *secret_parts(filled))
        return filled

    filled: dict[str, Any] = _mapped(document, text, ())
    return filled


def _value(match: re.Match[str], environment: Mapping[str, str], path: Key, problems: Problems) -> str:
    name, default = match["name"], match["default"]
    if name is None or not _NAME.fullmatch(name):
        problems.add_cause(
            path, "'${' without a name and '}'; write ${NAME} or ${NAME:-default}, or $${ for the text itself"
        )
        return ""
    found = environment.get(name) or default
    if found is None:
        state = "is empty" if name in environment else "is not set"
        problems.add_cause(path, f"the environment variable {name} {state}; set it, or write ${{{name}:-default}}")
        return ""
    problems.keep_secret(path, found)
    return found


def _mapped(data: Any, text: Callable[[str, Key], str], path: Key) -> Any:
    if isinstance(data, str):
        return text(data, path)
    if isinstance(data, dict):
        return {key: _mapped(value, text, (*path, key)) for key, value in data.items()}
    if isinstance(data, list):
        return [_mapped(value, text, (*path, index)) for index, value in enumerate(data)]
    return data
