"""How measured numbers are said: as people do, and never so that the message contradicts the verdict."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pytest_opscheck.core.judgeable import UnjudgeableError
from pytest_opscheck.core.ladders import parse_ladder, single
from pytest_opscheck.core.limits import parse_limit
from pytest_opscheck.core.results import Measurement
from pytest_opscheck.core.units import LimitError
from pytest_opscheck.judge.expect import Expect
from pytest_opscheck.judge.sentence import sentence

SPOKEN = {"min": "m"}
operators = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
measured_units = st.sampled_from(
    ["", "%", "ms", "s", "m", "h", "d", "B", "kB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB", "/day", "/h"]
)
floats = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e290, max_value=1e290)
numbers = st.one_of(st.integers(-(10**9), 10**9), floats, st.floats(0, 200), st.floats(1e-9, 1e-3))


def measured(value: object, unit: str, limit: object) -> Measurement:
    """Return what is recorded of a value."""
    expect = Expect(None, dt.datetime(2026, 11, 20, 8, tzinfo=dt.UTC), {})
    expect(value, unit, limit=limit)  # type: ignore[arg-type]
    return expect.measurements[0]


@pytest.mark.parametrize(
    ("value", "unit", "limit", "text"),
    [
        (3.0, "s", "< 6h", "3 s"),
        (2700.0, "s", "< 6h", "45 min"),
        (1080.0, "s", "< 0.5h", "0.3 h"),
        (25200.0, "s", "< 6h", "7 h"),
        (30 * 86400, "s", "< 26h", "720 h"),
        (90 * 86400, "s", "< 26h", "90 d"),
        (0.4, "d", ">= 30d", "9.6 h"),
        (-3.25, "d", ">= 30d", "-3.25 d"),
        (0.0, "s", "< 6h", "0 h"),
        (-0.0, "s", "< 6h", "0 h"),
        (1234.5, "ms", "< 500ms", "1234 ms"),
        (4_000.0, "ms", "< 500ms", "4000 ms"),
        (90_000.0, "ms", "< 500ms", "1.5 min"),
        (0.7, "s", "< 500ms", "700 ms"),
        (0.00042, "ms", "< 500ms", "0.00042 ms"),
        (90.0, "s", "< 1m", "1.5 min"),
        (1e11, "s", "< 1d", "1157407 d"),
        (99.4e9, "B", "< 100MB", "99.4 GB"),
        (1_234_567, "B", "> 0B", "1.23 MB"),
        (1_234_567, "B", "> 1GiB", "1.18 MiB"),
        (4000, "B", "> 4096B", "4000 B"),
        (0, "B", "> 1MB", "0 MB"),
        (3.717, "%", "< 70%", "3.7 %"),
        (88.235, "%", "< 80%", "88.2 %"),
        (70.0, "%", "< 80%", "70 %"),
        (0.0432, "%", "< 80%", "0.0432 %"),
        (99.98, "%", "> 99.5%", "99.98 %"),
        (100.0, "%", "> 99.5%", "100 %"),
        (69.996, "%", "< 70%", "69.996 %"),
        (70.04, "%", "<= 70%", "70.04 %"),
        (0.8333, "", "< 1.5", "0.833"),
        (1234000.0, "", "< 1e7", "1234000"),
        (1_234_000, "", "< 5", "1234000"),
        (1e300, "", "< 5", "1e+300"),
        (10**400, "", "< 5", "1" + 400 * "0"),
        (math.inf, "s", "< 26h", "inf s"),
        (12.0, "/day", "< 10/day", "12/day"),
        (12.0, "/day", "< 10/h", "12/day"),
        (5.0, "s", "< 10", "5 s"),
        (True, "", "== false", "true"),
        ("ready", "", "== fine", "ready"),
    ],
)
def test_a_value_is_said_as_people_do(value: object, unit: str, limit: str, text: str) -> None:
    found = measured(value, unit, limit)
    assert found.observed == text
    assert found.value == value or found.value == str(value)


def test_minutes_are_not_taken_for_metres() -> None:
    assert sentence(measured(400, "s", "< 5m")) == "6.67 min, expected < 5 min"


def test_a_rung_that_holds_is_not_contradicted_either() -> None:
    """89.97 % breaks the mild rung alone; said as 90 % it would break the worse one too."""
    found = measured(89.97, "%", {"P3": "< 70%", "P1": "< 90%"})
    assert (found.breached, found.observed) == ("P3", "89.97 %")


@given(numbers, measured_units, operators, numbers, measured_units)
@example(70.0 + 1e-9, "%", "<=", 70, "%")
@example(69.99999, "%", "<", 70, "%")
@example(86400 - 1e-6, "s", "<", 24, "h")
@example(0.1 + 0.2, "s", "<=", 300, "ms")
@example(5e-324, "B", "<", 0, "kB")
@example(5e-324, "B", "<", 5e-324, "kB")
def test_what_is_said_is_judged_as_the_value_is(
    value: float, unit: str, operator: str, operand: float, limit_unit: str
) -> None:
    limit = parse_limit(f"{operator} {operand!r}{limit_unit}")
    found = measured(value, unit, limit)
    assume(found.problem is None)
    match = re.fullmatch(r"(-?[\d.]+(?:e[+-]?\d+)?) ?(\S*)", found.observed)
    assert match is not None
    shown_unit = SPOKEN.get(match[2], match[2])
    assert limit.holds(float(match[1]), shown_unit) is limit.holds(value, unit)
    assert value == 0 or float(match[1]) != 0


@given(st.floats(0, 200), st.integers(0, 200), st.integers(0, 200))
def test_no_rung_of_a_ladder_is_contradicted(value: float, mild: int, bad: int) -> None:
    with contextlib.suppress(LimitError, UnjudgeableError):
        ladder = parse_ladder({"P3": f"< {mild}%", "P1": f"< {bad}%"})
        found = measured(value, "%", ladder)
        assert ladder.breached(float(found.observed.removesuffix(" %")), "%") == ladder.breached(value, "%")


def test_a_value_with_no_limit_of_its_kind_is_said_too() -> None:
    found = measured(5400.0, "s", single(parse_limit("== ready"), "P2"))
    assert found.observed == "1.5 h"


def test_several_texts_stand_behind_a_colon() -> None:
    found = Measurement("addresses", ("10.0.0.1", "10.0.0.2"), "", {}, observed="10.0.0.1, 10.0.0.2", expected="x")
    assert sentence(found) == "addresses: 10.0.0.1, 10.0.0.2"
