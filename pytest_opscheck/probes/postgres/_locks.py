"""Who waits for a lock in a PostgreSQL database, and who holds one without doing anything."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from ...core.errors import UnknownError
from ...core.limits import parse_limit
from ...core.units import LimitError
from ._server import Server, grant_monitor, kind


def _seconds(value: object) -> float:
    if isinstance(value, bool):
        raise LimitError("it is a time, for example '5s'")
    if isinstance(value, int | float):
        return float(value)
    limit = parse_limit(value)
    if limit.dimension != "duration" or limit.number is None:
        raise LimitError(f"{value!r} is not a time; use for example '5s'")
    return limit.number


Seconds = Annotated[float, BeforeValidator(_seconds), Field(ge=0), WithJsonSchema({"type": ["string", "number"]})]
"""A time such as `5s` or `2m`; a bare number is seconds."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A session that waits for a lock: since how many seconds, and for whom, as a message says it."""

    pid: int
    user: str
    seconds: float
    blocked_by: tuple[str, ...]


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
    found: dict[int, tuple[str, float, tuple[int, ...]]] = {}
    for pid, user, locktype, blockers, exact, seconds in server.rows(_WAITING):
        if locktype in ignore:
            continue
        if seconds is None and not exact:
            raise UnknownError("sessions wait for locks, but not since when; GRANT pg_monitor TO the user of the dsn")
        if seconds is not None and seconds > longer_than:
            found[pid] = str(user), float(seconds), tuple(sorted(set(blockers)))
    sessions = _idle_ones(server) if found else {}
    waiting = (
        Waiting(pid, user, seconds, tuple(_blockers(server, pid, blockers, sessions)))
        for pid, (user, seconds, blockers) in found.items()
    )
    return tuple(sorted(waiting, key=lambda each: -each.seconds))


_IDLE_ONES = """
select pid, usename, extract(epoch from clock_timestamp() - state_change)::float8 from pg_catalog.pg_stat_activity
where state like 'idle in transaction%'
"""


def _idle_ones(server: Server) -> dict[int, str]:
    """Return how a message names the sessions that are idle in a transaction, as far as the user may see them."""
    return {
        pid: f"{pid} ({user}, idle in a transaction for {seconds:.0f} s)"
        for pid, user, seconds in server.rows(_IDLE_ONES)
    }


# A prepared transaction has no session: its locks are without a pid, and among those who block it is a 0. Which one it
# is, its lock on its own id says.
_PREPARED = """
select distinct x.gid, x.owner, extract(epoch from clock_timestamp() - x.prepared)::float8
from pg_catalog.pg_locks w
join pg_catalog.pg_locks h on h.granted and h.pid is null and h.locktype = w.locktype
  and (h.database, h.relation, h.page, h.tuple, h.virtualxid, h.transactionid::text, h.classid, h.objid, h.objsubid)
    is not distinct from
    (w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid::text, w.classid, w.objid, w.objsubid)
join pg_catalog.pg_locks own on own.pid is null and own.locktype = 'transactionid'
  and own.virtualtransaction = h.virtualtransaction
join pg_catalog.pg_prepared_xacts x on x.transaction = own.transactionid
where w.pid = %s and not w.granted
order by 1
"""


def _blockers(server: Server, pid: int, blockers: Iterable[int], sessions: dict[int, str]) -> Iterable[str]:
    for blocker in blockers:
        if blocker:
            yield sessions.get(blocker, str(blocker))
            continue
        prepared = server.rows(_PREPARED, (pid,))
        yield from (_prepared(*each) for each in prepared)
        if not prepared:
            yield "a prepared transaction"


def _prepared(gid: str, owner: str, seconds: float) -> str:
    return (
        f"the prepared transaction {gid!r} ({owner}, {seconds:.0f} s old; ROLLBACK PREPARED or COMMIT PREPARED ends it)"
    )


@dataclass(frozen=True, slots=True)
class Idle:
    """A transaction of the database that holds locks and does nothing, and for how many seconds it has done nothing.

    `who` is whose it is, as a message says it.
    """

    who: str
    seconds: float


@dataclass(frozen=True, slots=True)
class IdleTransactions:
    """The transactions that hold locks and do nothing, the oldest first.

    `hidden` says of whose sessions it can't be told whether they are among them, and what would show it.
    """

    found: tuple[Idle, ...]
    hidden: str | None = None


# The lock on its own virtual id is one that each transaction has, and that nobody waits for but some DDL.
_HOLDERS = """
select a.pid, a.usename, a.state, extract(epoch from clock_timestamp() - a.state_change)::float8,
  a.query = '<insufficient privilege>', l.virtualtransaction
from pg_catalog.pg_stat_activity a
join (
  select distinct pid, virtualtransaction from pg_catalog.pg_locks where granted and locktype <> 'virtualxid'
) l on l.pid = a.pid
where a.datname = current_database() and a.pid <> pg_catalog.pg_backend_pid() and a.usename is not null
  and (a.backend_type = 'client backend' or a.backend_type is null)
"""
_PREPARED_ONES = """
select gid, owner, extract(epoch from clock_timestamp() - prepared)::float8
from pg_catalog.pg_prepared_xacts where database = current_database()
"""
_UNTRACKED = "disabled"
_PAUSE_S = 1.0
"""After how long a transaction of which nothing else is shown is looked for again: most are over by then."""


@kind.probe()
def idle_in_transaction(server: Server) -> IdleTransactions:
    """Transactions of the database that hold locks while nobody works in them.

    That are sessions whose state is `idle in transaction`, since their last statement, and prepared transactions since
    they were prepared.
    """
    holders = server.rows(_HOLDERS)
    found = [
        Idle(f"{user}, pid {pid}", max(0.0, seconds))
        for pid, user, state, seconds, _, _ in holders
        if state and state.startswith("idle in transaction") and seconds is not None
    ]
    found += [Idle(_of_prepared(gid, owner), max(0.0, age)) for gid, owner, age in server.rows(_PREPARED_ONES)]
    return IdleTransactions(tuple(sorted(found, key=lambda idle: -idle.seconds)), _hidden(server, holders))


def _of_prepared(gid: str, owner: str) -> str:
    return f"the prepared transaction {gid!r} of {owner}"


def _hidden(server: Server, holders: Iterable[tuple[object, ...]]) -> str | None:
    """Say whose transactions can't be seen: those that hold locks at two looks, for most are over at the second."""
    doubtful = {_transaction(row): row for row in holders if row[4] or row[2] == _UNTRACKED}
    if not doubtful:
        return None
    time.sleep(_PAUSE_S)
    still = [doubtful[each] for each in map(_transaction, server.rows(_HOLDERS)) if each in doubtful]
    for _, user, _, _, hidden, _ in still:
        how = grant_monitor(server) if hidden else "set track_activities = on"
        return f"what the sessions of {user} do is hidden; {how}"
    return None


def _transaction(row: tuple[object, ...]) -> tuple[object, object]:
    return row[0], row[5]
