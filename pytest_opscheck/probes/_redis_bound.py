"""What reads a Redis server's answers: the client library's own parser, with an end to what it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._bound import MOST_BYTES, MOST_VALUES, too_long, too_many

if TYPE_CHECKING:
    import socket

    from redis import Redis


class CountedSocket:
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


def bounded_parser() -> type[Any]:
    """Return the parser for connections: the library's in Python, for the one in C (hiredis) knows no bound."""
    from redis import InvalidResponse
    from redis._parsers import _RESP2Parser

    class BoundedParser(_RESP2Parser):
        """Reads so many bytes and values of an answer: a list may announce any number of the smallest ones."""

        values = 0
        counted: CountedSocket | None = None

        def on_connect(self, connection: Any) -> None:
            super().on_connect(connection)  # type: ignore[no-untyped-call]
            self.counted = CountedSocket(connection._sock)  # noqa: SLF001 - there is no public way
            self._buffer._sock = self.counted  # type: ignore[union-attr]  # noqa: SLF001 - as it has just been made

        def read_response(self, *args: Any, **options: Any) -> Any:
            try:
                return super().read_response(*args, **options)
            except RecursionError:
                raise InvalidResponse("lists nested too deeply") from None

        def _read_response(self, *args: Any, **options: Any) -> Any:
            self.values += 1
            if self.values > MOST_VALUES:
                raise too_many()
            return super()._read_response(*args, **options)

    return BoundedParser


def bound(client: Redis) -> None:
    """Let a client, which has the parser above, count anew whenever it asks: a pipeline's answers are one."""
    pool = client.connection_pool
    given: Any = pool.connection_class

    def send_packed_command(self: Any, *args: Any, **options: Any) -> None:
        parser = self._parser
        parser.values = 0
        if parser.counted is not None:
            parser.counted.left = MOST_BYTES
        given.send_packed_command(self, *args, **options)

    pool.connection_class = type(given.__name__, (given,), {"send_packed_command": send_packed_command})
