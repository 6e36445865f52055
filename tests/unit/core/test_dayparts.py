"""Parts of the day: ends, midnight, and lists of which something always applies."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_opscheck.core.dayparts import During, Limits, check_parts, parse_during
from pytest_opscheck.core.ladders import single
from pytest_opscheck.core.limits import parse_limit
from pytest_opscheck.core.units import LimitError

minutes = st.integers(0, 1439)


def at(clock: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"2026-11-20T{clock}").replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("said", "inside", "outside"),
    [
        ("00:00-08:00", ["00:00:00", "07:59:59.999999"], ["08:00:00", "23:59:59"]),
        ("22:00-06:00", ["22:00:00", "23:59:59", "00:00:00", "05:59:59"], ["06:00:00", "21:59:59"]),
        ("08:00-24:00", ["08:00:00", "23:59:59.999999"], ["00:00:00", "07:59:59"]),
        ("08:00-00:00", ["08:00:00", "23:59:59.999999"], ["00:00:00", "07:59:59"]),
        (" 08:00 - 08:01 ", ["08:00:59"], ["08:01:00", "07:59:59"]),
    ],
)
def test_the_end_is_excluded(said: str, inside: list[str], outside: list[str]) -> None:
    during = parse_during(said)
    assert all(during.holds(at(clock)) for clock in inside)
    assert not any(during.holds(at(clock)) for clock in outside)


@given(minutes, minutes)
def test_a_part_holds_at_its_minutes(start: int, end: int) -> None:
    assume(start != end)
    during = During(start, end)
    midnight = at("00:00")
    held = {minute for minute in range(1440) if during.holds(midnight + dt.timedelta(minutes=minute))}
    assert held == during.minutes
    assert parse_during(str(during)) == during


@pytest.mark.parametrize(
    "said",
    ["", "08:00", "8:00-9:00", "08:00-25:00", "08:00-24:01", "24:00-08:00", "a-b", "08:00-09:00-10:00", 8, None, []],
)
def test_what_is_no_part_of_the_day(said: object) -> None:
    with pytest.raises(LimitError, match=r"is not a part of the day; use for example '00:00-08:00'$"):
        parse_during(said)


@pytest.mark.parametrize("said", ["00:00-24:00", "08:00-08:00", "00:00-00:00"])
def test_a_whole_day_is_no_part(said: str) -> None:
    with pytest.raises(LimitError, match="is the whole day or none of it; leave `during` out"):
        parse_during(said)


def parts(*said: str | None) -> list[During | None]:
    return [parse_during(text) if text else None for text in said]


@pytest.mark.parametrize(
    "said", [(None,), ("00:00-08:00", None), ("00:00-12:00", "12:00-24:00"), ("08:00-09:00", "08:00-10:00", None)]
)
def test_lists_that_always_say_something(said: tuple[str | None, ...]) -> None:
    check_parts(parts(*said))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (("00:00-08:00",), "nothing is expected at 08:00; end with an entry without `during`, for the rest"),
        ((), "nothing is expected at 00:00; end with an entry without `during`, for the rest"),
        ((None, None), "entry 2 would never apply: those before it are first at all of its times"),
        (
            ("00:00-08:00", "01:00-02:00", None),
            "entry 2 would never apply: those before it are first at all of its times",
        ),
        (
            ("00:00-12:00", "12:00-24:00", None),
            "entry 3 would never apply: those before it are first at all of its times",
        ),
    ],
)
def test_lists_that_cannot_be_meant(said: tuple[str | None, ...], message: str) -> None:
    with pytest.raises(LimitError) as caught:
        check_parts(parts(*said))
    assert str(caught.value) == message


def test_the_first_that_applies() -> None:
    night, day = (single(parse_limit(text), "P2") for text in ("> 40%", "> 70%"))
    limits = Limits(((parse_during("00:00-08:00"), night), (None, day)))
    assert limits.at(at("07:59")) is night
    assert limits.at(at("08:00")) is day
    assert str(limits) == "00:00-08:00: P2 > 40%; P2 > 70%"
