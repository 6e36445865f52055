"""Where nothing was measured, or what was measured is none, no comparison says go, or roll back; and it says why."""

from __future__ import annotations

import dataclasses
import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_opscheck.gate.statistics import errors, shift, tail, typical
from pytest_opscheck.gate.values import Answer, Comparison, Series, Setting, Tally, worst

from .simulation import TOLERANCE, Scenario

GOOD = Scenario().sides(random.Random(1))[0]
ONE_TIME = 100_000

NOTHING: dict[str, tuple[Series, str]] = {
    "no windows": (Series(()), "there are no requests"),
    "empty windows": (Series(((),) * 10), "there are no requests"),
    "a single value": (Series(((ONE_TIME,),)), ""),
    "too few": (Series(tuple(window[:1] for window in GOOD.windows)), ""),
    "all equal": (Series(((ONE_TIME,) * 100,) * 10), "no clock says so"),
    "NaN": (Series.of_seconds([[math.nan] * 100] * 10), "no time in whole microseconds"),
    "infinity": (Series.of_seconds([[math.inf] * 100] * 10), "no time in whole microseconds"),
    "beyond every time": (Series.of_seconds([[1e305] * 100] * 10), "no time in whole microseconds"),
    "negative": (Series.of_seconds([[-0.1] * 100] * 10), "no time in whole microseconds"),
    "zero": (Series.of_seconds([[0.0] * 100] * 10), "no time in whole microseconds"),
}
WRONG: list[Any] = [math.nan, math.inf, -math.inf, -1, 0, 10**400, 1.5, True, None, "100"]


def both(before: Series, after: Series, setting: Setting) -> list[Comparison]:
    return [compare(before, after, TOLERANCE, setting) for compare in (shift, tail)]


@pytest.mark.parametrize("setting", [Setting(), Setting(interleaved=True)], ids=["in turn", "one after the other"])
@pytest.mark.parametrize("name", NOTHING)
def test_a_series_of_nothing(name: str, setting: Setting) -> None:
    nothing, said = NOTHING[name]
    for pair in ((nothing, GOOD), (GOOD, nothing), (nothing, nothing)):
        for comparison in both(*pair, setting):
            assert comparison.answer is Answer.UNDECIDED
            assert comparison.why
    assert said in shift(nothing, GOOD, TOLERANCE, setting).why


@given(st.sampled_from(WRONG), st.integers(0, 9), st.integers(0, 99), st.booleans())
def test_one_wrong_value_among_a_thousand(wrong: Any, window: int, place: int, first: bool) -> None:
    windows = [list(values) for values in GOOD.windows]
    windows[window][place] = wrong
    damaged = Series(tuple(tuple(values) for values in windows))
    sides = (damaged, GOOD) if first else (GOOD, damaged)
    for comparison in both(*sides, Setting()):
        assert comparison.answer is Answer.UNDECIDED
        assert "the deploy is no time" in comparison.why


@pytest.mark.parametrize("tolerance", [math.nan, math.inf, -math.inf, -0.2, 1e308])
def test_a_tolerance_that_is_none(tolerance: float) -> None:
    found = [compare(GOOD, GOOD, tolerance) for compare in (shift, tail)]
    for comparison in (*found, errors(Tally(0, 1000), Tally(0, 1000), tolerance)):
        assert comparison.answer is Answer.UNDECIDED
        assert "a tolerance of" in comparison.why


@pytest.mark.parametrize("counts", [(0, 0), (1, 0), (-1, 100), (101, 100), (0, 10**15), (0, math.nan)], ids=str)
def test_counts_that_are_none(counts: tuple[int, int]) -> None:
    tally = Tally(*counts)
    for sides in ((tally, Tally(0, 1000)), (Tally(0, 1000), tally)):
        comparison = errors(*sides, 0.01)
        assert comparison.answer is Answer.UNDECIDED
        assert "requests" in comparison.why


@pytest.mark.parametrize("inflation", [math.nan, math.inf, 0.0, -3.0])
def test_an_inflation_that_is_none(inflation: float) -> None:
    for sides in ((Tally(0, 1000), Tally(0, 1000, inflation)), (Tally(0, 1000, inflation), Tally(0, 1000))):
        assert errors(*sides, 0.01).answer is Answer.UNDECIDED


@given(st.lists(st.lists(st.integers(-10, 10**13), max_size=30), max_size=12), st.booleans())
def test_whatever_a_series_holds_an_answer_comes(windows: list[list[int]], interleaved: bool) -> None:
    series = Series(tuple(map(tuple, windows)))
    for sides in ((series, GOOD), (GOOD, series), (series, series)):
        for comparison in both(*sides, Setting(interleaved=interleaved)):
            if comparison.answer is Answer.GO:
                assert len(series) >= 100


def test_no_comparison_at_all_is_undecided() -> None:
    assert worst([]) is Answer.UNDECIDED
    assert worst([Answer.GO, Answer.UNDECIDED]) is Answer.UNDECIDED
    assert worst([Answer.GO, Answer.UNDECIDED, Answer.ROLL_BACK]) is Answer.ROLL_BACK
    assert worst([Answer.GO, Answer.GO]) is Answer.GO


def test_nothing_typical_of_nothing() -> None:
    assert typical(Series(((), ()))) is None
    assert typical(Series(((3, 1), (2,)))) == 2


def test_earlier_runs_that_are_none_are_no_moments() -> None:
    past = (math.nan, math.inf, 0.0, -5.0, *[100_000.0 + place for place in range(7)])
    assert "compared with one moment" in shift(GOOD, GOOD, TOLERANCE, Setting(past=past)).unseen
    assert "compared with one moment" not in shift(GOOD, GOOD, TOLERANCE, Setting(past=(*past, 99_000.0))).unseen


def test_a_series_keeps_its_windows_where_it_is_thinned() -> None:
    series = Series((tuple(range(1, 1500)), (), tuple(range(1500, 3001))))
    thinned = series.thinned()
    assert [len(window) for window in thinned.windows] == [500, 0, 500]
    assert dataclasses.replace(GOOD).thinned() is not None
    assert GOOD.thinned() == GOOD
    assert len(series.thinned(7)) == 7
