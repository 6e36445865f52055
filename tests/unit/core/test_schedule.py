"""When a suite is due: over both changes of the clocks, as systemd says it too."""

from __future__ import annotations

import datetime as dt
import itertools
import re
import subprocess
import zoneinfo

import pytest

from pytest_opscheck.cli.timers import calendar
from pytest_opscheck.core.schedule import Schedule, shortest_gap_s
from tests.live.processes import program

NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


def at(
    *times: str, zone: zoneinfo.ZoneInfo = NEW_YORK, weekdays: tuple[int, ...] = (), dates: tuple[int, ...] = ()
) -> Schedule:
    minutes = tuple(int(hour) * 60 + int(minute) for hour, minute in (time.split(":") for time in times))
    return Schedule(minutes, weekdays=weekdays, dates=dates, zone=zone)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def test_twice_a_day_over_the_clocks_change() -> None:
    """09:00 is 09:00 on the wall: 14:00 UTC before, 13:00 after."""
    found = at("09:00", "18:00").between(utc("2026-03-07T12:00"), utc("2026-03-09T13:00"))
    assert [f"{moment:%d %H:%M}" for moment in found] == ["07 14:00", "07 23:00", "08 13:00", "08 22:00"]


def test_the_end_is_not_in_it() -> None:
    daily = at("09:00", zone=BERLIN)
    assert list(daily.between(utc("2026-01-01T08:00"), utc("2026-01-01T08:00"))) == []
    assert list(daily.between(utc("2026-01-01T08:00"), utc("2026-01-02T08:00"))) == [utc("2026-01-01T08:00")]
    assert daily.following(utc("2026-01-01T08:00")) == utc("2026-01-02T08:00")


SCHEDULES = [
    at("02:30"),
    at("01:30"),
    at("09:00", "18:00"),
    at("02:00", "02:30", "03:00", zone=BERLIN),
    at("06:00", weekdays=(0, 3)),
    at("06:00", dates=(29, 31)),
    at("00:00", "06:00", "12:00", "18:00", zone=BERLIN),
    Schedule(every=5),
    Schedule(every=60),
]


@pytest.mark.server
@pytest.mark.parametrize("begin", ["2026-03-07T17:00", "2026-10-24T17:00", "2026-10-31T16:00", "2028-02-28T00:00"])
@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_systemd_says_the_same(schedule: Schedule, begin: str) -> None:
    """Also of a time that the clocks skip, and of one that they repeat."""
    count = 40
    expected = set[dt.datetime]()
    for moment in calendar(schedule):
        base = utc(begin) - dt.timedelta(microseconds=1)
        command = [
            program("systemd-analyze"),
            "calendar",
            f"--iterations={count}",
            f"--base-time={base:%F %T} UTC",
            moment,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env={"TZ": "UTC", "LC_ALL": "C"})
        shown = re.findall(r"(?:elapse|#[0-9]+): \w+ ([0-9-]+ [0-9:]+) UTC", done.stdout)
        assert len(shown) == count
        expected |= {utc(text) for text in shown}
    found = list(
        itertools.takewhile(lambda m: m <= max(expected), schedule.between(utc(begin), utc("2045-01-01T00:00")))
    )
    assert found[:count] == sorted(expected)[:count]


def test_what_is_settled_has_had_its_time() -> None:
    """A run that may still be under way is not missed."""
    schedule = Schedule((540,), zone=NEW_YORK, delay_s=120, deadline_s=900)
    assert schedule.settled(utc("2026-11-20T14:17:30")) == utc("2026-11-19T14:00")
    assert schedule.settled(utc("2026-11-20T14:18:30")) == utc("2026-11-20T14:00")
    assert at("06:00", dates=(31,)).settled(utc("2026-12-30T00:00")) == utc("2026-10-31T10:00")


def test_the_shortest_gap() -> None:
    assert shortest_gap_s((540, 1080), 60) == 9 * 3600
    assert shortest_gap_s((10, 1430), 60) == 20 * 60
    assert shortest_gap_s((540,), 60) == 86400
    assert shortest_gap_s((), 5) == 300
