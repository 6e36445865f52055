"""Runs of targets that stand in lists which others own."""

from __future__ import annotations

import json
from collections.abc import Callable
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
