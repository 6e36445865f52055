"""Why PostgreSQL or RabbitMQ lets nobody in, or breaks off: one short line, with the cause and the next step."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping

from .conftest import Run
from .floods import ROWS, START, amqp, message, method, postgres
from .processes import free_port

Serve = Callable[[socket.socket], object]


@contextlib.contextmanager
def serving(ways: Mapping[str, Serve]) -> Iterator[dict[str, int]]:
    """Serve a port for each way to treat a connection; yields the ports."""
    with contextlib.ExitStack() as stack:
        listeners = {name: stack.enter_context(socket.create_server(("127.0.0.1", 0))) for name in ways}
        for name, listener in listeners.items():
            threading.Thread(target=_accept, args=(listener, ways[name]), daemon=True).start()
        yield {name: listener.getsockname()[1] for name, listener in listeners.items()}


def _accept(listener: socket.socket, way: Serve) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection, way), daemon=True).start()


def _serve(connection: socket.socket, way: Serve) -> None:
    with connection, contextlib.suppress(OSError, struct.error):
        connection.settimeout(30)
        way(connection)


def saying(said: bytes) -> Serve:
    """Say something whatever is asked, and hang up."""

    def serve(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(said)

    return serve


def hung_up(connection: socket.socket) -> None:
    """Say nothing, and hang up; when the client has asked, or that would be a reset."""
    connection.recv(1000)


def silent(connection: socket.socket) -> None:
    """Say nothing, until the other side hangs up."""
    while connection.recv(1000):
        pass


def reset(connection: socket.socket) -> None:
    """Break off in the middle."""
    connection.recv(1000)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def refused(code: bytes, text: bytes) -> bytes:
    return message(b"E", b"SFATAL\0VFATAL\0C" + code + b"\0M" + text + b"\0\0")


def said_by_postgres(said: bytes, at: str = "connect") -> Serve:
    """Say something to whoever wants to connect, or instead of an answer, and hang up."""
    return lambda connection: connection.sendall(postgres(said, b"", at=at)(connection)[0])


def closed_by_rabbitmq(code: int, text: bytes) -> Serve:
    """Begin the handshake, and close the connection with RabbitMQ's reason."""

    def serve(connection: socket.socket) -> None:
        amqp(b"", b"")(connection)
        connection.sendall(START)
        connection.recv(1000)
        connection.sendall(method(0, 10, 50, body=struct.pack("!HB", code, len(text)) + text + bytes(4)))
        silent(connection)

    return serve


