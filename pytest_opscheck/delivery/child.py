"""The run as a process of its own, for who has something to do when it has ended."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import IO

from ..core.results import INTERRUPTED
from ..starting import SIGNALS
from .line import Line

_LISTEN_S = 2.0
"""How long what a run has said is waited for when it has ended: something that it left behind may hold the pipe."""
_BY_SIGNAL = 128
"""What a shell adds to the number of the signal that ended a command."""


class Child:
    """A run that has been started.

    asked: the signals by which it was asked to end. told: what it has said on its line.
    """

    def __init__(self, process: subprocess.Popen[bytes], line: int, tell: Callable[[str], object]) -> None:
        self._process = process
        self.asked: list[int] = []
        self.told: set[str] = set()
        self._held = _Held(process.stdout) if process.stdout is not None else None
        self._listener = threading.Thread(target=self._listen, args=(line, tell), name="opscheck-line", daemon=True)
        self._listener.start()

    def _listen(self, line: int, tell: Callable[[str], object]) -> None:
        with os.fdopen(line) as words:
            for word in map(str.strip, words):
                self.told.add(word)
                tell(word)

    def end(self, number: int, _frame: FrameType | None) -> None:
        """Have it end, as SIGTERM does: it may have been started where SIGINT is ignored."""
        self.asked.append(number)
        self._process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Return its exit status; one that was asked to end before it could listen was interrupted all the same."""
        status = self._process.wait()
        self._listener.join(_LISTEN_S)
        if status < 0:
            status = INTERRUPTED if self.asked else _BY_SIGNAL - status
        if self._held is not None and (status or Line.WELL not in self.told):
            self._held.print()
        return status


class _Held:
    """What a run prints, held back in memory."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._printed = io.BytesIO()
        self._reader = threading.Thread(
            target=shutil.copyfileobj, args=(stream, self._printed), name="opscheck-output", daemon=True
        )
        self._reader.start()

    def print(self) -> None:
        self._reader.join(_LISTEN_S)
        with contextlib.suppress(OSError):  # nobody reads on
            sys.stdout.buffer.write(self._printed.getvalue())
            sys.stdout.buffer.flush()


@contextlib.contextmanager
def started(
    command: Sequence[str],
    kept: Sequence[int] = (),
    tell: Callable[[str], object] = lambda _: None,
    *,
    quiet: bool = False,
) -> Iterator[Child]:
    """Start the run, and outlive what asks it to end, to tell of its end.

    Each signal is passed on as SIGTERM, at which the run still writes its reports. One that the terminal or systemd has
    sent to both is the same wish to it. Until both can take them, the signals wait.

    kept: the open files that the command keeps. tell: is called with each word that it says on its line. quiet: what it
    prints is shown only where something is not well.
    """
    ours, its = os.pipe()
    environment = {**os.environ, Line.VARIABLE: str(its)}
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    output = subprocess.PIPE if quiet else None
    process = subprocess.Popen(command, pass_fds=[*kept, its], env=environment, stdout=output)  # noqa: S603 - our own
    os.close(its)
    child = Child(process, ours, tell)
    before = {number: signal.signal(number, child.end) for number in SIGNALS}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    try:
        yield child
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
