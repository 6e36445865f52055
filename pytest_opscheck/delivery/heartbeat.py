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
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import FrameType
from urllib.parse import urlsplit, urlunsplit

from ..core.results import INTERRUPTED
from ..starting import SIGNALS
from .http import LONGEST_S, sent
from .line import Line

ATTEMPTS = 2
_LISTEN_S = 2.0
"""How long what a run has said is waited for when it has ended: something that it left behind may hold the pipe."""
_LAST_WORDS_S = 2.0
"""How long the call may take where the run was asked to end."""
_TICK_S = 0.05
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

    def wait(self, asked: Collection[int] = ()) -> None:
        """Wait for what was called, up to a deadline: a near one as soon as somebody has asked the run to end."""
        started = time.monotonic()
        while any(thread.is_alive() for thread in self._calls):
            longest_s = _LAST_WORDS_S if asked else LONGEST_S
            if time.monotonic() - started > longest_s:
                self.faults.append(f"no answer within {longest_s:g} s")
                return
            self._calls[-1].join(_TICK_S)

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
    with _started(command, [*kept, its], {**os.environ, Line.VARIABLE: str(its)}) as (process, asked):
        os.close(its)
        status = process.wait()
        listener.join(_LISTEN_S)
        if status < 0:  # one that was asked to end before it could listen was interrupted all the same
            status = INTERRUPTED if asked else _BY_SIGNAL - status
        if Line.NARROWED not in said and (Line.WHOLE in said or status != 0):
            well = status == 0 and Line.DONE in said
            heartbeat.call("" if well else "fail", f"{name}: exit status {status}")
        heartbeat.wait(asked)
    return status, heartbeat.faults


@contextlib.contextmanager
def _started(
    command: Sequence[str], kept: Sequence[int], environment: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """Start the run, and outlive what asks it to end, to tell of its end; yields it and the signals that did.

    Each is passed on as SIGTERM, at which the run still writes its reports: it may have been started where SIGINT is
    ignored. One that the terminal or systemd has sent to both is the same wish to it. Until both can take them, the
    signals wait.
    """
    asked: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        process.send_signal(signal.SIGTERM)

    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    process = subprocess.Popen(command, pass_fds=kept, env=environment)  # noqa: S603 - our own command
    before = {number: signal.signal(number, pass_on) for number in SIGNALS}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    try:
        yield process, asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
