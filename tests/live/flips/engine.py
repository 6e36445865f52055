"""A way to the Docker engine on which it says another version: nobody installs an old engine beside the one in use."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import docker

from .environment import settings

LONGEST_ANSWER_S = 30


@contextlib.contextmanager
def called(version: str) -> Iterator[None]:
    """Let the real engine answer under DOCKER_HOST, with another version (as long as its own) in its answers."""
    with contextlib.closing(docker.from_env()) as client:
        own = client.version()["Version"]
    engine = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    words = (own.encode(), (version + own[len(version) :]).encode())
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        path = str(Path(folder) / "docker.sock")
        listener.bind(path)
        listener.listen()
        threading.Thread(target=_serve, args=(listener, engine, words), name="engine", daemon=True).start()
        with settings(DOCKER_HOST=f"unix://{path}"):
            yield
        listener.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket, engine: str, words: tuple[bytes, bytes]) -> None:
    with contextlib.suppress(OSError):  # the listener has been closed
        while True:
            here, _ = listener.accept()
            threading.Thread(target=_carry, args=(here, engine, words), name="engine", daemon=True).start()


def _carry(here: socket.socket, engine: str, words: tuple[bytes, bytes]) -> None:
    with here, socket.socket(socket.AF_UNIX) as there, contextlib.suppress(OSError):
        there.connect(engine)
        back = threading.Thread(target=_copy, args=(there, here, words), name="engine", daemon=True)
        back.start()
        _copy(here, there, words)
        back.join(LONGEST_ANSWER_S)


def _copy(source: socket.socket, sink: socket.socket, words: tuple[bytes, bytes]) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 20):
            sink.sendall(data.replace(*words))
        sink.shutdown(socket.SHUT_WR)
