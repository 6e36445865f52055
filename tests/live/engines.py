"""Engines that answer as no engine should: over a real socket, with whatever bytes a test wants for a question."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

Answer = Callable[[], Iterator[bytes]]

BLOCK = b"x" * 65536
FOREVER = 100_000


def whole(body: bytes, status: str = "200 OK", fields: str = "") -> Answer:
    """Answer with a body at once."""
    return lambda: iter([f"HTTP/1.1 {status}\r\n{fields}Content-Length: {len(body)}\r\n\r\n".encode() + body])


def started(start: bytes, block: bytes = b"", times: int = 0, pause_s: float = 0.0) -> Answer:
    """Answer with a start, and then with a block many times over."""

    def said() -> Iterator[bytes]:
        yield start
        for _ in range(times):
            time.sleep(pause_s)
            yield block

    return said


def head(fields: str, status: str = "200 OK") -> bytes:
    """Return the head of an answer."""
    return f"HTTP/1.1 {status}\r\n{fields}\r\n".encode()


def packed() -> Iterator[bytes]:
    """Answer with 300 MB that travel as 300 KB."""
    packing = zlib.compressobj(9, zlib.DEFLATED, 31)
    yield head("Content-Encoding: gzip\r\nConnection: close\r\n")
    for _ in range(300):
        yield packing.compress(bytes(1_000_000))


HUGE = started(head("Content-Length: 300000000\r\n"), BLOCK, 300_000_000 // len(BLOCK))
CONTAINER = {
    "Id": "c1",
    "Name": "/c1",
    "State": {"Status": "running", "StartedAt": "2026-11-27T20:00:00Z"},
    "Config": {"Labels": {}},
    "HostConfig": {},
}
SOUND = {
    "/version": whole(json.dumps({"ApiVersion": "1.43", "Version": "24.0"}).encode()),
    "/info": whole(json.dumps({"SystemTime": "2026-11-27T22:00:00Z"}).encode()),
    "/containers/json": whole(b'[{"Id":"c1"}]'),
    "/containers/c1/json": whole(json.dumps(CONTAINER).encode()),
    "/containers/c1/exec": whole(b'{"Id":"e1"}'),
    "/events?filters": started(b"", b"", FOREVER, 0.1),
}


@contextlib.contextmanager
def engine(faults: dict[str, Answer], socket_file: Path | None = None) -> Iterator[str]:
    """Run an engine that gives some questions other answers than a sound one does; yields its url."""
    answers = {**SOUND, **faults}
    over = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError), connection.makefile("rb") as asked:
            while line := asked.readline().decode("latin-1"):
                if " /" not in line:  # TLS, for example
                    connection.sendall(next(whole(b"", "400 Bad Request")()))
                    return
                length = 0
                while (field := asked.readline().lower()) not in (b"\r\n", b""):
                    length = int(field.split(b":")[1]) if field.startswith(b"content-length:") else length
                asked.read(length)
                path = "/" + line.split()[1].removeprefix("/v1.43").lstrip("/")
                found = next((key for key in sorted(answers, key=len, reverse=True) if path.startswith(key)), "")
                for piece in answers.get(found, whole(b"", "404 Not Found"))():
                    if over.is_set():
                        return
                    connection.sendall(piece)
                if found in faults:
                    return

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(door.accept()[0],), daemon=True).start()

    with socket.socket(socket.AF_UNIX if socket_file else socket.AF_INET) as door:
        door.bind(str(socket_file) if socket_file else ("127.0.0.1", 0))
        door.listen(50)
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"unix://{socket_file}" if socket_file else f"tcp://127.0.0.1:{door.getsockname()[1]}"
        finally:
            over.set()
            door.shutdown(socket.SHUT_RDWR)
