"""Applies waivers and maintenance windows to a result: what it would have been stays in it."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ..core.results import Excuse, Result, Verdict
from .conclude import Judge
from .subject import Subject

if TYPE_CHECKING:
    from ..history import ManualMaintenance
    from ..inventory import Inventory
    from ..inventory.waivers import Waiver
    from ..inventory.windows import Open, Window, Zone

_EXCUSED = (Verdict.BREACH, Verdict.UNKNOWN, Verdict.BLOCKED)
"""What shows as maintenance inside a window: that a host can't be reached is what windows are for."""


class Excuses:
    """What one process of a run is quiet about."""

    def __init__(
        self,
        waivers: Iterable[Waiver],
        windows: Iterable[Window],
        begun: Callable[[], Iterable[Open]],
        zone: Zone,
        judge: Judge,
        *,
        is_gate: bool = False,
    ) -> None:
        """`begun` returns the windows that somebody began by hand; it is asked once, where a result is not ok.

        is_gate: whether the run decides on a deploy: then a window only silences who is told.
        """
        self._waivers = tuple(waivers)
        self._windows = tuple(windows)
        self._begun = functools.cache(lambda: tuple(begun()))
        self._zone = zone
        self._judge = judge
        self._is_gate = is_gate

    def applied(self, result: Result, subject: Subject, now: dt.datetime) -> Result:
        """Return a result as it counts at a moment: as it is, waived, or in maintenance.

        A window goes before a waiver: what is seen while somebody works on a target says nothing of what is waived.
        """
        if result.verdict not in _EXCUSED:
            return result
        found = next((each for each in self._open(now) if each.holds(result.id)), None)
        if found is not None and not self._is_gate:
            return in_maintenance(result, found)
        result = result if found is None else replace(result, quiet=_quiet(result, found))
        holding = (waiver for waiver in self._waivers if waiver.holds(now.date()))
        return waived(result, holding, subject, self._judge)

    def _open(self, now: dt.datetime) -> Iterator[Open]:
        for window in self._windows:
            if (found := window.open(now, self._zone)) is not None:
                yield found
        yield from (each for each in self._begun() if now < each.until)


def begun_by_hand(begun: Iterable[ManualMaintenance], inventory: Inventory) -> Iterator[Open]:
    """Yield the windows of maintenance that somebody began by hand."""
    for each in begun:
        from ..inventory.tagged import at
        from ..inventory.windows import Open

        results = at(each.targets, inventory.expectations) if each.targets else None
        until = each.ends.astimezone(inventory.timezone)
        yield Open(f"maintenance {each.number}", until, each.why, each.who, results)


def in_maintenance(result: Result, window: Open) -> Result:
    """Return a result that was seen inside of a window."""
    quiet = _quiet(result, window)
    reason = f"{window} ({result.verdict}: {result.message})"
    return replace(
        result, verdict=Verdict.MAINTENANCE, message=reason, fails=False, blocked_by=None, action=None, quiet=quiet
    )


def _quiet(result: Result, window: Open) -> Excuse:
    return Excuse(result.verdict, window.name, window.why, window.until.isoformat(timespec="seconds"), window.who)


def waived(result: Result, waivers: Iterable[Waiver], subject: Subject, judge: Judge) -> Result:
    """Return a breach without what is waived of it: another subject's stays one, and unknown stays unknown."""
    if result.verdict is not Verdict.BREACH:
        return result
    own = [waiver for waiver in waivers if waiver.is_of(result.id)]
    by = [next((w for w in own if m.breached and w.covers(m)), None) for m in result.measurements]
    marked = tuple(
        replace(m, waived=str(waiver)) if waiver else m for m, waiver in zip(result.measurements, by, strict=True)
    )
    used = list(dict.fromkeys(waiver for waiver in by if waiver is not None))
    if not used:
        return result
    reason = "; ".join(map(str, used))
    if not any((m.breached and not m.waived) or m.problem for m in marked):
        quiet = Excuse(
            Verdict.BREACH,
            "waiver",
            "; ".join(dict.fromkeys(each.reason for each in used)),
            str(min(each.until for each in used)),
            ", ".join(dict.fromkeys(each.owner for each in used)),
            ", ".join(dict.fromkeys(each.ticket for each in used if each.ticket)) or None,
        )
        message = f"{result.message}; {reason}"
        return replace(result, verdict=Verdict.WAIVED, message=message, measurements=marked, fails=False, quiet=quiet)
    rest = judge.conclude(subject, [m for m in marked if not m.waived])
    about = ", ".join(each.subject or each.about for each in used)
    return replace(
        rest,
        message=f"{rest.message}; {about}: {reason}",
        measurements=marked,
        attempts=result.attempts,
        duration_s=result.duration_s,
        counters=result.counters,
        quiet=result.quiet,
    )
