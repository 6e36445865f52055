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
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from ..catalogue import kinds
from ..inventory import Expectation, Named
from ..probes import TIMEOUT, BlockedError, Output, Part, Probe, Reach, Shell, UnknownError, UnreachableError
from .host import CONNECT_SECONDS, GRACE_SECONDS, HostConnection
from .loggers import steady_loggers
from .readings import POLL_S, Board, Reading
from .shared import OVER, STOP

AT_ONCE = 64
"""Contacts at once. Each is a thread and, over SSH, a process: more would only queue for the processor here."""
AT_ONCE_QUIET = 4
"""Latency probes at once, each of another target: they wait more than they work, and do not disturb each other."""
ATTEMPTS = 3
PAUSE_S = 0.5


@dataclass(frozen=True)
class Request:
    """One reading that is needed, and how long it may take."""

    target: Named
    probe: Probe
    params: Mapping[str, Any]
    timeout_s: float

    @classmethod
    def of(cls, expectation: Expectation) -> Request:
        """Return the reading that an expectation needs."""
        return cls(expectation.target, expectation.check.probe, expectation.params, expectation.timeout_s)

    @cached_property
    def key(self) -> str:
        """The same for two checks that need the same reading."""
        return f"{self.target.id} {self.probe.name} {sorted(self.params.items())!r} {self.timeout_s}"


@dataclass(eq=False)
class Unit:
    """One contact: with a host for all the parts that it owes, or with a target for its direct probes."""

    name: str
    requests: list[Request] = field(default_factory=list)
    until: float = float("inf")
    in_contact: bool = False

    @property
    def connect_s(self) -> float:
        """How long it may take to make the contact, however slowly the target answers."""
        return CONNECT_SECONDS + 2 * ATTEMPTS

    @property
    def read_s(self) -> float:
        """How long the readings may take once it is made, however much of them hangs."""
        return sum(request.timeout_s for request in self.requests) + GRACE_SECONDS

    @property
    def own_reach(self) -> str:
        """The check that says that the target can't be reached."""
        return f"{self.requests[0].target.kind}.reachable@{self.requests[0].target.name}"

    def start(self) -> None:
        """Let the time for the contact begin."""
        self.until = time.monotonic() + self.connect_s

    def late(self) -> Reading:
        """Return what the readings are that have not come in time."""
        if self.in_contact:
            return Reading(
                error=UnknownError(
                    f"no answer within {self.read_s:g} s; find out what slows it down, or set a longer timeout"
                )
            )
        error = UnreachableError(f"no connection within {self.connect_s:g} s")
        return Reading(error=error, blocker=self.own_reach, seconds=self.connect_s)

    def run(self, put: Callable[[Request, Reading], None]) -> None:
        """Make the contact and put every reading up."""
        started = time.monotonic()
        target = self.requests[0].target
        kind = kinds()[target.kind]
        timeout_s = min(CONNECT_SECONDS, max(request.timeout_s for request in self.requests))
        with contextlib.ExitStack() as stack:

            def connect() -> Any:
                return stack.enter_context(kind.connect(target.keys, timeout_s))

            try:
                connection, attempts = _attempted(connect)
            except UnreachableError as error:
                self._fail(put, error, self.own_reach, started)
                return
            except UnknownError as error:
                self._fail(put, error, None, started)
                return
            self.in_contact, self.until = True, time.monotonic() + self.read_s
            for request in sorted(self.requests, key=lambda request: request.timeout_s):
                started = time.monotonic()
                reading = _read(partial(_direct, request, connection, attempts))
                put(request, _timed(reading, attempts, started, self.own_reach))

    def _fail(
        self,
        put: Callable[[Request, Reading], None],
        error: UnreachableError | UnknownError,
        blocker: str | None,
        started: float,
    ) -> None:
        seconds = time.monotonic() - started
        for request in self.requests:
            put(request, Reading(error=error, blocker=blocker, seconds=seconds))

    def close(self) -> None:
        """End what still runs."""


