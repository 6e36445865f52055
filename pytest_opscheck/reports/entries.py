"""The results of a run as its page shows them: what of each, in which words, and how much of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.results import Measurement, Result, Run, State, Verdict
from ..core.visible import plain
from .context import ReportContext
from .earlier import EarlierPages
from .links import Links
from .past import Pasts, ShownPast
from .phrases import after, change, covers, duty, line, lines, short, word
from .plot import Plot, plot
from .template import kept_lines

if TYPE_CHECKING:
    from markupsafe import Markup

_MOST_AT_LENGTH = 500
"""So many results that are not ok are shown with all that people read of one; of those behind, a line."""
_MOST_LINES = 10_000
_MOST_PLOTS = 3_000
_MOST_FULL_PLOTS = 300
"""Bounds on a page of thousands of results, which still has to open at once on a phone."""
_MOST_TRACES = 50
_MOST_MEASUREMENTS = 5
_SHORT = 120
_LONGEST_TRACE = 4_000


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that was observed, what should have been, and its past."""

    observed: str
    expected: str = ""
    severity: str = ""
    plot: Plot | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What to do next; `link` is where the runbook's page is, where that is known."""

    action: str
    runbook: str
    link: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One result. `more` is how many of its measurements are not shown."""

    id: str
    name: str
    word: str
    severity: str
    since: str
    notes: tuple[str, ...]
    seen: tuple[Seen, ...]
    more: int = 0
    duty: str = ""
    is_overdue: bool = False
    step: Step | None = None
    trace: Markup | None = None
    blocked_by: str = ""
    past: ShownPast | None = None

    @property
    def classes(self) -> str:
        """What its look is chosen by."""
        return f"{self.word.lower()} {self.severity}".rstrip()


class Entries:
    """Makes entries, and counts what it has shown, for a page's size is bounded."""

    def __init__(self, run: Run, links: Links, beside: ReportContext) -> None:
        self._run = run
        self._links = links
        self._beside = beside
        self._pasts = Pasts(run, beside, EarlierPages.beside(links.folder, run.started.tzinfo))
        self._plots = self._traces = self._shown = 0
        measured = sum(min(len(result.measurements), _MOST_MEASUREMENTS) for result in run.results)
        self._is_large = measured > _MOST_LINES

    def card(self, result: Result) -> Entry:
        """Return a result that is not ok."""
        self._shown += 1
        at_length = self._shown <= _MOST_AT_LENGTH
        since = change(result, self._run.started)
        notes = self._notes(result) if at_length else ()
        since = "" if since == State.NEW else since  # as the section says
        if was := self._beside.worse.get(result.id):
            since = f"it was {was}, {since}"
        step = self._step(result) if at_length else None
        return self._entry(result, since, notes, at_length=at_length, step=step, trace=self._trace(result))

    def again(self, result: Result) -> Entry:
        """Return a result that is ok again."""
        return self._entry(result, after(result, self._run.started), (), at_length=True)

    def row(self, result: Result) -> Entry:
        """Return a result that wants no attention."""
        step = self._linked_step(result) if not self._is_large else None
        return self._entry(result, "", (), at_length=not self._is_large, step=step)

    def _entry(
        self,
        result: Result,
        since: str,
        notes: tuple[str, ...],
        *,
        at_length: bool,
        step: Step | None = None,
        trace: Markup | None = None,
    ) -> Entry:
        shown = _shown(result)
        most = _MOST_MEASUREMENTS if at_length else 1
        is_full = self._plots < _MOST_FULL_PLOTS
        seen = tuple(self._seen(result, shown[:most], at_length=at_length, is_full=is_full))
        drawn = [measurement for measurement, each in zip(shown, seen, strict=False) if each.plot is not None]
        return Entry(
            id=plain(result.id),
            name=result.id + covers(result),
            word=word(result),
            severity=result.severity or "",
            since=since,
            notes=notes,
            seen=seen,
            more=max(0, len(shown) - most),
            duty=duty(result),
            is_overdue=result.duty is not None and result.duty.overdue_since is not None,
            step=step,
            trace=trace,
            blocked_by=plain(result.blocked_by or "") if result.verdict is Verdict.BLOCKED else "",
            past=self._pasts.of(result, drawn) if is_full else None,
        )

    @staticmethod
    def _notes(result: Result) -> tuple[str, ...]:
        tried = f"at attempt {result.attempts}" if result.attempts > 1 else ""
        seen = f"seen from {result.vantage}" if result.vantage is not None else ""
        return tuple(note for note in (plain(result.title + covers(result)), seen, result.pending or "", tried) if note)

    def _seen(self, result: Result, shown: list[Measurement], *, at_length: bool, is_full: bool) -> Iterator[Seen]:
        """Yield what was observed; of a result that is ok each value, else what is not ok."""
        longest = {} if at_length else {"longest": _SHORT}
        if not shown:
            yield from (Seen(short(seen.observed, **longest)) for seen in lines(result))
        several = len({measurement.breached for measurement in shown}) > 1
        for measurement in shown:
            seen = line(measurement)
            severity = measurement.breached if several and measurement.breached else ""
            drawn = self._plot(result, measurement, is_full=is_full)
            yield Seen(short(seen.observed, **longest), seen.expected, severity, drawn)

    def _plot(self, result: Result, measurement: Measurement, *, is_full: bool) -> Plot | None:
        points = self._beside.points.get((result.id, measurement.subject), ())
        if not points or self._plots >= _MOST_PLOTS:
            return None
        drawn = plot(measurement, points, self._run.started.tzinfo, is_full=is_full)
        self._plots += drawn is not None
        return drawn

    def _step(self, result: Result) -> Step | None:
        if not result.action and not result.runbook:
            return None
        link = self._links.to(result.runbook) if result.runbook else None
        return Step(result.action or "", result.runbook or "", link)

    def _linked_step(self, result: Result) -> Step | None:
        """Return the step of the runbook that a result is of, where a link leads to just that."""
        step = self._step(result)
        return step if step is not None and step.link is not None and "#" in step.link else None

    def _trace(self, result: Result) -> Markup | None:
        trace = self._beside.traces.get(result.id)
        if not trace or self._traces >= _MOST_TRACES:
            return None
        self._traces += 1
        return kept_lines(short(trace, _LONGEST_TRACE))


def _shown(result: Result) -> list[Measurement]:
    """Return the measurements that tell: all where all are well, else those that are not, the worst first."""
    bad = [m for m in result.measurements if m.breached] + [m for m in result.measurements if m.problem]
    if result.verdict is Verdict.OK:
        return list(result.measurements)
    return sorted(bad, key=lambda measurement: measurement.breached or "P9")
