"""What a runbook states, one by one: what import proposes, what it can't read, what is procedure or exempt."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import groupby

from ..inventory.exempt import Exempt
from .blocks import Section
from .direction import Rung
from .entries import Entry
from .headings import same, slug
from .importing import Imported
from .origins import squeezed
from .statements import Fate, LineFate, Statement

_SHOWS = "nothing is expected of it"
"""Why a command that only shows something was not read: that states nothing."""
_LONGEST = 40


class Sort(Enum):
    """What a statement is."""

    PROPOSAL = "proposal"
    UNREAD = "not read"
    PROCEDURE = "procedure"
    EXEMPT = "exempt"


@dataclass(frozen=True, slots=True)
class Stated:
    """A statement. `check` is what import would have judge it, `why` the reason of what is exempt or was not read."""

    sort: Sort
    file: str
    line: int
    text: str
    section: Section
    check: str = ""
    subject: str = ""
    ordinal: int = 1
    rungs: tuple[Rung, ...] = ()
    statements: tuple[Statement, ...] = ()
    entry: Entry | None = field(default=None, repr=False)
    target: str = ""
    why: str = ""

    @property
    def id(self) -> str:
        """For example `every-morning/host.disk`: its anchor, its check, and what tells it from others of these."""
        more = [self.subject] if self.subject else []
        more += [str(self.ordinal)] if self.ordinal > 1 else []
        return "/".join([self.section.anchor or "", self.check, *more])

    @property
    def anchors(self) -> frozenset[str]:
        """The anchors of the sections in which it stands."""
        found = [each.anchor for each in self.statements] if self.statements else [self.section.anchor]
        return frozenset(same(anchor) for anchor in found if anchor)

    @property
    def is_sure(self) -> bool:
        """Whether import would write it as a check that is active."""
        return self.entry is not None and self.entry.status != "off"


def stated(made: Imported, exempt: Sequence[Exempt] = ()) -> list[Stated]:
    """Return what runbooks state, in the order of their lines."""
    fates = {(line.file, line.number): line for line in made.lines}
    found = [each for entry in made.entries for each in _of_entry(entry, made, fates, exempt)]
    taken = {(each.file, statement.line) for each in found for statement in each.statements}
    marks = {(mark.file, mark.line) for reading in made.readings for mark in reading.marks}
    lines = [line for line in made.lines if (line.file, line.number) not in taken | marks]
    found += [each for line in lines if (each := _of_line(line, exempt)) is not None]
    found += _exempt_by_mark(line for line in lines if line.fate is Fate.EXEMPT)
    files = {reading.file: place for place, reading in enumerate(made.readings)}
    return _counted(sorted(found, key=lambda each: (files.get(each.file, 0), each.line)))


def _of_entry(
    entry: Entry, made: Imported, fates: dict[tuple[str, int], LineFate], exempt: Sequence[Exempt]
) -> Iterator[Stated]:
    """Yield what a proposal states, and of its statements those that are exempt."""
    reasons = [(each, _why(each.text, each.section, exempt)) for each in entry.statements]
    left = [each for each, why in reasons if not why]
    for statement, why in reasons:
        if why:
            yield Stated(
                Sort.EXEMPT, statement.file, statement.line, statement.text, statement.section, entry.id, why=why
            )
    if not left:
        return
    first = min(left, key=lambda each: (each.file, each.line))
    section = next((each.section for each in left if each.section.anchor), first.section)
    fate = fates.get((first.file, first.line))
    is_procedure = entry.status == "off" and fate is not None and fate.fate is Fate.PROCEDURE
    sort = Sort.PROCEDURE if is_procedure else Sort.PROPOSAL
    subject = slug(entry.subject)[:_LONGEST].strip("-")
    yield Stated(
        sort,
        first.file,
        first.line,
        first.text,
        section,
        entry.id,
        subject,
        rungs=tuple(_rungs(entry, left)),
        statements=tuple(left),
        entry=entry,
        target=made.names.of_target(entry.target),
    )


def _rungs(entry: Entry, left: list[Statement]) -> Iterator[Rung]:
    """Yield the limits of a proposal that statements say which are not exempt."""
    gone = {each.line for each in entry.statements} - {each.line for each in left}
    said = [(severity, [rung]) for severity, rung in entry.limits.items()] + list(entry.contradictions.items())
    for severity, rungs in said:
        yield from (replace(rung, severity=severity) for rung in rungs if rung.line not in gone)


def _of_line(line: LineFate, exempt: Sequence[Exempt]) -> Stated | None:
    """Return what a line by itself states: one that was not read, or a procedure."""
    if line.fate not in (Fate.NOT_READ, Fate.PROCEDURE):
        return None
    made = Stated(Sort.UNREAD, line.file, line.number, line.text, line.section, why=line.reason)
    if line.fate is Fate.PROCEDURE or line.reason == _SHOWS:
        return replace(made, sort=Sort.PROCEDURE)
    why = _why(line.text, line.section, exempt)
    return replace(made, sort=Sort.EXEMPT, why=why) if why else made


def _exempt_by_mark(lines: Iterable[LineFate]) -> Iterator[Stated]:
    """Yield what a mark in the runbook exempts: neighbouring lines with the same reason are one."""
    for (file, section, why), group in groupby(lines, key=lambda line: (line.file, line.section, line.reason)):
        first = next((line for line in group if not line.text.startswith("#")), None)
        if first is not None:
            yield Stated(Sort.EXEMPT, file, first.number, first.text, section, why=why)


def _why(text: str, section: Section, exempt: Sequence[Exempt]) -> str:
    """Return the reason for which the inventory exempts a statement, nothing where it does not."""
    return next((each.why for each in exempt if exempts(each, text, section)), "")


def exempts(table: Exempt, text: str, section: Section) -> bool:
    """Tell whether a table of the inventory is of a statement: by its section, its text, or both."""
    anchors = {same(each.anchor) for each in section.path if each.anchor}
    if table.anchor is not None and same(table.anchor) not in anchors:
        return False
    return table.quote is None or squeezed(table.quote) in squeezed(text)


def _counted(found: list[Stated]) -> list[Stated]:
    """Return statements with a number each where several of a section are of one check and subject."""
    seen: Counter[tuple[str | None, str, str]] = Counter()
    made = []
    for each in found:
        if each.entry is not None:
            key = (each.section.anchor, each.check, each.subject)
            seen[key] += 1
            each = replace(each, ordinal=seen[key])  # noqa: PLW2901 - the same statement
        made.append(each)
    return made


def names_id(text: str, ids: Iterable[str]) -> bool:
    """Tell whether a text has one of the ids in it: [AP-08]."""
    return any(re.search(rf"(?<![\w-]){re.escape(each)}(?![\w-])", text) for each in ids)
