"""Makes one contact: connects, again where that failed in a way that passes, reads, and says why where it can't."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from ..catalogue import kind_named
from ..plan import Contact, Request
from ..probes import TIMEOUT, BlockedError, Output, Part, Reach, Shell, UnknownError, UnreachableError
from .host import CONNECT_SECONDS, GRACE_SECONDS, HostConnection
from .readings import Reading

ATTEMPTS = 3
PAUSE_S = 0.5


class Unit:
    """A unit of work: it makes one contact of the plan, and puts up the readings. This one asks a target directly."""

    def __init__(self, contact: Contact) -> None:
        self.name = contact.name
        self.requests = contact.requests
        self.began = self.until = float("inf")
        self.in_contact = False

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
        self.began = time.monotonic()
        self.until = self.began + self.connect_s

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
        kind = kind_named(target.kind)
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


class HostUnit(Unit):
    """This one sends a host one script for everything that is owed of it, whatever the kind of the target on it."""

    def __init__(self, contact: Contact) -> None:
        super().__init__(contact)
        self.host = contact.host or ""
        self.connection = HostConnection(contact.spec)

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


def unit_of(contact: Contact) -> Unit:
    """Return what makes a contact."""
    return Unit(contact) if contact.host is None else HostUnit(contact)


def shell(request: Request) -> Shell:
    """Return how a probe reads through a host's shell; only probes that can come here."""
    assert request.probe.shell is not None  # noqa: S101 - for the type checker
    return request.probe.shell


def part_of(request: Request) -> Part:
    """Return a shell probe's part of its host's script."""
    return shell(request).part(request.target.keys, request.timeout_s, request.params)


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
    except Exception as error:  # noqa: BLE001 - a library's error means that the value is unknown
        return Reading(error=UnknownError(described(error)))


def _timed(reading: Reading, attempts: int, started: float, own_reach: str) -> Reading:
    blocker = own_reach if isinstance(reading.error, UnreachableError) else None
    return Reading(reading.value, reading.error, blocker, attempts, time.monotonic() - started)


def described(error: Exception) -> str:
    """Return a library's error in a line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