@dataclass(eq=False)
class HostUnit(Unit):
    """A host, and everything that is owed of it, whatever the kind of the target on it."""

    connection: HostConnection = field(default_factory=lambda: HostConnection("local://"))
    host: str = ""

    @property
    def connect_s(self) -> float:
        """How long it may take until the shell answers: to connect, to log in, and to start it."""
        return 3 * CONNECT_SECONDS + GRACE_SECONDS

    @property
    def read_s(self) -> float:
        """How long the parts may take then; the connection itself gives up on each of them in time."""
        return CONNECT_SECONDS + HostConnection.seconds(self._parts())

    @property
    def own_reach(self) -> str:
        """The check that says that the host can't be reached."""
        return f"host.reachable@{self.host}"

    def _parts(self) -> list[Part]:
        """Return what has to run there: what needs no script has come with the first word."""
        return [part for part in dict.fromkeys(map(part_of, self.requests)) if part.script]

    def run(self, put: Callable[[Request, Reading], None]) -> None:
        """Send one script, and put up what each probe reads out of its part as soon as that has come."""
        started = time.monotonic()
        parts, attempts = self._parts(), 0

        def read(part: Part, output: Output) -> None:
            for request in self.requests:
                if part_of(request) == part:
                    reading = _read(partial(shell(request).parse, output, **request.params))
                    own = f"{request.target.kind}.reachable@{request.target.name}"
                    put(request, _timed(reading, attempts, started, own))

        def begun() -> None:
            self.in_contact, self.until = True, time.monotonic() + self.read_s
            for part in {part_of(request) for request in self.requests}:
                if not part.script:
                    read(part, Output("", "", 0))

        def contact() -> None:
            nonlocal attempts
            attempts += 1
            self.connection.run(parts, begun=begun, put=lambda number, output: read(parts[number], output))

        try:
            _attempted(contact)
        except UnreachableError as error:
            self._fail(put, error, self.own_reach, started)

    def close(self) -> None:
        """End what still runs."""
        self.connection.close()


def shell(request: Request) -> Shell:
    """Return how a probe reads through a host's shell; only probes that can come here."""
    assert request.probe.shell is not None  # noqa: S101 - for the type checker
    return request.probe.shell


def part_of(request: Request) -> Part:
    """Return a shell probe's part of its host's script."""
    return shell(request).part(request.target.keys, request.timeout_s, request.params)


def through_host(request: Request) -> bool:
    """Tell whether a reading comes through a host's shell rather than a connection of its own."""
    return request.probe.shell is not None and (request.probe.read is None or request.target.keys.host() is not None)


def units(requests: Iterable[Request], hosts: Mapping[str, str]) -> tuple[list[Unit], list[Unit]]:
    """Sort readings into contacts: those of the bulk, and the quiet ones. `hosts` are the hosts' specs by name."""
    bulk: dict[str, Unit] = {}
    quiet: dict[str, Unit] = {}
    this_machine = min((name for name, connect in hosts.items() if connect == "local://"), default="")
    for request in {request.key: request for request in requests}.values():
        target = request.target
        if through_host(request):
            name = target.name if target.kind == "host" else target.keys.host() or this_machine
            unit = bulk.setdefault(
                f"host.{name}",
                HostUnit(f"host.{name}", connection=HostConnection(hosts.get(name, "local://")), host=name),
            )
        else:
            lane = quiet if request.probe.quiet else bulk
            unit = lane.setdefault(target.id, Unit(target.id))
        unit.requests.append(request)
    return [bulk[name] for name in sorted(bulk)], [quiet[name] for name in sorted(quiet)]


