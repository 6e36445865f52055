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
from .draft import TIMED
from .entries import Entry
from .headings import same, slug
from .importing import Imported
from .lock import statement_id
from .origins import squeezed, unlisted
from .statements import Fate, LineFate, Statement
from .words import Role

_SHOWS = "nothing is expected of it"
"""Why a command that only shows something was not read: that states nothing."""
UNREAD = "unread"
"""What stands in the place of a check where a line was not read."""
_REMEDIES = (Role.REMEDY, Role.ROLLBACK, Role.CONTACT)
_BY_LINE = ("no check for", "unknown command", "table row", "a block", "what a command", "a line that")
_BEGINS = re.compile(r"(?:[-*+|>#\u2022☐☑✅]|\d+[.)])")
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
        return statement_id(self.section.anchor or "", self.check, self.subject, self.ordinal)

    @property
    def is_known_by_id(self) -> bool:
        """Whether it is one that can be accepted: what is exempt, or procedure, need not be."""
        return self.entry is not None or self.sort is Sort.UNREAD

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
    found += [each for line in _whole(lines) if (each := _of_line(line, exempt)) is not None]
    found += _exempt_by_mark(line for line in lines if line.fate is Fate.EXEMPT)
    files = {reading.file: place for place, reading in enumerate(made.readings)}
    return _counted(sorted(found, key=lambda each: (files.get(each.file, 0), each.line)))


def _of_entry(
    entry: Entry, made: Imported, fates: dict[tuple[str, int], LineFate], exempt: Sequence[Exempt]
) -> Iterator[Stated]:
    """Yield what a proposal states, and of its statements those that are exempt."""
    reasons = [(each, _why(each.text, each.section, exempt)) for each in entry.statements]
    for each, why in reasons:
        if why:
            yield Stated(Sort.EXEMPT, each.file, each.line, each.text, each.section, entry.id, why=why)
    if left := [each for each, why in reasons if not why]:
        yield _proposed(entry, left, made, fates)


def _proposed(entry: Entry, left: list[Statement], made: Imported, fates: dict[tuple[str, int], LineFate]) -> Stated:
    """Return what the statements of a proposal that are not exempt state."""
    first = min(left, key=lambda each: (each.file, each.line))
    return Stated(
        Sort.PROCEDURE if _is_procedure(entry, left, fates.get((first.file, first.line))) else Sort.PROPOSAL,
        first.file,
        first.line,
        first.text,
        next((each.section for each in left if each.section.anchor), first.section),
        entry.id,
        slug(" ".join(sorted(entry.subject.split())))[:_LONGEST].strip("-"),
        rungs=tuple(_rungs(entry, left)),
        statements=tuple(left),
        entry=entry,
        target=made.names.of_target(entry.target),
    )


def _is_procedure(entry: Entry, left: list[Statement], fate: LineFate | None) -> bool:
    """Tell whether a proposal is something to do, not to expect: a remedy, a time at which something is done."""
    is_remedy = all(each.role in _REMEDIES for each in left) or (fate is not None and fate.fate is Fate.PROCEDURE)
    return (entry.status == "off" and is_remedy) or entry.target.kind in TIMED


def _rungs(entry: Entry, left: list[Statement]) -> Iterator[Rung]:
    """Yield the limits of a proposal that statements say which are not exempt."""
    gone = {each.line for each in entry.statements} - {each.line for each in left}
    rungs_of = [(severity, [rung]) for severity, rung in entry.limits.items()] + list(entry.contradictions.items())
    for severity, rungs in rungs_of:
        yield from (replace(rung, severity=severity) for rung in rungs if rung.line not in gone)


def _whole(lines: Iterable[LineFate]) -> Iterator[LineFate]:
    """Yield lines; those of one sentence that was not read as one."""
    last: LineFate | None = None
    end = 0
    for line in lines:
        if last is not None and line.number == end + 1 and _goes_on(last, line):
            last, end = replace(last, text=f"{last.text} {line.text}"), line.number
            continue
        if last is not None:
            yield last
        last, end = line, line.number
    if last is not None:
        yield last


def _goes_on(line: LineFate, following: LineFate) -> bool:
    """Tell whether a line goes on in the next: of code and tables each line is one by itself."""
    same_fate = (line.file, line.fate, line.reason) == (following.file, following.fate, following.reason)
    prose = line.fate is Fate.NOT_READ and not line.reason.startswith(_BY_LINE) and line.reason != _SHOWS
    return same_fate and prose and not _BEGINS.match(following.text)


def _of_line(line: LineFate, exempt: Sequence[Exempt]) -> Stated | None:
    """Return what a line by itself states: one that was not read, or a procedure."""
    if line.fate not in (Fate.NOT_READ, Fate.PROCEDURE):
        return None
    text = unlisted(line.text)
    subject = slug(text)[:_LONGEST].strip("-")
    made = Stated(Sort.UNREAD, line.file, line.number, text, line.section, UNREAD, subject, why=line.reason)
    if line.fate is Fate.PROCEDURE or line.reason == _SHOWS:
        return replace(made, sort=Sort.PROCEDURE)
    why = _why(line.text, line.section, exempt)
    return replace(made, sort=Sort.EXEMPT, why=why) if why else made


def _exempt_by_mark(lines: Iterable[LineFate]) -> Iterator[Stated]:
    """Yield what a mark in the runbook exempts: neighbouring lines with the same reason are one."""
    for (file, section, why), group in groupby(lines, key=lambda line: (line.file, line.section, line.reason)):
        first = next((line for line in group if not line.text.startswith("#")), None)
        if first is not None:
            yield Stated(Sort.EXEMPT, file, first.number, unlisted(first.text), section, why=why)


def _why(text: str, section: Section, exempt: Sequence[Exempt]) -> str:
    """Return the reason for which the inventory exempts a statement, nothing where it does not."""
    return next((each.why for each in exempt if _exempts(each, text, section)), "")


def _exempts(table: Exempt, text: str, section: Section) -> bool:
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
        if each.is_known_by_id:
            key = (each.section.anchor, each.check, each.subject)
            seen[key] += 1
            each = replace(each, ordinal=seen[key])  # noqa: PLW2901 - the same statement
        made.append(each)
    return made


def names_id(text: str, ids: Iterable[str]) -> bool:
    """Tell whether a text has one of the ids in it: [AP-08]."""
    return any(re.search(rf"(?<![\w-]){re.escape(each)}(?![\w-])", text) for each in ids)