POSTGRES: Mapping[str, tuple[Serve, str]] = {
    "starting": (
        said_by_postgres(refused(b"57P03", b"the database system is starting up")),
        "failed: the database system is starting up; see its log, if that lasts (at each of 3 attempts)",
    ),
    "stopping": (
        said_by_postgres(refused(b"57P03", b"the database system is shutting down")),
        "failed: the database system is shutting down; its log says who stopped it",
    ),
    "full": (
        said_by_postgres(refused(b"53300", b"sorry, too many clients already")),
        "too many clients already; see who is connected: pg_stat_activity (at each of 3 attempts)",
    ),
    "password": (
        said_by_postgres(refused(b"28P01", b'password authentication failed for user "u"')),
        'password authentication failed for user "u"; check the user and password of the dsn',
    ),
    "german": (
        said_by_postgres(refused(b"28P01", "Passwort-Authentifizierung für »u« fehlgeschlagen".encode("latin-1"))),
        "fehlgeschlagen; see its log",
    ),
    "database": (
        said_by_postgres(refused(b"3D000", b'database "x" does not exist')),
        "see the dsn's database; psql -l lists the existing ones",
    ),
    "killed": (
        said_by_postgres(refused(b"57P01", b"terminating connection due to administrator command"), at="query"),
        "the connection was lost: terminating connection due to administrator command; its log says who stopped it",
    ),
    "half": (
        said_by_postgres(ROWS[:20], at="query"),
        "connection was lost: it ended the connection; see its log, and whether it is PostgreSQL that listens there",
    ),
    "garbage": (
        said_by_postgres(bytes(range(256)) * 9, at="query"),
        "the connection was lost: what answers there is not PostgreSQL; see which server listens there",
    ),
    "bytes": (
        said_by_postgres(b"E\x11\xe1\xa3\0\1\2\3" * 9),
        "failed: what answers there is not PostgreSQL; see which server listens there",
    ),
    "hung_up": (
        hung_up,
        "failed: it ended the connection; see its log, and whether it is PostgreSQL that listens there",
    ),
    "reset": (reset, "failed: it ended the connection; see its log, and whether it is PostgreSQL that listens there"),
    "silent": (silent, "check whether it hangs, or a firewall drops packets to it"),
}
ENDED = (
    "it ended the connection before the handshake was over; check whether RabbitMQ listens there, "
    "and whether with TLS (amqps://)"
)
NOT_RABBITMQ = "what answers there does not speak RabbitMQ's protocol (AMQP 0-9-1); see which server listens there"
RABBITMQ: Mapping[str, tuple[Serve, str]] = {
    "password": (
        closed_by_rabbitmq(403, b"ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN."),
        "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN; check the url's user and password",
    ),
    "vhost": (
        closed_by_rabbitmq(530, b"NOT_ALLOWED - vhost x not found"),
        "NOT_ALLOWED - vhost x not found; see the url's path, and rabbitmqctl list_vhosts",
    ),
    "full": (
        closed_by_rabbitmq(530, b"NOT_ALLOWED - vhost '/': connection limit (1) is reached"),
        "connection limit (1) is reached; see rabbitmqctl list_connections",
    ),
    "stopping": (
        closed_by_rabbitmq(320, b"CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'"),
        "with reason 'shutdown'; its log says who stopped it",
    ),
    "half": (saying(START[:20]), ENDED),
    "hung_up": (hung_up, ENDED),
    "reset": (reset, f"{ENDED} (at each of 3 attempts)"),
    "version": (saying(b"AMQP\0\0\x09\x01"), NOT_RABBITMQ),
    "garbage": (saying(bytes(range(200, 256)) * 9), NOT_RABBITMQ),
    "method": (saying(method(0, 900, 900)), NOT_RABBITMQ),
    "silent": (silent, "check whether it hangs, or a firewall drops packets to it"),
}


def test_each_says_why_and_what_to_do_next(run: Run) -> None:
    """Neither the client's paragraphs nor its words for programmers are in a message."""
    soon = 'expect.reachable = { timeout = "2s" }\n'
    text = f'[celery.refused]\nbroker = "amqp://u:p@127.0.0.1:{free_port()}/x"\nexpect = {{ workers = false }}\n'
    ways = {f"postgres.{name}": way for name, (way, _) in POSTGRES.items()}
    ways |= {f"celery.{name}": way for name, (way, _) in RABBITMQ.items()}
    with serving(ways) as ports:
        for name in POSTGRES:
            port = ports[f"postgres.{name}"]
            text += f'[postgres.{name}]\ndsn = "postgresql://u:p@127.0.0.1:{port}/x?sslmode=disable"\n{soon}'
        for name in RABBITMQ:
            port = ports[f"celery.{name}"]
            text += f'[celery.{name}]\nbroker = "amqp://u:p@127.0.0.1:{port}/x"\n{soon}expect.workers = false\n'
        outcome = run(text, suite="smoke")
    for kind, cases in {"postgres": POSTGRES, "celery": RABBITMQ}.items():
        for name, (_, said) in cases.items():
            check = f"{kind}.reachable@{name}"
            assert outcome.verdict(check) == "breach P0"
            assert outcome.message(check).endswith(said), outcome.message(check)
            for word in ("unexpectedly", "probably means", "codec", "Errno", "FATAL", "synchronization", "\n"):
                assert word not in outcome.message(check)
    assert outcome.message("celery.reachable@refused").endswith(
        "connection refused; check whether it is running, and listens at that address"
    )
