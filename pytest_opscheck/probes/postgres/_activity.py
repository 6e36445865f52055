"""Who is connected to a PostgreSQL server, and what its sessions do: pg_stat_activity."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from ...core.errors import UnknownError
from ._server import Server, grant_monitor, kind


@dataclass(frozen=True, slots=True)
class Connections:
    """Client connections beside the one that counts them, and how many there may be.

    `of` is "server", or the database or role that has a limit of its own; `most` is whose connections are most of them.
    """

    of: str
    used: int
    maximum: int
    most: str = ""

    @property
    def used_percent(self) -> float | None:
        """Used, of what there may be; None where there may be none."""
        return 100 * self.used / self.maximum if self.maximum > 0 else None


# Another user's backends hide their type from all but pg_monitor; they are then told from the server's own processes by
# having a user and a database. What is reserved for superusers, or for pg_use_reserved_connections, is not for clients.
_CONNECTIONS = """
with client as (
  select datid, datname, usename, application_name
  from pg_catalog.pg_stat_activity
  where pid <> pg_catalog.pg_backend_pid() and usename is not null
    and (backend_type = 'client backend' or (backend_type is null and datid is not null))
), most as (
  select usename, datname, count(*) as n from client group by 1, 2
)
select 'server' as of,
  (select count(*) from client),
  current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true)::int, 0),
  coalesce((select usename || ' in ' || coalesce(datname, '-') || ': ' || n from most order by n desc limit 1), '')
union all
select 'database ' || d.datname, (select count(*) from client c where c.datid = d.oid), d.datconnlimit, ''
from pg_catalog.pg_database d where d.datname = current_database() and d.datconnlimit > 0
union all
select 'role ' || r.rolname, (select count(*) from client c where c.usename = r.rolname), r.rolconnlimit, ''
from pg_catalog.pg_roles r where r.rolconnlimit > 0 and not r.rolsuper
  and r.rolname in (select usename from client)
"""


@kind.probe()
def connections(server: Server) -> tuple[Connections, ...]:
    """Client connections of the server, and of its database and of roles where they have a limit of their own."""
    return tuple(
        Connections(str(of), int(used), int(maximum), str(most))
        for of, used, maximum, most in server.rows(_CONNECTIONS)
    )


@dataclass(frozen=True, slots=True)
class Session:
    """A client's session of the database.

    `address` is where it comes from, `local` for the server's own socket. `seconds` is how long its statement has run,
    None where it runs none.
    """

    pid: int
    user: str
    address: str
    seconds: float | None


# A session that waits for a lock is active too; one idle in a transaction is not. Who reads a database's changes
# (walsender, for logical replication) is connected to it, with one statement that never ends by design.
_SESSIONS = """
select pid, usename, coalesce(host(client_addr), 'local'), state,
  extract(epoch from clock_timestamp() - query_start)::float8, query = '<insufficient privilege>',
  backend_type = 'client backend'
from pg_catalog.pg_stat_activity
where datname = current_database() and pid <> pg_catalog.pg_backend_pid() and usename is not null
  and (backend_type in ('client backend', 'walsender') or backend_type is null)
"""
_ACTIVE = ("active", "fastpath function call")
_UNTRACKED = "disabled"


def _sessions(server: Server) -> tuple[Session, ...]:
    """Return the clients' sessions of the database, but for the one that asks."""
    found = []
    for pid, user, address, state, seconds, hidden, asks in server.rows(_SESSIONS):
        if hidden:
            raise UnknownError(f"what the sessions of {user} do is hidden; {grant_monitor(server)}")
        if state == _UNTRACKED:
            raise UnknownError(f"the sessions of {user} are not tracked; set track_activities = on")
        active = asks and state in _ACTIVE and seconds is not None
        found.append(Session(pid, user, address, max(0.0, seconds) if active else None))
    return tuple(found)


@kind.probe()
def active_queries(server: Server) -> tuple[Session, ...]:
    """Clients' sessions of the database that run a statement, but for the one that asks; the longest first."""
    active = [session for session in _sessions(server) if session.seconds is not None]
    return tuple(sorted(active, key=lambda session: -(session.seconds or 0)))


@kind.probe()
def longest_query(server: Server) -> Session | None:
    """The session of the database whose statement has run for longest, but for the one that asks; None without any."""
    return max(
        (session for session in _sessions(server) if session.seconds is not None),
        key=lambda session: session.seconds or 0,
        default=None,
    )


_LOCAL = "local"


def _network(text: str) -> str:
    """Check an address of the inventory. Raises ValueError for what is none."""
    if text == _LOCAL:
        return text
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise ValueError(
            f"{text!r} is not an address ({error}); use for example '10.0.0.0/8', '192.0.2.7', or 'local' for the "
            "server's own socket"
        ) from None


@dataclass(frozen=True, slots=True)
class Clients:
    """The clients of a database, and those of them that nobody has named."""

    sessions: tuple[Session, ...]
    unknown: tuple[Session, ...]


@kind.probe()
def clients(
    server: Server,
    *,
    users: tuple[str, ...],
    addresses: tuple[Annotated[str, AfterValidator(_network)], ...] = (),
) -> Clients:
    """The clients that are connected to the database, but for the session that asks.

    Known is who has one of the `users`' names and, where `addresses` are said, comes from one of those: networks such
    as 10.0.0.0/8, single addresses, or `local` for the server's own socket.
    """
    sessions = _sessions(server)
    networks = [ipaddress.ip_network(address) for address in addresses if address != _LOCAL]

    def known(session: Session) -> bool:
        return session.user in users and (not addresses or _is_from(session.address, networks, _LOCAL in addresses))

    return Clients(sessions, tuple(session for session in sessions if not known(session)))


def _is_from(address: str, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network], local: bool) -> bool:
    if address == _LOCAL:
        return local
    return any(ipaddress.ip_address(address) in network for network in networks)
