"""A runbook beside its inventory: the pages read, what each side says, and which expectation judges which statement."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..core.visible import plain
from ..inventory import Inventory
from ..inventory.positions import Key
from . import page as pages
from .blocks import Section
from .expected import Expected, expected, files
from .headings import anchors, same
from .importing import Imported, of_pages
from .matching import Matches, matched
from .origins import Origins, squeezed
from .page import Page, UnreadableError
from .stated import Sort, Stated, stated


@dataclass(frozen=True, eq=False)
class Compared:
    """Both sides. `missing` are the files that the inventory names and that are not there, with the key that does."""

    inventory: Inventory
    today: dt.date
    pages: Mapping[str, Page]
    """By their paths without links and dots."""
    missing: Mapping[str, tuple[Path, Key]]
    made: Imported
    stated: Sequence[Stated]
    expected: Sequence[Expected]
    matches: Matches

    @cached_property
    def real(self) -> Mapping[str, str]:
        """The paths of the pages by their names."""
        return {page.name: real for real, page in self.pages.items()}

    @cached_property
    def origins(self) -> Origins:
        """What of the runbook the inventory quotes."""
        return Origins(self.inventory.written)

    @cached_property
    def sections(self) -> Mapping[str, Sequence[Section]]:
        """The sections of each page, by its path."""
        return {self.real[reading.file]: reading.sections for reading in self.made.readings}

    @cached_property
    def anchors(self) -> Mapping[str, frozenset[str]]:
        """The anchors of each page, by its path."""
        return {real: frozenset(map(same, anchors(page.text))) for real, page in self.pages.items()}

    @cached_property
    def judged(self) -> Mapping[int, Sequence[Stated]]:
        """The statements that an expectation judges, by the expectation's identity."""
        found: dict[int, list[Stated]] = {}
        for place, judges in self.matches.items():
            for each in judges:
                found.setdefault(id(each), []).append(self.stated[place])
        return found

    def of(self, each: Expected) -> Sequence[Stated]:
        """Return the statements that an expectation judges."""
        return self.judged.get(id(each), ())

    def proposals(self) -> Iterator[tuple[Stated, Sequence[Expected]]]:
        """Yield what import reads, each with the expectations that judge it."""
        for place, judges in self.matches.items():
            if self.stated[place].sort is Sort.PROPOSAL:
                yield self.stated[place], judges

    def unread(self) -> Iterator[tuple[Stated, Sequence[Expected]]]:
        """Yield what import can't read, each with the expectations that judge it."""
        for place, judges in self.matches.items():
            if self.stated[place].sort is Sort.UNREAD:
                yield self.stated[place], judges

    @cached_property
    def _text(self) -> str:
        return "".join(squeezed(line, whole=True) for page in self.pages.values() for line in page.lines)

    def says(self, text: str) -> bool:
        """Tell whether the runbooks still say a text, however it is wrapped, numbered or emphasized."""
        return squeezed(text) in self._text

    def where(self, key: Key) -> str:
        """Return the file and the line of a key of the inventory."""
        place = self.inventory.written.place(key)
        return f"{plain(place.source.shown)}:{place.line}"


def compared(inventory: Inventory, named: Sequence[Path], today: dt.date) -> Compared:
    """Read the runbooks that are named, or those that an inventory names. Raises UnreadableError."""
    found = expected(inventory, named[0] if named else None)
    given: dict[str, tuple[Path, Key]] = {os.path.realpath(file): (file, ()) for file in named}
    wanted = given or dict(files(inventory, found))
    missing = {} if named else {real: lines for real, lines in wanted.items() if not lines[0].exists()}
    read = {real: pages.read(file) for real, (file, _) in wanted.items() if real not in missing}
    made = of_pages(list(read.values()), inventory.file, today=today)
    _refuse_marks(made)
    says = stated(made, [each for each in inventory.exempt if each.holds(today)])
    real = {page.name: path for path, page in read.items()}
    return Compared(inventory, today, read, missing, made, says, found, matched(says, found, real))


def _refuse_marks(made: Imported) -> None:
    """Refuse an exemption of the runbook that says no reason, or a last day that is none."""
    wrong = [mark for reading in made.readings for mark in reading.marks if mark.problem and not mark.over]
    if wrong:
        raise UnreadableError("\n".join(f"{mark.file}:{mark.line}: {mark.problem}" for mark in wrong))


def lines_of(made: Imported, anchor: str | None) -> Iterator[str]:
    """Yield the lines of a section, with those inside of it; without an anchor of all."""
    for line in made.lines:
        if anchor is None or any(same(each.anchor or "") == same(anchor) for each in line.section.path):
            yield line.text
