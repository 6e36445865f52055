"""Whether a share of requests has grown: the rule that slow and failed requests have in common."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from .distributions import normal_quantile
from .shares import fisher, newcombe, wilson
from .values import Answer, Tally

FEWEST_HITS = 3
"""Two may always be chance: two requests that meet the same pause."""
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
        """Judge whether the share has grown."""
        if self._grown(before, after):
            return Answer.ROLL_BACK
        high = self.bounds(before, after)[1]
        return Answer.GO if after.of >= self.fewest and high < self.go_under else Answer.UNDECIDED

    def bounds(self, before: Tally, after: Tally) -> tuple[float, float]:
        """Return the bounds of the difference: the lower one by alpha, the upper one by what a go takes."""
        low, _ = newcombe(before, after, normal_quantile(self.alpha))
        _, high = newcombe(before, after, normal_quantile(self.go_alpha))
        return low, high

    def finds_from(self, before: Tally, after: int) -> float | None:
        """Return the smallest difference that is found in 19 of 20 cases with so many requests after the deploy."""
        fewest = bisect_left(range(after + 1), True, key=lambda hits: self._grown(before, Tally(hits, after)))
        if fewest > after:
            return None
        return wilson(fewest - 0.5, after, _ONE_IN_TWENTY)[1] - before.hits / before.of

    def foretold(self, before: Tally, after: Tally, number: int) -> Answer:
        """Return the answer with another number of requests after the deploy, if they are as those so far."""
        return self.answer(before, Tally(round(after.hits * number / after.of), number))

    def _grown(self, before: Tally, after: Tally) -> bool:
        difference = after.hits / after.of - before.hits / before.of
        return after.hits >= FEWEST_HITS and difference > self.more and fisher(before, after) < self.alpha
