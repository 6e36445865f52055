"""What a channel is told: once per new breach, again when it is time or it worsens, and once when it is over."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from pytest_opscheck.core.results import Excuse, Result, Verdict
from pytest_opscheck.delivery.alerts import Alert, Event, digest_waits, due
from pytest_opscheck.delivery.messages import body, title
from pytest_opscheck.history import Notification
from pytest_opscheck.inventory.channels import Channel, Way

from ..reports import values

NOW = values.STARTED
PAGER = Channel("pager", Way.WEBHOOK, "http://x", frozenset({"P0", "P1"}), again_s=4 * 3600)


def told(severity: str | None = "P1", hours: float = 1) -> dict[str, Notification]:
    at = NOW - dt.timedelta(hours=hours)
    return {"host.disk@prod": Notification("pager", "host.disk@prod", "new", severity, at)}


def events(
    result: Result, before: dict[str, Notification] | None = None, channel: Channel = PAGER
) -> list[tuple[str, bool]]:
    return [(str(alert.event), alert.silent) for alert in due(channel, [result], before or {}, NOW)]


@pytest.mark.parametrize(
    ("result", "before", "expected"),
    [
        (values.result(), {}, [("new", False)]),
        (values.unknown(), {}, [("new", False)]),
        (values.result(), told(None), [("new", False)]),
        (values.result(), told(), []),
        (replace(values.result(), quiet=Excuse(Verdict.BREACH, "night", "patching")), {}, []),  # of a gate, in a window
        (values.result(), told(hours=3.9), [("again", False)]),
        (values.result(severity="P0"), told(), [("worse", False)]),
        (values.result(severity="P1"), told("P0"), [("milder", True)]),
        (values.result(severity="P3"), told(), [("milder", False)]),
        (values.result(severity="P3"), {}, []),
        (values.ok(), told(), [("recovered", False)]),
        (values.ok(), told(None), []),
        (values.ok(), {}, []),
        (values.blocked(), {}, []),
        (values.blocked(), told(), []),
        (values.result(pending="counts after 10 min", fails=False), {}, []),
        (values.result(verdict=Verdict.WAIVED, fails=False), {}, []),
        (values.result(verdict=Verdict.MAINTENANCE, fails=False), told(), []),
    ],
)
def test_when_it_is_told(result: Result, before: dict[str, Notification], expected: list[tuple[str, bool]]) -> None:
    assert events(result, before) == expected


def test_of_other_targets_it_is_not_told() -> None:
    elsewhere = replace(PAGER, targets=("tag:dc1",), elsewhere=frozenset({values.result().id}))
    assert events(values.result(), channel=elsewhere) == []
    assert events(values.result(), channel=replace(elsewhere, elsewhere=frozenset({"host.load@prod"}))) == [
        ("new", False)
    ]


def test_never_again_unless_said() -> None:
    assert events(values.result(), told(hours=99), replace(PAGER, again_s=None)) == []


def test_what_was_milder_meanwhile_is_told_when_it_is_as_bad_as_before() -> None:
    for severity in ("P1", "P3"):
        [alert] = due(PAGER, [values.result(severity=severity)], told("P0"), NOW)
        known = {"host.disk@prod": alert.remembered(PAGER, NOW, told("P0")["host.disk@prod"])}
        [again] = events(values.result(severity="P0"), known)
        assert again in (("worse", False), ("new", False))


def test_what_worsens_beyond_a_channel_is_told_there_and_its_end_too() -> None:
    mild = replace(PAGER, severities=frozenset({"P2", "P3"}))
    before = told("P2")
    assert events(values.result(severity="P0"), before, mild) == [("worse", False)]
    assert events(values.ok(), told("P0"), mild) == [("recovered", False)]


def test_a_digest_waits_and_two_daily_runs_are_a_day_apart() -> None:
    daily = replace(PAGER, digest_s=86400.0)
    assert digest_waits(daily, told(hours=9).values(), NOW)
    assert not digest_waits(daily, told(hours=23.95).values(), NOW)
    assert not digest_waits(daily, [], NOW)
    assert not digest_waits(replace(PAGER, digest_s=0.0), told(hours=0).values(), NOW)


def test_which_suites_a_channel_takes() -> None:
    assert PAGER.takes("daily")
    assert not PAGER.takes(None)
    smoke = replace(PAGER, suites=frozenset({"smoke"}))
    assert smoke.takes("daily+smoke")
    assert not smoke.takes("daily")


def test_what_people_read() -> None:
    run = values.run()
    one = [Alert(Event.NEW, values.result())]
    assert title(one, run) == "P1 breach: host.disk@prod (shop)"
    assert body(one, run).splitlines() == [
        "/var is at 95 %, expected < 90 %",
        "next: Find what grew",
        "runbook: docs/runbook.md#disk",
        "daily at 2026-11-20 08:00:00 UTC-05:00, seen from ops-1",
    ]
    many = [Alert(Event.WORSE, values.result(severity="P0"), "P1"), Alert(Event.RECOVERED, values.ok())]
    assert title(many, run) == "P0: 1 not ok, 1 recovered (shop)"
    assert body(many, run).splitlines()[:2] == [
        "P0 breach: host.disk@prod, it was P1: /var is at 95 %, expected < 90 %",
        "recovered: host.disk@prod: /var is at 5 %",
    ]
    assert title([Alert(Event.NEW, values.result(id="a\r\nBcc: x"))], run).count("\n") == 0
