"""Finds the line of a key in a TOML document, which the standard library's parser does not tell."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

Path = tuple[str | int, ...]

_HEADER = re.compile(r"[ \t]*(\[\[?)(.+?)\]\]?[ \t]*(?:#.*)?$")
_KEY = re.compile(r"""[ \t]*((?:"(?:\\.|[^"\\])*"|'[^']*'|[A-Za-z0-9_-]+|[ \t]*\.[ \t]*)+)[ \t]*=""")
_TOKEN = re.compile(r'"""(?:\\.|(?!""").)*"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}\n]', re.DOTALL)


@dataclass(frozen=True)
class Lines:
    """The line of every key of a valid TOML document."""

    known: Mapping[Path, int]

    def of(self, path: Path) -> int:
        """Return the line (from 1) of a key, or of the nearest key or table around it; 1 where there is none."""
        while path:
            if path in self.known:
                return self.known[path]
            path = path[:-1]
        return 1


def locate(text: str) -> Lines:
    """Find the keys of a document that the standard parser has read without an error."""
    known: dict[Path, int] = {}
    table: Path = ()
    arrays: dict[Path, int] = {}
    position = 0
    while position < len(text):
        end = text.find("\n", position)
        line = text[position : len(text) if end < 0 else end]
        number = text.count("\n", 0, position) + 1
        if header := _HEADER.match(line):
            table = _keys(header[2])
            if header[1] == "[[":
                index = arrays[table] = arrays.get(table, -1) + 1
                table = (*table, index)
            _note(known, table, number)
            position += len(line) + 1
        elif key := _KEY.match(line):
            _note(known, (*table, *_keys(key[1])), number)
            position = _end_of_value(text, position + key.end())
        else:
            position += len(line) + 1
    return Lines(known)


def _note(known: dict[Path, int], path: Path, number: int) -> None:
    """Note a key's line, and that of every table which it opens."""
    for length in range(1, len(path) + 1):
        known.setdefault(path[:length], number)


def _keys(dotted: str) -> Path:
    """Split a dotted key as TOML does, by having TOML do it."""
    data: object = tomllib.loads(f"{dotted} = 0")
    keys: list[str] = []
    while isinstance(data, dict):
        key, data = next(iter(data.items()))
        keys.append(key)
    return tuple(keys)


def _end_of_value(text: str, position: int) -> int:
    """Return where the statement after a value starts: behind the first line end outside of brackets and strings."""
    depth = 0
    for token in _TOKEN.finditer(text, position):
        match token[0]:
            case "[" | "{":
                depth += 1
            case "]" | "}":
                depth -= 1
            case "\n" if depth <= 0:
                return token.end()
    return len(text)
