"""Limits relative to a baseline: what they say, what they compare with, and what can't be meant."""

from __future__ import annotations

import math

import pytest

from pytest_opscheck.core.judgeable import UnjudgeableError
from pytest_opscheck.core.ladders import Ladder, ladder_of, parse_ladder, parse_single
from pytest_opscheck.core.relative import RelativeLimit, parse_relative
from pytest_opscheck.core.units import LimitError


def of(said: str) -> RelativeLimit:
    limit = parse_relative(said)
    assert limit is not None
    return limit


@pytest.mark.parametrize(
    ("said", "unit", "bound"),
    [
        ("<= baseline + 20%", "ms", 120),
        (">= baseline - 10%", "", 90),
        ("<= baseline + 5", "", 105),
        ("<= baseline + 1pp", "%", 101),
        ("<= baseline + 20%", "%", 120),
        ("< baseline + 50ms", "ms", 150),
        ("< baseline + 1s", "ms", 1100),
        ("<= baseline + 1kB", "B", 1100),
        ("== baseline", "", 100),
    ],
)
def test_what_a_value_is_compared_with(said: str, unit: str, bound: float) -> None:
    assert of(said).bound(100, unit) == pytest.approx(bound)
    assert str(of(said)) == said


def test_a_share_of_a_negative_baseline_widens_it_too() -> None:
    assert of("<= baseline + 20%").bound(-100, "") == -80


@pytest.mark.parametrize(
    ("said", "kept", "broken"),
    [("<= baseline", 100, 101), ("< baseline", 99, 100), (">= baseline", 100, 99), ("== baseline", 100, 101)],
)
def test_what_keeps_it(said: str, kept: float, broken: float) -> None:
    assert of(said).holds(kept, 100, "")
    assert not of(said).holds(broken, 100, "")


@pytest.mark.parametrize("value", [None, "100", True, math.nan, math.inf])
def test_what_is_no_number_can_not_be_compared(value: object) -> None:
    with pytest.raises(UnjudgeableError):
        of("<= baseline").holds(value, 100, "")


def test_a_margin_of_something_else_can_not_be_compared() -> None:
    with pytest.raises(UnjudgeableError, match="the value is a count, and 50ms of < baseline \\+ 50ms is not"):
        of("< baseline + 50ms").holds(100, 100, "")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("baseline + 20%", "a baseline is compared by one of <= >= < > =="),
        ("!= baseline", "a baseline is compared by one of"),
        ("<= baseline 20%", "behind 'baseline' stands \\+ or - and a number"),
        ("<= baseline + -5", "behind 'baseline' stands"),
        ("<= baseline + much", "behind 'baseline' stands"),
        ("<= baseline + 5 apples", "unknown unit 'apples'"),
    ],
)
def test_what_can_not_be_meant(said: str, message: str) -> None:
    with pytest.raises(LimitError, match=message):
        parse_relative(said)


@pytest.mark.parametrize("said", ["< 5", "== baselines", "ready", 5, True, None])
def test_other_limits_are_not_relative(said: object) -> None:
    assert parse_relative(said) is None


def test_a_ladder_of_both_sorts() -> None:
    ladder = parse_ladder({"P2": "<= baseline + 20%", "P1": "< 1s"})
    assert ladder.texts() == {"P2": "<= baseline + 20%", "P1": "< 1s"}
    assert ladder.breached(2, "s") is ladder.rungs[0]
    assert ladder.breached(0.5, "s") is None
    assert (ladder.worst, str(ladder.mildest), ladder.largest) == ("P1", "< 1s", math.inf)


def test_a_ladder_of_relative_limits_alone() -> None:
    ladder = parse_single("<= baseline + 1pp", "P2")
    assert (ladder.rungs, ladder.worst, ladder.dimension) == ((), "P2", "percentage")
    assert ladder.breached(100, "%") is None
    with pytest.raises(LimitError, match="there is no limit"):
        ladder_of([])
    with pytest.raises(LimitError, match="two limits have the severity P2"):
        Ladder(parse_single("< 5", "P2").rungs, ladder.relative)
