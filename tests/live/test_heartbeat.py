"""A heartbeat is called at start, success and failure, and never changes what a run says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from .processes import free_port, wait_until
from .receiver import Receiver, receiver

INVENTORY = """
[opscheck]
name = "shop"
[suites.daily]
heartbeat = "${HEARTBEAT_URL}"
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
[host.local.command.flag]
run = "COMMAND"
timeout = "40s"
"""
OPSCHECK = "from pytest_opscheck.cli import main; main()"
COMMAND = [sys.executable, "-c", OPSCHECK, "run", "daily", "-q", "-p", "no:cacheprovider"]


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as kept:
        yield kept


def given(folder: Path, url: str, command: str = "true") -> dict[str, str]:
    (folder / "opscheck.toml").write_text(INVENTORY.replace("COMMAND", command), encoding="utf-8")
    return {**os.environ, "HEARTBEAT_URL": url}


def ran(
    folder: Path, url: str, command: str = "true", words: Sequence[str] = COMMAND
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=folder, env=given(folder, url, command), capture_output=True, text=True, check=False, timeout=100
    )


def test_success_and_failure(server: Receiver, tmp_path: Path) -> None:
    assert ran(tmp_path, f"{server.url}/ping/4f2a-Canary?create=1").returncode == 0
    assert ran(tmp_path, f"{server.url}/ping/4f2a-Canary/", "false").returncode == 1
    (start, end, start_again, failure) = server.requests
    ids = [re.fullmatch(r"(.*)[?&]rid=([0-9a-f-]{36})", path) for _, path, _ in server.requests]
    paths = [match[1] for match in ids if match]
    assert paths == [
        "/ping/4f2a-Canary/start?create=1",
        "/ping/4f2a-Canary?create=1",
        "/ping/4f2a-Canary/start",
        "/ping/4f2a-Canary/fail",
    ]
    runs = [match[2] for match in ids if match]
    assert (runs[0] == runs[1], runs[2] == runs[3], runs[0] == runs[2]) == (True, True, False)
    assert start[2] == start_again[2] == ""
    assert re.fullmatch(r"daily of shop on .+: exit status 0", end[2])
    assert failure[2].endswith(": exit status 1")


def test_a_server_that_is_busy_is_asked_once_more(server: Receiver, tmp_path: Path) -> None:
    server.statuses += [503]
    done = ran(tmp_path, f"{server.url}/x")
    assert (done.returncode, "heartbeat" in done.stderr) == (0, False)
    assert len(server.requests) == 3


@pytest.mark.parametrize("fault", ["refused", "404", "hangs"])
def test_a_fault_is_one_line_and_changes_nothing(server: Receiver, tmp_path: Path, fault: str) -> None:
    url = f"http://127.0.0.1:{free_port()}" if fault == "refused" else server.url
    server.statuses += [404] if fault == "404" else []
    server.delay_s = 90 if fault == "hangs" else 0
    started = time.monotonic()
    done = ran(tmp_path, f"{url}/ping/4f2a-Canary")
    assert time.monotonic() - started < 60
    assert done.returncode == 0
    lines = [line for line in done.stderr.splitlines() if "heartbeat" in line]
    assert lines
    assert all(line.startswith("could not send the heartbeat: ") for line in lines)
    assert all(line.endswith("; the run itself is not affected") for line in lines)
    assert "Canary" not in done.stdout + done.stderr
    assert "opscheck daily: 2 ok" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_a_run_that_is_ended(server: Receiver, tmp_path: Path, number: signal.Signals) -> None:
    """Asked to end, it writes its reports and tells of the failure; killed, it leaves the silence that is noticed.

    So it does in the background of a script, where Ctrl-C is ignored.
    """
    process = subprocess.Popen(
        COMMAND,
        cwd=tmp_path,
        env=given(tmp_path, server.url, "exec sleep 39.5"),
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509 - as a shell does
    )
    try:
        wait_until(lambda: len(server.requests) == 1, "the start")
        wait_until(lambda: subprocess.run(["pgrep", "-fx", "sleep 39.5"], check=False).returncode == 0, "the run")
        process.send_signal(number)
        status = process.wait(timeout=30)
        if number == signal.SIGKILL:
            # What it started still holds the lock, so that no second run comes beside it.
            second = ran(tmp_path, server.url, "sleep 30")
            assert (second.returncode, len(server.requests)) == (5, 1)
            assert "daily is already running" in second.stderr
        else:
            assert status == 2
            assert [path.partition("?")[0] for _, path, _ in server.requests] == ["/start", "/fail"]
            assert list(tmp_path.glob("reports/daily/2*.json"))
    finally:
        os.killpg(process.pid, signal.SIGKILL) if number == signal.SIGKILL else None


def test_a_run_by_hand_calls_nobody(server: Receiver, tmp_path: Path) -> None:
    """On a developer's machine it would hide that the server's own does not come."""
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "daily"]
    assert ran(tmp_path, server.url, words=words).returncode == 0
    assert server.requests == []


@pytest.mark.parametrize("part", [["-k", "reachable"], ["--deselect", "test_host.py::test_reachable"], ["--co"]])
def test_a_part_of_a_suite_calls_nobody(server: Receiver, tmp_path: Path, part: list[str]) -> None:
    """It would hide that the whole does not come; and its start would be missed its end."""
    assert ran(tmp_path, server.url, words=[*COMMAND, *part]).returncode == 0
    assert server.requests == []


def test_a_run_that_stops_early_or_never_begins_is_a_failure(server: Receiver, tmp_path: Path) -> None:
    assert ran(tmp_path, server.url, "false", words=[*COMMAND, "-x"]).returncode == 1
    assert ran(tmp_path, server.url, words=[*COMMAND, "--no-such-option"]).returncode == 4
    assert [path.partition("?")[0] for _, path, _ in server.requests] == ["/start", "/fail", "/fail"]
