"""Real servers for live tests: started on free loopback ports in a folder of their own, ended by their process id."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from pytest_opscheck.demo import processes

free_port = processes.free_port
LONGEST_WAIT_S = 30


def program(name: str, *folders: str) -> str:
    """Return the path of an installed program. Where it is missing the test fails, and says how to install it."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin", *folders])
    found = shutil.which(name, path=path)
    if found is None:
        pytest.fail(f"{name} is not installed; `make test` installs what the live tests need", pytrace=False)
    return found


def wait_until(ready: Callable[[], bool], what: str, seconds: float = LONGEST_WAIT_S) -> None:
    """Wait until something is so; fail the test where it does not come to be."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            if ready():
                return
        time.sleep(0.05)
    pytest.fail(f"{what} did not come to be within {seconds:g} s", pytrace=False)


def answers(port: int) -> bool:
    """Tell whether something accepts connections on a loopback port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextlib.contextmanager
def running(
    command: Sequence[str],
    *,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server while the block lasts, in a process group of its own, with its output in a file."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=cwd,
            env=env,
            user=user,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server: asked first, then by force."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
            return


@contextlib.contextmanager
def flaky(target: int, refusals: int) -> Iterator[int]:
    """Serve a port that leads to another one, after it has reset so many connections; yields it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve() -> None:
            with contextlib.suppress(OSError):
                for number in itertools.count():
                    connection, _ = listener.accept()
                    if number < refusals:
                        # Closing with a linger of zero seconds sends a reset.
                        connection.recv(1)
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        connection.close()
                        continue
                    there = socket.create_connection(("127.0.0.1", target))
                    for source, sink in ((connection, there), (there, connection)):
                        threading.Thread(target=copy, args=(source, sink), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def copy(source: socket.socket, sink: socket.socket) -> None:
    """Pass on what one side says until it ends."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
