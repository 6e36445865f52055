"""Ends a command of ours with all that it has started, whatever that has done to get away."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

MARK = "OPSCHECK_COMMAND"
"""The variable by which all that a command has started is known, also where its parent has ended before it."""

_ROUNDS = 50
"""How often is looked for what a command that is ended has started meanwhile."""


def kill(child: subprocess.Popen[bytes]) -> None:
    """End a command and all that it has started, in groups and sessions of its own too."""
    _kill(lambda killed: _family({child.pid, *killed}))


def kill_marked(mark: str) -> None:
    """End every process that has been given a mark, or was started by one that had it."""
    marked = f"{MARK}={mark}".encode()
    _kill(lambda _: {int(file.parent.name) for file in Path("/proc").glob("[0-9]*/environ") if _has(file, marked)})


def _kill(processes: Callable[[set[int]], set[int]]) -> None:
    killed = set[int]()
    for _ in range(_ROUNDS):  # again for what was started meanwhile, while the machine was busy with something else
        found = processes(killed) - killed
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return
        killed |= found


def _has(environ: Path, content: bytes) -> bool:
    """Tell whether a process has a variable. One that has ended has none any more."""
    try:
        return content in environ.read_bytes().split(b"\0")
    except OSError:
        return False


def _family(leaders: set[int]) -> set[int]:
    """Return processes, their descendants, and all that is in a session of one of these, as far as /proc tells."""
    kin: dict[int, tuple[int, int]] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The program's name, in brackets, may hold anything; behind it: state, parent, group, session.
            fields = file.read_text(errors="replace").rpartition(")")[2].split()
            kin[int(file.parent.name)] = (int(fields[1]), int(fields[3]))
    family = set(leaders)
    while more := {pid for pid, near in kin.items() if pid not in family and family.intersection(near)}:
        family |= more
    return family
