"""What pydantic finds wrong with an inventory's keys, said in the inventory's words and without its values."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

from ..secrets import secret_parts
from .lines import Key
from .problems import Problems, nearest

_CONNECTION = re.compile(r"\b(?:host|hostaddr|dbname|user|service)\s*=")


def note_validation(
    error: ValidationError,
    problems: Problems,
    here: Key,
    said: Mapping[str, Any],
    choices: Iterable[str],
    *,
    unsaid: str | None = None,
) -> None:
    """Note each error of a table once; `unsaid` names a key that the inventory leaves out."""
    choices = list(choices)
    messages: dict[Key, list[str]] = {}
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        loc = detail["loc"]
        match detail["type"]:
            case "extra_forbidden":
                hint = f"; {nearest(str(loc[-1]), choices)}" if len(loc) == 1 else ""
                path, message = tuple(loc), f"unknown key{hint}"
            case "missing":
                path, message = _said_part(loc[:-1], said), f"the key {loc[-1]!r} is needed"
            case _:
                message = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
                path = _said_part(loc, said)
        messages.setdefault(path, []).append(
            message[0].lower() + message[1:] if message.startswith("Input ") else message
        )
    for path, found in messages.items():
        place = path[1:] if unsaid is not None and path[:1] == (unsaid,) else path
        problems.add((*here, *place), ", or ".join(dict.fromkeys(found)))


def _said_part(loc: tuple[str | int, ...], said: Any) -> Key:
    """Return the part of a location that stands in the inventory: pydantic adds the branches of its own types."""
    path: list[str | int] = []
    for step in loc:
        if isinstance(said, dict | list):
            with contextlib.suppress(KeyError, IndexError, TypeError):
                said = said[step]  # type: ignore[index]  # of the wrong type it is caught
                path.append(step)
    return tuple(path)


def is_empty(value: object) -> bool:
    """Tell whether a key's value says nothing, or holds an entry that says nothing."""
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, list):
        return not value or any(isinstance(entry, str) and not entry.strip() for entry in value)
    return value == {}


def secrets_of(value: object) -> Iterator[str]:
    """Yield what the secret fields of a target hold; of a URL without a password nothing is secret."""
    match value:
        case SecretStr():
            text = value.get_secret_value()
            found = secret_parts(text)
            yield from found
            if not found and "://" not in text and not _CONNECTION.search(text):
                yield text
        case BaseModel():
            for name in type(value).model_fields:
                yield from secrets_of(getattr(value, name))
        case dict():
            for entry in value.values():
                yield from secrets_of(entry)
        case list() | tuple() | set() | frozenset():
            for entry in value:
                yield from secrets_of(entry)
        case _:
            return
