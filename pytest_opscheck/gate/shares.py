"""Shares of two sides compared: Fisher's exact test and Newcombe's interval of their difference."""

from __future__ import annotations

import math

from .values import Tally

_NEGLIGIBLE = 1e-17


def fisher(before: Tally, after: Tally) -> float:
    """Return how probable it is that at least as many of all hits are the other side's, where both sides are alike."""
    hits, total = before.hits + after.hits, before.of + after.of
    most = min(hits, after.of)
    least = max(0, hits - before.of)
    if after.hits <= least:
        return 1.0
    term = math.exp(
        _log_choose(hits, after.hits) + _log_choose(total - hits, after.of - after.hits) - _log_choose(total, after.of)
    )
    probability = 0.0
    for count in range(after.hits, most + 1):
        probability += term
        if term <= probability * _NEGLIGIBLE:
            break
        term *= (hits - count) * (after.of - count) / ((count + 1) * (before.of - hits + count + 1))
    return min(1.0, probability)


def newcombe(before: Tally, after: Tally, z: float) -> tuple[float, float]:
    """Return the bounds of the difference of the shares, after - before, z standard errors to each side."""
    share_before, share_after = before.hits / before.of, after.hits / after.of
    low_before, high_before = wilson(before.hits, before.of, z)
    low_after, high_after = wilson(after.hits, after.of, z)
    difference = share_after - share_before
    return (
        difference - math.hypot(share_after - low_after, high_before - share_before),
        difference + math.hypot(high_after - share_after, share_before - low_before),
    )


def wilson(hits: float, of: int, z: float) -> tuple[float, float]:
    """Return Wilson's bounds of a share, z standard errors to each side."""
    share = hits / of
    centre = share + z * z / (2 * of)
    margin = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    scale = 1 + z * z / of
    return max(0.0, (centre - margin) / scale), min(1.0, (centre + margin) / scale)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
