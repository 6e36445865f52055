"""Has results say who answers for them, where the inventory says it of their severity."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..core.duty import Duty
from ..core.results import Result, State, Verdict

_WRONG = (Verdict.BREACH, Verdict.UNKNOWN)


def with_duties(results: Iterable[Result], duties: Mapping[str, Duty], now: dt.datetime) -> tuple[Result, ...]:
    """Return results of which those that are not ok and count say who answers for them, and what is overdue."""
    if not duties:
        return tuple(results)
    return tuple(replace(result, duty=_duty(result, duties, now)) for result in results)


def _duty(result: Result, duties: Mapping[str, Duty], now: dt.datetime) -> Duty | None:
    if result.verdict not in _WRONG or result.pending or result.quiet is not None:
        return None
    duty = duties.get(result.severity or "")
    lasts = result.change is not None and result.change.state is State.ONGOING
    return duty.of(result.change.since, now) if duty and result.change and lasts else duty
