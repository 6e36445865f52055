"""Ladders: the worst limit that is broken counts, and a rung that could never be reported is refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_opscheck.core.ladders import Ladder, Rung, parse_ladder, single
from pytest_opscheck.core.limits import SEVERITIES, parse_limit
from pytest_opscheck.core.units import (
    LimitError,
)

operators = st.sampled_from(["!=", "<", "<=", "==", ">", ">="])


def test_the_worst_rung_that_is_broken() -> None:
    ladder = parse_ladder({"P3": "< 70%", "P1": "< 90%"})
    assert [rung.severity for rung in ladder.rungs] == ["P1", "P3"]
    worst = [ladder.breached(value, "%") for value in (69.9, 70, 89.9, 90, math.inf)]
    assert [rung.severity if rung else None for rung in worst] == [None, "P3", "P3", "P1", "P1"]
    assert ladder.texts() == {"P3": "< 70%", "P1": "< 90%"}


def test_own_words_for_severities() -> None:
    assert parse_ladder({"bad": "> 0"}, {"bad": "P1"}) == single(parse_limit("> 0"), "P1")
    with pytest.raises(LimitError, match=r"^'worse' is not a severity; use one of P0, P1, P2, P3, bad$"):
        parse_ladder({"worse": "> 0"}, {"bad": "P1"})


@pytest.mark.parametrize(
    "rungs",
    [
        {"P1": "< 70%", "P3": "< 90%"},
        {"P1": "< 70%", "P3": "< 70%"},
        {"P1": "< 70%", "P3": "<= 70%"},
        {"P1": "< 100ms", "P3": "< 0.1s"},
        {"P1": "< 1GiB", "P3": "< 2GB"},
        {"P1": ">= 30d", "P2": ">= 7d"},
        {"P1": "> 30", "P2": ">= 30"},
        {"P1": "== 200", "P3": "!= 500"},
        {"P1": "== 8", "P3": "== 8"},
        {"P0": "< 10", "P1": "> 5", "P2": "> 4"},
        {"P1": "== up", "P3": "!= down"},
        {"P1": "== up", "P3": "== up"},
    ],
)
def test_a_rung_that_is_never_reported_is_refused(rungs: dict[str, object]) -> None:
    with pytest.raises(LimitError, match=r"would never be reported: P\d \(.*\) is broken no later"):
        parse_ladder(rungs)


@pytest.mark.parametrize(
    "rungs", [{"P1": "< 5", "P3": "> 5"}, {"P1": "== 5", "P3": "> 7"}, {"P1": "== a", "P3": "== b"}]
)
def test_limits_that_no_value_keeps_are_refused(rungs: dict[str, object]) -> None:
    with pytest.raises(LimitError, match=r"^no value keeps all of|never be reported"):
        parse_ladder(rungs)


@pytest.mark.parametrize(
    "rungs",
    [
        {"P3": "< 70%", "P1": "< 90%"},
        {"P3": "< 5", "P1": "<= 5"},
        {"P3": ">= 30d", "P2": ">= 7d", "P1": "> 0d"},
        {"P3": "> 5", "P1": "< 70"},
        {"P3": "== 200", "P1": "< 500"},
        {"P3": "== 200", "P1": "~ ^[23]"},
        {"P3": "== up", "P1": "!= down"},
        {"P3": "< 1e300", "P1": "< 1.7e308"},
        {"P3": "< -10", "P1": "< 0"},
    ],
)
def test_ladders_that_can_be_meant(rungs: dict[str, object]) -> None:
    assert {rung.severity for rung in parse_ladder(rungs).rungs} == set(rungs)


@given(st.dictionaries(st.sampled_from(SEVERITIES), st.tuples(operators, st.integers(-3, 3)), min_size=1))
def test_every_rung_of_a_ladder_can_be_reported(rungs: dict[str, tuple[str, int]]) -> None:
    """Refused are exactly the ladders of which a rung is hidden by worse ones, or that no value keeps."""
    values = [number / 2 for number in range(-10, 11)]
    made = Ladder(tuple(Rung(s, parse_limit(f"{op} {number}")) for s, (op, number) in sorted(rungs.items())))
    reported = {rung.severity if (rung := made.breached(value)) else None for value in values}
    sensible = reported == {*rungs, None}
    try:
        parse_ladder({severity: f"{op} {number}" for severity, (op, number) in rungs.items()})
    except LimitError:
        assert not sensible
    else:
        assert sensible


@pytest.mark.parametrize(
    ("rungs", "message"),
    [
        ({}, "there is no limit; use for example '< 70%'"),
        ({"P5": "< 5"}, "'P5' is not a severity; use one of P0, P1, P2, P3"),
        (
            {"P1": "< 5/h", "P3": "< 2/day"},
            "the rates of one ladder count over the same window, for example all '/day'",
        ),
        (
            {"P1": "< 5GB", "P3": "< 70%"},
            "the limits of one ladder compare the same thing, for example all of them percentages",
        ),
    ],
)
def test_what_is_no_ladder(rungs: dict[str, object], message: str) -> None:
    with pytest.raises(LimitError) as caught:
        parse_ladder(rungs)
    assert str(caught.value) == message


def test_two_words_for_one_severity() -> None:
    with pytest.raises(LimitError, match=r"^two limits have the severity P1; keep one of them$"):
        parse_ladder({"P1": "< 5", "bad": "< 6"}, {"bad": "P1"})


# What stands around limits
