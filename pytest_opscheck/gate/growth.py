"""Whether a share of requests has grown: the rule that slow and failed requests have in common."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

from .distributions import normal_quantile
from .shares import fisher, newcombe, wilson
from .values import Answer, Tally

FEWEST_HITS = 3
"""Two may always be chance; and so may two bursts, however many requests meet them."""
_ONE_IN_TWENTY = normal_quantile(0.05)


@dataclass(frozen=True, slots=True)
class Growth:
    """When a share has grown, and when it has not.

    alpha: how often it is found to have grown by chance. go_alpha: how often its upper bound is under what is so.
    more: it has grown where it is over the other by more than this. go_under: it has not where the bound is under this.
    fewest: requests after the deploy before there is a go.
    """

    alpha: float
    go_alpha: float
    more: float
    go_under: float
    fewest: int

    def answer(self, before: Tally, after: Tally) -> Answer:
        """Judge whether the share has grown. Bursts are weighed for a roll back alone: a go takes the plain counts."""
        if self._grown(before, after):
            return Answer.ROLL_BACK
        high = self.bounds(before, after)[1]
        return Answer.GO if after.of >= self.fewest and high < self.go_under else Answer.UNDECIDED

    def bounds(self, before: Tally, after: Tally) -> tuple[float, float]:
        """Return the bounds of the difference: the lower one by alpha, the upper one by what a go takes."""
        low, _ = newcombe(before, after, normal_quantile(self.alpha))
        _, high = newcombe(before, after, normal_quantile(self.go_alpha))
        return low, high

    def finds_from(self, before: Tally, after: Tally) -> float | None:
        """Return the smallest difference that is found in 19 of 20 cases with N requests after the deploy."""
        n, inflation = after.of, after.inflation
        fewest = bisect_left(range(n + 1), True, key=lambda hits: self._grown(before, Tally(hits, n, inflation)))
        return None if fewest > n else wilson(fewest - 0.5, n, _ONE_IN_TWENTY)[1] - before.hits / before.of

    def foretold(self, before: Tally, after: Tally, number: int) -> Answer:
        """Return the answer with another number of requests after the deploy, if they are as those so far."""
        return self.answer(before, Tally(round(after.hits * number / after.of), number, after.inflation))

    def _grown(self, before: Tally, after: Tally) -> bool:
        if after.hits / after.of - before.hits / before.of <= self.more:
            return False
        return _independent(after, before.inflation).hits >= FEWEST_HITS and chance(before, after) < self.alpha


def chance(before: Tally, after: Tally) -> float:
    """Return how probable this number of hits is where both sides are alike, and those of one burst count as one.

    Of a few requests after the deploy the baseline knows better whether they come in bursts.
    """
    return fisher(_independent(before, up=True), _independent(after, before.inflation))


def _independent(tally: Tally, usual: float = 1.0, *, up: bool = False) -> Tally:
    """Return how many independent requests tell as much."""
    inflation = max(tally.inflation, usual)
    hits = (math.ceil if up else math.floor)(tally.hits / inflation)
    return Tally(hits, max(hits, 1, round(tally.of / inflation)))
