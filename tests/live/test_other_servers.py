"""What listens in the place of PostgreSQL or RabbitMQ and is another server: red, in plain words."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from .conftest import Run

ANSWERS = {
    "http": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    "redis": b"-ERR unknown command\r\n",
    "zeros": bytes(50),
}


@contextlib.contextmanager
def answering(said: bytes) -> Iterator[int]:
    """Serve a port that answers whatever comes with the same, and hangs up; yields it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, contextlib.suppress(OSError):
                        connection.recv(1000)
                        connection.sendall(said)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def test_another_server_in_its_place_is_said_to_be_one(run: Run) -> None:
    """Neither the library's class nor what libpq guesses is in the message, and the address is there once."""
    text = ""
    with contextlib.ExitStack() as stack:
        ports = {name: stack.enter_context(answering(said)) for name, said in ANSWERS.items()}
        for name, port in ports.items():
            for tls in ("prefer", "disable"):
                dsn = f"postgresql://reader:x@127.0.0.1:{port}/x?sslmode={tls}"
                text += f'[postgres.{name}_{tls}]\ndsn = "{dsn}"\n'
            text += f'[celery.{name}]\nbroker = "amqp://reader:x@127.0.0.1:{port}/x"\n'
        outcome = run(text, suite="smoke")
    for name in ANSWERS:
        for tls in ("prefer", "disable"):
            check = f"postgres.reachable@{name}_{tls}"
            assert outcome.verdict(check) == "breach P0"
            assert outcome.message(check).endswith(
                "what answers there is not PostgreSQL; see which server listens there"
            )
            assert outcome.message(check).count(str(ports[name])) == 1
        said = outcome.message(f"celery.reachable@{name}")
        assert outcome.verdict(f"celery.reachable@{name}") == "breach P0"
        assert "ended the connection before the handshake" in said or "does not speak RabbitMQ's protocol" in said
        assert "frame" not in said
