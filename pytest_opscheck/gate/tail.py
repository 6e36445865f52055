"""Whether more requests than before are far slower than the rest: shares over two thresholds that the baseline gives.

Both thresholds move with what all requests have in common, so that a drift of all of them does not look like a tail.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from . import sentences
from .counting import counted
from .growth import Growth, chance
from .location import Shift
from .needed import needed
from .percentiles import percentile
from .sufficiency import FEWEST_TO_GO_BY_TAIL, missing, why_no_times
from .values import MOST_SAMPLES, ONCE, Answer, Comparison, Figure, Series, Setting, Tally, worst

ALPHA = 0.01
"""How often more slow requests are found by chance, over both thresholds and all looks at all limits of a gate."""
GO_ALPHA = 0.05
MORE_SLOW = 0.03
"""Slow requests may be so much of all more than before."""
FAR, FAR_GO_UNDER = 2.0, 0.04
"""Times the baseline's p95, at least; and the bound under which their share may have grown at most, for a go."""
NEAR_GO_UNDER = 0.08
"""The same of those over the baseline's p90 and the tolerance."""
_MEASURE = "tail"


@dataclass(frozen=True, slots=True)
class _Threshold:
    """A time from which requests are slow, how many are on both sides, and what is said of them."""

    figure: Figure
    rule: Growth
    before: Tally
    after: Tally

    @property
    def answer(self) -> Answer:
        return self.rule.answer(self.before, self.after)

    def foretold(self, number: int) -> Answer:
        return self.rule.foretold(self.before, self.after, number)

    def why(self, lacks: int | None) -> str:
        if self.answer is Answer.ROLL_BACK:
            return sentences.slow_requests(self.figure, chance(self.before, self.after))
        if self.answer is Answer.GO:
            return sentences.shares_alike(self.figure)
        return sentences.perhaps_more(self.figure, lacks)


def tail(before: Series, after: Series, tolerance: float, setting: Setting = ONCE) -> Comparison:
    """Judge whether more requests than before are far slower than the rest, whatever all of them have in common."""
    why = why_no_times(before, after, tolerance, setting)
    if why is not None:
        lacks = missing(len(after), len(before), setting)
        return Comparison(_MEASURE, Answer.UNDECIDED, why, len(before), len(after), needed=lacks)
    thresholds = _thresholds(before, after, tolerance, setting)
    answer = worst(threshold.answer for threshold in thresholds)
    told = next(threshold for threshold in thresholds if threshold.answer is answer)
    finds_from = thresholds[0].rule.finds_from(thresholds[0].before, thresholds[0].after)
    figures = tuple(threshold.figure for threshold in thresholds)
    unseen = sentences.unseen_tail(finds_from, thresholds[0].figure)
    lacks = _needed(thresholds, len(after)) if answer is Answer.UNDECIDED else None
    sizes = (len(before), len(after))
    return Comparison(_MEASURE, answer, told.why(lacks), *sizes, figures, (), finds_from, unseen, lacks)


def _needed(thresholds: tuple[_Threshold, ...], after: int) -> int | None:
    def decided(number: int) -> bool:
        return worst(threshold.foretold(number) for threshold in thresholds) is not Answer.UNDECIDED

    return needed(after, FEWEST_TO_GO_BY_TAIL, MOST_SAMPLES, decided)


def _thresholds(before: Series, after: Series, tolerance: float, setting: Setting) -> tuple[_Threshold, ...]:
    logs = ([math.log(time) for time in side.samples] for side in (before, after))
    scale = max(1.0, math.exp(Shift(*logs).estimate()))
    far, near = max(FAR, 1 + 2 * tolerance), 1 + tolerance
    return (
        _threshold(before, after, (far, 95, scale), _rule(FAR_GO_UNDER, setting)),
        _threshold(before, after, (near, 90, scale), _rule(NEAR_GO_UNDER, setting)),
    )


def _rule(go_under: float, setting: Setting) -> Growth:
    """Return the rule of one of the two thresholds, which share alpha; both have to say go."""
    go_alpha = setting.shared_by_looks(GO_ALPHA)
    return Growth(setting.shared(ALPHA) / 2, go_alpha, MORE_SLOW, go_under, FEWEST_TO_GO_BY_TAIL)


def _threshold(before: Series, after: Series, slow: tuple[float, int, float], rule: Growth) -> _Threshold:
    factor, percent, scale = slow
    over = factor * percentile(before.samples, percent)
    tallies = (_slow(before, over), _slow(after, over * scale))
    shares = [tally.hits / tally.of for tally in tallies]
    name = sentences.slower_than(factor, percent)
    bounds = rule.bounds(*tallies)
    figure = Figure(name, "share", shares[0], shares[1], shares[1] - shares[0], *bounds, over=over * scale)
    return _Threshold(figure, rule, *tallies)


def _slow(series: Series, over: float) -> Tally:
    return counted([[time > over for time in window] for window in series.windows])
