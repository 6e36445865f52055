"""Fisher's exact test is exact, and Newcombe's and Wilson's intervals are the published ones."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_opscheck.gate.shares import fisher, newcombe, wilson
from pytest_opscheck.gate.values import Tally

Z95 = 1.959964
tallies = st.integers(1, 60).flatmap(lambda of: st.builds(Tally, st.integers(0, of), st.just(of)))


def by_fractions(before: Tally, after: Tally) -> Fraction:
    hits, total = before.hits + after.hits, before.of + after.of
    ways = sum(comb(hits, k) * comb(total - hits, after.of - k) for k in range(after.hits, min(hits, after.of) + 1))
    return Fraction(ways, comb(total, after.of))


@given(tallies, tallies)
def test_fisher_sums_the_hypergeometric_distribution(before: Tally, after: Tally) -> None:
    assert fisher(before, after) == pytest.approx(float(by_fractions(before, after)), rel=1e-9)


def test_fisher_at_its_tea_and_in_large_numbers() -> None:
    assert fisher(Tally(0, 4), Tally(4, 4)) == pytest.approx(1 / 70)
    assert fisher(Tally(1, 4), Tally(3, 4)) == pytest.approx(17 / 70)
    large = (Tally(3, 1000), Tally(20, 900))
    assert fisher(*large) == pytest.approx(float(by_fractions(*large)), rel=1e-9)
    assert fisher(Tally(0, 1_000_000), Tally(10, 1_000_000)) == pytest.approx(2**-10, rel=1e-4)


@pytest.mark.parametrize(
    ("before", "after", "low", "high"),
    [
        (Tally(48, 80), Tally(56, 70), 0.0524, 0.3339),
        (Tally(3, 10), Tally(9, 10), 0.1705, 0.8090),
        (Tally(2, 7), Tally(6, 7), 0.0582, 0.8062),
        (Tally(0, 29), Tally(5, 56), -0.0381, 0.1926),
        (Tally(0, 20), Tally(0, 10), -0.1611, 0.2775),
        (Tally(0, 20), Tally(10, 10), 0.6791, 1.0),
    ],
)
def test_newcombe_as_printed(before: Tally, after: Tally, low: float, high: float) -> None:
    """Method 10 of Newcombe 1998, Interval estimation for the difference between independent proportions, table II."""
    assert newcombe(before, after, Z95) == pytest.approx((low, high), abs=6e-5)


def test_wilson_as_printed() -> None:
    """Method 3 of Newcombe 1998, Two-sided confidence intervals for the single proportion, table I."""
    assert wilson(81, 263, Z95) == pytest.approx((0.2553, 0.3662), abs=6e-5)
    assert wilson(15, 148, Z95) == pytest.approx((0.0624, 0.1605), abs=6e-5)
    assert wilson(0, 20, Z95) == pytest.approx((0.0, 0.1611), abs=6e-5)
    assert wilson(1, 29, Z95) == pytest.approx((0.0061, 0.1718), abs=6e-5)
