"""The shift of two samples is that of all their pairs, although these are never made."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_opscheck.gate.location import Shift

values = st.lists(st.floats(-20, 20), min_size=1, max_size=40)

SORTS: dict[str, Callable[[random.Random], float]] = {
    "lognormal": lambda dice: dice.gauss(0, 0.6),
    "coarse": lambda dice: math.log(round(math.exp(dice.gauss(0, 0.6)) * 20) + 1),
    "two values": lambda dice: math.log(dice.choice([1, 1000])),
    "one value": lambda _dice: 1.0,
    "far off": lambda dice: dice.gauss(0, 1e-6) + (50 if dice.random() < 0.01 else 0),
}


def differences(before: list[float], after: list[float]) -> list[float]:
    return sorted(other - value for value in before for other in after)


@given(values, values)
def test_every_rank_is_that_of_all_pairs(before: list[float], after: list[float]) -> None:
    shift, every = Shift(before, after), differences(before, after)
    assert [shift.ranked(rank) for rank in range(len(every))] == pytest.approx(every, abs=1e-12)


@pytest.mark.parametrize("sizes", [(700, 500), (20, 700), (700, 20)], ids=str)
@pytest.mark.parametrize("sort", SORTS)
def test_so_are_those_of_large_samples_and_of_many_equal_values(sort: str, sizes: tuple[int, int]) -> None:
    dice = random.Random(1)
    before, after = ([SORTS[sort](dice) for _ in range(size)] for size in sizes)
    shift, every = Shift(before, after), differences(before, after)
    assert shift.estimate() == pytest.approx(statistics.median(every), abs=1e-12)
    ranks = [0, 1, len(every) // 7, len(every) - 1]
    assert [shift.ranked(rank) for rank in ranks] == pytest.approx([every[rank] for rank in ranks], abs=1e-12)


def test_the_estimate_of_a_published_example() -> None:
    """Permeability of the human chorioamnion, at term and before it (Hollander and Wolfe 1973, 69)."""
    term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
    before = [1.15, 0.88, 0.90, 0.74, 1.21]
    assert Shift(before, term).estimate() == pytest.approx(0.305)


def test_the_interval_covers_what_is_so_as_often_as_it_says() -> None:
    dice, trials, outside = random.Random(1), 600, 0
    for _ in range(trials):
        shift = Shift([dice.gauss(0, 1) for _ in range(40)], [dice.gauss(0.5, 1) for _ in range(25)])
        low, high = shift.low(1.6449), shift.high(1.6449)
        assert low is not None
        assert high is not None
        outside += not low <= 0.5 <= high
    assert 0.07 < outside / trials < 0.13  # one in twenty on each side


def test_few_values_make_no_bound_and_a_bound_is_wider_where_values_follow_each_other() -> None:
    assert Shift([1.0, 2.0], [1.5, 2.5]).low(2.58) is None
    assert Shift([1.0, 2.0], [1.5, 2.5]).high(2.58) is None
    shift = Shift([value / 100 for value in range(100)], [value / 100 for value in range(50)])
    plain, wider = shift.low(1.0), shift.low(1.0, (4.0, 4.0))
    assert plain is not None
    assert wider is not None
    assert wider - shift.estimate() == pytest.approx(2 * (plain - shift.estimate()), rel=0.05)
