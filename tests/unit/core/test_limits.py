"""The limit language: what it takes, what it refuses, and that it never holds where nobody can tell."""

from __future__ import annotations

import contextlib
import math
import operator
import pickle
from decimal import Decimal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pytest_opscheck.core.judgeable import UnjudgeableError
from pytest_opscheck.core.limits import Limit, parse_limit
from pytest_opscheck.core.units import (
    UNITS,
    LimitError,
    as_text,
    dimension,
    from_base,
    parse_duration,
    quantity,
    to_base,
)

COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
SAME = [(one, other) for one in UNITS for other in UNITS if dimension(one) == dimension(other) != "rate"]
operators = st.sampled_from(sorted(COMPARE))
units = st.sampled_from(UNITS)
numbers = st.floats(allow_nan=False, allow_infinity=False, width=64, max_value=1e290, min_value=-1e290)


def said(op: str, number: float, unit: str = "") -> Limit:
    return parse_limit(f"{op} {number!r}{unit}")


@given(operators, numbers, numbers)
@example("<", 0.0, 0.0)
@example(">", 0, -1e-7)
@example("<=", 1e300, 1e-300)
def test_every_operator_is_pythons_own(op: str, limit: float, value: float) -> None:
    assume(limit == value or not math.isclose(limit, value, rel_tol=1e-9))
    assert said(op, limit).holds(value) is COMPARE[op](value, limit)


@given(operators, numbers, st.floats(min_value=-1e-14, max_value=1e-14))
def test_what_converting_loses_counts_as_equal(op: str, limit: float, error: float) -> None:
    assert said(op, limit).holds(limit * (1 + error)) is COMPARE[op](0, 0)


@given(operators, st.sampled_from(SAME), st.floats(min_value=-1e9, max_value=1e9))
@example("<", ("s", "ms"), 0.1)
@example("<=", ("GiB", "B"), 1.0)
def test_equal_in_another_unit_is_equal(op: str, pair: tuple[str, str], number: float) -> None:
    """0.1 s against 100 ms, 1 GiB against its bytes, each unit both ways."""
    assume(number == 0 or abs(number) > 1e-290)
    here, there = pair
    value = from_base(to_base(number, here), there)
    assert said(op, number, here).holds(value, there) is COMPARE[op](0, 0)


@given(st.sampled_from(SAME), st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6))
def test_order_does_not_depend_on_the_unit(pair: tuple[str, str], limit: int, value: int) -> None:
    here, there = pair
    converted = from_base(to_base(value, here), there)
    assert said("<", limit, here).holds(converted, there) is (value < limit)


@given(operators, numbers, units)
def test_nan_neither_holds_nor_fails(op: str, number: float, unit: str) -> None:
    limit = said(op, number, unit)
    for nan in (math.nan, Decimal("NaN"), "nan", "NaN", "-nan", " NaN "):
        with pytest.raises(UnjudgeableError, match="NaN"):
            limit.holds(nan, unit)


@pytest.mark.parametrize("limit", ["< 5", "!= 5", "== ready", "!= down", "~ .*"])
@pytest.mark.parametrize("nothing", [None, "", "  \n", [], {}, (), set()])
def test_no_value_neither_holds_nor_fails(limit: str, nothing: object) -> None:
    with pytest.raises(UnjudgeableError, match=r"no value|empty list"):
        parse_limit(limit).holds(nothing)


@pytest.mark.parametrize("limit", ["!= down", "~ up", "< 5"])
def test_several_values_are_not_one(limit: str) -> None:
    """A list as text is different from every text: `!= down` would hold for ["down", "down"]."""
    with pytest.raises(UnjudgeableError, match="2 values"):
        parse_limit(limit).holds(["down", "up"])


@pytest.mark.parametrize(
    ("limit", "value", "holds"),
    [
        ("< 10", math.inf, False),
        ("> 10", math.inf, True),
        (">= 1e300", math.inf, True),
        ("== 1e300", math.inf, False),
        ("!= 0", math.inf, True),
        ("< 10", -math.inf, True),
        ("> -1e300", -math.inf, False),
        ("< 10h", math.inf, False),
        ("< 10", 10**400, False),
        ("> 10", 10**400, True),
        ("> 10", -(10**400), False),
        ("< 0", 0, False),
        ("<= 0", 0, True),
        ("<= 0", -0.0, True),
        ("< 0", -1e-300, True),
        ("> 0", 5e-324, True),
        ("== 0", 5e-324, False),
        ("> -5", -4, True),
        ("< 1e-07", 1e-8, True),
        ("< 1e-07", 1e-7, False),
        ("< +.5", 0.25, True),
        ("== 5.", 5, True),
        ("< 5", Decimal("4.9"), True),
    ],
)
def test_extreme_numbers(limit: str, value: object, holds: bool) -> None:
    unit = "h" if limit.endswith("h") else ""
    assert parse_limit(limit).holds(value, unit) is holds


