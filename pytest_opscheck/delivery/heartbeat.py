"""Calls a heartbeat at the start and the end of a whole run, so that somebody elsewhere notices when neither comes.

It speaks the protocol of Healthchecks.io (https://healthchecks.io/docs/http_api/): the address with `/start`, as it is
for success, and with `/fail` otherwise, and a run's id by which the two are known to belong together. The run's verdict
does not depend on it.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit, urlunsplit

from .child import started
from .http import LONGEST_S, sent
from .line import Line

ATTEMPTS = 2
_LAST_WORDS_S = 2.0
"""How long the call may take where the run was asked to end."""
_TICK_S = 0.05


class Heartbeat:
    """The heartbeat of one run, whose id two processes may share. What could not be called is a line in `faults`."""

    def __init__(self, url: str, run: uuid.UUID | None = None) -> None:
        self._url = url
        self._run = run or uuid.uuid4()
        self._calls: list[threading.Thread] = []
        self.faults: list[str] = []

    def call(self, sign: str, text: str = "") -> None:
        """Call it in the background; `sign` is start or fail, or nothing for success, and `said` is shown there."""
        before = self._calls[-1] if self._calls else None
        thread = threading.Thread(
            target=self._attempt, args=(sign, text, before), name="opscheck-heartbeat", daemon=True
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

    def _attempt(self, sign: str, text: str, before: threading.Thread | None) -> None:
        if before is not None:  # the end of a short run must not be there before its start
            before.join(LONGEST_S)
        fault = ""
        for number in range(ATTEMPTS):
            if number:
                time.sleep(0.5)
            fault, passes = sent("POST", self._address(sign), text.encode(), "text/plain; charset=utf-8")
            if not passes:
                break
        if fault:
            self.faults.append(f"{sign or 'success'}: {fault}")

    def _address(self, sign: str) -> str:
        parts = urlsplit(self._url)
        path = f"{parts.path.rstrip('/')}/{sign}" if sign else parts.path
        query = f"{parts.query}&rid={self._run}" if parts.query else f"rid={self._run}"
        return urlunsplit((parts.scheme, parts.netloc, path, query, ""))


def around(
    command: Sequence[str], url: str, name: str, kept: Sequence[int] = (), *, quiet: bool = False
) -> tuple[int, list[str]]:
    """Run a command between two heartbeats; returns its exit status, and what is wrong with the heartbeat.

    A run that only looks, or that is of a part of its suite, calls neither. One that ends before it could tell is a
    failure, and so is one that began whole and did not end so.

    kept: the open files that the command keeps. quiet: what it prints is shown only where something is not well.
    """
    heartbeat = Heartbeat(url)

    def tell(word: str) -> None:
        if word == Line.WHOLE:
            heartbeat.call("start")

    with started(command, kept, tell, quiet=quiet) as child:
        status = child.wait()
        if Line.NARROWED not in child.told and (Line.WHOLE in child.told or status != 0):
            well = status == 0 and Line.DONE in child.told
            heartbeat.call("" if well else "fail", f"{name}: exit status {status}")
        heartbeat.wait(child.asked)
    return status, heartbeat.faults
