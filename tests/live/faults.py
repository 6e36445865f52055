"""Servers that are at fault in one way each, whatever the kind that asks them: for the matrix of kinds and faults."""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from .certificates import hosts, issue

Fault = Callable[[socket.socket, bytes], None]
"""What is done with a connection, by a server whose answer would begin with these bytes."""
MANY = 300_000_000
_JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % MANY
STARTS: Mapping[str, bytes] = {
    "http": _JSON + b'{"status": "',
    "prometheus": _JSON + b'{"status": "success", "data": {"resultType": "vector", "result": ["',
    "metrics": _JSON.replace(b"application/json", b"text/plain") + b"# HELP a b\na 1\n# HELP b ",
    "s3": _JSON.replace(b"application/json", b"application/xml") + b"<?xml version='1.0'?><ListBucketResult><Name>",
    "docker": _JSON + b'{"Version": "',
    "tls": b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03",
    "dns": b"\xff\xff\x00\x00\x81\x80\x00\x01",
    "tcp": b"220 mail.example.com",
    "postgres": b"R\x00\x00\x00\x08\x00\x00\x00\x00S" + struct.pack(">I", MANY) + b"server_version\x00",
    "redis": b"$%d\r\n" % MANY,
    "celery_redis": b"$%d\r\n" % MANY,
    "celery_amqp": b"\x01\x00\x00" + struct.pack(">I", MANY) + b"\x00\x0a\x00\x0a\x00\x09",
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n\x00\x00\x05\xdc\x06\x14",
    "paramiko": b"SSH-2.0-OpenSSH_9.2\r\n" + struct.pack(">I", MANY + 4) + b"\x06\x14",
}
"""How a good answer begins, by what asks."""


def _asked(connection: socket.socket) -> None:
    """Wait for the question; who speaks SSH waits for none."""
    connection.settimeout(0.5)
    with contextlib.suppress(OSError):
        connection.recv(65536)
    connection.settimeout(None)


def closes(connection: socket.socket, start: bytes) -> None:
    """Close the connection at once."""


def resets(connection: socket.socket, start: bytes) -> None:
    """Break the connection in the middle of an answer."""
    _asked(connection)
    connection.sendall(start)
    time.sleep(0.2)  # until that has been read: a reset takes back what has not
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def garbage(connection: socket.socket, start: bytes) -> None:
    """Answer with bytes that are of no protocol, and no text either."""
    _asked(connection)
    connection.sendall(random.Random(11).randbytes(2000))
    time.sleep(0.2)


def half(connection: socket.socket, start: bytes) -> None:
    """Send the first half of an answer, and then nothing more."""
    _asked(connection)
    connection.sendall(start)
    hangs(connection, start)


def hangs(connection: socket.socket, start: bytes) -> None:
    """Never say a word."""
    while connection.recv(65536):
        pass


def drips(connection: socket.socket, start: bytes) -> None:
    """Send a letter now and then, so that no single read ever takes long."""
    while True:
        connection.sendall(b"1")
        time.sleep(0.3)


def floods(connection: socket.socket, start: bytes) -> None:
    """Answer with 300 MB."""
    _asked(connection)
    connection.sendall(start)
    piece = b"x" * 1_000_000
    for _ in range(MANY // len(piece)):
        connection.sendall(piece)
    hangs(connection, start)


def plain(connection: socket.socket, start: bytes) -> None:
    """Answer a client that begins with TLS as web servers do."""
    _asked(connection)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def speaking_tls(folder: Path) -> Fault:
    """Return a server that speaks TLS alone."""
    file = issue("localhost", names=hosts("localhost")).write(folder / "server.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)

    def serve(connection: socket.socket, start: bytes) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            hangs(secure, start)

    return serve


@contextlib.contextmanager
def serving(fault: Fault) -> Iterator[dict[str, int]]:
    """Run a server of a fault for everything that asks; yields their ports."""
    with contextlib.ExitStack() as stack:
        ports = {}
        for name, start in STARTS.items():
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=50))
            stack.callback(_end, listener)
            threading.Thread(target=_accept, args=(listener, fault, start), daemon=True).start()
            ports[name] = listener.getsockname()[1]
        yield ports


@contextlib.contextmanager
def refusing() -> Iterator[dict[str, int]]:
    """Hold ports on which nobody listens; yields them."""
    with contextlib.ExitStack() as stack:
        ports = {}
        for name in STARTS:
            held = stack.enter_context(socket.socket())
            held.bind(("127.0.0.1", 0))
            ports[name] = held.getsockname()[1]
        yield ports


def _end(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, fault: Fault, start: bytes) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection, fault, start), daemon=True).start()


def _serve(connection: socket.socket, fault: Fault, start: bytes) -> None:
    with contextlib.suppress(OSError), connection:
        fault(connection, start)
