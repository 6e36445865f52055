"""Who is connected to a PostgreSQL server, and what its sessions do: pg_stat_activity and pg_locks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from ..limits import LimitError, parse_limit
from ._kind import UnknownError
from ._postgres_server import Server, kind


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


def _seconds(said: object) -> float:
    if isinstance(said, bool):
        raise LimitError("it is a time, for example '5s'")
    if isinstance(said, int | float):
        return float(said)
    limit = parse_limit(said)
    if limit.dimension != "duration" or limit.number is None:
        raise LimitError(f"{said!r} is no time; say for example '5s'")
    return limit.number


Seconds = Annotated[float, BeforeValidator(_seconds), Field(ge=0), WithJsonSchema({"type": ["string", "number"]})]
"""A time such as `5s` or `2m`; a bare number is seconds."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A session that waits for a lock: since how many seconds, and for which sessions."""

    pid: int
    user: str
    seconds: float
    blocked_by: tuple[int, ...]


# pg_locks hides nothing from anybody. Since when a lock is waited for is there from version 14 on (waitstart, NULL in
# the first moment); before that there is the start of the statement, which its own user and pg_monitor may see.
_WAITING = """
select a.pid, a.usename, l.locktype, pg_catalog.pg_blocking_pids(a.pid),
  current_setting('server_version_num')::int >= 140000,
  extract(epoch from clock_timestamp() - coalesce((to_jsonb(l) ->> 'waitstart')::timestamptz, a.query_start))::float8
from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid
where not l.granted and a.datname = current_database()
"""


@kind.probe()
def waiting_locks(server: Server, *, longer_than: Seconds = 5.0, ignore: tuple[str, ...] = ()) -> tuple[Waiting, ...]:
    """Sessions of the database that have waited for a lock for longer than some seconds.

    A short wait is how locks work. `ignore` names types of locks (pg_locks.locktype), for example `advisory` where an
    application queues on those by design.
    """
    found: dict[int, Waiting] = {}
    for pid, user, locktype, blockers, exact, seconds in server.rows(_WAITING):
        if locktype in ignore:
            continue
        if seconds is None and not exact:
            raise UnknownError("sessions wait for locks, but not since when; GRANT pg_monitor TO the user of the dsn")
        if seconds is not None and seconds > longer_than:
            found[pid] = Waiting(pid, str(user), float(seconds), tuple(sorted(set(blockers))))
    return tuple(sorted(found.values(), key=lambda waiting: -waiting.seconds))
