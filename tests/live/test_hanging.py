"""Rule 4: a server that accepts and then hangs, or answers a letter at a time, costs each kind its connecting alone."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from .conftest import Run
from .sshd import silent_server

INVENTORY = """
[http.api]
url = "http://127.0.0.1:PORT/health"
[tls.api]
address = "127.0.0.1:PORT"
[postgres.main]
dsn = "postgresql://someone@127.0.0.1:PORT/main"
[redis.cache]
url = "redis://127.0.0.1:PORT/0"
[celery.tasks]
broker = "redis://127.0.0.1:PORT/0"
[prometheus.main]
url = "http://127.0.0.1:PORT"
[metrics.api]
url = "http://127.0.0.1:PORT/metrics"
value.errors = { metric = "errors_total", expect = "< 1" }
[docker.stack]
names = ["one"]
[host.ssh]
connect = "paramiko://someone@127.0.0.1:PORT"
"""


@contextlib.contextmanager
def dripping_server() -> Iterator[int]:
    """Send a letter now and then, so that no single read ever takes long; yields its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:

        def drip(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), connection:
                while True:
                    connection.sendall(b"1")
                    time.sleep(0.3)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=drip, args=listener.accept()[:1], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("server", [silent_server, dripping_server])
def test_every_kind_ends(run: Run, server: Callable[[], AbstractContextManager[int]]) -> None:
    """10 s to connect, 16 s where something answers, and 10 s more in the quiet lane for http."""
    with server() as port:
        started = time.monotonic()
        inventory = INVENTORY.replace("PORT", str(port))
        outcome = run(inventory, env={"DOCKER_HOST": f"tcp://127.0.0.1:{port}"})
        assert time.monotonic() - started < 45
    assert outcome.exit_status == 1
    reachable = {name: result for name, result in outcome.results.items() if ".reachable@" in name}
    assert len(reachable) == 9
    assert {result["verdict"] for result in reachable.values()} == {"breach"}
    assert {result["verdict"] for name, result in outcome.results.items() if name not in reachable} == {"blocked"}
