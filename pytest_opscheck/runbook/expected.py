"""The inventory's side of the comparison: each expectation with its links, its limits, and what it remembers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..core.limits import Limit
from ..inventory import Expectation, Inventory
from ..inventory.positions import Key
from ..judge.subject import runbook_link
from .headings import same
from .links import place
from .origins import Origin, Origins
from .values import inside, ladder_of

MARKDOWN = (".md", ".markdown", ".mdown", ".mkd")


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a page that can be read: its file, the path without links and dots, the anchor, and the key."""

    file: Path
    real: str
    anchor: str
    key: Key


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """An expectation; `where` is the file and the line that say it."""

    expectation: Expectation
    where: str
    links: tuple[Link, ...]
    origins: tuple[Origin, ...]

    @property
    def id(self) -> str:
        """For example `host.disk@prod`."""
        return self.expectation.id

    @property
    def limits(self) -> list[tuple[str, Limit]]:
        """Its limits, each with its severity."""
        return ladder_of(self.expectation.limits)

    @property
    def all_limits(self) -> list[tuple[str, Limit]]:
        """Its limits, and those of its paths, services and the like."""
        return [*self.limits, *inside(self.expectation.params)]

    def links_to(self, real: str, anchors: frozenset[str]) -> bool:
        """Tell whether it links to one of the sections of a page."""
        return any(link.real == real and same(link.anchor) in anchors for link in self.links)


class Linked:
    """Finds the files that links lead to. `first` stands in for a runbook that is not a file here."""

    def __init__(self, inventory: Inventory, first: Path | None) -> None:
        self._folder = inventory.file.parent
        self._base = inventory.runbook
        local = self._base is not None and not urlsplit(self._base).scheme
        self._first = None if local else first

    def link(self, written: str, key: Key) -> Link | None:
        """Return where a link leads, None where that is no page in Markdown that can be read."""
        if written.startswith("#") and self._first is not None:
            return _link(self._first, written[1:], key)
        try:
            parts = urlsplit(runbook_link(self._base, written) or "")
        except ValueError:
            return None
        path = unquote(parts.path)
        if parts.scheme or parts.netloc or not path.lower().endswith(MARKDOWN):
            return None
        return _link(self._folder / path, parts.fragment, key)


def _link(file: Path, anchor: str, key: Key) -> Link:
    return Link(file, os.path.realpath(file), unquote(anchor), key)


def expected(inventory: Inventory, first: Path | None = None) -> list[Expected]:
    """Return what an inventory expects."""
    origins, linked = Origins(inventory.written), Linked(inventory, first)
    return [_of(each, inventory, origins, linked) for each in inventory.expectations]


def _of(each: Expectation, inventory: Inventory, origins: Origins, linked: Linked) -> Expected:
    key = place(each)
    written = inventory.written.place(key)
    links = [linked.link(each_link, (*key, "runbook")) for each_link in each.runbooks]
    return Expected(
        each,
        f"{written.source.shown}:{written.line}",
        tuple(link for link in links if link is not None),
        origins.over(key),
    )


def files(inventory: Inventory, found: Sequence[Expected]) -> Mapping[str, tuple[Path, Key]]:
    """Return the pages in Markdown that an inventory names, by their paths, each with the key that does."""
    named: dict[str, tuple[Path, Key]] = {}
    for link in _links(inventory, found):
        named.setdefault(link.real, (link.file, link.key))
    return named


def _links(inventory: Inventory, found: Sequence[Expected]) -> Iterator[Link]:
    base = Linked(inventory, None).link(inventory.runbook or "", ("opscheck", "runbook"))
    if base is not None:
        yield base
    for each in found:
        yield from each.links