@given(units, units, numbers)
def test_another_dimension_cannot_be_told(one: str, other: str, number: float) -> None:
    """Percentages, sizes and counts are not compared with one another, nor rates over different windows."""
    assume(dimension(one) != dimension(other) or (dimension(one) == "rate" and one != other))
    with pytest.raises(UnjudgeableError, match="the limit"):
        said("<", number, one).holds(number, other)


def test_rates_are_not_converted() -> None:
    limit = parse_limit("< 10/day")
    assert limit.window_s == 86400
    assert limit.holds(9, "/day")
    with pytest.raises(UnjudgeableError, match=r"^the value is a rate /h, and the limit < 10/day is one /day$"):
        limit.holds(0.1, "/h")


@given(operators, numbers, units)
def test_round_trip(op: str, number: float, unit: str) -> None:
    limit = said(op, number, unit) if math.isfinite(to_base(number, unit)) else said(op, 1, unit)
    assert parse_limit(str(limit)) == limit
    assert hash(parse_limit(str(limit))) == hash(limit)


@given(st.text(min_size=1))
@example("15 apples")
@example("== ==")
@example("~ [")
def test_whatever_text_parses_says_itself(text: str) -> None:
    with contextlib.suppress(LimitError):
        limit = parse_limit(text)
        assert parse_limit(str(limit)) == limit


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("", "'' is not a limit; start with one of <= >= == != < > ~ contains within, for example '< 70%'"),
        ("= 5", "'= 5' is not a limit; start with one of <= >= == != < > ~ contains within, for example '< 70%'"),
        ("!== 5", "'!== 5' is not a limit; start with one of <= >= == != < > ~ contains within, for example '< 70%'"),
        ("=< 5", "'=< 5' is not a limit; start with one of <= >= == != < > ~ contains within, for example '< 70%'"),
        ("≤ 5", "'≤ 5' is not a limit; start with one of <= >= == != < > ~ contains within, for example '< 70%'"),
        ("< ", "'< ' names no value; use for example '< 70%'"),
        ("< ready", "'< ready' compares with 'ready', which is not a number with a unit; use for example '< 70%'"),
        ("< 5 or 6", "'< 5 or 6' compares with '5 or 6', which is not a number with a unit; use for example '< 70%'"),
        ("< ٣", "'< ٣' compares with '٣', which is not a number with a unit; use for example '< 70%'"),
        ("< nan", "'< nan' compares with 'nan', which no measured value can be held against"),
        ("!= NaN", "'!= NaN' compares with 'NaN', which no measured value can be held against"),
        (math.inf, "'== inf' compares with 'inf', which no measured value can be held against"),
        ("> -Infinity", "'> -Infinity' compares with '-Infinity', which no measured value can be held against"),
        ("< 1e999", "'< 1e999' is larger than anything that can be measured"),
        ("< 1e306d", "'< 1e306d' is larger than anything that can be measured"),
        (10**309, f"'== {10**309}' is larger than anything that can be measured"),
        ("~ [a", "'[a' is not a regular expression: unterminated character set at position 0"),
        ("~ a{99999999999}", "'a{99999999999}' is not a regular expression: the repetition number is too large"),
        (None, "a limit is a text such as '< 70%', not nothing"),
        ([1], "a limit is a text such as '< 70%', not a list"),
        ({}, "a limit is a text such as '< 70%', not a table"),
    ],
)
def test_what_is_no_limit(said: object, message: str) -> None:
    with pytest.raises(LimitError) as caught:
        parse_limit(said)
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["< 5mb", "== 5mb", "!= 10/d", "< 10/week", "== 5 Gib", "< 5 min", "< 3x"])
def test_a_misspelt_unit_is_no_text(text: str) -> None:
    """`!= 10/d` as a text would hold for every number."""
    with pytest.raises(LimitError, match=r"^unknown unit '\S+'; use one of %, ms, s, m, h, d, B, .*, /day, or none"):
        parse_limit(text)


