"""[maintenance.NAME] and [[waiver]]: what they mean, and what is wrong with them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from pytest_opscheck.inventory import Inventory

Errors = Callable[..., list[str]]
Read = Callable[..., Inventory]
GENERAL = "[opscheck]\ntimezone = 'Europe/Berlin'\n[host.a]\n[docker.b]\nproject = 'b'\non = 'a'\n[host.c]\n"
WINDOW = "[maintenance.work]\nrule = 'FREQ=WEEKLY;BYDAY=SU'\nat = '02:00-04:00'\nwhy = 'patching'\n"
WAIVER = "[[waiver]]\ncheck = 'host.disk'\ntarget = 'a'\nowner = 'Kim'\nreason = 'ordered'\n"
ELSEWHERE = WAIVER.replace("'a'", "'x'")


def test_a_window(read: Read) -> None:
    [window] = read(GENERAL + WINDOW).windows
    assert (window.name, str(window.at), window.why, window.results) == ("work", "02:00-04:00", "patching", None)


def test_what_a_window_is_narrowed_to(read: Read) -> None:
    """A host's window holds for what is reached through that host."""
    [window] = read(GENERAL + WINDOW + "targets = ['host.a']\n").windows
    assert window.results is not None
    assert {name.rpartition("@")[2] for name in window.results} == {"a", "b"}
    [window] = read(GENERAL + WINDOW + "targets = ['host.a']\nchecks = ['host.disk', 'docker']\n").windows
    assert window.results is not None
    assert "host.disk@a" in window.results
    assert {name.partition("@")[0].partition(".")[0] for name in window.results - {"host.disk@a"}} == {"docker"}


def test_a_waiver_holds_through_its_last_day(read: Read) -> None:
    today = dt.datetime.now(dt.UTC).date()
    text = GENERAL.replace("Europe/Berlin", "UTC") + WAIVER
    [waiver] = read(f"{text}until = {today}\nsubject = '/var'\nticket = 'OPS-12'\n").waivers
    assert (waiver.result, waiver.subject, waiver.until) == ("host.disk@a", "/var", today)
    assert read(f"{text}until = '{today}'\n").waivers[0].until == today


def test_a_waiver_that_is_over(read: Read) -> None:
    """It is kept, so that the run can say so: a day that passes makes no inventory wrong."""
    [waiver] = read(f"{GENERAL}{WAIVER}until = 2026-01-31\n").waivers
    assert waiver.holds(dt.date(2026, 1, 31))
    assert not waiver.holds(dt.date(2026, 2, 1))


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (WAIVER, "8: waiver[0]: the key 'until' is needed"),
        (f"{WAIVER}until = 'soon'\n", "13: waiver[0].until: soon is not a day; use for example 2026-12-31"),
        (f"{WAIVER}until = 2099-01-01T00:00:00\n", "13: waiver[0].until: 2099-01-01 00:00:00 is not a day"),
        (f"{WAIVER}until = 2099-01-01\nowners = 'x'\n", "14: waiver[0].owners: unknown key; did you mean 'owner'?"),
        (
            f"{WAIVER.replace('disk', 'disks')}until = 2099-01-01\n",
            "9: waiver[0].check: there is no check 'host.disks'",
        ),
        (
            f"{ELSEWHERE}until = 2099-01-01\n",
            "10: waiver[0].target: host.disk has no target 'x'; it can",
        ),
        (f"{WAIVER.replace('Kim', ' ')}until = 2099-01-01\n", "11: waiver[0].owner: it is empty; give a value"),
        (f"{WAIVER}until = 2099-01-01\n" * 2, "14: waiver[1]: host.disk@a has two waivers; keep one of them"),
        ("[waiver]\ncheck = 'x'\n", "8: waiver: it must be a list of tables: [[waiver]]"),
        (WINDOW.replace("rule = 'FREQ=WEEKLY;BYDAY=SU'\n", ""), "8: maintenance.work: the key 'rule' is needed"),
        (WINDOW.replace("SU", "XX"), "9: maintenance.work.rule: 'FREQ=WEEKLY;BYDAY=XX': BYDAY can't be 'XX'"),
        (WINDOW.replace("-04", "-"), "10: maintenance.work.at: '02:00-:00' is not a part of the day; use for example"),
        (
            f"{WINDOW}targets = ['host.d']\n",
            "12: maintenance.work.targets[0]: there is no target 'host.d'; did you mean",
        ),
        (
            f"{WINDOW}checks = ['host.disks']\n",
            "12: maintenance.work.checks[0]: there is no check 'host.disks'; did you",
        ),
        (f"{WINDOW}targets = []\n", "12: maintenance.work.targets: "),
        (f"{WINDOW}from = 'x'\n", "12: maintenance.work.from: x is not a day"),
        (f"{WINDOW}form = 'x'\n", "12: maintenance.work.form: unknown key; did you mean 'from'?"),
        ("[maintenance]\nrule = 'x'\n", "9: maintenance.rule: a window needs a name: [maintenance.NAME]"),
    ],
)
def test_what_is_wrong(errors: Errors, said: str, error: str) -> None:
    [found] = errors((GENERAL + said).encode())
    assert found.startswith(error)


def test_windows_need_clocks_to_go_by(errors: Errors) -> None:
    [found] = errors(f"[host.a]\n{WINDOW}".encode())
    assert found.startswith(
        "2: maintenance: windows follow the inventory's time zone, so set it: timezone in [opscheck]"
    )
