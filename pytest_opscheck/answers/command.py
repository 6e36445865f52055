"""What a command of the inventory prints: its time and its output have an end, and so has all that it starts."""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from .bounds import shown
from .processes import MARK, kill, kill_marked

_CHUNK_BYTES = 65536
_LOOK_S = 0.1
_LEAVE_S = 2.0
_SAID_BYTES = 4096
"""How much is kept of what it says on its standard error: its end."""


class CommandError(Exception):
    """A command that has not printed what was asked for; the message says why."""


def printed_by(command: Sequence[str], folder: Path, seconds: float, most: int, stop: threading.Event) -> bytes:
    """Return what a command prints in a folder, without a shell and without an input. Raises CommandError.

    When it ends, or its time is over, or it prints too much, or `stop` is set, whatever it has started ends too.
    """
    mark = secrets.token_hex(16)
    try:
        child = subprocess.Popen(  # noqa: S603 - the inventory's own command
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, MARK: mark},
        )
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or str(error)).lower()
        raise CommandError(f"{command[0]} can't be started: {why}") from None
    try:
        printed, stderr = _read(child, time.monotonic() + seconds, most, stop)
    finally:
        kill(child)
        kill_marked(mark)
        with contextlib.suppress(subprocess.TimeoutExpired):  # by sudo it may be somebody else's, whom we can't end
            child.wait(_LEAVE_S)
    if printed is None:
        raise CommandError(f"{command[0]} did not end within {seconds:g} s")
    if len(printed) > most:
        raise CommandError(f"{command[0]} printed more than the {shown(most)} that are read")
    if child.returncode:
        raise CommandError(f"{command[0]} {_ended(child.returncode)}{_last_line(stderr)}")
    return printed


def _read(child: subprocess.Popen[bytes], until: float, most: int, stop: threading.Event) -> tuple[bytes | None, bytes]:
    """Return what a command prints on its two streams: None where it does not end, and too much where that is so.

    Whatever goes on in the background may keep the streams open.
    """
    assert child.stdout and child.stderr  # noqa: S101, PT018 - for the type checker: they are pipes
    printed, stderr, is_over = bytearray(), b"", False
    with child.stdout, child.stderr, selectors.DefaultSelector() as selector:
        for pipe in (child.stdout, child.stderr):
            selector.register(pipe, selectors.EVENT_READ)
        while len(printed) <= most:
            ready = selector.select(0 if is_over else _LOOK_S) if selector.get_map() else []
            for key, _ in ready:
                if not (chunk := os.read(key.fd, _CHUNK_BYTES)):
                    selector.unregister(key.fileobj)
                elif key.fileobj is child.stdout:
                    printed += chunk
                else:
                    stderr = (stderr + chunk)[-_SAID_BYTES:]
            if is_over and not ready:
                return bytes(printed), stderr
            if stop.is_set() or time.monotonic() > until:
                return None, stderr
            is_over = is_over or _has_ended(child)
            if not selector.get_map() and not is_over:
                stop.wait(_LOOK_S)
    return bytes(printed), stderr


def _has_ended(child: subprocess.Popen[bytes]) -> bool:
    """Tell whether a command has ended, and leave it its number until all that it has started has ended too."""
    return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _ended(status: int) -> str:
    names = {each.value: each.name for each in signal.Signals}
    return f"ended with exit status {status}" if status > 0 else f"was ended by {names.get(-status, -status)}"


def _last_line(data: bytes) -> str:
    lines = data.decode("utf-8", "replace").strip().splitlines()
    return f": {lines[-1]}" if lines else ""
