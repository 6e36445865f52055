"""Where each key of an inventory is written: in which of its files, on which line, and for which target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from .positions import Key, Lines, locate


@dataclass(eq=False)
class Source:
    """One file of an inventory: as messages name it, and its text."""

    shown: str
    text: str = ""

    @cached_property
    def lines(self) -> Lines:
        """The lines of its keys."""
        return locate(self.text)


@dataclass(frozen=True)
class Place:
    """Where a key is written."""

    source: Source
    path: Key

    @property
    def line(self) -> int:
        """The line of the key, or of what is around it."""
        return self.source.lines.of(self.path)


@dataclass(eq=False)
class Written:
    """The files of an inventory, and which of its tables are in which.

    `main` is the inventory's own file; `owners` are the other files, by the tables that they hold: `("host", "prod")`.
    """

    main: Source
    owners: dict[Key, Source] = field(default_factory=dict)

    @property
    def sources(self) -> Iterator[Source]:
        """Every file, once."""
        yield from dict.fromkeys((self.main, *self.owners.values()))

    def place(self, path: Key) -> Place:
        """Return where a key is written."""
        return Place(self.owners.get(path[:2], self.main), path)
