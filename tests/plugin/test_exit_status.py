"""`fail_at` decides which breaches fail a run; -x, --maxfail and Ctrl-C work as people expect."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import LOCAL, results, verdicts

Project = Callable[..., pytest.Pytester]

MILD = """
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
[host.local.command.mild]
run = "exit 3"
severity = "P3"
"""


def test_a_breach_below_fail_at_warns(project: Project) -> None:
    pytester = project(MILD + '[suites.daily]\nfail_at = "P2"\n')
    result = pytester.runpytest_subprocess("-m", "daily", "-v")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*test_command?local-mild?*WARNING P3*", "*1 passed, 1 breach below fail_at*"])
    assert results(pytester)["host.command.mild@local"]["verdict"] == "breach"


def test_the_option_wins_over_the_suite(project: Project) -> None:
    pytester = project(MILD + '[suites.daily]\nfail_at = "P2"\n')
    assert pytester.runpytest_subprocess("-m", "daily", "--opscheck-fail-at", "P3").ret == 1
    assert pytester.runpytest_subprocess("-m", "daily", "--opscheck-fail-at", "P0").ret == 0


def test_a_fail_at_that_is_none(project: Project) -> None:
    result = project(MILD).runpytest_subprocess("-m", "daily", "--opscheck-fail-at", "P9")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*P9*P0, P1, P2, P3*"])


@pytest.mark.parametrize("workers", [(), ("-n", "0"), ("-n", "2")])
def test_unknown_fails_whatever_fail_at_says(project: Project, workers: tuple[str, ...]) -> None:
    pytester = project(LOCAL)
    pytester.makepyfile(
        """
        from pytest_opscheck import check, host

        @check(host.memory, limit="< 100%", severity="P3")
        def test_forgot(memory, expect):
            pass
        """
    )
    assert pytester.runpytest_subprocess("-m", "daily", "-k", "forgot", "--opscheck-fail-at", "P0", *workers).ret == 1


def test_x_stops_at_the_first_failure(project: Project) -> None:
    pytester = project(LOCAL + '[host.local.command.also]\nrun = "exit 4"\n')
    result = pytester.runpytest_subprocess("-m", "daily", "-x")
    assert result.ret == 1
    assert list(verdicts(pytester).values()).count("breach") == 1


def test_ctrl_c_ends_at_once_and_leaves_nothing_running(project: Project) -> None:
    pytester = project('[host.local]\n[host.local.command.hangs]\nrun = "sleep 361.25"\ntimeout = "400s"\n')
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", "-m", "daily", "-k", "hangs"],
        cwd=pytester.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell's background jobs, and all that they start, ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    ) as process:
        try:
            _wait_until(sleeping=True)
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=60)
            _wait_until(sleeping=False)
        finally:
            process.kill()
    assert process.returncode == 2
    assert "KeyboardInterrupt" in output
    (report,) = (Path(pytester.path) / "reports" / "daily").glob("2*.json")
    assert json.loads(report.read_text())["run"]["exit_status"] == 2


def _wait_until(*, sleeping: bool) -> None:
    until = time.monotonic() + 60
    while _sleeping("361.25") is not sleeping:
        assert time.monotonic() < until
        time.sleep(0.1)


def _sleeping(seconds: str) -> bool:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                if (folder / "cmdline").read_bytes().split(b"\0")[:2] == [b"sleep", seconds.encode()]:
                    return True
            except OSError:
                continue
    return False
