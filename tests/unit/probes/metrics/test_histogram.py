"""Quantiles of a histogram's buckets: interpolated within one, and what can't be told is not ok."""

from __future__ import annotations

import math

import pytest

from pytest_opscheck.probes.metrics._growth import quantile

INF = math.inf


@pytest.mark.parametrize(
    ("share", "buckets", "found"),
    [
        (0.95, [(1.0, 100), (2.0, 100), (INF, 100)], 0.95),
        (0.95, [(1.0, 90), (2.0, 100), (INF, 100)], 1.5),
        (0.5, [(1.0, 50), (2.0, 100), (INF, 100)], 1.0),
        (0.95, [(0.1, 0), (0.2, 0), (0.4, 10), (INF, 10)], 0.39),
        (0.95, [(1.0, 94), (INF, 100)], INF),
        (0.95, [(INF, 3)], INF),
        (0.5, [(-1.0, 10), (INF, 10)], -1.0),
        (1.0, [(1.0, 5), (2.0, 10), (4.0, 10), (INF, 10)], 2.0),
    ],
)
def test_quantile(share: float, buckets: list[tuple[float, float]], found: float) -> None:
    assert quantile(share, buckets) == pytest.approx(found)


@pytest.mark.parametrize("count", [0.0, math.nan])
def test_nothing_observed_is_no_number(count: float) -> None:
    assert math.isnan(quantile(0.95, [(1.0, 0.0), (INF, count)]))
