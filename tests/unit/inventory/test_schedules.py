"""When a suite runs by itself: what [suites.NAME] says of it, and what is wrong with that."""

from __future__ import annotations

import zoneinfo

import pytest

from pytest_opscheck.core.schedule import Schedule

from .conftest import Errors, Read

ZONE = "[opscheck]\ntimezone = 'America/New_York'\n"
HOST = "[host.a]\n"


@pytest.mark.parametrize(
    ("said", "schedule"),
    [
        ("at = '9:00'", Schedule((540,))),
        ("at = ['18:00', '09:00', '09:00']", Schedule((540, 1080))),
        ("at = '09:00'\ndays = ['mon', 'thu']\nrandom_delay = '2m'", Schedule((540,), weekdays=(0, 3), delay_s=120)),
        ("at = '09:00'\ndays = 1\ndeadline = '15m'", Schedule((540,), dates=(1,), deadline_s=900)),
        ("every = '5m'", Schedule(every=5, deadline_s=300)),
        ("every = '60m'", Schedule(every=60)),
        ("every = '6h'", Schedule((0, 360, 720, 1080))),
    ],
)
def test_when(read: Read, said: str, schedule: Schedule) -> None:
    found = read(f"{ZONE}[suites.daily]\n{said}\n{HOST}").suites["daily"].schedule
    assert found is not None
    assert found.zone == zoneinfo.ZoneInfo("America/New_York")
    fields = ("times", "every", "weekdays", "dates", "delay_s", "deadline_s")
    assert [getattr(found, name) for name in fields] == [getattr(schedule, name) for name in fields]


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("att = '09:00'", "unknown key; did you mean 'at'?"),
        ("at = '25:00'", "'25:00' is not a time of the day; use for example at = ['09:00', '18:00']"),
        ("at = 9", "9 is not a time of the day"),
        ("at = []", "it names no time"),
        ("at = '09:00'\nevery = '5m'", "the suite already has times of the day; keep either `at` or `every`"),
        ("every = '7m'", "'7m' does not divide an hour or a day evenly; use 1m, 2m,"),
        ("every = '30s'", "'30s' does not divide an hour or a day evenly"),
        ("every = '24h'", "'24h' does not divide an hour or a day evenly"),
        ("every = 'often'", "'often' is not a length of time; use for example '5m'"),
        ("at = '09:00'\ndays = 'monday'", "'monday' is not a weekday; did you mean 'mon'?"),
        ("at = '09:00'\ndays = [0]", "0 is not a day of a month"),
        ("at = '09:00'\ndays = [true]", "True is not a day of a month"),
        ("at = '09:00'\ndays = []", "it names no day"),
        ("at = '09:00'\ndays = ['mon', 1]", "weekdays and days of the month can't be combined"),
        ("every = '5m'\ndays = 'mon'", "it needs times of the day"),
        ("days = 'mon'", "it needs a schedule; add one: at = "),
        ("random_delay = '2m'", "it needs a schedule"),
        ("every = '5m'\nrandom_delay = '6m'", "it is longer than the time between two runs"),
        ("every = '5m'\ndeadline = '6m'", "it is longer than the time between two runs"),
        ("deadline = '5'", "'5' is not a length of time; use for example '15m'"),
        ("deadline = '5ms'", "'5ms' is too short"),
        ("heartbeat = 'hc-ping.com/x'", "it is not an address; write https://hc-"),
        ("heartbeat = 5", "it is not an address"),
    ],
)
def test_what_can_not_be_meant(errors: Errors, said: str, error: str) -> None:
    [found] = errors(f"{ZONE}[suites.daily]\n{said}\n{HOST}")
    assert found.partition(": ")[2].partition(": ")[2].startswith(error)


def test_a_time_of_the_day_needs_a_clock(errors: Errors) -> None:
    expected = "2: suites.daily.at: the time zone is needed: timezone = 'Europe/Berlin' in [opscheck]"
    assert errors(f"[suites.daily]\nat = '09:00'\n{HOST}") == [expected]
    [found] = errors(f"[suites.daily]\nevery = '6h'\n{HOST}")
    assert found.startswith("2: suites.daily.every: the time zone is needed")


def test_a_heartbeat_is_secret(read: Read) -> None:
    inventory = read(f"[suites.daily]\nheartbeat = 'https://hc.example/ping/1b2f-Canary'\n{HOST}")
    suite = inventory.suites["daily"]
    assert suite.heartbeat == "https://hc.example/ping/1b2f-Canary"
    assert "Canary" not in repr(suite)
    assert "Canary" not in inventory.redactor.text("could not reach https://hc.example/ping/1b2f-Canary/start")
    assert "Canary" not in inventory.redactor.text("HTTPConnectionPool: /ping/1b2f-Canary/fail")
