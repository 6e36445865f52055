"""What the servers of this machine speak, for `opscheck init`: each is asked as the checks will ask it.

Only ports of programs in sight are asked, and usual ones: nobody knows what else takes a request for a command.
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import SecretStr

from ..core.errors import UnknownError, UnreachableError
from ..probes import metrics, postgres, tls
from ..probes._certificate import bears, parsed
from ..probes._web import BAD_REQUEST, Answer, NoAnswerError, WebTarget, connect
from ..probes._web.redirect import Follow
from ..probes.tls._server import Connection
from .listening import Listener, PostgresSocket

T = TypeVar("T")
R = TypeVar("R")
_AT_ONCE = 16
MOST = 64
"""Ports that are asked: each may cost some seconds."""
_ANSWER_S = 2.0
_OK = 200
_HTTPS = 443
POSTGRES_PORT, REDIS_PORT = 5432, 6379
_USUAL = (80, _HTTPS, 8000, 8080, 8443, 9090, 9100, 9121, 9187, POSTGRES_PORT, REDIS_PORT)
"""Ports that are asked although their program is out of sight."""
_POSTGRES, _REDIS = re.compile(r"postgres|postmaster"), re.compile(r"(?:redis|valkey|keydb)-server")
_NOT_WEB = re.compile(
    r"sshd.*|dropbear|mysqld|mariadbd|mongod|memcached|named|dnsmasq|unbound|systemd-resolve.*|exim4?|master|dovecot|smtpd"
    r"|rpc.*|smbd|nmbd|slapd|chronyd|ntpd|p910nd|vsftpd|proftpd|pgbouncer|Xorg"
)
"""Programs that speak something else, and would take a request for nonsense; p910nd would print it."""
_NOT_WEB_PORTS = (21, 22, 23, 25, 53, 110, 111, 143, 465, 587, 993, 995, 3306, 5672, 11211, 27017)
_HEALTH = ("/health", "/healthz", "/-/healthy")
_NOWHERE = "/opscheck-no-such-page"
"""Who answers that well answers everything, as applications of one page do: no page of it tells of its health."""
UP = {
    "pg_up": "PostgreSQL",
    "redis_up": "Redis",
    "mysql_up": "MySQL",
    "mongodb_up": "MongoDB",
    "nginx_up": "nginx",
    "memcached_up": "memcached",
}
"""Metrics by which exporters say whether they reach what they measure."""
_SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
"""What a PostgreSQL client asks first: whether the server speaks TLS. It answers S or N before anybody signs in."""


@dataclass(frozen=True, slots=True)
class Redis:
    """A port on which Redis answers; `open` says that it asked for no password."""

    listener: Listener
    open: bool

    @property
    def port(self) -> int:
        """The port."""
        return self.listener.port


@dataclass(frozen=True, slots=True)
class Postgres:
    """A PostgreSQL server: how it is reached, and the dsn by which this user signs in without a password, or none."""

    port: int
    listener: Listener | None = None
    socket: PostgresSocket | None = None
    dsn: str | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """A name that a port shows a certificate for, and where a client trusts it; `why` says why none does."""

    name: str
    port: int
    address: str
    server_name: str | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Web:
    """A web server: its address without a path, the path that answers 200, or else what `/` answers.

    `metrics` is whether it has a page of them, and `up` the one that says whether an exporter reaches what it measures.
    `trusted` is False where it speaks TLS, and no name of its certificate leads to it.
    """

    listener: Listener
    base: str
    path: str | None
    status: int | None
    metrics: bool = False
    up: str | None = None
    trusted: bool = True
    certificates: tuple[Certificate, ...] = ()

    @property
    def port(self) -> int:
        """The port."""
        return self.listener.port


Server = Redis | Postgres | Web


def found(listeners: Iterable[Listener], sockets: Collection[PostgresSocket], names: Iterable[str]) -> list[Server]:
    """Return the servers that answer, all asked at once; `names` are those that this machine has certificates for."""
    known = tuple(names)
    of_sockets = {each.port for each in sockets}
    asked = [each for each in listeners if each.program is not None or each.port in _USUAL]
    databases = {each.port: each for each in asked if _may_be(_POSTGRES, POSTGRES_PORT, each)}
    by_socket = [Postgres(each.port, databases.get(each.port), each) for each in sockets]
    others = [each for each in asked if each.port not in of_sockets & databases.keys()][:MOST]
    servers = [*_side_by_side(_signed_in, by_socket), *_side_by_side(lambda each: _asked(each, known), others)]
    return sorted((each for each in servers if each is not None), key=lambda each: each.port)


def ask(listener: Listener, question: bytes) -> bytes:
    """Return how a server begins to answer a question; nothing where it does not."""
    place = (listener.host, listener.port)
    with contextlib.suppress(OSError), socket.create_connection(place, timeout=_ANSWER_S) as sock:
        sock.sendall(question)
        return sock.recv(64)
    return b""


def _side_by_side(do: Callable[[T], R], each_of: Iterable[T]) -> list[R]:
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="opscheck-init") as pool:
        return list(pool.map(do, each_of))


def _may_be(program: re.Pattern[str], port: int, listener: Listener) -> bool:
    return program.fullmatch(listener.program or "") is not None or listener.port == port


def _asked(listener: Listener, names: tuple[str, ...]) -> Server | None:
    if _may_be(_REDIS, REDIS_PORT, listener):
        answer = ask(listener, b"PING\r\n")
        return Redis(listener, answer.startswith(b"+")) if answer.startswith((b"+PONG", b"-NOAUTH")) else None
    if _may_be(_POSTGRES, POSTGRES_PORT, listener):
        return Postgres(listener.port, listener) if ask(listener, _SSL_REQUEST)[:1] in (b"S", b"N") else None
    if listener.port in _NOT_WEB_PORTS or _NOT_WEB.fullmatch(listener.program or ""):
        return None
    return _web(listener, names)


# PostgreSQL


def _signed_in(server: Postgres) -> Postgres:
    """Return a server with the dsn that needs no password, where this user has one by its socket."""
    assert server.socket is not None  # noqa: S101 - for the type checker
    dsn = socket_dsn(server.socket, "postgres")
    target = postgres.PostgresDatabase(dsn=SecretStr(dsn))
    try:
        with postgres.kind.connect(target, _ANSWER_S) as opened:
            opened.scalar("SELECT 1")
    except (UnreachableError, UnknownError):
        return server
    return replace(server, dsn=dsn)


def socket_dsn(place: PostgresSocket, database: str) -> str:
    """Return the dsn of a database that is reached by a socket, as whoever runs the checks."""
    return f"postgresql:///{database}?host={place.folder}&port={place.port}"


# The web


def _web(listener: Listener, names: tuple[str, ...]) -> Web | None:
    plain = _got(f"http://{listener.address}/")
    if plain is not None and plain.status != BAD_REQUEST:
        return _described(Web(listener, f"http://{listener.address}", None, plain.status))
    secure = _got(f"https://{listener.address}/")
    if secure is None:
        return None if plain is None else Web(listener, f"http://{listener.address}", None, plain.status)
    certificates = tuple(_certificates(listener, names))
    trusted = next((each for each in certificates if each.why is None and each.server_name is None), None)
    base = f"https://{trusted.name}:{listener.port}" if trusted is not None else f"https://{listener.address}"
    web = Web(listener, base.removesuffix(f":{_HTTPS}"), None, secure.status, certificates=certificates)
    return _described(replace(web, trusted=trusted is not None))


def _described(web: Web) -> Web:
    """Return a web server with the page that answers 200, and whether it has metrics."""
    path = next((each for each in _HEALTH if _is_ok(_got(web.base + each))), None)
    if path is None or _is_ok(_got(web.base + _NOWHERE)):
        path = "/" if _is_ok(_got(f"{web.base}/")) else None
    return _with_metrics(replace(web, path=path))


def _with_metrics(web: Web) -> Web:
    target = metrics.MetricsPage(url=SecretStr(f"{web.base}/metrics"), verify=web.trusted)
    try:
        with metrics.kind.connect(target, _ANSWER_S) as page:
            up = next((metric for metric in UP if page.state(metric) == "present"), None)
            return replace(web, metrics=True, up=up)
    except (UnreachableError, UnknownError):
        return web


def _got(url: str) -> Answer | None:
    """Return what an address answers, whoever's its certificate is; None for nothing of HTTP."""
    try:
        with connect(WebTarget(url=SecretStr(url), verify=False), _ANSWER_S, follow=Follow.PAGE, torn=True) as web:
            return web.answer
    except NoAnswerError as error:
        return error.redirect
    except (UnreachableError, UnknownError):
        return None


