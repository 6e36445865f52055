"""Percentiles of samples."""

from __future__ import annotations

from collections.abc import Sequence


def percentile(samples: Sequence[int], percent: int) -> int:
    """Return a percentile by nearest rank, as the limits of `http` have it: the smallest that so many are not above."""
    return sorted(samples)[-(-percent * len(samples) // 100) - 1]
