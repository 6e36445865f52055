"""Quantiles are those of the printed tables."""

from __future__ import annotations

import pytest

from pytest_opscheck.gate.distributions import normal_quantile, student_quantile


@pytest.mark.parametrize(
    ("alpha", "freedom", "printed"),
    [
        (0.025, 1, 12.706),
        (0.05, 2, 2.920),
        (0.05, 4, 2.132),
        (0.005, 4, 4.604),
        (0.005, 7, 3.499),
        (0.005, 9, 3.250),
        (0.0005, 9, 4.781),
        (0.001, 30, 3.385),
        (0.005, 120, 2.617),
        (0.25, 3, 0.765),
    ],
)
def test_student(alpha: float, freedom: int, printed: float) -> None:
    assert student_quantile(alpha, freedom) == pytest.approx(printed, abs=6e-4)


def test_student_becomes_normal() -> None:
    assert normal_quantile(0.025) == pytest.approx(1.959964, abs=1e-6)
    quantiles = [student_quantile(0.0005, freedom) for freedom in (5, 50, 399, 400, 10_000)]
    assert quantiles == sorted(quantiles, reverse=True)
    assert quantiles[2] == pytest.approx(quantiles[3], rel=0.01)
