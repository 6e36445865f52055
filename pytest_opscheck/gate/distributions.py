"""Quantiles of the normal and of Student's distribution, for the bounds of intervals."""

from __future__ import annotations

import math
from statistics import NormalDist

_STANDARD = NormalDist()
_HALVINGS = 60
"""So many halvings of a bracket leave nothing that a float could still tell apart."""
_FEWEST_LIKE_NORMAL = 400
"""From this many degrees of freedom on, Student's quantiles are the normal ones to within 1 %, also far out."""


def normal_quantile(alpha: float) -> float:
    """Return what a normal value is over with a probability of alpha."""
    return -_STANDARD.inv_cdf(alpha)


def student_quantile(alpha: float, freedom: int) -> float:
    """Return what a value of Student's distribution is over with a probability of alpha, at most 0.5."""
    if freedom >= _FEWEST_LIKE_NORMAL:
        return normal_quantile(alpha)
    low, high = 0.0, math.pi / 2
    for _ in range(_HALVINGS):
        angle = (low + high) / 2
        low, high = (angle, high) if _student_over(angle, freedom) > alpha else (low, angle)
    return math.tan((low + high) / 2) * math.sqrt(freedom)


def _student_over(angle: float, freedom: int) -> float:
    """Return the probability of being over tan(angle) x sqrt(freedom): Abramowitz and Stegun, 26.7.3 and 26.7.4."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term, total = (cosine if odd else 1.0), 0.0
    for step in range(1 + odd, freedom, 2):
        total += term
        term *= cosine * cosine * step / (step + 1)
    within = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return (1 - within) / 2
