"""What was due to be checked over a time, what was, what came of it, and what is missing: for an audit."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.results import Verdict
from ..core.schedule import Schedule
from ..history import Announced, Judged, PastRun, Records
from ..inventory import Inventory

QUIET = (Verdict.WAIVED, Verdict.MAINTENANCE)


@dataclass(frozen=True)
class Reason:
    """Why results were waived or in maintenance, by whom, and how many were."""

    verdict: Verdict
    text: str
    times: int


@dataclass(frozen=True)
class Line:
    """One expectation over the time.

    `due` and `missing` are None where no suite of it says when it runs. `missing` counts the times at which it was due
    and of which there is no result of it, whether or not the rest of the suite ran.
    """

    id: str
    suites: tuple[str, ...]
    due: int | None
    missing: int | None
    verdicts: Mapping[Verdict, int]
    reasons: tuple[Reason, ...]
    first: dt.datetime | None
    last: dt.datetime | None
    is_expected: bool
    """Whether the inventory has it now: otherwise it is a user-defined check, or one that was taken out."""

    @property
    def ran(self) -> int:
        """How many results there are."""
        return sum(self.verdicts.values())


@dataclass(frozen=True)
class Gap:
    """Runs of a suite that are missing, one after the other."""

    suite: str
    first: dt.datetime
    last: dt.datetime
    runs: int


@dataclass(frozen=True)
class SuiteLine:
    """One suite over the time; `due` and `missed` are None where nothing says when it runs."""

    name: str
    schedule: str | None
    due: int | None
    missed: int | None
    whole: int
    narrowed: int


@dataclass(frozen=True)
class Compliance:
    """What a time came to. `until` is not part of it; what is due later than `settled` may still be under way."""

    inventory: str
    since: dt.datetime
    until: dt.datetime
    settled: dt.datetime
    suites: tuple[SuiteLine, ...]
    lines: tuple[Line, ...]
    gaps: tuple[Gap, ...]


@dataclass
class _Due:
    """When a suite was due, and at which of these times whole runs of it began, in all and of each check."""

    schedule: Schedule
    moments: list[dt.datetime]
    ran: bytearray = field(init=False)
    judged: dict[str, bytearray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ran = bytearray(len(self.moments))

    def place(self, started: dt.datetime) -> int | None:
        """Return for which of the times a run was: the last one before it. None where it was for none of them."""
        found = bisect_right(self.moments, started) - 1
        if found < 0 or (found == len(self.moments) - 1 and started >= self.schedule.following(self.moments[found])):
            return None
        return found

    def missing(self, name: str) -> int:
        """Return at how many of the times there is no result of a check."""
        return len(self.moments) - sum(self.judged.get(name, b""))


def audited(
    inventory: Inventory, records: Records, since: dt.datetime, until: dt.datetime, suite: str | None
) -> Compliance:
    """Return what came of the time from `since` to before `until`, of one suite or all."""
    now = inventory.now()
    names = [suite] if suite is not None else list(inventory.suites)
    dues = {
        name: _due(schedule, since, min(until, now))
        for name in names
        if (schedule := inventory.suites[name].schedule) is not None
    }
    later = max((due.schedule.patience for due in dues.values()), default=dt.timedelta())
    runs = [each for each in records.runs(since=since, until=until + later) if set(each.suite.split("+")) & set(names)]
    whole = [run for run in runs if not run.narrowed]
    tally = _tallied(records, whole, dues, until)
    lines = _lines(inventory, records, names, dues, tally)
    announced = [each for each in records.announced(since) if each.at < until and each.suite not in dues]
    suites = tuple(
        _suite(inventory, name, dues.get(name), [run for run in runs if run.started < until], announced)
        for name in names
    )
    gaps = sorted(
        [gap for name, due in dues.items() for gap in _gaps(name, due)]
        + [Gap(each.suite, each.at, each.at, 1) for each in announced if each.suite in names and each.is_lost(now)],
        key=lambda gap: (gap.first, gap.suite),
    )
    name = inventory.redactor.text(inventory.name)
    return Compliance(name, since, until, min(until, now - later), suites, tuple(lines), tuple(gaps))


def _due(schedule: Schedule, since: dt.datetime, until: dt.datetime) -> _Due:
    """Return when a suite was due, as far as a run of that time has ended by now."""
    settled = min(until, dt.datetime.now(dt.UTC) - schedule.patience)
    return _Due(schedule, list(schedule.between(since, settled)) if since < settled else [])


def _tallied(records: Records, runs: Sequence[PastRun], dues: Mapping[str, _Due], until: dt.datetime) -> _Tally:
    """Count the results of whole runs, and note at which times that were due there are any."""
    by_seq = {run.seq: run for run in runs}
    places = {run.seq: list(_places(run, dues)) for run in runs}
    for found in places.values():
        for due, place in found:
            due.ran[place] = 1
    tally = _Tally()
    for judged in records.judged(sorted(by_seq)):
        for due, place in places[judged.seq]:
            due.judged.setdefault(judged.id, bytearray(len(due.moments)))[place] = 1
        if by_seq[judged.seq].started < until:
            tally.add(judged, by_seq[judged.seq].started)
    return tally


def _lines(
    inventory: Inventory, records: Records, names: Sequence[str], dues: Mapping[str, _Due], tally: _Tally
) -> Iterator[Line]:
    abouts = records.abouts([about for _, about, _ in tally.quiet] + list(tally.newest.values()))
    expected = {e.id: e.suites for e in inventory.expectations if set(e.suites) & set(names)}
    recorded = {name: tuple(abouts.get(about, {}).get("suites", ())) for name, about in tally.newest.items()}
    for name in sorted({*expected, *recorded}):
        suites = tuple(each for each in expected.get(name) or recorded.get(name, ()) if each in names)
        own = [dues[each] for each in suites if each in dues]
        yield Line(
            name,
            suites,
            sum(len(due.moments) for due in own) if own else None,
            sum(due.missing(name) for due in own) if own else None,
            tally.verdicts.get(name, {}),
            tuple(_reasons(name, tally.quiet, abouts)),
            tally.first.get(name),
            tally.last.get(name),
            name in expected,
        )


def _places(run: PastRun, dues: Mapping[str, _Due]) -> Iterator[tuple[_Due, int]]:
    for name in run.suite.split("+"):
        if name in dues and (place := dues[name].place(run.started)) is not None:
            yield dues[name], place


@dataclass
class _Tally:
    """Results, counted by their check."""

    verdicts: dict[str, Counter[Verdict]] = field(default_factory=dict)
    quiet: Counter[tuple[str, int, Verdict]] = field(default_factory=Counter)
    newest: dict[str, int] = field(default_factory=dict)
    first: dict[str, dt.datetime] = field(default_factory=dict)
    last: dict[str, dt.datetime] = field(default_factory=dict)

    def add(self, judged: Judged, started: dt.datetime) -> None:
        self.verdicts.setdefault(judged.id, Counter())[judged.verdict] += 1
        if judged.verdict in QUIET:
            self.quiet[judged.id, judged.about, judged.verdict] += 1
        self.first[judged.id] = min(started, self.first.get(judged.id, started))
        if started >= self.last.get(judged.id, started):
            self.last[judged.id], self.newest[judged.id] = started, judged.about


def _reasons(
    name: str, quiet: Mapping[tuple[str, int, Verdict], int], abouts: Mapping[int, Mapping[str, Any]]
) -> Iterator[Reason]:
    """Yield why results of a check were waived or in maintenance, as they themselves say it."""
    found: Counter[tuple[Verdict, str]] = Counter()
    for (own, about, verdict), times in quiet.items():
        if own == name:
            found[verdict, _said(abouts.get(about, {}).get("quiet") or {})] += times
    for (verdict, text), times in sorted(found.items()):
        yield Reason(verdict, text, times)


def _said(quiet: Mapping[str, Any]) -> str:
    """Return who is responsible for it and why: `ann: replaced in May (OPS-7), until 2026-09-30`."""
    who = quiet.get("who") or quiet.get("by") or "nobody named"
    why = f": {quiet['why']}" if quiet.get("why") else ""
    ticket = f" ({quiet['ticket']})" if quiet.get("ticket") else ""
    return f"{who}{why}{ticket}" + (f", until {quiet['until']}" if quiet.get("until") else "")


def _suite(
    inventory: Inventory, name: str, due: _Due | None, runs: Iterable[PastRun], announced: Iterable[Announced]
) -> SuiteLine:
    own = [run for run in runs if name in run.suite.split("+")]
    narrowed = sum(run.narrowed for run in own)
    schedule, now = inventory.suites[name].schedule, inventory.now()
    told = [each.is_lost(now) for each in announced if each.suite == name]
    return SuiteLine(
        name,
        str(schedule) if schedule is not None else "as announced" if told else None,
        len(due.moments) if due is not None else len(told) or None,
        due.ran.count(0) if due is not None else sum(told) if told else None,
        len(own) - narrowed,
        narrowed,
    )


def _gaps(name: str, due: _Due) -> Iterator[Gap]:
    """Yield the runs of a suite that are missing; those that follow each other as one."""
    begin: int | None = None
    for place, ran in enumerate((*due.ran, 1)):
        if not ran and begin is None:
            begin = place
        elif ran and begin is not None:
            yield Gap(name, due.moments[begin], due.moments[place - 1], place - begin)
            begin = None
