"""What reads PostgreSQL's answers: libpq keeps whole messages of any size, so it reads through a relay that counts.

A server announces each message's length, and libpq makes room for it and reads on in one call for as long as anything
comes. So the bound is where bytes arrive: when a connection has been made, and before anything is read from it, its
file descriptor becomes one end of a pair of sockets. Two threads carry bytes between the other end and the server, as
they are, TLS included.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from .bounds import TooLongError, too_long

if TYPE_CHECKING:
    from psycopg import Connection

_CHUNK = 65_536


class Meter:
    """How many bytes of an answer are read: beyond them the connection ends."""

    def __init__(self, most_bytes: int) -> None:
        self.begin(most_bytes)

    def begin(self, most_bytes: int) -> None:
        """Start counting again: another answer is awaited."""
        self.most_bytes = self._left = most_bytes

    def count(self, size: int) -> bool:
        """Count what has come, and tell whether it is within the bound."""
        self._left -= size
        return self._left >= 0

    @property
    def broken(self) -> TooLongError | None:
        """What to raise where the bound has been broken, else None."""
        return too_long(self.most_bytes) if self._left < 0 else None


def connected(meter: Meter, dsn: str, **options: Any) -> Connection[tuple[Any, ...]]:
    """Connect to a server through a meter, which also counts what comes before there is a connection."""
    import psycopg

    class Metered(psycopg.Connection[tuple[Any, ...]]):
        """A connection of which every byte is counted before libpq has it."""

        @classmethod
        def _connect_gen(cls, *args: Any, **more: Any) -> Any:
            return _through(meter, super()._connect_gen(*args, **more))

    return Metered.connect(dsn, **options)


def _through(meter: Meter, steps: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Go through psycopg's steps of connecting, and relay each socket when it is about to be read first."""
    from psycopg.waiting import Wait

    relayed, step = -1, next(steps)
    while True:
        number, awaited = step
        if awaited & Wait.R and os.fstat(number).st_ino != relayed:
            _relay(number, meter)
            relayed = os.fstat(number).st_ino
        try:
            step = steps.send((yield step))
        except StopIteration as end:
            return end.value


def _relay(number: int, meter: Meter) -> None:
    """Put a relay between a file descriptor and the server that it is connected with."""
    server = socket.socket(fileno=os.dup(number))
    server.setblocking(True)
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    os.dup2(theirs.fileno(), number, inheritable=False)
    theirs.close()
    there = threading.Thread(target=_carry, args=(server, ours, meter), name="opscheck-postgres-answers", daemon=True)
    there.start()
    threading.Thread(target=_ask, args=(ours, server, there), name="opscheck-postgres-asks", daemon=True).start()


def _ask(ours: socket.socket, server: socket.socket, answers: threading.Thread) -> None:
    """Carry what libpq sends to the server until libpq closes the connection, then end both."""
    _carry(ours, server)
    for sock in (server, ours):
        _end(sock)
    answers.join()
    server.close()
    ours.close()


def _carry(source: socket.socket, target: socket.socket, meter: Meter | None = None) -> None:
    """Carry bytes until there are no more, or too many; then the other side sees the end."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(_CHUNK):
            if meter is not None and not meter.count(len(chunk)):
                _end(source)
                break
            target.sendall(chunk)
    _end(target)


def _end(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
