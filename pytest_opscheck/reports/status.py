"""The status page: every suite with its newest verdict and its past, and what is not ok now, as far as is recorded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from ..core.humanize import counted, duration_text
from ..core.limits import SEVERITIES
from ..core.results import FAULT, INTERRUPTED, NOTHING_JUDGED, Run, Verdict
from ..core.visible import plain
from ..history import PastRun, Records, Standing
from ..inventory import Inventory
from ..inventory.model import Suite
from .broken import Broken, BrokenTarget, SlowTarget, broken, by_target, newest_words, slowest
from .earlier import EarlierPages
from .plot import said_at
from .strip import DAYS, Cell, Past
from .template import rendered

if TYPE_CHECKING:
    from ..core.schedule import Schedule

FILE = "index.html"
MARK = b"<meta name=generator content=pytest-opscheck>"
"""By this a status page is known: nobody else's file is written over."""
_LOOKED_BACK = 50
_LISTED = 20
_MOST_BROKEN = 500
_MOST_TARGETS = 200
"""Bounds on what is listed, for a page that has to open at once; the counts are of all."""
_STATUS = {
    0: "ok",
    1: "failed",
    INTERRUPTED: "interrupted",
    FAULT: "the checker itself failed",
    NOTHING_JUDGED: "nothing was judged",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """A run in the list of earlier ones."""

    when: str
    label: str
    classes: str
    link: str | None


@dataclass(frozen=True, slots=True)
class SuiteStatus:
    """One suite. `tone` is its colour; `late` says since when a run is missing, `late_at` when one will be."""

    name: str
    schedule: str
    tone: str
    verdict: str
    ran: str
    counts: str
    link: str | None
    late: str
    late_at: str
    due: str
    cells: tuple[Cell, ...]
    is_by_day: bool
    availability: str
    earlier: tuple[Moment, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """All that the page shows. `wrong` and `hit` are how many checks are not ok, and targets, whether listed or not."""

    name: str
    tone: str
    headline: str
    written: str
    problems: tuple[str, ...]
    suites: tuple[SuiteStatus, ...]
    broken: tuple[Broken, ...]
    wrong: int
    targets: tuple[BrokenTarget, ...]
    hit: int
    slow: tuple[SlowTarget, ...]


def page(status: Status, *, is_live: bool = False) -> str:
    """Return the page; one that is live is asked for again every minute."""
    return rendered(
        "status.html",
        ("look.css", "status.css"),
        "status.js",
        status=status,
        severities=SEVERITIES,
        is_live=is_live,
        days=DAYS,
    )


class Overview:
    """Asks the history what the page shows. `reports` is the folder in which it is, and those of the suites with it."""

    def __init__(self, inventory: Inventory, reports: Path, now: dt.datetime, ended: Run | None = None) -> None:
        self._inventory = inventory
        self._now = now
        self._ended = ended
        self._pages = EarlierPages(reports, None, now.tzinfo)
        self._lost: dict[str, dt.datetime] = {}

    def status(self, records: Records | None, problems: Sequence[str] = ()) -> Status:
        """Return what there is to show. Without a history it is of the run alone that has just ended."""
        runs = self._runs(records)
        announced = records.announced() if records is not None else []
        self._lost = {each.suite: each.deadline for each in announced if each.is_lost(self._now)}
        newest = {name: own[0] for name in self._inventory.suites if (own := _of_suite(runs, name))}
        standings = self._standings(records, {run.seq for run in newest.values()})
        words = newest_words(standings)
        wrong = self._broken(records, words, runs)
        worst = records.worst(self._telling(runs)) if records is not None else {}
        suites = tuple(
            self._suite(suite, Past(_of_suite(runs, suite.name), worst, self._pages, self._now.tzinfo), standings)
            for suite in self._inventory.suites.values()
            if suite.name in {*newest, *self._lost} or suite.schedule is not None
        )
        name = self._inventory.redactor.text(self._inventory.name)
        targets = by_target(wrong)
        tone, headline = _headline(suites, wrong)
        shown = tuple(plain(problem) for problem in problems)
        return Status(
            name=name,
            tone=tone,
            headline=headline,
            written=said_at(self._now, self._now.tzinfo) + f" {self._now:%Z}".rstrip(),
            problems=shown,
            suites=suites,
            broken=wrong[:_MOST_BROKEN],
            wrong=len(wrong),
            targets=targets[:_MOST_TARGETS],
            hit=len(targets),
            slow=slowest(words),
        )

    def _runs(self, records: Records | None) -> list[PastRun]:
        """Return the whole runs of the last time, and the newest of suites that have had none in it."""
        ended = [_past(self._ended)] if self._ended is not None and not self._ended.narrowed else []
        if records is None:
            return ended
        found = [run for run in records.runs(since=self._now - dt.timedelta(days=DAYS)) if not run.narrowed]
        for name in self._inventory.suites:
            if not _of_suite(found, name):
                older = records.runs(name, newest=_LOOKED_BACK)
                found += [run for run in older if not run.narrowed][:1]
        return [_settled(run, self._ended) for run in found]

    def unknown(self, why: str) -> Status:
        """Return what there is to show where the history does not answer: that it does not."""
        found = self.status(None, (why,))
        return replace(found, tone="red", headline="The history could not be read", suites=())

    def _telling(self, runs: Iterable[PastRun]) -> list[int]:
        """Return the runs that failed and of which the severity is shown: the newest ones, and the last of each day."""
        failed = [run for run in runs if run.exit_status == 1]
        last: dict[tuple[str, dt.date], int] = {}
        for run in failed:
            last.setdefault((run.suite, run.started.astimezone(self._now.tzinfo).date()), run.seq)
        return sorted({*last.values(), *(run.seq for run in failed[:DAYS])})

    def _standings(self, records: Records | None, seqs: Iterable[int]) -> list[Standing]:
        if records is not None:
            return list(records.standings(sorted(seqs)))
        return [
            Standing(each.id, 0, each.verdict, each.severity, each.message, each.pending, None, each.duration_s, 0)
            for each in (self._ended.results if self._ended is not None else ())
        ]

    def _broken(self, records: Records | None, words: list[Standing], runs: list[PastRun]) -> tuple[Broken, ...]:
        began = {run.seq: run.started for run in runs}
        wrong = [each for each in words if each.verdict in (Verdict.BREACH, Verdict.UNKNOWN)]
        abouts = records.abouts(each.about for each in wrong) if records is not None else {}

        def link(each: Standing) -> str | None:
            found = self._pages.of(began[each.seq]) if each.seq in began else None
            return f"{found}#{quote(plain(each.id))}" if found else None

        return broken(wrong, abouts, self._now, link)

    def _suite(self, suite: Suite, past: Past, standings: Iterable[Standing]) -> SuiteStatus:
        newest = past.runs[0] if past.runs else None
        schedule = suite.schedule
        lost = self._lost.get(suite.name)
        missing = lost or (schedule.settled(self._now) if schedule is not None else None)
        is_late = lost is not None or (missing is not None and (newest is None or newest.started < missing))
        by_day = _is_daily(schedule) or len(past.runs) > DAYS
        return SuiteStatus(
            name=suite.name,
            schedule=str(schedule) if schedule is not None else "",
            tone="late" if is_late or newest is None else past.cell(newest).classes,
            verdict=_STATUS.get(newest.exit_status, f"exit status {newest.exit_status}") if newest else "never ran",
            ran=self._ran(newest) if newest else "",
            counts=_counts(standings, newest) if newest else "",
            link=self._pages.of(newest.started) if newest else None,
            late=said_at(missing, self._now.tzinfo) if is_late and missing is not None and newest else "",
            late_at=f"{schedule.overdue(newest.started).timestamp():.0f}"
            if schedule and newest and not is_late
            else "",
            due=said_at(schedule.following(self._now), self._now.tzinfo) if schedule is not None else "",
            cells=past.cells(self._now.date(), by_day=by_day),
            is_by_day=by_day,
            availability=past.availability(),
            earlier=tuple(self._earlier(past)),
        )

    def _ran(self, run: PastRun) -> str:
        ago = duration_text(self._now - run.started)
        took = (run.finished - run.started).total_seconds()
        return f"{said_at(run.started, self._now.tzinfo)}, {ago} ago, in {took:.1f} s, on {plain(run.vantage)}"

    def _earlier(self, past: Past) -> Iterable[Moment]:
        for run in past.runs[:_LISTED]:
            cell = past.cell(run)
            yield Moment(said_at(run.started, self._now.tzinfo), cell.label.partition(": ")[2], cell.classes, cell.link)


def _is_daily(schedule: Schedule | None) -> bool:
    return schedule is not None and not schedule.weekdays and not schedule.dates


def _of_suite(runs: Iterable[PastRun], name: str) -> list[PastRun]:
    """Return the runs of a suite, be it alone or beside others."""
    return [run for run in runs if name in run.suite.split("+")]


def _past(run: Run) -> PastRun:
    return PastRun(
        0,
        run.id,
        run.suite or "",
        run.started,
        run.finished,
        run.exit_status,
        run.vantage,
        run.narrowed,
        run.hash or "",
    )


def _settled(run: PastRun, ended: Run | None) -> PastRun:
    """Return a run with the exit status that it has got since it was recorded."""
    return replace(run, exit_status=ended.exit_status) if ended is not None and ended.id == run.id else run


def _counts(standings: Iterable[Standing], run: PastRun) -> str:
    """Return the verdicts of a run."""
    found: dict[str, int] = {}
    for each in standings:
        if each.seq == run.seq:
            found[str(each.verdict)] = found.get(str(each.verdict), 0) + 1
    return ", ".join(f"{found[str(verdict)]} {verdict}" for verdict in Verdict if str(verdict) in found)


def _headline(suites: Sequence[SuiteStatus], wrong: Sequence[Broken]) -> tuple[str, str]:
    """Return the colour of the whole, and what it says in a sentence."""
    late = [suite.name for suite in suites if suite.tone == "late"]
    failed = [suite.name for suite in suites if suite.tone not in ("ok", "late")]
    parts = []
    if wrong:
        worst = min((each.severity for each in wrong if each.severity), default="")
        parts.append(f"{counted(len(wrong), 'check')} not ok" + (f", worst {worst}" if worst else ""))
    elif failed:
        parts.append(f"not ok: {', '.join(failed)}")
    if late:
        parts.append(f"overdue: {', '.join(late)}")
    if parts:
        return ("red" if failed or late else "yellow"), "; ".join(parts)
    return ("green", "All suites ok") if suites else ("yellow", "No suite has run yet")
