"""`opscheck report`: the newest run, that of a suite, or a results file, as text and in Markdown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

Project = Callable[..., pytest.Pytester]
SUITES = """
[suites.hourly]
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
[host.local.command.fine]
run = "true"
suites = ["hourly"]
[host.local.command.broken]
run = "exit 3"
"""


def report(pytester: pytest.Pytester, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from pytest_opscheck.cli import main; main()"
    command = [sys.executable, "-c", code, "report", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=pytester.path, timeout=60)


@pytest.fixture
def ran(project: Project) -> pytest.Pytester:
    """Return a project in which daily ran, and hourly after that."""
    pytester = project(SUITES)
    pytester.runpytest_subprocess("-m", "daily")
    os.utime(pytester.path / "reports/daily/latest.json", (1, 1))
    pytester.runpytest_subprocess("-m", "hourly")
    return pytester


def test_the_newest_run_that_of_a_suite_or_a_file(ran: pytest.Pytester) -> None:
    newest, hourly = report(ran), report(ran, "hourly", "--text")
    assert newest.stdout == hourly.stdout
    assert newest.stdout.splitlines()[-1] == "Status: All 2 checks ok"
    daily = report(ran, "daily")
    assert daily.stdout.splitlines()[-1] == "Status: 1 of 2 checks failed, worst P2"
    assert "breach P2  host.command.broken@local" in daily.stdout
    assert daily.stdout == report(ran, "reports/daily/latest.json").stdout
    assert daily.returncode == 0


def test_markdown(ran: pytest.Pytester) -> None:
    told = report(ran, "--markdown", "daily").stdout
    assert "- **BREACH P2** `host.command.broken@local` (new): " in told


def test_reports_in_another_place(ran: pytest.Pytester) -> None:
    (ran.path / "reports").rename(ran.path / "elsewhere")
    assert report(ran, "--opscheck-reports", "elsewhere", "daily").returncode == 0
    ran.makeini("[pytest]\nopscheck_reports = elsewhere")
    assert report(ran, "daily").returncode == 0


@pytest.mark.parametrize(
    ("argument", "content", "said"),
    [
        ("dayly", None, "there are no results of 'dayly' in "),
        (
            "no.json",
            None,
            "no.json: No such file or directory; name a results file, for example reports/daily/latest.json",
        ),
        ("bad.json", "{", "bad.json is not JSON; "),
        pytest.param("bad.json", "[" * 100_000, "bad.json is not JSON; ", id="deep"),
        pytest.param("bad.json", " " * 64_000_001, "bad.json: it has more than the 64 MB that are read; ", id="large"),
        ("bad.json", "\xff", "bad.json is not JSON; "),
        ("bad.json", "[]", "bad.json is not a results file: its schema is None, not 'opscheck.results/1'"),
        ("bad.json", '{"schema": "opscheck.results/9"}', "its schema is 'opscheck.results/9'"),
        (
            "bad.json",
            '{"schema": "opscheck.results/1"}',
            "is not a complete results file of this version: KeyError: 'run'",
        ),
    ],
)
def test_what_can_not_be_told_is_said(ran: pytest.Pytester, argument: str, content: str | None, said: str) -> None:
    if content is not None:
        (ran.path / "bad.json").write_bytes(content.encode("latin-1"))
    done = report(ran, argument)
    assert (done.returncode, done.stdout) == (4, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_has_run(project: Project) -> None:
    done = report(project())
    assert done.returncode == 4
    assert "run a suite first" in done.stderr


def test_a_file_of_a_newer_version(ran: pytest.Pytester) -> None:
    data = json.loads((ran.path / "reports/daily/latest.json").read_text(encoding="utf-8"))
    data["results"][0]["verdict"] = "splendid"
    (ran.path / "new.json").write_text(json.dumps(data))
    assert "of this version: ValueError: 'splendid'" in report(ran, "new.json").stderr
