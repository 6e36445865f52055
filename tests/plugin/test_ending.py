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
pytestmark = pytest.mark.server  # procps

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


COMMAND = [sys.executable, "-c", "from pytest_opscheck.cli import main; main()", "run", "daily"]


def takes(process: subprocess.Popen[str], number: signal.Signals) -> bool:
    """Tell whether a process has a handler for a signal."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (number - 1) & 1)


def is_pytest(process: subprocess.Popen[str]) -> bool:
    """Tell whether the command is the pytest by now that it becomes: at that moment it has loaded nothing."""
    return "starting.py" in Path(f"/proc/{process.pid}/cmdline").read_text(encoding="utf-8")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("moment", ["it imports", "it becomes pytest"])
def test_the_command_from_its_first_import_on(project: Project, number: signal.Signals, moment: str) -> None:
    """Exit status 2, a line that says why, and no traceback."""
    pytester = project(INVENTORY.replace("SECONDS", "300"))
    process = subprocess.Popen(
        COMMAND, cwd=pytester.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        _wait(lambda: takes(process, signal.SIGTERM) if moment == "it imports" else is_pytest(process))
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, output) == (2, f"opscheck: ended by {number.name}\n")


STUBBORN = """
import hashlib, os, signal, time, pytest

@pytest.mark.daily
def test_a_first(expect):
    expect(1, "", limit="== 1")

@pytest.mark.daily
def test_catches(expect):
    open("began", "w").close()
    while True:
        try:
            time.sleep(0.1)
        except KeyboardInterrupt:
            if os.environ["WAY"] == "catches once" and os.path.exists("caught"):
                raise
            open("caught", "w").close()
            if os.environ["WAY"] == "is in C":
                hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)

@pytest.mark.daily
def test_stands_still(expect):
    open("began", "w").close()
    os.kill(os.getpid(), signal.SIGSTOP)
"""


@pytest.mark.parametrize(
    ("way", "arguments"),
    [
        ("catches once", ["-k", "first or catches"]),
        ("is in C", ["-k", "first or catches"]),
        ("stands still", ["-k", "first or stands", "-n", "1"]),
    ],
)
def test_what_does_not_let_itself_be_interrupted(
    project: Project, tmp_path: Path, way: str, arguments: list[str]
) -> None:
    """Code that catches what interrupts it, or never comes out of C, or a worker that is stopped."""
    pytester = project(INVENTORY.replace("SECONDS", "300"))
    pytester.makepyfile(STUBBORN)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-m", "daily", "-p", "no:cacheprovider", *arguments],
        cwd=pytester.path,
        env={**os.environ, "TMPDIR": str(temporary), "WAY": way},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        _wait((pytester.path / "began").exists)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 2, output
    assert not list(temporary.glob("opscheck-*"))
    _wait(lambda: subprocess.run(["pgrep", "-s", str(process.pid)], check=False, capture_output=True).returncode == 1)
    (report,) = (pytester.path / "reports" / "daily").glob("2*.json")
    data = json.loads(report.read_text(encoding="utf-8"))
    assert (data["run"]["exit_status"], data["run"]["narrowed"]) == (2, True)
    assert [each["verdict"] for each in data["results"] if "first" in each["id"]] == ["ok"]


SLOW_TO_HEAR = """
import time

def pytest_runtest_logreport(report):
    if hasattr(report, "node"):
        time.sleep(1)
"""


def test_what_workers_have_said_is_told_though_the_controller_has_not_heard_it_yet(project: Project) -> None:
    """An interruption finds reports on their way: all that was judged is in the report."""
    pytester = project(INVENTORY.replace("SECONDS", "300"))
    pytester.makepyfile(conftest=SLOW_TO_HEAR, test_stubborn=STUBBORN)
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-m", "daily", "-p", "no:cacheprovider", "-k", "first or stands", "-n", "1"],
        cwd=pytester.path,
        env={**os.environ, "WAY": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        _wait((pytester.path / "began").exists)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 2, output
    (report,) = (pytester.path / "reports" / "daily").glob("2*.json")
    results = json.loads(report.read_text(encoding="utf-8"))["results"]
    assert [each["verdict"] for each in results if "first" in each["id"]] == ["ok"]


def _wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not until():
        assert time.monotonic() < end
        time.sleep(0.1)


def _runs(seconds: str) -> bool:
    """Tell whether a sleep of so many seconds runs."""
    return subprocess.run(["pgrep", "-fx", f"sleep {seconds}"], check=False, capture_output=True).returncode == 0