@pytest.mark.parametrize(
    ("limit", "value", "holds"),
    [
        ("== ready", "ready", True),
        ("ready", "ready", True),
        ("== ready", "Ready", False),
        ("!= down", "up", True),
        ("!= down", "down", False),
        ("== 15 apples", "15 apples", True),
        ("~ ^v2", "v2.1", True),
        ("~ ^v2", "v1", False),
        ("~ 2", "v2", True),
        ("~ ^20[0-9]$", 204, True),
        ("== true", True, True),
        ("== true", "true", True),
        ("== true", False, False),
        ("== true", 1, False),
        (True, True, True),
        (8, 8, True),
        (8, 7, False),
        (0.5, 0.5, True),
        ("== 200", "200", True),
        ("== 200", " 200\n", True),
        ("== 200", "OK", False),
        ("!= 200", "OK", True),
        ("!= 0", "5", True),
        ("< 5", "4.5", True),
        ("< 5", "5", False),
        ("<= 5", "5", True),
        ("> 5", "inf", True),
        ("== 7d", "7d", True),
    ],
)
def test_text_truth_and_strings_that_hold_numbers(limit: object, value: object, holds: bool) -> None:
    assert parse_limit(limit).holds(value) is holds


@pytest.mark.parametrize(
    ("limit", "value", "message"),
    [
        ("< 5", "ready", "'ready' is not a number"),
        ("== 0", False, "the value false is not a number, and the limit == 0 is for numbers"),
        ("!= 0", False, "the value false is not a number, and the limit != 0 is for numbers"),
        ("< 5s", "4", "the value is a count (no unit), and the limit < 5s is for a duration"),
        ("< 70%", 5, "the value is a count (no unit), and the limit < 70% is for a percentage"),
        ("== 1.10", "1.1", r"'1.1' is the same number as 1.10, but a different text; for text use '~ ^1\.10$'"),
        ("!= 0", "0.0", "'0.0' is the same number as 0, but a different text; for text use '~ ^0$'"),
    ],
)
def test_what_cannot_be_told(limit: str, value: object, message: str) -> None:
    with pytest.raises(UnjudgeableError) as caught:
        parse_limit(limit).holds(value)
    assert str(caught.value) == message


def test_a_limit_is_a_value() -> None:
    limit = parse_limit("~ ^v2")
    assert limit == parse_limit("~ ^v2")
    assert len({limit, parse_limit("~ ^v2"), parse_limit("< 70%")}) == 2
    assert pickle.loads(pickle.dumps(limit)) == limit
    with pytest.raises(AttributeError):
        limit.unit = "s"  # type: ignore[misc]  # that it is refused is the promise


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("< 70%", "< 70 %"), ("== 8", "8"), ("!= 8", "!= 8"), ("~ ^v2", "to match /^v2/"), ("<= 10 /h", "<= 10/h")],
)
def test_how_people_read_it(limit: str, expected: str) -> None:
    assert parse_limit(limit).expected == expected


# Ladders


@given(st.sampled_from(UNITS), numbers)
def test_units_convert_both_ways(unit: str, number: float) -> None:
    assume(math.isfinite(to_base(number, unit)))
    assume(number == 0 or abs(number) > 1e-290)
    assert math.isclose(from_base(to_base(number, unit), unit), number, rel_tol=1e-12)


@pytest.mark.parametrize(
    ("said", "seconds"), [("30s", 30), ("500ms", 0.5), ("2m", 120), ("1h", 3600), (5, 5), (0.5, 0.5), (" 1 d ", 86400)]
)
def test_durations(said: object, seconds: float) -> None:
    assert parse_duration(said) == pytest.approx(seconds)


@pytest.mark.parametrize("said", ["", "30", "30%", "0s", "-5s", True, None, math.nan, math.inf, [], "soon", "< 30s", 0])
def test_what_is_no_duration(said: object) -> None:
    with pytest.raises(LimitError, match="is not a length of time; use for example '30s'"):
        parse_duration(said)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (75.21, "%", "75.21 %"),
        ("1e6", "B", "1e6 B"),
        (5, "m", "5 min"),
        (12, "/day", "12/day"),
        (10**20, "", "100000000000000000000"),
        (True, "", "true"),
    ],
)
def test_quantities(value: object, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


def test_values_as_toml_writes_them() -> None:
    assert [as_text(value) for value in (None, True, False, 5, "ready")] == ["null", "true", "false", "5", "ready"]


@pytest.mark.parametrize("limit", ["!= failed", "~ ready", "== ready", "< 5"])
@pytest.mark.parametrize(
    "value", [b"ready", bytearray(b"ready"), memoryview(b"ready"), object(), (x for x in "a"), print, {"a": 1}.items()]
)
def test_what_is_not_a_number_a_text_or_a_truth_can_not_be_judged(value: object, limit: str) -> None:
    """Whatever its text form happens to be: `!= failed` would hold for all of them."""
    with pytest.raises(UnjudgeableError):
        parse_limit(limit).holds(value)
