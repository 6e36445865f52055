"""Maintenance windows: on which days, from when to when, and what both changes of the clock make of them."""

from __future__ import annotations

import datetime as dt
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_opscheck.core.units import LimitError
from pytest_opscheck.inventory.windows import Window, parse_at, parse_rule

NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
SPRING = dt.date(2026, 3, 8)
"""02:00 becomes 03:00."""
AUTUMN = dt.date(2026, 11, 1)
"""02:00 becomes 01:00, so that each minute from 01:00 on comes twice."""
QUARTER = "FREQ=MONTHLY;BYMONTH=1,4,7,10;BYDAY=1SU"


def window(at: str, rule: str = "FREQ=DAILY", first: dt.date | None = None) -> Window:
    return Window("work", parse_rule(rule, first), parse_at(at), "patching")


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("said", "days"),
    [
        (QUARTER, ["2026-01-04", "2026-04-05", "2026-07-05", "2026-10-04"]),
        ("RRULE:freq=yearly;bymonth=12;bymonthday=-1", ["2026-12-31"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31;UNTIL=20260401", ["2026-01-31", "2026-03-31"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", []),
        ("FREQ=YEARLY;BYYEARDAY=32", ["2026-02-01"]),
    ],
)
def test_on_which_days(said: str, days: list[str]) -> None:
    found = parse_rule(said, None).days(dt.date(2026, 1, 1), dt.date(2026, 12, 31))
    assert [str(day) for day in found] == days


def test_every_other_week_counts_from_the_first_one() -> None:
    rule = parse_rule("FREQ=WEEKLY;INTERVAL=2", dt.date(2026, 1, 4))
    found = rule.days(dt.date(2026, 1, 1), dt.date(2026, 2, 10))
    assert [day.day for day in found] == [4, 18, 1]


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        ("2026-10-04T01:59:59-04:00", False),
        ("2026-10-04T02:00:00-04:00", True),
        ("2026-10-04T07:59:59-04:00", True),
        ("2026-10-04T08:00:00-04:00", False),
        ("2026-10-04T06:30:00+00:00", True),
        ("2026-10-11T03:00:00-04:00", False),
    ],
)
def test_the_first_sunday_of_a_quarter(moment: str, inside: bool) -> None:
    assert (window("02:00-08:00", QUARTER).open(at(moment), NEW_YORK) is not None) == inside


def test_across_midnight_it_belongs_to_the_day_on_which_it_begins() -> None:
    saturday = window("22:00-04:00", "FREQ=WEEKLY;BYDAY=SA")
    found = saturday.open(at("2026-11-22T03:59:00-05:00"), NEW_YORK)
    assert found is not None
    assert found.until == at("2026-11-22T04:00:00-05:00")
    assert saturday.open(at("2026-11-21T03:59:00-05:00"), NEW_YORK) is None


@pytest.mark.parametrize(
    ("day", "said", "begin", "end"),
    [
        (SPRING, "02:00-08:00", "2026-03-08T03:00-04:00", "2026-03-08T08:00-04:00"),
        (SPRING, "02:30-04:00", "2026-03-08T03:00-04:00", "2026-03-08T04:00-04:00"),
        (SPRING, "01:00-02:30", "2026-03-08T01:00-05:00", "2026-03-08T03:00-04:00"),
        (SPRING, "00:00-24:00", "2026-03-08T00:00-05:00", "2026-03-09T00:00-04:00"),
        (SPRING, "22:00-04:00", "2026-03-08T22:00-04:00", "2026-03-09T04:00-04:00"),
        (AUTUMN, "01:30-03:00", "2026-11-01T01:30-04:00", "2026-11-01T03:00-05:00"),
        (AUTUMN, "00:30-01:30", "2026-11-01T00:30-04:00", "2026-11-01T01:30-05:00"),
        (AUTUMN, "02:00-08:00", "2026-11-01T02:00-05:00", "2026-11-01T08:00-05:00"),
        (AUTUMN, "00:00-24:00", "2026-11-01T00:00-04:00", "2026-11-02T00:00-05:00"),
    ],
)
def test_both_changes_of_the_clock(day: dt.date, said: str, begin: str, end: str) -> None:
    assert window(said).bounds(day, NEW_YORK) == (at(begin), at(end))


def test_what_lies_in_the_hour_that_is_left_out_never_opens() -> None:
    begin, end = window("02:10-02:40").bounds(SPRING, NEW_YORK)
    assert begin == end


@given(
    st.sampled_from([SPRING, AUTUMN]),
    st.integers(-86400, 2 * 86400),
    st.integers(0, 1439),
    st.integers(0, 1439),
)
def test_it_is_open_while_the_clock_shows_its_times(day: dt.date, second: int, start: int, end: int) -> None:
    """Whatever moment, also around the changes: where a clock shows a time of it, it is open."""
    if start >= end:
        return
    moment = dt.datetime.combine(day, dt.time(), dt.UTC) + dt.timedelta(seconds=second)
    local = moment.astimezone(NEW_YORK)
    found = window(f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}").open(moment, NEW_YORK)
    shown = start <= local.hour * 60 + local.minute < end
    assert found is not None or not shown
    if local.date() != AUTUMN:
        assert (found is not None) == shown


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("every sunday", "is not a recurrence rule of RFC 5545"),
        ("FREQ=MONTHLY;BYFOO=1", "is not a recurrence rule of RFC 5545, for 'BYFOO'; use for example"),
        ("FREQ=HOURLY", "FREQ can't be 'HOURLY'"),
        ("FREQ=MONTHLY;BYMONTH=13;BYMONTHDAY=1", "BYMONTH can't be '13'"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL can't be '0'"),
        ("FREQ=DAILY;FREQ=DAILY", "each part may appear once"),
        ("BYDAY=SU", "FREQ is needed"),
        ("FREQ=WEEKLY", "does not set the day; add BYDAY, or the day of the first window: from = 2026-01-04"),
        ("FREQ=MONTHLY;BYMONTH=2", "add BYDAY, or BYMONTHDAY"),
        ("FREQ=WEEKLY;BYDAY=1SU", "only a month or a year has a first and a last Sunday"),
        ("FREQ=DAILY;COUNT=3", "COUNT counts from the first window"),
        ("FREQ=WEEKLY;BYDAY=SU;INTERVAL=2", "INTERVAL counts from the first window"),
        ("FREQ=DAILY;BYHOUR=3", "`at` says the time of day; leave BYHOUR out"),
        ("FREQ=MONTHLY;BYDAY=6SU", "there is no such day"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "there is no such day"),
        ("FREQ=YEARLY;BYMONTH=2;BYDAY=99SU", "is not a recurrence rule"),
        ("FREQ=DAILY;UNTIL=20261399", "is not a recurrence rule"),
    ],
)
def test_what_is_no_rule(said: str, error: str) -> None:
    with pytest.raises(LimitError) as caught:
        parse_rule(said, None)
    assert error in str(caught.value)


@pytest.mark.parametrize("said", ["2-8", "02:00", "08:00-08:00", "25:00-26:00", 5])
def test_what_is_no_time(said: object) -> None:
    with pytest.raises(LimitError, match="use for example '02:00-08:00'"):
        parse_at(said)
