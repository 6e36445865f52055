"""What a command in a container came to, by the wrapper that runs it there: here run by this machine's own `sh`."""

from __future__ import annotations

import os
import subprocess
import time
import uuid
from pathlib import Path

import pytest

from pytest_opscheck.probes import BlockedError, UnknownError
from pytest_opscheck.probes.docker._containers import Container, Stack
from pytest_opscheck.probes.docker._exec import WRAPPER, _chosen, _outcome

WEB = Container("1", "shop-web-1", "web", "running")


def outcome(run: str, seconds: int = 20) -> tuple[int, str, str]:
    word = uuid.uuid4().hex
    command = ["sh", "-c", WRAPPER, "opscheck", word, str(seconds)]
    environ = {**os.environ, "OPSCHECK_RUN": run}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    return _outcome(WEB, word, done.stdout, done.stderr)


def runs(pid: str) -> bool:
    """Tell whether a process runs; one that has ended may still wait for its parent to look."""
    try:
        return Path("/proc", pid, "stat").read_text(errors="replace").rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def test_exit_status_and_both_streams() -> None:
    assert outcome("echo out; echo err >&2; exit 3") == (3, "out\n", "err\n")
    assert outcome("printf '\\n\\na'") == (0, "\n\na", "")
    assert outcome("cat; echo \"'$HOME'\"") == (0, f"'{os.environ['HOME']}'\n", "")


def test_what_does_not_end_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    began = time.monotonic()
    with pytest.raises(UnknownError, match="it did not end in time and was ended in shop-web-1"):
        outcome(f"trap '' TERM; (sleep 300; touch '{kept}') & echo $! >'{kept}'; sleep 300", seconds=1)
    assert time.monotonic() - began < 60
    assert not runs(kept.read_text().strip())


@pytest.mark.parametrize(
    ("out", "why"),
    [
        ("w0rd lacks grep\n", "shop-web-1 has no grep, without which a command could not be ended there"),
        ('exec: "sh": executable file not found in $PATH: unknown\n', "shop-web-1 has no shell"),
        ("w0rd began\nhalf", "it did not run to its end in shop-web-1: half"),
        ("", "it did not run to its end in shop-web-1"),
        (f"w0rd began\n{'x' * 70_000}\nw0rd end 0\n", "it printed more than is read"),
    ],
)
def test_one_that_did_not_run_is_unknown(out: str, why: str) -> None:
    with pytest.raises(UnknownError, match=why):
        _outcome(WEB, "w0rd", out, "")


def test_the_first_that_runs_is_asked() -> None:
    ended = Container("0", "shop-web-0", "web", "exited", exit_status=1)
    stack = Stack.of("project", ["shop"], [ended, WEB])
    assert _chosen(stack, "web").name == "shop-web-1"
    with pytest.raises(UnknownError, match="db has no container; there are web"):
        _chosen(stack, "db")
    with pytest.raises(BlockedError, match="no container of web runs: exited with status 1"):
        _chosen(Stack.of("project", ["shop"], [ended]), "web")
