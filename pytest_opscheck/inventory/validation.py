"""What pydantic finds wrong with an inventory's keys, said in the inventory's words and without its values."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, SecretStr, ValidationError

from ..core.secrets import secrets_in
from .positions import Key
from .problems import Problems, meant, nearest

_NEEDED = {
    "bool": ("true or false", ""),
    "int": ("a whole number", "20"),
    "float": ("a number", "0.5"),
    "string": ("a text in quotes", ""),
    "dict": ("a table", '{ name = "value" }'),
    "list": ("a list", '["one", "another"]'),
    "tuple": ("a list", '["one", "another"]'),
}
"""What a key needs, and an example of it, by the first word of the type of pydantic's error."""
_WRONG_TYPE = re.compile(rf"({'|'.join(_NEEDED)})_(?:type|parsing|from_float)")
_PLAIN = re.compile(r"[\w./@*-]+")
if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def note_validation(
    error: ValidationError,
    problems: Problems,
    here: Key,
    table: Mapping[str, Any],
    choices: Iterable[str],
    *,
    unsaid: str | None = None,
) -> None:
    """Note each error of a table once; `unsaid` names a key that the inventory leaves out.

    A key that is needed and stands there misspelt is one error.
    """
    choices = list(choices)
    messages: dict[Key, list[str]] = {}
    types: dict[Key, list[str]] = {}
    details = error.errors(include_url=False, include_input=False)
    unknown = [str(each["loc"][0]) for each in details if each["type"] == "extra_forbidden" and len(each["loc"]) == 1]
    misspelt = {meant(key, choices) for key in unknown}
    for detail in details:
        loc = detail["loc"]
        match detail["type"]:
            case "extra_forbidden":
                hint = f"; {nearest(str(loc[-1]), choices)}" if len(loc) == 1 else ""
                path, message = tuple(loc), f"unknown key{hint}"
            case "missing" if len(loc) == 1 and loc[0] in misspelt:
                continue
            case "missing":
                path, message = _said_part(loc[:-1], table), f"the key {loc[-1]!r} is needed"
            case _:
                path = _said_part(loc, table)
                value = _at(path, table)
                if wrong_type := _WRONG_TYPE.fullmatch(detail["type"]):
                    types.setdefault(path, []).append(wrong_type[1])
                    continue
                message = _message(detail, value)
        messages.setdefault(path, []).append(message)
    for path, errors in types.items():
        messages.setdefault(path, []).append(_needed(errors, _at(path, table)))
    for path, found in messages.items():
        place = path[1:] if unsaid is not None and path[:1] == (unsaid,) else path
        problems.add((*here, *place), ", or ".join(dict.fromkeys(found)))


def _needed(errors: Collection[str], value: object) -> str:
    """Say what a key needs whose value is of another type, by the first words of the types of pydantic's errors."""
    needed = dict(_NEEDED[error] for error in errors)
    what, examples = " or ".join(needed), [example for example in needed.values() if example]
    if what == "a list" and ((isinstance(value, str) and _PLAIN.fullmatch(value)) or type(value) is int):
        examples = [json.dumps([value])]
    return f"{what} is needed" + (f": {examples[0]}" if len(needed) == 1 and examples else "")


def _message(detail: ErrorDetails, value: object) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "literal_error":
            return f"it must be {context['expected']}, not {value!r}"
        case "greater_than_equal":
            return f"{value!r} is too small; it must be at least {context['ge']:g}"
        case "less_than_equal":
            return f"{value!r} is too large; it must be at most {context['le']:g}"
        case "string_too_short" | "too_short":
            return "it is empty; give a value, or leave it out"
        case _:
            return detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")


def _at(path: Key, value: Any) -> Any:
    for step in path:
        value = value[step]
    return value


def _said_part(loc: tuple[str | int, ...], value: Any) -> Key:
    """Return the part of a location that stands in the inventory: pydantic adds the branches of its own types."""
    path: list[str | int] = []
    for step in loc:
        if isinstance(value, dict | list):
            with contextlib.suppress(KeyError, IndexError, TypeError):
                value = value[step]  # type: ignore[index]  # of the wrong type it is caught
                path.append(step)
    return tuple(path)


def is_empty(value: object) -> bool:
    """Tell whether a key's value says nothing, or holds an entry that says nothing."""
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, list):
        return not value or any(isinstance(entry, str) and not entry.strip() for entry in value)
    return value == {}


def secrets_of(value: object, key: str = "", name: str = "") -> Iterator[str]:
    """Yield what is secret of what the secret fields of a target of that name hold: addresses, headers."""
    match value:
        case SecretStr():
            yield from secrets_in(key, value.get_secret_value(), name)
        case BaseModel():
            for field in type(value).model_fields:
                yield from secrets_of(getattr(value, field), field, name)
        case dict():
            for field, entry in value.items():
                yield from secrets_of(entry, str(field), name)
        case list() | tuple() | set() | frozenset():
            for entry in value:
                yield from secrets_of(entry, key, name)
        case _:
            return
