"""Servers that answer with more than anybody reads, and count what they could send."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping

MOST = 300_000_000
"""What a server sends where nobody ends it."""
_SECONDS = 60
Talk = Callable[[socket.socket], tuple[bytes, bytes]]
"""What is said before the answer; returns how the answer begins, and what it goes on with."""


@contextlib.contextmanager
def flooding(talks: Mapping[str, Talk]) -> Iterator[tuple[dict[str, int], dict[str, int]]]:
    """Serve a port for each way to answer; yields the ports, and how many bytes the longest answer of each got to."""
    sent = dict.fromkeys(talks, 0)
    with contextlib.ExitStack() as stack:
        listeners = {name: stack.enter_context(socket.create_server(("127.0.0.1", 0))) for name in talks}
        for name, listener in listeners.items():
            threading.Thread(target=_accept, args=(listener, name, talks[name], sent), daemon=True).start()
        yield {name: listener.getsockname()[1] for name, listener in listeners.items()}, sent


def _accept(listener: socket.socket, name: str, talk: Talk, sent: dict[str, int]) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            connection.settimeout(_SECONDS)
            threading.Thread(target=_flood, args=(connection, name, talk, sent), daemon=True).start()


def _flood(connection: socket.socket, name: str, talk: Talk, sent: dict[str, int]) -> None:
    with connection, contextlib.suppress(OSError, struct.error):
        begin, unit = talk(connection)
        connection.sendall(begin)
        block, done = unit * (100_000 // len(unit)), 0
        while done < MOST:
            done += connection.send(block)
            sent[name] = max(sent[name], done)


def redis(begin: bytes, unit: bytes, *, at: bytes = b"INFO") -> Talk:
    """Say PONG, and answer another command without end."""

    def talk(connection: socket.socket) -> tuple[bytes, bytes]:
        with connection.makefile("rb") as said:
            while line := said.readline():
                command = [said.read(int(said.readline()[1:]) + 2)[:-2] for _ in range(int(line[1:]))]
                if command[0] == at:
                    return begin, unit
                connection.sendall(b"+PONG\r\n" if command[0] == b"PING" else b"+OK\r\n")
        raise OSError

    return talk


def message(kind: bytes, body: bytes) -> bytes:
    """Return a message of PostgreSQL's protocol."""
    return kind + struct.pack("!I", len(body) + 4) + body


def announced(kind: bytes) -> bytes:
    """Return the head of a message that is as long as a server sends."""
    return kind + struct.pack("!I", MOST)


_READY = message(b"Z", b"I")
_WELCOME = message(b"R", bytes(4)) + message(b"S", b"client_encoding\0UTF8\0") + _READY
ROWS = message(b"1", b"") + message(b"2", b"") + message(b"T", b"\0\1x\0" + struct.pack("!IhIhih", 0, 0, 25, -1, -1, 0))
"""What comes before rows of one text."""


def postgres(begin: bytes, unit: bytes, *, at: str = "query") -> Talk:
    """Answer a query without end, or whoever wants to connect."""

    def talk(connection: socket.socket) -> tuple[bytes, bytes]:
        while _startup(connection):
            connection.sendall(b"N")
        if at == "connect":
            return begin, unit
        connection.sendall(_WELCOME)
        while True:
            kind, body = _read(connection, 1), _read(connection, struct.unpack("!I", _read(connection, 4))[0] - 4)
            if kind == b"Q":
                connection.sendall(message(b"C", b"SET\0") * len(body.split(b";")) + _READY)
            elif kind == b"S":
                return begin, unit

    return talk


def _startup(connection: socket.socket) -> bool:
    """Tell whether TLS or the like was asked for, and no connection yet."""
    body = _read(connection, struct.unpack("!I", _read(connection, 4))[0] - 4)
    (asked,) = struct.unpack("!I", body[:4])
    return bool(asked != 3 << 16)  # the protocol's version


def _read(connection: socket.socket, size: int) -> bytes:
    said = connection.recv(size, socket.MSG_WAITALL) if size else b""
    if len(said) < size:
        raise OSError
    return said


def frame(kind: int, channel: int, payload: bytes) -> bytes:
    """Return a frame of AMQP."""
    return struct.pack("!BHI", kind, channel, len(payload)) + payload + b"\xce"


def method(channel: int, *numbers: int, body: bytes = b"") -> bytes:
    """Return a method's frame."""
    return frame(1, channel, struct.pack("!HH", *numbers) + body)


START = method(0, 10, 10, body=b"\0\x09" + bytes(4) + b"\0\0\0\x05PLAIN" + b"\0\0\0\x05en_US")
TUNE = method(0, 10, 30, body=struct.pack("!HIH", 100, 0, 0))
OPEN_OK = method(0, 10, 41, body=b"\0")
CHANNEL_OK = method(1, 20, 11, body=bytes(4))


def amqp(begin: bytes, unit: bytes, *, at: str = "connect") -> Talk:
    """Answer whoever wants to connect without end, or, when the connection is open, the first question."""

    def talk(connection: socket.socket) -> tuple[bytes, bytes]:
        _read(connection, 8)
        if at == "connect":
            return begin, unit
        connection.sendall(START + TUNE + OPEN_OK)
        while True:
            _, channel, size = struct.unpack("!BHI", _read(connection, 7))
            payload = _read(connection, size + 1)
            if channel and payload[:4] == b"\0\x14\0\x0a":
                connection.sendall(CHANNEL_OK)
            elif channel and payload[:4] == b"\0\x14\0\x28":
                connection.sendall(method(1, 20, 41))
            elif channel:
                return begin, unit

    return talk
