"""Beside other plugins: what they count, run again and report fits what we say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import results

Project = Callable[..., pytest.Pytester]

FLAKY = """
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }

[host.local.command.broken]
run = "exit 3"

[host.local.command.flaky]
run = "echo x >> COUNT; test $(wc -l < COUNT) -ge 3"
"""
OWN = """
import pytest
from pytest_opscheck.probes import UnknownError

@pytest.mark.daily
def test_cannot_tell(host):
    raise UnknownError("ask later")
"""


@pytest.fixture(autouse=True)
def companions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load the plugins that other tests leave out."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_what_other_reports_say_of_a_breach_and_an_unknown(project: Project, workers: tuple[str, ...]) -> None:
    """pytest-html, pytest-json-report, pytest-reportlog, allure-pytest and pytest-md-report count them as failed."""
    pytester = project(FLAKY.replace("COUNT", str(pytester_file(project, "count"))))
    pytester.makepyfile(test_mine=OWN)
    asked = ["--html=page.html", "--json-report", "--report-log=log", "--alluredir=allure"]
    outcome = pytester.runpytest_subprocess(
        "-m", "daily", *asked, "--md-report", "--md-report-output=table.md", *workers
    )
    assert outcome.ret == 1
    read = {name: (pytester.path / name).read_text(encoding="utf-8") for name in ("page.html", "log", "table.md")}
    assert "3 breach and unknown" in read["page.html"]
    ended = [json.loads(line) for line in read["log"].splitlines()]
    assert sum(each.get("outcome") == "failed" for each in ended if each.get("when")) == 3
    told = [json.loads(file.read_text(encoding="utf-8")) for file in (pytester.path / "allure").glob("*-result.json")]
    assert sorted(each["status"] for each in told) == ["broken", "failed", "failed", "passed"]
    (total,) = re.findall(r"^. TOTAL.*", read["table.md"], re.MULTILINE)
    assert re.findall(r"\d+", total) == ["1", "3", "4"]
    assert "FAILURES" not in outcome.stdout.str(), "the table says it all"


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_breach_and_an_unknown_are_failures_to_other_plugins(project: Project, workers: tuple[str, ...]) -> None:
    pytester = project(FLAKY.replace("COUNT", str(pytester_file(project, "count"))))
    pytester.makepyfile(test_mine=OWN)
    outcome = pytester.runpytest_subprocess("-m", "daily", "-rf", "--json-report", *workers)
    counted = json.loads((pytester.path / ".report.json").read_text(encoding="utf-8"))["summary"]
    assert (counted["failed"], counted["passed"]) == (3, 1)
    outcome.stdout.fnmatch_lines(["BREACH P2 test_host.py::test_command?local-broken? - *"])
    outcome.stdout.fnmatch_lines(["*3 failed, 1 passed*"])
    assert "FAILURES" not in outcome.stdout.str(), "the table says it all"


def test_a_test_that_is_run_again_reads_again(project: Project) -> None:
    """A check that is run again asks its target again, and says at which attempt it was as expected."""
    count = pytester_file(project, "count")
    pytester = project(FLAKY.replace("COUNT", str(count)))
    outcome = pytester.runpytest_subprocess("-m", "daily", "--reruns", "2")
    assert outcome.ret == 1
    found = results(pytester)
    assert {name: (result["verdict"], result["attempts"]) for name, result in found.items()} == {
        "host.reachable@local": ("ok", 1),
        "host.command.broken@local": ("breach", 3),
        "host.command.flaky@local": ("ok", 3),
    }
    assert count.read_text() == "x\n" * 3
    assert found["host.command.flaky@local"]["message"].endswith("(at attempt 3 of the test)")


def pytester_file(project: Project, name: str) -> Path:
    """Return a file in the project's folder."""
    return Path(project().path / name)
