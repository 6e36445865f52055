"""Reads what can be read of a file that is not TOML as a whole: table by table."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from .problems import Problems

_TABLE = re.compile(r"^(?=\s*\[)", re.MULTILINE)
_NAME = re.compile(r"\s*\[+\s*(?P<name>[A-Za-z0-9_-]+(?:\s*\.\s*[A-Za-z0-9_-]+)*)")
_DEEPEST = 50
_ANY = (("opscheck",), ("history",))
"""The tables that a nameless one may be and that change what the others mean: whose they are, and what was told."""


def parsed(text: str) -> dict[str, Any]:
    """Return what a TOML text says. Raises RecursionError where it is too deep."""
    return shallow(tomllib.loads(text))


def shallow(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document. Raises RecursionError for one so deep that no reader of it would get to its end."""
    level: list[Any] = [document]
    for _ in range(_DEEPEST):
        inner = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level = [each for one in inner for each in one]
        if not level:
            return document
    raise RecursionError


def salvaged(text: str, problems: Problems) -> dict[str, Any]:
    """Return the tables that can be read; of each other one it is noted that it can't."""
    document: dict[str, Any] = {}
    for part in _TABLE.split(text):
        try:
            _merge(document, parsed(part))
        except (ValueError, RecursionError):
            name = _NAME.match(part)
            for path in [tuple(re.split(r"\s*\.\s*", name["name"]))] if name else _ANY:
                problems.add(path, "it can't be read")
    return document


def _merge(document: dict[str, Any], found: Mapping[str, Any]) -> None:
    """Add tables to those that are there. Raises ValueError where something stands there already."""
    for key, value in found.items():
        there = document.setdefault(key, value)
        if there is value:
            continue
        if isinstance(there, dict) and isinstance(value, dict):
            _merge(there, value)
        elif isinstance(there, list) and isinstance(value, list):
            there += value
        else:
            raise ValueError(key)  # noqa: TRY004 - as of what is not TOML
