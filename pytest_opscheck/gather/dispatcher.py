"""Runs the probes that the selected checks need: each once, side by side, each with a deadline.

A unit of work is one contact: a host with all the parts that it owes, or a target with all its direct probes. Units
run in threads of a bounded pool, started by one dispatcher, which gives up on a unit whose time is over. Latency probes
follow, when nothing else runs any more. Under pytest-xdist every worker runs its share of the units and reads the
others' readings from a folder that all of them share.
"""

from __future__ import annotations

import contextlib
import importlib
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from ..catalogue import kind_named
from ..plan import Plan, Request
from ..probes import UnknownError
from .contact import HostUnit, Unit, described, unit_of
from .host import CONNECT_SECONDS
from .loggers import steady_loggers
from .readings import POLL_S, Board, Reading
from .shared import OVER, STOP

AT_ONCE = 64
"""Contacts at once. Each is a thread and, over SSH, a process: more would only queue for the processor here."""
AT_ONCE_LATENCY = 4
"""Latency probes at once, each of another target: they wait more than they work, and do not disturb each other."""


class Gather:
    """Gathers all readings of a plan.

    share: which of how many processes this is; it runs every so manieth unit, the first one also the latency lane.
    folder: where the processes of one run put their readings.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        share: tuple[int, int] = (0, 1),
        folder: Path | None = None,
    ) -> None:
        self._board = Board(folder)
        self._bulk, self._latency = list(map(unit_of, plan.bulk)), list(map(unit_of, plan.latency))
        index, count = share
        self._own = self._bulk[index::count]
        self._own_latency = self._latency if index == 0 else []
        self._changed = threading.Condition()
        self._running: set[Unit] = set()
        self._closed = False
        slowest = max((unit.connect_s + unit.read_s for unit in self._bulk), default=0)
        waves = 1 + len(self._own) // AT_ONCE
        self._budget_s = waves * slowest + sum(unit.connect_s + unit.read_s for unit in self._latency) + CONNECT_SECONDS
        self._until = float("inf")

    @property
    def contacts(self) -> int:
        """How many contacts the run makes in all."""
        return len({unit.name for unit in self._bulk + self._latency})

    def start(self) -> None:
        """Start every contact; returns at once."""
        steady_loggers()
        _import_libraries(unit for unit in self._own + self._own_latency if not isinstance(unit, HostUnit))
        self._until = time.monotonic() + self._budget_s
        threading.Thread(target=self._dispatch, name="opscheck-dispatcher", daemon=True).start()

    def wait(self, request: Request, tick: Callable[[], None] = lambda: None) -> Reading:
        """Return one reading as soon as it is there, whatever the others do."""
        return self._board.wait(request.key, self._until, tick)

    def progress(self) -> tuple[int, int, list[str]]:
        """Return how many of this process's contacts are done, how many there are, and which are under way."""
        mine = self._own + self._own_latency
        missing = [unit.name for unit in mine if any(self._board.get(r.key) is None for r in unit.requests)]
        return len(mine) - len(missing), len(mine), sorted(unit.name for unit in list(self._running))

    def finish(self) -> None:
        """Wait for what other processes may still need of this one, until the run is over.

        A worker that has no test left to run is ended long before the others are.
        """
        folder = self._board.folder
        keys = {request.key for unit in self._own + self._own_latency for request in unit.requests}
        while folder is not None and folder.exists() and not any((folder / mark).exists() for mark in (OVER, STOP)):
            if time.monotonic() > self._until or all(self._board.get(key) is not None for key in keys):
                return
            time.sleep(POLL_S)

    def close(self) -> None:
        """End what still runs: a test that has stopped early waits for nothing."""
        self._closed = True
        with self._changed:
            self._changed.notify_all()
        for unit in list(self._running):
            unit.close()

    def _dispatch(self) -> None:
        try:
            self._run_lane(self._own, AT_ONCE)
            if self._own_latency:
                self._await_bulk()
                self._run_lane(self._own_latency, AT_ONCE_LATENCY)
        finally:
            for unit in self._own + self._own_latency:
                self._give_up(
                    unit, Reading(error=UnknownError("pytest-opscheck's dispatcher failed; please report this"))
                )

    def _await_bulk(self) -> None:
        """Wait until no process runs a bulk contact any more."""
        for unit in self._bulk:
            for request in unit.requests:
                while not self._closed and self._board.get(request.key) is None and time.monotonic() < self._until:
                    time.sleep(POLL_S)

    def _run_lane(self, lane: list[Unit], at_once: int) -> None:
        """Have threads run the units of a lane; one that is stuck is given up, and another thread takes its place."""
        waiting = deque(lane)
        for _ in range(min(at_once, len(lane))):
            self._start_worker(waiting)
        with self._changed:
            while (waiting or self._running) and not self._closed:
                self._changed.wait(
                    max(0.01, min((unit.until for unit in self._running), default=0.0) - time.monotonic())
                )
                for unit in [unit for unit in self._running if time.monotonic() >= unit.until]:
                    self._running.remove(unit)
                    self._give_up(unit, unit.late())
                    self._start_worker(waiting)

    def _start_worker(self, waiting: deque[Unit]) -> None:
        threading.Thread(target=self._work, args=(waiting,), name="opscheck-contacts", daemon=True).start()

    def _work(self, waiting: deque[Unit]) -> None:
        """Run units until none waits any more, or this thread's place was given away while it was stuck."""
        unit: Unit | None = None
        while True:
            with self._changed:
                given_away = unit is not None and unit not in self._running
                if unit is not None:
                    self._running.discard(unit)
                if given_away or not waiting or self._closed:
                    self._changed.notify_all()
                    return
                unit = waiting.popleft()
                unit.start()
                self._running.add(unit)
            self._run(unit)

    def _run(self, unit: Unit) -> None:
        try:
            unit.run(lambda request, reading: self._board.put(request.key, reading))
        except Exception as error:  # noqa: BLE001 - whatever fails in a contact makes its readings unknown, and no more
            self._give_up(unit, Reading(error=UnknownError(described(error))))

    def _give_up(self, unit: Unit, reading: Reading) -> None:
        for request in unit.requests:
            if self._board.get(request.key) is None:
                self._board.put(request.key, reading)
        unit.close()


def _import_libraries(units: Iterable[Unit]) -> None:
    """Import what contacts need, here and without its warnings.

    In a contact's thread a library that warns while it is imported would meet the filters of the test that just runs:
    where these make errors of warnings, the import would fail, and a healthy target be unknown. And an abstract class
    that is half imported (amqp's vine has one) makes isinstance() fail in the threads of all others.
    """
    needed = {library for unit in units for library in kind_named(unit.requests[0].target.kind).libraries}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for library in sorted(needed):
            with contextlib.suppress(ImportError):  # of which the contact itself tells
                importlib.import_module(library)
