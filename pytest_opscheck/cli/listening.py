"""Who listens on this machine, for `opscheck init`: TCP ports with their programs, and PostgreSQL's sockets."""

from __future__ import annotations

import contextlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

_EVERYWHERE = ("127.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1")  # noqa: S104 - nothing is bound to it
"""Addresses of listeners that 127.0.0.1 leads to."""
_FROM_ANY_PORT = 32768
"""From here on Linux gives ports to whoever asks for any: such a one is another one tomorrow."""
_OF_POSTGRES = re.compile(r"\.s\.PGSQL\.(\d{1,5})")


@dataclass(frozen=True, slots=True)
class Listener:
    """A TCP port on which something listens: an address that leads there, and the program, None where out of sight.

    `command` is the program's command line.
    """

    port: int
    host: str
    program: str | None = None
    command: str = ""

    @property
    def address(self) -> str:
        """The host and the port, as URLs have them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def passing(self) -> bool:
        """Whether the port may be one that was just free."""
        return self.port >= _FROM_ANY_PORT


@dataclass(frozen=True, slots=True)
class PostgresSocket:
    """A socket of PostgreSQL: the folder that it is in, and the port that it is named after."""

    folder: str
    port: int


def listeners() -> tuple[Listener, ...]:
    """Return who listens, by port. Raises OSError where nothing can tell."""
    hosts: dict[int, set[str]] = defaultdict(set)
    by: dict[int, int] = {}
    for each in _connections("tcp"):
        if each.status == psutil.CONN_LISTEN and not each.laddr.ip.startswith("fe80:"):
            hosts[each.laddr.port].add(each.laddr.ip)
            if each.pid is not None:
                by[each.laddr.port] = each.pid
    return tuple(Listener(port, _host(hosts[port]), *_program(by.get(port))) for port in sorted(hosts))


def postgres_sockets() -> tuple[PostgresSocket, ...]:
    """Return the sockets of PostgreSQL on which something listens, by port. Raises OSError where nothing can tell."""
    paths = {Path(str(each.laddr)) for each in _connections("unix") if each.laddr}
    named = [(path, match) for path in paths if (match := _OF_POSTGRES.fullmatch(path.name))]
    return tuple(sorted((PostgresSocket(str(path.parent), int(m[1])) for path, m in named), key=lambda each: each.port))


def _connections(kind: str) -> Iterable[Any]:
    try:
        return psutil.net_connections(kind)
    except psutil.Error as error:
        raise OSError(0, str(error)) from None


def _host(addresses: set[str]) -> str:
    if not addresses.isdisjoint(_EVERYWHERE):
        return "127.0.0.1"
    return min(addresses, key=lambda each: (each != "::1", each))


def _program(pid: int | None) -> Iterator[str]:
    if pid is not None:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            yield from (process.name(), " ".join(process.cmdline()))
