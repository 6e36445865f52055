"""Puts a target together of what its defaults, its template, its group and its own table say; the last word counts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from .positions import Key

EXPECT = "expect"


@dataclass(frozen=True)
class Layer:
    """A table that says something of targets, and where it is written: `("template", "web")`."""

    path: Key
    table: Mapping[str, Any]


@dataclass(frozen=True)
class Layers:
    """The tables that a target is made of, the last word last. `families` are its kind's user-defined questions.

    Tables merge by key. An expectation is replaced whole, and so is each key of a question: half a ladder of one layer
    and half of another is what nobody has written.
    """

    layers: tuple[Layer, ...]
    families: Collection[str]

    def under(self, layer: Layer) -> Layers:
        """Return them with one more, which has the last word."""
        return Layers((*self.layers, layer), self.families)

    def merged(self) -> dict[str, Any]:
        """Return what they say together."""
        made: dict[str, Any] = {}
        for layer in self.layers:
            made = self._over(made, layer.table, ())
        return made

    def written(self, path: Key) -> Key:
        """Return where a key of the target, or what is around it, is written."""
        saying, depth, tables = self.layers, 0, [layer.table for layer in self.layers]
        while depth < len(path):
            inner = [(layer, _at(table, path[depth])) for layer, table in zip(saying, tables, strict=True)]
            found = [(layer, value) for layer, value in inner if value is not _NOTHING]
            if not found:
                break
            if not self.merges(path[: depth + 1]):
                found = found[-1:]
            saying, tables = tuple(layer for layer, _ in found), [value for _, value in found]
            depth += 1
        return (*saying[-1].path, *path[:depth])

    def saying(self, path: Key) -> list[Key]:
        """Return where a key is written, by each of the tables that say it, the last word last."""
        return [(*layer.path, *path) for layer in self.layers if _says(layer.table, path)]

    def _over(self, below: Mapping[str, Any], above: Mapping[str, Any], path: Key) -> dict[str, Any]:
        """Return a table with another one put over it."""
        made = dict(below)
        for key, value in above.items():
            here = (*path, key)
            there = made.get(key)
            if isinstance(value, dict) and isinstance(there, dict) and self.merges(here):
                made[key] = self._over(there, value, here)
            elif value is False and self._switches_off(here, there):
                del made[key]
            else:
                made[key] = value
        return made

    def merges(self, path: Key) -> bool:
        """Tell whether tables at a key merge."""
        if path[0] == EXPECT:
            return len(path) == 1
        return len(path) <= 2 if path[0] in self.families else True  # noqa: PLR2004 - a question's family, and its name

    def _switches_off(self, path: Key, there: object) -> bool:
        """Tell whether `false` takes away what is there, rather than being its value: as it is of an expectation."""
        return path[0] != EXPECT and there is not None and not isinstance(there, bool)


def _says(table: Any, path: Key) -> bool:
    for step in path:
        table = _at(table, step)
    return table is not _NOTHING


_NOTHING = object()


def _at(table: Any, step: str | int) -> Any:
    if isinstance(table, dict):
        return table.get(step, _NOTHING)
    if isinstance(table, list) and isinstance(step, int) and step < len(table):
        return table[step]
    return _NOTHING
