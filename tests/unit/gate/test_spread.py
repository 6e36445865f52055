"""What makes the same code differ is found where it is, and not where it is not."""

from __future__ import annotations

import math
import random
import statistics

import pytest

from pytest_opscheck.gate.spread import between_moments, between_windows, inflation


def following(dice: random.Random, correlation: float, count: int) -> list[float]:
    values = [dice.gauss(0, 1)]
    for _ in range(count - 1):
        values.append(correlation * values[-1] + math.sqrt(1 - correlation**2) * dice.gauss(0, 1))
    return values


@pytest.mark.parametrize(("correlation", "expected"), [(0.0, 1.0), (0.4, 2.3), (0.8, 8.5), (-0.5, 1.0)])
def test_values_that_follow_each_other_inflate_the_variance(correlation: float, expected: float) -> None:
    dice = random.Random(1)
    windows = [following(dice, correlation, 500) for _ in range(10)]
    assert inflation(windows) == pytest.approx(expected, rel=0.1)
    assert inflation([[math.exp(value) for value in window] for window in windows]) == inflation(windows)


def test_the_end_of_one_window_and_the_start_of_the_next_are_no_neighbours() -> None:
    assert inflation([[0.0], [0.0], [1.0], [1.0]]) == 1.0
    assert inflation([[0.0, 0.0], [1.0, 1.0]]) > 1


def test_equal_values_and_no_values_inflate_nothing() -> None:
    assert inflation([[1.0] * 10]) == 1.0
    assert inflation([]) == inflation([[]]) == inflation([[1.0]]) == 1.0


@pytest.mark.parametrize("spread", [0.0, 0.05, 0.2])
def test_the_spread_between_windows_is_that_beyond_what_requests_explain(spread: float) -> None:
    dice, found = random.Random(1), []
    for _ in range(100):
        levels = [dice.gauss(0, spread) for _ in range(10)]
        windows = [[level + dice.gauss(0, 0.6) for _ in range(100)] for level in levels]
        found.append(between_windows(windows, 1.0) ** 2)
    assert math.sqrt(statistics.fmean(found)) == pytest.approx(spread, rel=0.1, abs=0.035)


def test_two_moments_differ_by_more_than_one_from_the_mean() -> None:
    levels = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    assert between_moments(levels) == pytest.approx(math.sqrt(2) * statistics.stdev(levels))
