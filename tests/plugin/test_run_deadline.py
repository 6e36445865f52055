"""The deadline of a whole run: what could not be told by then is unknown, and every report is written."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from .conftest import results, verdicts

Project = Callable[..., pytest.Pytester]
INVENTORY = """
[suites.daily]
deadline = "3s"
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
[host.local.command.slow]
run = "sleep 300"
timeout = "400s"
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_it_ends_the_run_and_leaves_its_reports(project: Project, workers: tuple[str, ...]) -> None:
    pytester = project(INVENTORY)
    pytester.makepyfile(
        "import time, pytest\n"
        "@pytest.mark.daily\ndef test_a_own(expect):\n    time.sleep(300)\n"
        "@pytest.mark.daily\ndef test_b_later(expect):\n    expect(1, '', limit='== 1')\n"
    )
    started = time.monotonic()
    result = pytester.runpytest_subprocess("-m", "daily", *workers)
    assert time.monotonic() - started < 100, "far less than what it waited for would have taken"
    assert result.ret == 1
    found = results(pytester)
    assert verdicts(pytester)["host.command.slow@local"] == "unknown"
    assert found["host.command.slow@local"]["message"] == "unknown: the run's deadline of 3 s passed"
    assert "the run's deadline passed, at " in found["it_ends_the_run_and_leaves_its_reports.a_own@-"]["message"]
    if not workers:
        assert found["it_ends_the_run_and_leaves_its_reports.b_later@-"]["verdict"] == "unknown"
    assert (pytester.path / "reports/daily/latest.html").exists()
    assert (pytester.path / "reports/history.sqlite3").exists()


def test_one_that_is_kept_changes_nothing(project: Project) -> None:
    pytester = project(INVENTORY.replace("3s", "40s").replace("sleep 300", "sleep 1"))
    assert pytester.runpytest_subprocess("-m", "daily").ret == 0
    assert set(verdicts(pytester).values()) == {"ok"}


STANDS = """
import os, signal, pytest
@pytest.mark.daily
def test_a_first(expect):
    expect(1, '', limit='== 1')
@pytest.mark.daily
def test_b_stands_still(expect):
    os.kill(os.getpid(), signal.SIGSTOP)
@pytest.mark.daily
def test_c_later(expect):
    expect(1, '', limit='== 1')
"""


def test_it_holds_on_the_controller_where_a_worker_stands_still(project: Project) -> None:
    """What was judged is told; what was not is unknown, by its name, and the run is not whole."""
    pytester = project(INVENTORY.replace("sleep 300", "true"))
    pytester.makepyfile(test_own=STANDS)
    assert pytester.runpytest_subprocess("-m", "daily", "-n", "1", timeout=100).ret == 1
    found = results(pytester)
    assert found["own.a_first@-"]["verdict"] == "ok"
    why = "unknown: the run's deadline passed before it was judged, and the run had to be killed"
    assert {found[name]["message"] for name in ("own.b_stands_still@-", "own.c_later@-")} == {why}
    (report,) = (pytester.path / "reports" / "daily").glob("2*.json")
    run = json.loads(report.read_text(encoding="utf-8"))["run"]
    assert (run["exit_status"], run["narrowed"]) == (1, True)


def test_it_holds_while_tests_are_collected(project: Project) -> None:
    """A module that never ends while it is imported."""
    pytester = project(INVENTORY)
    pytester.makepyfile(test_own="import time\ntime.sleep(300)\n")
    assert pytester.runpytest_subprocess("-m", "daily", timeout=100).ret == 1
    assert verdicts(pytester) == {"host.reachable@local": "unknown", "host.command.slow@local": "unknown"}
