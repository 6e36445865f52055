"""What reads RabbitMQ's frames: the client library's own transport, with an end to what it reads.

It is imported where a broker is connected to, for it imports the library.
"""

from __future__ import annotations

import struct
from typing import Any

import amqp
from amqp.transport import SSLTransport, TCPTransport

from ...answers.bounds import MOST_BYTES, TooLongError, shown, too_long

MOST_BYTES_OF_FRAME = 1_000_000
"""RabbitMQ sends up to 131,072 unless its frame_max says otherwise."""
_LEAST_OF_FRAME = 200
"""What a frame counts as beside its bytes: the smallest take more time and memory than those."""
_KINDS = (1, 2, 3, 8)
"""The first bytes of AMQP's frames: method, header, body, heartbeat."""


def _head(form: str, head: bytes) -> tuple[Any, ...]:
    """Read the head of a frame, and refuse what no RabbitMQ sends before it is waited for."""
    kind, channel, size = struct.unpack(form, head)
    if kind not in _KINDS:
        raise amqp.exceptions.UnexpectedFrame("the first byte is none of a frame")
    if size > MOST_BYTES_OF_FRAME:
        raise TooLongError(f"the answer has a frame of {size:,} bytes, longer than {shown(MOST_BYTES_OF_FRAME)}")
    return kind, channel, size


class _Counted:
    """Reads at most N bytes before something else is written."""

    left = MOST_BYTES

    def read_frame(self) -> Any:
        self.left -= _LEAST_OF_FRAME
        return super().read_frame(_head)  # type: ignore[misc]

    def write(self, data: bytes) -> None:
        self.left = MOST_BYTES
        super().write(data)  # type: ignore[misc]

    def _read(self, size: int, *args: Any) -> Any:
        self.left -= size
        if self.left < 0:
            raise too_long()
        return super()._read(size, *args)  # type: ignore[misc]


class _CountedTCP(_Counted, TCPTransport):  # type: ignore[misc]  # the library has no types
    """A connection without TLS."""


class _CountedTLS(_Counted, SSLTransport):  # type: ignore[misc]
    """A connection with TLS."""


class BoundedConnection(amqp.Connection):  # type: ignore[misc]
    """A connection whose answers have a bound; where one breaks it, the connection is closed at once."""

    def Transport(  # noqa: N802 - the library's own name
        self, host: str, connect_timeout: float, ssl: Any = False, *timeouts: float, **options: Any
    ) -> Any:
        read_timeout, write_timeout = timeouts
        return (_CountedTLS if ssl else _CountedTCP)(
            host, connect_timeout, ssl=ssl, read_timeout=read_timeout, write_timeout=write_timeout, **options
        )

    def blocking_read(self, timeout: float | None = None) -> Any:
        try:
            return super().blocking_read(timeout)
        except TooLongError:
            self.collect()
            raise
