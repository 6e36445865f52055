"""The rules of the gate: shift, tail and errors, each with one of three answers."""

from __future__ import annotations

from statistics import median

from .counting import counted
from .errors import errors
from .shift import shift
from .tail import tail
from .values import Series

__all__ = ["counted", "errors", "shift", "tail", "typical"]


def typical(series: Series) -> float | None:
    """Return the median of a series in microseconds: what `Setting.past` holds of each earlier run."""
    return median(series.samples) if len(series) else None
