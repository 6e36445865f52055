"""What makes two measurements of the same code differ beside chance: neighbours, windows, moments."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from statistics import fmean, stdev

FEWEST_WINDOWS = 5
FEWEST_PAST = 8
_MOST_CORRELATED = 0.95
"""More would make a thousand requests into fewer than thirty, whatever they say."""

Windows = Sequence[Sequence[float]]


def inflation(windows: Windows) -> float:
    """Return by how much the variance of a mean rank is larger than that of independent values: 1 where it is not.

    What it is estimated by is the correlation of each value's rank with the next one's in the same window.
    """
    ranks = _centred_ranks(windows)
    square = sum(rank * rank for window in ranks for rank in window)
    product = sum(a * b for window in ranks for a, b in itertools.pairwise(window))
    correlation = min(max(product / square, 0.0), _MOST_CORRELATED) if square else 0.0
    return (1 + correlation) / (1 - correlation)


def between_windows(windows: Windows, inflated: float) -> float:
    """Return the standard deviation of windows' levels, beyond what their own values explain."""
    usable = [window for window in windows if len(window) > 1]
    means = [fmean(window) for window in usable]
    square = sum((value - mean) ** 2 for window, mean in zip(usable, means, strict=True) for value in window)
    within = square / sum(len(window) - 1 for window in usable) * inflated
    explained = within * fmean(1 / len(window) for window in usable)
    return math.sqrt(max(0.0, stdev(means) ** 2 - explained))


def between_moments(levels: Sequence[float]) -> float:
    """Return the standard deviation of the difference of two moments."""
    return math.sqrt(2) * stdev(levels)


def _centred_ranks(windows: Windows) -> list[list[float]]:
    """Return the values' ranks among all, less their mean; equal values share one."""
    values = sorted(value for window in windows for value in window)
    sums: dict[float, tuple[int, int]] = {}
    for place, value in enumerate(values):
        total, count = sums.get(value, (0, 0))
        sums[value] = (total + place, count + 1)
    middle = (len(values) - 1) / 2
    rank = {value: total / count - middle for value, (total, count) in sums.items()}
    return [[rank[value] for value in window] for window in windows]
