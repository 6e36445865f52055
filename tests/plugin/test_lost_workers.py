"""A worker that dies takes nothing with it in silence: what it was to judge is unknown, by its name."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest

from .conftest import results

Project = Callable[..., pytest.Pytester]
INVENTORY = """
[opscheck]
timezone = "UTC"
[suites.daily]
every = "1h"
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
"""
OWN = """
import os, signal, pytest
@pytest.mark.daily
def test_a_first(expect):
    expect(1, '', limit='== 1')
@pytest.mark.daily
def test_b_dies(expect):
    os.kill(os.getpid(), signal.SIGKILL)
@pytest.mark.daily
def test_c_later(expect):
    expect(1, '', limit='== 1')
@pytest.mark.daily
def test_d_no_check():
    pass
"""


def test_without_another_in_its_place_the_run_is_not_whole(project: Project) -> None:
    pytester = project(INVENTORY)
    pytester.makepyfile(test_own=OWN)
    result = pytester.runpytest_subprocess("-m", "daily", "-n", "1", "--max-worker-restart=0")
    assert result.ret == 1
    found = results(pytester)
    assert {name: each["verdict"] for name, each in found.items()} == {
        "host.reachable@local": "unknown",
        "own.a_first@-": "ok",
        "own.b_dies@-": "unknown",
        "own.c_later@-": "unknown",
    }
    assert "crashed while running" in found["own.b_dies@-"]["message"]
    assert "its process ended before it was judged" in found["own.c_later@-"]["message"]
    result.stdout.fnmatch_lines("1 selected check without a result: test_own.py::test_d_no_check")
    (report,) = (pytester.path / "reports" / "daily").glob("2*.json")
    run = json.loads(report.read_text(encoding="utf-8"))["run"]
    assert (run["narrowed"], run["not_run"]) == (True, 1)
    assert not (pytester.path / "reports" / "daily" / "latest.json").exists()
    assert pytester.run(sys.executable, "-c", "from pytest_opscheck.cli import main; main()", "status").ret == 1, (
        "no complete run has started since"
    )


def test_with_another_in_its_place_the_run_goes_on(project: Project) -> None:
    """The check that its worker died of is unknown, under its own name."""
    pytester = project(INVENTORY)
    pytester.makepyfile(test_own=OWN)
    assert pytester.runpytest_subprocess("-m", "daily", "-n", "1").ret == 1
    wrong = {name for name, each in results(pytester).items() if each["verdict"] != "ok"}
    assert wrong == {"own.b_dies@-"}
