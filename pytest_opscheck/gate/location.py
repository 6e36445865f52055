"""How far one sample lies above another: the Hodges-Lehmann shift and its Mann-Whitney interval, without all pairs.

1,000 times against 1,000 have a million differences, which take most of a second to sort. With both sides sorted one
pass over the smaller side counts those up to a bound. A rank is closed in on between two bounds, by turns in proportion
and by halves, until so few differences are between them that these can be sorted: exact, after about ten passes.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

_FEW_A_VALUE = 4
"""Differences for each value of the two sides that are sorted in the end: about as dear as two passes."""
_ALIKE = 1e-13
"""Differences of logarithms that are this near are equal: what rounding makes of them."""


class Shift:
    """The differences of all pairs of two samples, `after - before`, by their rank."""

    def __init__(self, before: Sequence[float], after: Sequence[float]) -> None:
        self._sizes = (len(before), len(after))
        self.pairs = len(before) * len(after)
        if len(before) > len(after):  # after - before is -before - -after
            before, after = [-value for value in after], [-value for value in before]
        self._few, self._many = sorted(before), sorted(after)

    def estimate(self) -> float:
        """Return the Hodges-Lehmann estimate of the shift: the median of all differences."""
        return (self.ranked((self.pairs - 1) // 2) + self.ranked(self.pairs // 2)) / 2

    def low(self, z: float, inflation: tuple[float, float] = (1.0, 1.0)) -> float | None:
        """Return the lower bound of the Mann-Whitney interval, z standard errors down; None where there is none.

        inflation: by how much the variance of each side is larger than that of independent values.
        """
        outside = self._outside(z, inflation)
        return self.ranked(outside - 1) if outside >= 1 else None

    def high(self, z: float, inflation: tuple[float, float] = (1.0, 1.0)) -> float | None:
        """Return the upper bound likewise."""
        outside = self._outside(z, inflation)
        return self.ranked(self.pairs - outside) if outside >= 1 else None

    def ranked(self, rank: int) -> float:
        """Return the difference of a rank, from 0 on."""
        low, high = self._many[0] - self._few[-1] - 1, self._many[-1] - self._few[0] + 1
        below, upto = 0, self.pairs
        few = _FEW_A_VALUE * sum(self._sizes)
        by_halves = False
        while upto - below > few and high - low > _ALIKE:
            share = 0.5 if by_halves else (rank + 0.5 - below) / (upto - below)
            between = low + share * (high - low)
            count = self._count(between)
            if count <= rank:
                low, below = between, count
            else:
                high, upto = between, count
            by_halves = not by_halves
        return self._between(low, high)[rank - below] if upto - below <= few else high

    def _outside(self, z: float, inflation: tuple[float, float]) -> int:
        """Return how many differences are beyond either bound."""
        before, after = self._sizes
        variance = (inflation[0] / before + inflation[1] / after + 1 / self.pairs) / 12
        return math.floor(self.pairs * (0.5 - z * math.sqrt(variance)))

    def _count(self, bound: float) -> int:
        """Return how many differences are up to a bound."""
        many = self._many
        return sum([bisect_right(many, value + bound) for value in self._few])

    def _between(self, low: float, high: float) -> list[float]:
        many = self._many
        found: list[float] = []
        for value in self._few:
            inside = many[bisect_right(many, value + low) : bisect_right(many, value + high)]
            found.extend([other - value for other in inside])
        return sorted(found)
