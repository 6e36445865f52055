"""Whether all requests have become slower: the ratio of typical times, and what it could be by chance alone."""

from __future__ import annotations

import math
from statistics import median

from . import sentences
from .interval import Interval, interval
from .needed import needed
from .percentiles import percentile
from .sufficiency import FEWEST_TO_GO, missing, why_no_times
from .values import MOST_SAMPLES, ONCE, Answer, Comparison, Figure, Series, Setting

_MEASURE = "shift"


def shift(before: Series, after: Series, tolerance: float, setting: Setting = ONCE) -> Comparison:
    """Judge whether all requests have become slower, by more than a share: 0.2 is 20 %."""
    why = why_no_times(before, after, tolerance, setting)
    if why is not None:
        lacks = missing(len(after), len(before), setting)
        return Comparison(_MEASURE, Answer.UNDECIDED, why, len(before), len(after), needed=lacks)
    found = interval(before, after, setting)
    answer = _answer(found, len(after), tolerance)
    typical = _typical(before, after, found)
    lacks = _needed(found, tolerance) if answer is Answer.UNDECIDED else None
    finds_from = found.finds_from(tolerance)
    return Comparison(
        _MEASURE,
        answer,
        _why(answer, typical, tolerance, lacks),
        len(before),
        len(after),
        (typical, _p95(before, after)),
        found.spread,
        finds_from,
        sentences.unseen_slowdown(finds_from, found.assumed_drift),
        lacks,
    )


def _answer(found: Interval, after: int, tolerance: float) -> Answer:
    """Return the answer that N requests after the deploy give, if the estimate stays as it is."""
    low, high = found.low.width(found.sizes, after), found.high.width(found.sizes, after)
    if low is not None and found.estimate > max(low, math.log1p(tolerance)):
        return Answer.ROLL_BACK
    if high is not None and after >= FEWEST_TO_GO and found.estimate + high < math.log1p(2 * tolerance):
        return Answer.GO
    return Answer.UNDECIDED


def _needed(found: Interval, tolerance: float) -> int | None:
    def decided(after: int) -> bool:
        return _answer(found, after, tolerance) is not Answer.UNDECIDED

    return needed(found.sizes.after, FEWEST_TO_GO, MOST_SAMPLES, decided)


def _typical(before: Series, after: Series, found: Interval) -> Figure:
    low, high = found.low.width(found.sizes, len(after)), found.high.width(found.sizes, len(after))
    return Figure(
        "typical time",
        "us",
        median(before.samples),
        median(after.samples),
        math.exp(found.estimate),
        None if low is None else math.exp(found.estimate - low),
        None if high is None else math.exp(found.estimate + high),
    )


def _p95(before: Series, after: Series) -> Figure:
    sides = [percentile(side.samples, 95) for side in (before, after)]
    return Figure("p95", "us", sides[0], sides[1], sides[1] / sides[0])


def _why(answer: Answer, typical: Figure, tolerance: float, lacks: int | None) -> str:
    if answer is Answer.ROLL_BACK:
        return sentences.slower(typical, tolerance)
    return sentences.as_fast(typical, tolerance) if answer is Answer.GO else sentences.perhaps_slower(typical, lacks)