def _is_ok(answer: Answer | None) -> bool:
    return answer is not None and answer.status == _OK and answer.left is None and answer.problem is None


def _certificates(listener: Listener, names: tuple[str, ...]) -> Iterator[Certificate]:
    """Yield the names that a port shows certificates for: its own first one's, and those that this machine has."""
    shown = _shown_names(listener, None)
    for name in dict.fromkeys([*shown, *names]):
        if "*" not in name and (name in shown or name in _shown_names(listener, name)):
            yield _certificate(listener, name)


def _shown_names(listener: Listener, name: str | None) -> tuple[str, ...]:
    """Return the names of the certificate that a port shows whoever asks for a name, that one too where `*.` has it."""
    try:
        with _tls(listener.address, name) as connection:
            leaf = parsed(connection.shown[0].chain[0])
    except (UnreachableError, UnknownError):
        return ()
    return (*leaf.names, name) if name is not None and bears(leaf, name) else leaf.names


def _certificate(listener: Listener, name: str) -> Certificate:
    """Return where a client trusts a certificate: at its name, or else here under that name."""
    at_name, why = f"{name}:{listener.port}", "it does not answer"
    for address, server_name in ((at_name, None), (listener.address, name)):
        with contextlib.suppress(UnreachableError, UnknownError), _tls(address, server_name) as connection:
            state = _trust(connection)
            if state == "trusted":
                return Certificate(name, listener.port, address, server_name)
            why = state or why
    return Certificate(name, listener.port, listener.address, name, why)


def _trust(connection: Connection) -> str | None:
    """Return what a client makes of a server's certificates; None where that can't be told."""
    assert tls.trust.read is not None  # noqa: S101 - for the type checker
    trusts: Any = tls.trust.read(connection)
    return next((each.state for each in trusts if each.state != "trusted"), "trusted")


@contextlib.contextmanager
def _tls(address: str, name: str | None) -> Iterator[Connection]:
    with tls.kind.connect(tls.TlsServer(address=address, server_name=name), _ANSWER_S) as connection:
        yield connection
