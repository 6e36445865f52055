"""Runs of targets that stand in lists which others own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pytest_opscheck.cli.command import main

from .conftest import results

FLEET = """
[source.fleet]
file = "sd.json"
format = "prometheus"
kind = "host"
name = "{instance}"
connect = "local://"
at_least = 2
gone = "P2"
expect = { disk = false, memory = false, load = false, cpu = false }
"""
Project = Callable[[str], pytest.Pytester]


def listed(pytester: pytest.Pytester, *names: str) -> None:
    found = [{"targets": [f"{name}:9100"], "labels": {"instance": name}} for name in names]
    (pytester.path / "sd.json").write_text(json.dumps(found), encoding="utf-8")


def run(pytester: pytest.Pytester, *more: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Run the daily suite; returns its exit status and its results."""
    status = int(pytester.runpytest_subprocess("-m", "daily", *more).ret)
    return status, results(pytester)


def accept(*words: str) -> int:
    return CliRunner().invoke(main, ["source", "accept", *words]).exit_code


def test_what_vanishes_is_a_breach_until_it_is_back_or_accepted(project: Project) -> None:
    """In every run, also one by several workers; whoever accepts it, when and why are kept."""
    pytester = project(FLEET)
    listed(pytester, "web1", "web2", "web3")
    status, found = run(pytester)
    assert status == 0
    assert found.keys() >= {"host.reachable@web3", "source.complete@fleet", "source.reachable@fleet"}
    listed(pytester, "web1", "web2")
    for workers in ("0", "2"):
        status, found = run(pytester, "-n", workers)
        assert (status, found["source.complete@fleet"]["severity"]) == (1, "P2")
        assert "web3 is gone (since 20" in found["source.complete@fleet"]["message"]
        assert found["source.reachable@fleet"]["verdict"] == "ok"
    listed(pytester, "web1", "web2", "web3")
    assert run(pytester)[0] == 0
    listed(pytester, "web1", "web2")
    assert accept("fleet", "web1", "--why", "x") == 4  # that is there
    assert accept("flete", "web3", "--why", "x") == 4
    assert accept("fleet", "web3", "--why", " ") == 4
    assert accept("fleet", "web3", "--why", "sold") == 0
    assert run(pytester)[0] == 0
    said = json.loads((pytester.path / "reports/source-fleet.json").read_text(encoding="utf-8"))["accepted"][0]
    assert (said["name"], said["why"], "@" in said["who"], said["at"][:2]) == ("web3", "sold", True, "20")


def test_too_few_items_are_a_breach_of_p0(project: Project) -> None:
    pytester = project(FLEET)
    listed(pytester, "web1")
    status, found = run(pytester)
    assert (status, found["source.complete@fleet"]["severity"]) == (1, "P0")
    assert found["source.complete@fleet"]["message"] == "items is 1, expected >= 2"


@pytest.mark.parametrize("said", ["<html>", "", "[]", None])
def test_of_a_list_that_fails_the_last_known_items_are_checked(project: Project, said: str | None) -> None:
    """Where no run has known any, it is an error of the inventory."""
    pytester = project(FLEET)
    file = pytester.path / "sd.json"
    if said is not None:
        file.write_text(said, encoding="utf-8")
    result = pytester.runpytest_subprocess("-m", "daily")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*source.fleet.file: *sd.json*"])
    listed(pytester, "web1", "web2")
    assert run(pytester)[0] == 0
    file.unlink() if said is None else file.write_text(said, encoding="utf-8")
    status, found = run(pytester)
    verdicts = {name: each["verdict"] for name, each in found.items()}
    assert (status, verdicts["host.reachable@web2"]) == (1, "ok")
    assert (verdicts["source.complete@fleet"], verdicts["source.reachable@fleet"]) == ("ok", "unknown")
    assert "the list as it was at 20" in found["source.reachable@fleet"]["message"]
    valid = CliRunner().invoke(main, ["validate"])
    assert valid.exit_code == 0
    assert "is checked instead" in valid.output


def test_where_the_items_can_not_be_kept_the_run_says_so(project: Project) -> None:
    """Else what vanishes would be forgotten; and so it would with a file of them that is none."""
    pytester = project(FLEET)
    listed(pytester, "web1", "web2")
    kept = pytester.path / "reports" / "source-fleet.json"
    kept.parent.mkdir()
    kept.write_text("{}", encoding="utf-8")
    result = pytester.runpytest_subprocess("-m", "daily")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*source-fleet.json does not hold the last known items of the list; put it back*"])
    kept.unlink()
    kept.symlink_to("/proc/nowhere")
    status, found = run(pytester)
    assert status == 1
    assert "nobody knows what vanishes" in found["source.reachable@fleet"]["message"]


def asked(pytester: pytest.Pytester) -> int:
    """Return how often the command of a list was run."""
    file = pytester.path / "asked"
    return len(file.read_text(encoding="utf-8").splitlines()) if file.exists() else 0


def test_a_run_asks_once_and_who_only_shows_does_not_ask(project: Project) -> None:
    """Its workers and the looks of a gate have what it found; validate and plan are offline, unless they are told."""
    pytester = project(FLEET.replace('file = "sd.json"', 'command = ["sh", "-c", "echo >> asked; cat sd.json"]'))
    listed(pytester, "web1", "web2")
    for words in (["validate"], ["plan"], ["schema"]):
        assert CliRunner().invoke(main, words).exit_code == 0, words
    shown = CliRunner().invoke(main, ["validate"]).output
    assert "no run has read this list yet" in shown
    assert pytester.runpytest_subprocess("-m", "daily", "--collect-only").ret in (0, 5)
    assert asked(pytester) == 0
    valid = CliRunner().invoke(main, ["validate", "--sources"])
    assert (valid.exit_code, asked(pytester)) == (0, 1)
    assert "3 targets" in valid.output
    status, found = run(pytester, "-n", "2")
    assert (status, asked(pytester)) == (0, 2)
    assert found.keys() >= {"host.reachable@web2", "source.reachable@fleet"}
    assert CliRunner().invoke(main, ["gate", "before", "--windows", "2", "--every", "0"]).exit_code == 0
    assert asked(pytester) == 3
    shown = CliRunner().invoke(main, ["plan"]).output
    assert "source.fleet (a list of 2 items, as it was at 20" in shown
    assert "host.reachable@web2" in shown
    assert asked(pytester) == 3


def test_a_stopped_run_leaves_no_command_behind(project: Project) -> None:
    pytester = project(FLEET.replace('file = "sd.json"', 'command = ["sh", "-c", "echo $$ > pid; exec sleep 600"]'))
    process = pytester.popen([sys.executable, "-m", "pytest", "-m", "daily"], stdin=subprocess.DEVNULL)
    file = pytester.path / "pid"
    while not (file.exists() and file.read_text(encoding="utf-8").strip()):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 2
    assert not Path("/proc", file.read_text(encoding="utf-8").strip()).exists()
