"""Percentiles of samples."""

from __future__ import annotations

from collections.abc import Sequence


def percentile(samples: Sequence[int], percent: int) -> int:
    """Return a percentile by nearest rank, as `http` has it: the smallest value that this share is not above."""
    return sorted(samples)[-(-percent * len(samples) // 100) - 1]
