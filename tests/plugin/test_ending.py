"""A run that is asked to end ends, says what it has judged, and leaves nothing behind."""

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

Project = Callable[..., pytest.Pytester]

INVENTORY = """
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
[host.local.command.hangs]
run = "exec sleep SECONDS"
timeout = "400s"
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_asked_to_end(
    project: Project, tmp_path: Path, number: signal.Signals, workers: tuple[str, ...]
) -> None:
    """In the background of a script, where Ctrl-C is ignored: exit status 2, with reports, and nothing left behind."""
    seconds = f"36{time.monotonic_ns() % 10**6:06}"
    pytester = project(INVENTORY.replace("SECONDS", seconds))
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-m", "daily", "-p", "no:cacheprovider", *workers],
        cwd=pytester.path,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509 - as a shell does
    )
    try:
        _wait(lambda: _runs(seconds))
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 2, output
    assert f"ended by {number.name}" in output
    _wait(lambda: not _runs(seconds))
    assert not list(temporary.glob("opscheck-*"))
    (report,) = (pytester.path / "reports" / "daily").glob("2*.json")
    run = json.loads(report.read_text(encoding="utf-8"))["run"]
    assert (run["exit_status"], run["narrowed"], run["not_run"] >= 1) == (2, True, True)
    assert not (pytester.path / "reports" / "daily" / "latest.json").exists()


def _wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not until():
        assert time.monotonic() < end
        time.sleep(0.1)


def _runs(seconds: str) -> bool:
    """Tell whether a sleep of so many seconds runs."""
    return subprocess.run(["pgrep", "-fx", f"sleep {seconds}"], check=False, capture_output=True).returncode == 0
