"""Looks: runs of the suite in processes of their own, which tell their results to the gate alone."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from .._check import NOT_BEFORE
from ..core.look import Look
from ..core.results import Run
from ..inventory import Inventory
from ..inventory.asked import tell
from ..starting import SIGNALS, pytest_command
from .baseline import GateError

REQUESTS = "requests"
"""The parameter of probes that make a series of requests."""
_SHOWN_LINES = 20


class StoppedError(Exception):
    """Somebody has asked the gate to end."""


class Looker:
    """Looks at a suite, as often as it is asked to; SIGINT, SIGTERM and SIGHUP end the look that is under way."""

    def __init__(self, inventory: Inventory, suite: str, folder: Path) -> None:
        self.inventory = inventory
        self.suite = suite
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.is_stopped = False

    @property
    def compared(self) -> frozenset[str]:
        """The results whose limits are relative to a baseline, or that measure a share of failed requests."""
        return frozenset(e.id for e in self._of_suite() if _is_relative(e.limits, e.params) or REQUESTS in e.params)

    def with_requests(self, count: int) -> Mapping[str, Mapping[str, Any]]:
        """Return the parameters by which each series of requests has as many."""
        return {e.id: {REQUESTS: count} for e in self._of_suite() if REQUESTS in e.params}

    def counting_from(self, moment: dt.datetime) -> Mapping[str, Mapping[str, Any]]:
        """Return the parameters by which lines of logs count from a moment on, where a limit says how many at most."""
        counting = (e for e in self._of_suite() if NOT_BEFORE in e.check.params.model_fields and _is_at_most(e.limits))
        return {e.id: {NOT_BEFORE: moment.timestamp()} for e in counting}

    def _of_suite(self) -> Iterator[Any]:
        return (each for each in self.inventory.expectations if self.suite in each.suites)

    def look(self, look: Look) -> Run:
        """Run the suite, and return its results. Raises GateError where there are none, and StoppedError."""
        wanted, results, output = (self._folder / name for name in ("look.json", "results.json", "output"))
        wanted.write_text(json.dumps(look.to_json()), encoding="utf-8")
        results.unlink(missing_ok=True)
        command = pytest_command(self.suite, self._arguments(wanted, results))
        if self.is_stopped:
            raise StoppedError
        with output.open("wb") as written:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=written, stderr=written)  # noqa: S603 - our own
            status = self._process.wait()
            self._process = None
        if self.is_stopped:
            raise StoppedError
        if not results.exists():
            lines = output.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-_SHOWN_LINES:]
            raise GateError(
                "\n".join([f"a run of {self.suite} ended with exit status {status}, without results:", *lines])
            )
        return Run.from_json(json.loads(results.read_text(encoding="utf-8")))

    def _arguments(self, wanted: Path, results: Path) -> tuple[str, ...]:
        return (
            f"--opscheck-inventory={self.inventory.file.absolute()}",
            f"--opscheck-look={wanted}",
            f"--opscheck-json={results}",
            f"--junitxml={self._folder / 'look.xml'}",
            "-q",
            "-p",
            "no:cacheprovider",
        )

    def stop(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """End the look that is under way, and have no other follow."""
        self.is_stopped = True
        if (process := self._process) is not None:
            process.send_signal(signal.SIGTERM)


def _is_relative(limits: Any, params: Mapping[str, Any]) -> bool:
    ladders = [*(limits.ladders if limits is not None else ()), *_inner(params.values())]
    return any(getattr(ladder, "relative", ()) for ladder in ladders)


def _is_at_most(limits: Any) -> bool:
    """Tell whether limits only say how many there may be: fewer in a shorter time never break one."""
    ladders = limits.ladders if limits is not None else ()
    stated = [rung.limit for ladder in ladders for rung in ladder.rungs]
    return not any(ladder.relative for ladder in ladders) and all(
        limit.operator in ("<", "<=") or (limit.operator == "==" and limit.number == 0) for limit in stated
    )


def _inner(values: Any) -> Iterator[Any]:
    for value in values:
        yield value
        if isinstance(value, Mapping):
            yield from _inner(value.values())


@contextlib.contextmanager
def looking(inventory: Inventory, suite: str) -> Iterator[Looker]:
    """Give a looker, which ends with its look where this process is asked to."""
    with tempfile.TemporaryDirectory(prefix="opscheck-gate-") as folder:
        tell(inventory, Path(folder))
        looker = Looker(inventory, suite, Path(folder))
        before = {number: signal.signal(number, looker.stop) for number in SIGNALS}
        try:
            yield looker
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
