"""What a run makes of waivers and maintenance windows: pytest's outcome, the exit status, and what people are told."""

from __future__ import annotations

import datetime as dt
import getpass
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable

import jsonschema
import pytest

from pytest_opscheck.reports.json import schema

from .conftest import results, verdicts

Project = Callable[..., pytest.Pytester]
INVENTORY = """
[opscheck]
timezone = "UTC"
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
[host.local.command.fine]
run = "true"
[host.local.command.broken]
run = "exit 3"
[host.local.command.odd]
run = "sleep 60"
timeout = "1s"
"""
WINDOW = """
[maintenance.always]
rule = "FREQ=DAILY"
at = "00:00-24:00"
why = "patching of prod"
"""
WAIVER = """
[[waiver]]
check = "host.command.broken"
target = "local"
owner = "Kim"
reason = "a new one is ordered"
ticket = "OPS-12"
until = {until}
"""
OWN = """
import pytest

@pytest.mark.daily
def test_measures(expect):
    expect(5, limit="< 3")

@pytest.mark.daily
def test_asserts(expect):
    assert 1 == 2, "one is not two"

@pytest.mark.daily
def test_raises(host):
    raise ValueError("oops")

@pytest.fixture
def broken():
    raise ValueError("no set-up")

@pytest.mark.daily
def test_is_not_set_up(broken, expect):
    expect(1, limit="< 3")
"""


def waiver(days: int) -> str:
    return WAIVER.format(until=dt.datetime.now(dt.UTC).date() + dt.timedelta(days=days))


