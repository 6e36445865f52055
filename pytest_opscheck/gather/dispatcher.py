"""Runs the probes that the selected checks need: each once, side by side, each with a deadline.

A unit of work is one contact: a host with all the parts that it owes, or a target with all its direct probes. Units
run in threads, started by one dispatcher, which gives up on a unit whose time is over. A number of direct ones run at
once, and of those that start a process here as many as the processors can serve. One that waits for an answer that does
not come takes nobody's place. Latency probes follow, when nothing else runs any more. Under pytest-xdist every worker
runs its share of the units and reads the others' readings from a folder that all of them share.
"""

from __future__ import annotations

import contextlib
import importlib
import math
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
from .pace import MOST, Pace
from .readings import POLL_S, Board, Reading
from .shared import OVER, STOP

AT_ONCE_IN_ALL = 1024
"""Contacts at once, with those that wait for an answer which does not come."""
AT_ONCE_LATENCY = 4
"""Latency probes at once, each of another target: they wait more than they work, and do not disturb each other."""


HELD_UP_S, HELD_UP_HOST_S = 1.0, 3.0
"""After this time a contact that has not been made yet only waits, and another one may run beside it."""
TICK_S = 0.1


class _Lane:
    """Units that wait for their turn and those that run, as many at once as `limit()` says.

    held_up_s: after this time one that has not come into contact does not count any more.
    """

    def __init__(self, units: Iterable[Unit], limit: Callable[[], int], held_up_s: float = HELD_UP_S) -> None:
        self.waiting = deque(units)
        self.running: set[Unit] = set()
        self._limit = limit
        self._held_up_s = held_up_s

    @property
    def free(self) -> int:
        """How many units may be started now."""
        late = time.monotonic() - self._held_up_s
        counted = sum(unit.in_contact or unit.began > late for unit in self.running)
        room = min(self._limit() - counted, AT_ONCE_IN_ALL - len(self.running))
        return max(0, min(room, len(self.waiting)))

    def start_next(self) -> Unit:
        """Let the time of the next unit begin, and return it."""
        unit = self.waiting.popleft()
        unit.start()
        self.running.add(unit)
        return unit


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
        self._lanes: list[_Lane] = []
        self._closed = False
        slowest = max((unit.connect_s + unit.read_s for unit in self._bulk), default=0)
        self._pace = Pace(count)
        waves = 1 + len(self._own) // MOST
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

    def come_since(self, count: int, until: float, tick: Callable[[], None]) -> list[str]:
        """Return the keys of the requests whose readings have come after the first `count`; wait for one until then.

        There is none where the time of all is over.
        """
        return self._board.put_since(count, min(until, self._until), tick)

    def progress(self) -> tuple[int, int, list[str]]:
        """Return how many of this process's contacts are done, how many there are, and which are under way.

        Where others make them, those are under way that are not done.
        """
        mine = self._own + self._own_latency
        missing = sorted(unit.name for unit in mine if not all(self._board.has(r.key) for r in unit.requests))
        running = sorted(unit.name for lane in self._lanes for unit in list(lane.running))
        return len(mine) - len(missing), len(mine), running if self._lanes else missing

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
        for unit in [unit for lane in self._lanes for unit in list(lane.running)]:
            unit.close()

    def _dispatch(self) -> None:
        hosts = [unit for unit in self._own if isinstance(unit, HostUnit)]
        direct = [unit for unit in self._own if not isinstance(unit, HostUnit)]
        try:
            self._run_lanes(_Lane(hosts, lambda: self._pace.limit, HELD_UP_HOST_S), _Lane(direct, lambda: MOST))
            if self._own_latency:
                self._await_bulk()
                self._run_lanes(_Lane(self._own_latency, lambda: AT_ONCE_LATENCY, math.inf))
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

    def _run_lanes(self, *lanes: _Lane) -> None:
        """Have threads run the units of some lanes; one that is stuck is given up, and another takes its place."""
        with self._changed:
            self._lanes = list(lanes)
            while any(lane.waiting or lane.running for lane in lanes) and not self._closed:
                for lane in lanes:
                    self._give_up_late(lane)
                    for _ in range(lane.free):
                        self._start_next(lane)
                until = min((unit.until for lane in lanes for unit in lane.running), default=0.0)
                tick_s = TICK_S if any(lane.waiting for lane in lanes) else math.inf
                self._changed.wait(max(0.01, min(until - time.monotonic(), tick_s)))
                self._pace.tick()

    def _give_up_late(self, lane: _Lane) -> None:
        for unit in [unit for unit in lane.running if time.monotonic() >= unit.until]:
            lane.running.remove(unit)
            self._give_up(unit, unit.late())

    def _start_next(self, lane: _Lane) -> None:
        unit = lane.start_next()
        threading.Thread(target=self._work, args=(lane, unit), name="opscheck-contacts", daemon=True).start()

    def _work(self, lane: _Lane, unit: Unit) -> None:
        """Run a unit, and others after it as long as there is room for them."""
        while True:
            self._run(unit)
            with self._changed:
                was_given_up = unit not in lane.running
                lane.running.discard(unit)
                if was_given_up or self._closed or lane.free < 1:
                    self._changed.notify_all()
                    return
                unit = lane.start_next()

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
