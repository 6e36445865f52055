"""Counts of requests of which the order is known."""

from __future__ import annotations

from collections.abc import Sequence

from .spread import inflation
from .values import Tally


def counted(windows: Sequence[Sequence[bool]]) -> Tally:
    """Count the hits of requests that are given in their order, in windows, and how much they come in bursts."""
    hits = sum(map(sum, windows))
    return Tally(hits, sum(map(len, windows)), inflation(windows))
