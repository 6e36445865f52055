"""What reads a Redis server's answers: the client library's own parser, with an end to what it reads.

It is imported where a server is connected to, for it imports the library.
"""

from __future__ import annotations

import socket
from typing import Any

from redis import InvalidResponse, Redis
from redis._parsers import _RESP2Parser
from redis._parsers.socket import SocketBuffer

from ...answers.bounds import MOST_BYTES, MOST_VALUES, too_long, too_many

_LONGEST_LINE = 100_000
"""Lengths, numbers and refusals: what may be long is a text, whose length comes before it."""


class _CountedSocket:
    """A connection of which only so much is read before something else is asked."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.left = MOST_BYTES

    def recv(self, size: int) -> bytes:
        """Return what comes. Raises TooLongError where that is more than is read."""
        data = self._sock.recv(size)
        self.left -= len(data)
        if self.left < 0:
            raise too_long()
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class _BoundedBuffer(SocketBuffer):
    """Refuses a text by the length that is announced, and a line that has no end."""

    def read(self, length: int, *timeout: Any, **options: Any) -> bytes:
        if length > MOST_BYTES:
            raise too_long()
        return super().read(length, *timeout, **options)

    def readline(self, *timeout: Any, **options: Any) -> bytes:
        line = self._buffer.readline()
        while not line.endswith(b"\r\n"):
            if len(line) > _LONGEST_LINE:
                raise too_long(_LONGEST_LINE)
            self._read_from_socket(None, *timeout, **options)
            line += self._buffer.readline()
        return line[:-2]


class BoundedParser(_RESP2Parser):
    """Reads a bounded number of bytes and values of an answer, also where hiredis, which knows no bound, is installed.

    A list may announce any number of values, and the smallest take much more memory than bytes.
    """

    _values = 0
    _counted: _CountedSocket | None = None

    def begin(self) -> None:
        """Start counting again: something else is asked."""
        self._values = 0
        if self._counted is not None:
            self._counted.left = MOST_BYTES

    def on_connect(self, connection: Any) -> None:
        super().on_connect(connection)  # type: ignore[no-untyped-call]
        counted: Any = _CountedSocket(connection._sock)  # noqa: SLF001 - there is no public way
        self._buffer = _BoundedBuffer(counted, self.socket_read_size, connection.socket_timeout)
        self._counted = counted

    def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return super().read_response(*args, **options)
        except RecursionError:
            raise InvalidResponse("lists nested too deeply") from None

    def _read_response(self, *args: Any, **options: Any) -> Any:
        self._values += 1
        if self._values > MOST_VALUES:
            raise too_many()
        return super()._read_response(*args, **options)


def bound(client: Redis) -> None:
    """Let a client, which has the parser above, start counting again whenever it asks: a pipeline's answers are one."""
    pool = client.connection_pool
    given: Any = pool.connection_class

    def send_packed_command(self: Any, *args: Any, **options: Any) -> None:
        self._parser.begin()
        given.send_packed_command(self, *args, **options)

    pool.connection_class = type(given.__name__, (given,), {"send_packed_command": send_packed_command})
