"""Each whole run of a suite leaves the status page of all suites, at once and whole; no other run does."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import LOCAL

Project = Callable[..., pytest.Pytester]


def shown(pytester: pytest.Pytester) -> str:
    return (pytester.path / "reports/index.html").read_text(encoding="utf-8")


def test_a_whole_run_writes_it_and_another_suite_stays_on_it(project: Project) -> None:
    pytester = project(LOCAL)
    pytester.runpytest_subprocess("-m", "daily")
    first = shown(pytester)
    assert "<title>test_a_whole_run_writes_it_and_another_suite_stays_on_it0: 1 check not ok, worst P2</title>" in first
    link = re.search(r'<h3><span><a href="(daily/2.*?\.html)">daily</a>', first)
    assert link is not None
    assert (pytester.path / "reports" / link[1]).is_file()
    pytester.runpytest_subprocess("-m", "smoke", "-n", "2")
    assert re.findall(r"<h3><span><a [^>]*>(.*?)</a></span> <b class=badge>(.*?)</b>", shown(pytester)) == [
        ("smoke", "ok"),
        ("daily", "failed"),
    ]
    assert list((pytester.path / "reports").glob(".index*")) == []
    assert (pytester.path / "reports/index.html").stat().st_mode & 0o777 == 0o640


def test_a_part_of_a_suite_and_what_only_shows_or_names_checks_leave_it_alone(project: Project) -> None:
    pytester = project(LOCAL)
    pytester.runpytest_subprocess("-m", "daily")
    before = (pytester.path / "reports/index.html").stat().st_mtime_ns
    for arguments in (["-m", "daily", "-k", "fine"], ["-m", "daily", "--collect-only"], ["--opscheck-shard=1/2"]):
        pytester.runpytest_subprocess("-m", "daily", *arguments)
        assert (pytester.path / "reports/index.html").stat().st_mtime_ns == before


def test_a_gate_leaves_it_alone(project: Project) -> None:
    pytester = project(LOCAL.replace('run = "true"', 'run = "true"\nsuites = ["deploy_gate"]'))
    pytester.run(Path(sys.executable).with_name("opscheck"), "gate", "before")
    assert not (pytester.path / "reports/index.html").exists()


def test_without_a_history_it_shows_the_run_alone_and_says_why(project: Project) -> None:
    pytester = project(LOCAL)
    (pytester.path / "reports").mkdir()
    (pytester.path / "reports/history.sqlite3").write_text("no database" * 1000)
    assert pytester.runpytest_subprocess("-m", "daily").ret == 1
    text = shown(pytester)
    assert "This page shows the run that has written it, and nothing earlier" in text
    assert "<b class=badge>failed</b>" in text
    assert "host.command.broken@local" in text


def test_somebody_elses_page_is_not_written_over(project: Project) -> None:
    pytester = project(LOCAL)
    pytester.runpytest_subprocess("-m", "daily", "--html=reports/index.html")
    assert "pytest-html" in shown(pytester)
    assert "Suites" not in shown(pytester)


def test_a_disk_that_takes_nothing_is_a_fault_of_the_checker(project: Project) -> None:
    pytester = project(LOCAL.replace("exit 3", "true"))
    (pytester.path / "reports/index.html").mkdir(parents=True)
    done = pytester.runpytest_subprocess("-m", "daily")
    assert done.ret == 3
    done.stdout.fnmatch_lines(["*could not write the reports: *index.html*"])
