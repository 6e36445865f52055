"""Calls a heartbeat at the start and the end of a whole run, so that somebody elsewhere notices when neither comes.

It speaks the protocol of Healthchecks.io (https://healthchecks.io/docs/http_api/): the address with `/start`, as it is
for success, and with `/fail` otherwise, and a run's id by which the two are known to belong together. The run's verdict
does not depend on it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from types import FrameType
from urllib.parse import urlsplit, urlunsplit

from ..results import INTERRUPTED
from .http import LONGEST_S, sent
from .line import Line

ATTEMPTS = 2
_LISTEN_S = 2.0
"""How long what a run has said is waited for when it has ended: something that it left behind may hold the pipe."""
_BY_SIGNAL = 128
"""What a shell adds to the number of the signal that ended a command."""


class Heartbeat:
    """The heartbeat of one run. What could not be called is a line in `faults`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._run = uuid.uuid4()
        self._calls: list[threading.Thread] = []
        self.faults: list[str] = []

    def call(self, sign: str, said: str = "") -> None:
        """Call it in the background; `sign` is start or fail, or nothing for success, and `said` is shown there."""
        before = self._calls[-1] if self._calls else None
        thread = threading.Thread(
            target=self._attempt, args=(sign, said, before), name="opscheck-heartbeat", daemon=True
        )
        self._calls.append(thread)
        thread.start()

    def wait(self) -> None:
        """Wait for what was called, up to a deadline."""
        until = time.monotonic() + LONGEST_S
        for thread in self._calls:
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
                self.faults.append(f"no answer within {LONGEST_S:g} s")
                return

    def _attempt(self, sign: str, said: str, before: threading.Thread | None) -> None:
        if before is not None:  # the end of a short run must not be there before its start
            before.join(LONGEST_S)
        fault = ""
        for number in range(ATTEMPTS):
            if number:
                time.sleep(0.5)
            fault, passes = sent("POST", self._address(sign), said.encode(), "text/plain; charset=utf-8")
            if not passes:
                break
        if fault:
            self.faults.append(f"{sign or 'success'}: {fault}")

    def _address(self, sign: str) -> str:
        parts = urlsplit(self._url)
        path = f"{parts.path.rstrip('/')}/{sign}" if sign else parts.path
        query = f"{parts.query}&rid={self._run}" if parts.query else f"rid={self._run}"
        return urlunsplit((parts.scheme, parts.netloc, path, query, ""))


def around(command: Sequence[str], url: str, name: str, kept: Sequence[int] = ()) -> tuple[int, list[str]]:
    """Run a command between two heartbeats; returns its exit status, and what is wrong with the heartbeat.

    A run that only looks, or that is of a part of its suite, calls neither. One that ends before it could tell is a
    failure, and so is one that began whole and did not end so.

    kept: the open files that the command keeps.
    """
    heartbeat = Heartbeat(url)
    ours, its = os.pipe()
    said: set[str] = set()

    def listen() -> None:
        with os.fdopen(ours) as lines:
            for line in lines:
                said.add(line.strip())
                if line.strip() == Line.WHOLE:
                    heartbeat.call("start")

    listener = threading.Thread(target=listen, name="opscheck-heartbeat-listener", daemon=True)
    listener.start()
    process = subprocess.Popen(  # noqa: S603 - our own command
        command, pass_fds=[*kept, its], env={**os.environ, Line.VARIABLE: str(its)}
    )
    os.close(its)
    with _passed_on(process) as asked:
        status = process.wait()
    listener.join(_LISTEN_S)
    if status < 0:  # one that was asked to end before it could listen was interrupted all the same
        status = INTERRUPTED if asked else _BY_SIGNAL - status
    if Line.NARROWED not in said and (Line.WHOLE in said or status != 0):
        well = status == 0 and Line.DONE in said
        heartbeat.call("" if well else "fail", f"{name}: exit status {status}")
    heartbeat.wait()
    return status, heartbeat.faults


@contextlib.contextmanager
def _passed_on(process: subprocess.Popen[bytes]) -> Iterator[list[int]]:
    """Outlive what asks the run to end, to tell of its end; yields the signals that did.

    Each is passed on as SIGTERM, at which the run still writes its reports: it may have been started where SIGINT is
    ignored. One that the terminal or systemd has sent to both is the same wish to it.
    """
    asked: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        process.send_signal(signal.SIGTERM)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
