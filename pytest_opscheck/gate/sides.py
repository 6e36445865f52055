"""What was measured before and after a deploy, side by side: values, single times, and shares that failed."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..core.relative import RelativeLimit, parse_relative
from ..core.results import Measurement, Result, Run
from .values import Series, Tally


def relative_limits(measurement: Measurement) -> Iterator[tuple[str, RelativeLimit]]:
    """Yield the limits of a measurement that are relative to a baseline, the worst severity first."""
    for severity, expected in sorted(measurement.limits.items()):
        if (limit := parse_relative(expected)) is not None:
            yield severity, limit


Looks = Mapping[str, Sequence[Result]]
"""What each look saw of a check, by result id, the oldest first; a look that left it out has nothing."""


def results_by_id(looks: Iterable[Run]) -> Looks:
    """Return what looks saw, by result id."""
    found: dict[str, list[Result]] = {}
    for look in looks:
        for result in look.results:
            found.setdefault(result.id, []).append(result)
    return found


def sampled(result: Result) -> Measurement | None:
    """Return the measurement of a result that keeps its single times, or its share; None where none does."""
    return next((each for each in result.measurements if each.samples or each.share is not None), None)


def series(results: Sequence[Result]) -> Series:
    """Return the single times of several looks, each look a window, at most as many as are kept."""
    windows = (m.samples for result in results if (m := sampled(result)) is not None and m.samples)
    return Series(tuple(windows)).thinned()


def tally(results: Sequence[Result]) -> Tally:
    """Return how many requests failed in several looks, of how many."""
    shares = [m.share for result in results if (m := sampled(result)) is not None and m.share is not None]
    return Tally(sum(failed for failed, _ in shares), sum(asked for _, asked in shares))


@dataclass(frozen=True, slots=True)
class Level:
    """What a value was before the deploy: the median of the looks, and the least and the most that any of them saw."""

    median: float
    least: float
    most: float
    unit: str


def level(before: Sequence[Result], of: Measurement) -> Level | None:
    """Return what a measurement was before, in the same unit; None where nobody measured it."""
    found = [same.value for result in before if (same := _same(result, of)) is not None and _is_number(same.value)]
    return Level(statistics.median(found), min(found), max(found), of.unit) if found else None


def _same(result: Result, of: Measurement) -> Measurement | None:
    named = [each for each in result.measurements if each.subject == of.subject and each.unit == of.unit]
    if named:
        return named[0]
    only = result.measurements[0] if len(result.measurements) == 1 else None  # "of 412 rows": its subject may differ
    return only if only is not None and only.unit == of.unit else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