def valid(pytester: pytest.Pytester) -> dict[str, object]:
    data = json.loads((pytester.path / "reports/daily/latest.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.FormatChecker()).validate(data)
    return dict(data["run"])


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_inside_a_window_nothing_fails(project: Project, pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    project(INVENTORY + WINDOW)
    pytester.makepyfile(OWN)
    run = pytester.runpytest_subprocess("-m", "daily", *workers)
    assert run.ret == 0
    found = verdicts(pytester)
    assert {name for name, verdict in found.items() if verdict == "ok"} == {
        "host.command.fine@local",
        "host.reachable@local",
    }
    assert {verdict for verdict in found.values() if verdict != "ok"} == {"maintenance"}
    assert len(found) == 8
    quiet = {name: result["quiet"]["verdict"] for name, result in results(pytester).items() if "quiet" in result}
    assert quiet["host.command.broken@local"] == "breach"
    assert quiet["host.command.odd@local"] == "unknown"
    assert quiet["inside_a_window_nothing_fails.is_not_set_up@-"] == "unknown"
    run.stdout.fnmatch_lines(["in maintenance until *: patching of prod (always): *host.command.broken@local*"])
    run.stdout.fnmatch_lines(["=* 2 passed, 6 maintenance in *"])
    valid(pytester)
    xml = (pytester.path / "reports/daily/latest.xml").read_text(encoding="utf-8")
    assert 'failures="0"' in xml
    assert 'errors="0"' in xml
    assert "patching of prod" in (pytester.path / "reports/daily/latest.html").read_text(encoding="utf-8")


def test_a_window_never_makes_a_gate_green(project: Project, pytester: pytest.Pytester) -> None:
    """What the deploy broke is broken, whoever is working there; only nobody is alerted."""
    alerts = '[notify.file]\nfile = "alerts.jsonl"\n'
    gate = INVENTORY.replace('run = "exit 3"', 'run = "exit 3"\nsuites = ["daily", "deploy_gate"]')
    project(gate + WINDOW + alerts)
    outcome = pytester.runpytest_subprocess("-m", "deploy_gate")
    assert outcome.ret == 1
    found = results(pytester, "deploy_gate")["host.command.broken@local"]
    assert (found["verdict"], found["fails"], found["quiet"]["by"]) == ("breach", True, "always")
    outcome.stdout.fnmatch_lines(["alerts are off until *: patching of prod (always): host.command.broken@local"])
    assert pytester.runpytest_subprocess("-m", "daily or deploy_gate").ret == 1
    assert not (pytester.path / "alerts.jsonl").exists()


def test_where_all_is_in_maintenance_nothing_was_judged(project: Project, pytester: pytest.Pytester) -> None:
    """It is not 0: nobody knows how things are."""
    project(INVENTORY.replace('"true"', '"false"').replace('connect = ""', "") + WINDOW)
    run = pytester.runpytest_subprocess("-m", "daily", "--deselect", "test_host.py::test_reachable[local]")
    assert run.ret == 5
    run.stdout.fnmatch_lines(["*3 maintenance, nothing was judged*"])


def test_a_check_that_is_named_is_judged_as_ever(project: Project, pytester: pytest.Pytester) -> None:
    """Who asks for one while a window is open wants to know."""
    project(INVENTORY + WINDOW)
    maintenance(pytester, "start", "2h", "--why", "new kernel")
    run = pytester.runpytest_subprocess("test_host.py::test_command[local-broken]")
    assert run.ret == 1
    run.stdout.fnmatch_lines(["P2 breach  host.command.broken@local*"])


def test_a_host_that_is_down_in_its_window(project: Project, pytester: pytest.Pytester) -> None:
    away = '[host.away]\nconnect = "ssh://127.0.0.1:1"\n'
    project(
        INVENTORY.replace('run = "exit 3"', 'run = "true"').replace("sleep 60", "true")
        + away
        + WINDOW
        + 'targets = ["host.away"]\n'
    )
    run = pytester.runpytest_subprocess("-m", "daily")
    assert run.ret == 0
    assert {name.rpartition("@")[2] for name, verdict in verdicts(pytester).items() if verdict == "maintenance"} == {
        "away"
    }


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_waived_breach_is_an_expected_failure(
    project: Project, pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    project(INVENTORY.replace("sleep 60", "true") + waiver(10))
    run = pytester.runpytest_subprocess("-m", "daily", "-p", "no:html", *workers)
    assert run.ret == 0
    assert verdicts(pytester)["host.command.broken@local"] == "waived"
    run.stdout.fnmatch_lines(
        [
            "waived until 20*-*-* by Kim: a new one is ordered (OPS-12): host.command.broken@local",
            "the waiver of host.command.broken@local ends in 10 days, on *fix it by then, or agree on a later date",
        ]
    )
    assert valid(pytester)["notices"]
    assert '<skipped type="pytest.xfail"' in (pytester.path / "reports/daily/latest.xml").read_text(encoding="utf-8")


def test_what_is_not_waived_still_fails(project: Project, pytester: pytest.Pytester) -> None:
    """Unknown is never waived, nor is anything where pytest is told to run expected failures as if they were none."""
    text = INVENTORY + waiver(100)
    project(text + waiver(100).replace("broken", "odd"))
    run = pytester.runpytest_subprocess("-m", "daily")
    assert run.ret == 1
    assert verdicts(pytester)["host.command.odd@local"] == "unknown"
    assert verdicts(pytester)["host.command.broken@local"] == "waived"
    run.stdout.no_fnmatch_line("the waiver of*")
    pytester.runpytest_subprocess("-m", "daily", "--runxfail")
    assert verdicts(pytester)["host.command.broken@local"] == "breach"


def test_a_waiver_that_is_over_covers_nothing_and_stops_nothing(project: Project, pytester: pytest.Pytester) -> None:
    """The breach counts again, and all else is judged as ever: a day that passes must not silence a whole run."""
    project(INVENTORY + waiver(-1))
    run = pytester.runpytest_subprocess("-m", "daily")
    assert run.ret == 1
    assert verdicts(pytester)["host.command.broken@local"] == "breach"
    assert verdicts(pytester)["host.command.fine@local"] == "ok"
    run.stdout.fnmatch_lines(["the waiver of host.command.broken@local ended on *, so breaches count again (Kim: *"])


def maintenance(pytester: pytest.Pytester, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from pytest_opscheck.cli import main; main()"
    command = [sys.executable, "-c", code, "maintenance", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=pytester.path, timeout=60)


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_maintenance_that_somebody_begins(
    project: Project, pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    project(INVENTORY)
    shown = maintenance(pytester, "start", "2h", "--why", "new kernel", "--target", "host.local")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("maintenance 1 until ")
    assert ", of host.local; end it with: opscheck maintenance stop" in shown.stdout
    run = pytester.runpytest_subprocess("-m", "daily", *workers)
    assert run.ret == 0
    quiet = results(pytester)["host.command.broken@local"]["quiet"]
    assert (quiet["by"], quiet["why"], quiet["verdict"]) == ("maintenance 1", "new kernel", "breach")
    assert quiet["who"] == f"{getpass.getuser()}@{platform.node()}"
    assert "  open  new kernel (" in maintenance(pytester, "list").stdout
    assert maintenance(pytester, "stop").stdout == "maintenance 1 is over: new kernel\n"
    assert pytester.runpytest_subprocess("-m", "daily", *workers).ret == 1
    assert verdicts(pytester)["host.command.broken@local"] == "breach"
    assert "  stopped by " in maintenance(pytester, "list").stdout
    shown = maintenance(pytester, "stop")
    assert (shown.returncode, shown.stderr) == (4, "no maintenance started by hand is in progress\n")


def test_a_maintenance_of_another_target_or_one_that_is_over(project: Project, pytester: pytest.Pytester) -> None:
    project(INVENTORY + "[host.other]\nexpect = { disk = false, memory = false, load = false, cpu = false }\n")
    maintenance(pytester, "start", "2h", "--why", "x", "--target", "host.other")
    maintenance(pytester, "start", "1s", "--why", "y")
    time.sleep(2)
    assert pytester.runpytest_subprocess("-m", "daily").ret == 1
    assert verdicts(pytester)["host.command.broken@local"] == "breach"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("start", "soon", "--why", "x"), "'soon' is not a length of time; use for example '2h'"),
        (("start", "2h", "--why", " "), "--why is empty"),
        (
            ("start", "2h", "--why", "x", "--target", "host.locl"),
            "there is no target 'host.locl'; did you mean 'host.local'?",
        ),
        (("stop", "7"), "maintenance 7 is not in progress"),
    ],
)
def test_what_is_no_maintenance(
    project: Project, pytester: pytest.Pytester, arguments: tuple[str, ...], said: str
) -> None:
    project(INVENTORY)
    shown = maintenance(pytester, *arguments)
    assert shown.returncode == 4
    assert shown.stderr.startswith(said)


def test_the_list_says_when_a_window_comes_next(project: Project, pytester: pytest.Pytester) -> None:
    project(INVENTORY)
    assert maintenance(pytester, "list").stdout.startswith("there are no maintenance windows; start one with")
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=3)
    rule = f"FREQ=YEARLY;BYMONTH={later.month};BYMONTHDAY={later.day}"
    project(INVENTORY + WINDOW + WINDOW.replace("always", "yearly").replace("FREQ=DAILY", rule))
    shown = maintenance(pytester, "list").stdout.splitlines()
    assert shown[0].startswith("always  open until ")
    assert shown[1] == f"yearly  next {later:%Y-%m-%d} 00:00  patching of prod (00:00-24:00)"
