"""Finds the line of a key in a TOML document, which the standard library's parser does not tell."""

from __future__ import annotations

import contextlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

Key = tuple[str | int, ...]

_SIMPLE_KEY = r"""(?:"(?:\\.|[^"\\\n])*"|'[^'\n]*'|[A-Za-z0-9_-]+)"""
_KEY = re.compile(rf"{_SIMPLE_KEY}(?:[ \t]*\.[ \t]*{_SIMPLE_KEY})*")
_STEP = re.compile(_SIMPLE_KEY)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_STRING = re.compile(
    r'"""(?:\\.|(?!""").)*"{3,5}|'
    r"'''(?:(?!''').)*'{3,5}|"
    r'"(?:\\.|[^"\\\n])*"|'
    r"'[^'\n]*'",
    re.DOTALL,
)
_HEADER_END = re.compile(r"[^\n\]]*\]{0,2}")
_SCALAR = re.compile(r"[^\n,\]}#]+")


def shown(path: Key) -> str:
    """Return a key as TOML writes it, with the places of list entries: `redis.cache.expect.hit_rate[1].P2`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (
                step if _BARE_KEY.fullmatch(step) else json.dumps(step, ensure_ascii=False)
            )
    return text


@dataclass(frozen=True)
class Lines:
    """The line of every key and list entry of a valid TOML document."""

    known: Mapping[Key, int]

    def of(self, path: Key) -> int:
        """Return the line (from 1) of a key, or of the nearest key or table around it; 1 where there is none."""
        while path:
            if path in self.known:
                return self.known[path]
            path = path[:-1]
        return 1


def locate(text: str) -> Lines:
    """Find the keys of a document that the standard parser has read without an error."""
    reader = _Reader(text)
    with contextlib.suppress(RecursionError, tomllib.TOMLDecodeError):  # what was found so far is better than nothing
        reader.read()
    return Lines(reader.known)


class _Reader:
    """Walks a valid document, and notes the line on which each key stands first."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._counted = (0, 1)
        self.known: dict[Key, int] = {}
        self._entries: dict[Key, int] = {}

    def read(self) -> None:
        """Read to the end, or as far as the document is TOML as it is known here."""
        table: Key = ()
        while self._skip(_BLANK) < len(self._text):
            if self._text[self._position] == "[":
                table = self._header()
            elif not self._pair(table):
                return

    def _skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self._text, self._position)
        self._position = match.end() if match else self._position
        return self._position

    def _header(self) -> Key:
        array = self._text.startswith("[[", self._position)
        self._position += 2 if array else 1
        self._skip(_SPACE)
        keys = self._keys()
        path: Key = ()
        for number, key in enumerate(keys, start=1):
            path = (*path, key)
            if array and number == len(keys):
                self._note(path)
                self._entries[path] = self._entries.get(path, -1) + 1
            if path in self._entries:  # a table inside of an array's latest entry
                path = (*path, self._entries[path])
        self._note(path)
        self._skip(_HEADER_END)
        return path

    def _pair(self, table: Key) -> bool:
        keys = self._keys()
        self._skip(_SPACE)
        if not keys or self._text[self._position : self._position + 1] != "=":
            return False
        self._position += 1
        path = (*table, *keys)
        self._note(path)
        self._value(path)
        return True

    def _keys(self) -> list[str]:
        """Read a dotted key."""
        match = _KEY.match(self._text, self._position)
        if match is None:
            return []
        self._position = match.end()
        return [_unquoted(step) for step in _STEP.findall(match[0])]

    def _value(self, path: Key) -> None:
        self._skip(_SPACE)
        match self._text[self._position : self._position + 1]:
            case "[":
                self._list(path)
            case "{":
                self._inline_table(path)
            case '"' | "'":
                self._skip(_STRING)
            case _:
                self._skip(_SCALAR)

    def _list(self, path: Key) -> None:
        self._position += 1
        number = 0
        while (start := self._skip(_BLANK)) < len(self._text) and self._text[start] not in "]},":
            self._note((*path, number))
            self._value((*path, number))
            number += 1
            self._skip(_BLANK)
            self._position += self._text.startswith(",", self._position)
            if self._position == start:  # that is no value
                return
        self._position += 1

    def _inline_table(self, path: Key) -> None:
        self._position += 1
        while self._skip(_BLANK) < len(self._text) and self._text[self._position] != "}" and self._pair(path):
            self._skip(_BLANK)
            self._position += self._text.startswith(",", self._position)
        self._position += 1

    def _note(self, path: Key) -> None:
        """Note the line of a key, and that of every table which it opens."""
        counted, line = self._counted
        line += self._text.count("\n", counted, self._position)
        self._counted = (self._position, line)
        for length in range(1, len(path) + 1):
            self.known.setdefault(path[:length], line)


def _unquoted(step: str) -> str:
    if step[0] not in "\"'":
        return step
    value: str = tomllib.loads(f"key = {step}")["key"]
    return value
