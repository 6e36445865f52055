"""Where each key of an inventory is written: in which of its files, on which line, and for which target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from .layers import Layers
from .positions import Key, Lines, locate, shown


@dataclass(eq=False)
class Source:
    """One file of an inventory: as messages name it, its text, and where it is."""

    shown: str
    text: str = ""
    file: Path = Path()

    @cached_property
    def lines(self) -> Lines:
        """The lines of its keys."""
        return locate(self.text)


@dataclass(frozen=True)
class Place:
    """Where a key is written, and the target that it is of where several may be made of what is written there."""

    source: Source
    path: Key
    target: Key | None = None

    @property
    def line(self) -> int:
        """The line of the key, or of what is around it."""
        return self.source.lines.of(self.path)

    def __str__(self) -> str:
        return f"{self.source.shown}:{self.line}: {shown(self.path)}"


@dataclass(eq=False)
class Written:
    """The files of an inventory, and which of its tables are in which.

    `main` is the inventory's own file; `owners` are the other files, by the tables that they hold: `("host", "prod")`.
    `layers` are the tables that targets are made of, by their keys, for those that are made of several.
    `fields` are those of the items that targets are, by their keys; `fielded` are the templates of items.
    `assumed` are the keys with a variable that was taken to be there, and each of these as it is written.
    """

    main: Source
    owners: dict[Key, Source] = field(default_factory=dict)
    layers: dict[Key, Layers] = field(default_factory=dict)
    fields: dict[Key, Mapping[str, str]] = field(default_factory=dict)
    fielded: frozenset[str] = frozenset()
    assumed: dict[Key, set[str]] = field(default_factory=dict)

    sources: list[Source] = field(init=False)
    """Every file, in the order in which they are read."""

    def __post_init__(self) -> None:
        self.sources = [self.main]

    @property
    def has_variables(self) -> bool:
        """Whether anything of it may be read from the environment."""
        return any("${" in source.text for source in self.sources)

    def place(self, path: Key) -> Place:
        """Return where a key is written, be it one of a template's or a group's."""
        layers = self.layers.get(path[:2])
        path_written = path if layers is None else layers.written(path[2:])
        return self.placed(path_written, path[:2] if path_written[:2] != path[:2] else None)

    def placed(self, path: Key, target: Key | None = None) -> Place:
        """Return where a key is, as it is written."""
        return Place(self.owners.get(path[:2], self.main), path, target)

    def users(self, path: Key) -> list[Key]:
        """Return the targets that have a key out of a template, a group or defaults."""
        return [
            target
            for target, layers in self.layers.items()
            if target != path[:2]
            and any(layer.path == path[:2] for layer in layers.layers)
            and layers.written(path[2:]) == path
        ]
