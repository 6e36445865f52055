"""The past verdicts of a suite as a strip of cells: a day each where it runs by itself or often, else a run each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..core.humanize import counted
from ..core.results import FAULT, NOTHING_JUDGED
from ..history import PastRun
from .earlier import EarlierPages
from .plot import said_at

DAYS = 90
_FAILED = 1
_BADNESS = (0, NOTHING_JUDGED, FAULT, _FAILED)
"""Exit statuses, the worst last; one that is not among them is worse than a fault and better than a breach."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One day, or one run. `mark` and `classes` are its look, `said` is what it stands for."""

    classes: str
    mark: str
    label: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """The whole runs of one suite, the newest first, and the worst severity of those that failed, by their place."""

    runs: Sequence[PastRun]
    worst: Mapping[int, str]
    pages: EarlierPages
    zone: dt.tzinfo | None

    def cells(self, today: dt.date, *, by_day: bool) -> tuple[Cell, ...]:
        """Return the strip, the oldest first."""
        return tuple(self._by_day(today)) if by_day else tuple(map(self.cell, reversed(self.runs[:DAYS])))

    def availability(self) -> str:
        """Return how many of the runs were well: `98.9 % of 180 runs ok`; nothing where none says."""
        told = [run for run in self.runs if run.exit_status in (0, _FAILED)]
        if not told:
            return ""
        share = 100 * sum(run.exit_status == 0 for run in told) / len(told)
        rounded = f"{share:.1f}".removesuffix(".0") if share in (0, 100) else f"{min(max(share, 0.1), 99.9):.1f}"
        return f"{rounded} % of {counted(len(told), 'run')} ok"

    def _by_day(self, today: dt.date) -> Iterator[Cell]:
        days: dict[dt.date, list[PastRun]] = {}
        for run in self.runs:
            days.setdefault(run.started.astimezone(self.zone).date(), []).append(run)
        first = max(min(days, default=today), today - dt.timedelta(days=DAYS - 1))
        for number in range((today - first).days + 1):
            day = first + dt.timedelta(days=number)
            yield self._of_day(day, days.get(day, ()))

    def _of_day(self, day: dt.date, runs: Sequence[PastRun]) -> Cell:
        if not runs:
            return Cell("none", "", f"{day}: no run")
        worst = max(runs, key=lambda run: (_badness(run.exit_status), -int(self.worst.get(run.seq, "P9")[1:])))
        failed = sum(run.exit_status == _FAILED for run in runs)
        severity = f", worst {self.worst[worst.seq]}" if worst.seq in self.worst else ""
        label = f"{day}: {counted(len(runs), 'run')}, {f'{failed} failed{severity}' if failed else 'none failed'}"
        return replace(self.cell(worst), label=label)

    def cell(self, run: PastRun) -> Cell:
        """Return the cell of a run."""
        when, link = said_at(run.started, self.zone), self.pages.of(run.started)
        if run.exit_status == 0:
            return Cell("ok", "", f"{when}: ok", link)
        if run.exit_status == _FAILED:
            severity = self.worst.get(run.seq, "")
            return Cell(
                severity or "failed",
                severity[1:] or "!",
                f"{when}: failed{f', worst {severity}' if severity else ''}",
                link,
            )
        words = {NOTHING_JUDGED: "nothing was judged", FAULT: "the checker itself failed"}
        return Cell("fault", "?", f"{when}: {words.get(run.exit_status, f'exit status {run.exit_status}')}", link)


def _badness(status: int) -> float:
    return _BADNESS.index(status) if status in _BADNESS else len(_BADNESS) - 1.5
