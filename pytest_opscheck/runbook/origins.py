"""What an inventory remembers of its runbook: the lines that an import has quoted over each entry of the draft."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..core.masks import masked
from ..core.visible import plain
from ..inventory.positions import Key
from ..inventory.written import Source, Written
from .draft import TIMED, quote
from .quantities import read
from .values import Number, number_of

_ORIGIN = re.compile(r'\s*#\s*(?P<file>\S.*?):(?P<line>\d+) "(?P<text>.*)"\s*')
_TIMED = re.compile(rf"\s*\[(?:{'|'.join(TIMED)})\.")
_UNREAD = re.compile(r"\s*#\s+\d+ \((?P<why>.*?)\): (?P<text>.*)")
_MARK = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+")
_LOOK = re.compile(r"\s*#\s*look:")


def squeezed(text: str, *, whole: bool = False) -> str:
    """Return the letters and digits of a text, by which it is known however it is wrapped, numbered or emphasized.

    whole: of a long text all, and not only as much as is quoted.
    """
    line = plain(masked(text)) if whole else quote(text)
    return "".join(letter for letter in line.lower() if letter.isalnum())


def numbers(text: str) -> frozenset[Number]:
    """Return the limits that a text names."""
    return frozenset(number_of(each) for each in read(text) if each.use == "limit")


def unlisted(text: str) -> str:
    """Return a line without the mark of the list that it is in: whether it is the first there, says nothing."""
    return _MARK.sub("", text)


def all_numbers(text: str) -> frozenset[Number]:
    """Return the limits that a text names, and over how long they are meant."""
    return frozenset(number_of(each) for each in read(unlisted(text)) if each.use != "other")


@dataclass(frozen=True, slots=True)
class Origin:
    """A line of the runbook as a comment of the inventory quotes it."""

    file: str
    line: int
    text: str


class Origins:
    """The origins that the files of an inventory quote."""

    def __init__(self, written: Written) -> None:
        self._written = written
        self._lines: dict[int, list[str]] = {}
        self.known = frozenset(squeezed(origin.text) for source in written.sources for origin in self._all(source))
        """What of the runbook is quoted anywhere, also over what is commented out."""

    def _of(self, source: Source) -> list[str]:
        return self._lines.setdefault(id(source), source.text.split("\n"))

    def _all(self, source: Source) -> Iterator[Origin]:
        return (origin for line in self._of(source) if (origin := _origin(line)) is not None)

    @cached_property
    def numbers(self) -> frozenset[Number]:
        """Return the numbers in what is quoted."""
        origins = (origin for source in self._written.sources for origin in self._all(source))
        return frozenset(each for origin in origins for each in all_numbers(origin.text))

    @cached_property
    def unread(self) -> Sequence[tuple[str, str]]:
        """Return the lines that the draft lists as not read, each with the reason before it."""
        lines = (line for source in self._written.sources for line in self._of(source))
        return [(found["why"], found["text"]) for line in lines if (found := _UNREAD.fullmatch(line))]

    @cached_property
    def tables(self) -> Sequence[tuple[str, Origin]]:
        """Return the origins over tables that are no targets, such as [maintenance.week], each with its place."""
        found: list[tuple[str, Origin]] = []
        for source in self._written.sources:
            waiting: list[Origin] = []
            for number, line in enumerate(self._of(source), start=1):
                if _TIMED.match(line):
                    found += [(f"{source.shown}:{number}", origin) for origin in waiting]
                origin = _origin(line)
                waiting = [*waiting, origin] if origin is not None else waiting if _LOOK.match(line) else []
        return found

    def over(self, path: Key) -> tuple[Origin, ...]:
        """Return the origins over a key, none where it is not written itself."""
        place = self._written.place(path)
        if place.path not in place.source.lines.known:
            return ()
        found: list[Origin] = []
        for line in reversed(self._of(place.source)[: place.line - 1]):
            origin = _origin(line)
            if origin is None and not _LOOK.match(line):
                break
            found += [origin] if origin is not None else []
        return tuple(reversed(found))


def _origin(line: str) -> Origin | None:
    found = _ORIGIN.fullmatch(line)
    return Origin(found["file"], int(found["line"]), found["text"]) if found else None
