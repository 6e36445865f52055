"""Runs of targets that stand in lists which others own."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from .conftest import results, verdicts

FLEET = """
[source.fleet]
file = "sd.json"
format = "prometheus"
kind = "host"
name = "{instance}"
connect = "local://"
at_least = 2
expect = { disk = false, memory = false, load = false, cpu = false }
"""
Project = Callable[[str], pytest.Pytester]


def listed(pytester: pytest.Pytester, *names: str) -> None:
    found = [{"targets": [f"{name}:9100"], "labels": {"instance": name}} for name in names]
    (pytester.path / "sd.json").write_text(json.dumps(found), encoding="utf-8")


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_list_that_is_too_short_is_a_breach_of_p0(project: Project, workers: str) -> None:
    """Beside the results of its targets; with workers as without."""
    pytester = project(FLEET)
    listed(pytester, "web1", "web2")
    assert pytester.runpytest_subprocess("-m", "daily", "-n", workers).ret == 0
    assert {"source.complete@fleet": "ok", "host.reachable@web2": "ok"}.items() <= verdicts(pytester).items()
    listed(pytester, "web1")
    assert pytester.runpytest_subprocess("-m", "daily", "-n", workers).ret == 1
    found = results(pytester)
    assert found["source.complete@fleet"]["severity"] == "P0"
    assert found["source.complete@fleet"]["message"] == "items is 1, expected >= 2"
    assert "host.reachable@web2" not in found


def test_a_list_that_is_none_is_an_error_of_the_inventory(project: Project) -> None:
    pytester = project(FLEET)
    (pytester.path / "sd.json").write_text("<html>", encoding="utf-8")
    result = pytester.runpytest_subprocess("-m", "daily")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*source.fleet.file: sd.json: it is a text that is not JSON"])