class Gather:
    """Gathers all readings of a run.

    share: which of how many processes this is; it runs every so manieth unit, the first one also the quiet lane.
    folder: where the processes of one run put their readings.
    """

    def __init__(
        self,
        requests: Iterable[Request],
        hosts: Mapping[str, str],
        *,
        share: tuple[int, int] = (0, 1),
        folder: Path | None = None,
    ) -> None:
        self._board = Board(folder)
        self._bulk, self._quiet = units(requests, hosts)
        index, count = share
        self._own = self._bulk[index::count]
        self._own_quiet = self._quiet if index == 0 else []
        self._changed = threading.Condition()
        self._running: set[Unit] = set()
        self._closed = False
        slowest = max((unit.connect_s + unit.read_s for unit in self._bulk), default=0)
        waves = 1 + len(self._own) // AT_ONCE
        self._budget_s = waves * slowest + sum(unit.connect_s + unit.read_s for unit in self._quiet) + CONNECT_SECONDS
        self._until = float("inf")

    @property
    def contacts(self) -> int:
        """How many contacts the run makes in all."""
        return len({unit.name for unit in self._bulk + self._quiet})

    def start(self) -> None:
        """Start every contact; returns at once."""
        steady_loggers()
        _import_libraries(unit for unit in self._own + self._own_quiet if not isinstance(unit, HostUnit))
        self._until = time.monotonic() + self._budget_s
        threading.Thread(target=self._dispatch, name="opscheck-dispatcher", daemon=True).start()

    def wait(self, request: Request, tick: Callable[[], None] = lambda: None) -> Reading:
        """Return one reading as soon as it is there, whatever the others do."""
        return self._board.wait(request.key, self._until, tick)

    def progress(self) -> tuple[int, int, list[str]]:
        """Return how many of this process's contacts are done, how many there are, and which are under way."""
        mine = self._own + self._own_quiet
        missing = [unit.name for unit in mine if any(self._board.get(r.key) is None for r in unit.requests)]
        return len(mine) - len(missing), len(mine), sorted(unit.name for unit in list(self._running))

    def finish(self) -> None:
        """Wait for what other processes may still need of this one, until the run is over.

        A worker that has no test left to run is ended long before the others are.
        """
        folder = self._board.folder
        keys = {request.key for unit in self._own + self._own_quiet for request in unit.requests}
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
            if self._own_quiet:
                self._await_bulk()
                self._run_lane(self._own_quiet, AT_ONCE_QUIET)
        finally:
            for unit in self._own + self._own_quiet:
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
            self._give_up(unit, Reading(error=UnknownError(_described(error))))

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
    needed = {library for unit in units for library in kinds()[unit.requests[0].target.kind].libraries}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for library in sorted(needed):
            with contextlib.suppress(ImportError):  # of which the contact itself tells
                importlib.import_module(library)


def _attempted(contact: Callable[[], Any]) -> tuple[Any, int]:
    """Make a contact, again where it failed in a way that passes; returns its result and which attempt it was."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return contact(), attempt
        except UnreachableError as error:
            if not error.transient:
                raise
            if attempt == ATTEMPTS:
                raise type(error)(f"{error} (at each of {ATTEMPTS} attempts)") from None
            time.sleep(PAUSE_S * attempt)
    raise AssertionError("unreachable")


def _direct(request: Request, connection: Any, attempts: int) -> object:
    read = request.probe.read
    assert read is not None  # noqa: S101 - for the type checker; a probe without a shell reads directly
    timed = {TIMEOUT: request.timeout_s} if request.probe.timed else {}
    value = read(connection, **request.params, **timed)
    return Reach(value.target, attempts) if isinstance(value, Reach) else value


def _read(read: Callable[[], object]) -> Reading:
    try:
        return Reading(read())
    except (UnreachableError, UnknownError, BlockedError) as error:
        return Reading(error=error)
    except Exception as error:  # noqa: BLE001 - a library's error means that the probe could not tell
        return Reading(error=UnknownError(_described(error)))


def _timed(reading: Reading, attempts: int, started: float, own_reach: str) -> Reading:
    blocker = own_reach if isinstance(reading.error, UnreachableError) else None
    return Reading(reading.value, reading.error, blocker, attempts, time.monotonic() - started)


def _described(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
