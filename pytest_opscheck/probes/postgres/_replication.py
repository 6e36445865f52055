"""How far the standbys of a PostgreSQL server are behind, seen from the primary or from the standby itself."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from ...core.errors import UnknownError
from ._server import Server, grant_monitor, kind

PATIENCE_S = 6.0
"""How long a standby may take to be where its primary was, or to connect again, before its lag is told otherwise."""
_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class Lag:
    """How many seconds a standby is behind; None where that can't be told, for which `why` gives the reason."""

    of: str
    seconds: float | None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Replication:
    """The lags that the server knows of: on a standby its own, on a primary those of the standbys connected to it.

    `connected` says of a standby whether WAL streams to it, None of a primary and of one that reads an archive alone.
    `standbys` is how many are connected, `expected` how many there should be.
    """

    lags: tuple[Lag, ...]
    standbys: int
    expected: int | None
    connected: bool | None = None


@kind.probe(timeout_s=15)
def replication_lag(
    server: Server, *, standbys: Annotated[int, Field(ge=1)] | None = None, timeout_s: float
) -> Replication:
    """How far standbys are behind. `standbys` is how many of them should be connected to the server.

    Where nothing is written to the primary, the last transaction that a standby has replayed grows old though none is
    missing. So what counts first is the place in the WAL: a standby that reaches, within a few seconds, the place where
    its primary was when it was asked, is as far behind as that took.
    """
    until = time.monotonic() + min(PATIENCE_S, timeout_s / 2)
    if server.scalar("select pg_catalog.pg_is_in_recovery()"):
        lag, connected = _own_lag(server, until)
        return Replication((lag,), len(_connected(server)), standbys, connected)
    lags = _lags_of_standbys(server, until)
    return Replication(lags, len(lags), standbys)


# The details of the receiver are for members of pg_monitor, and so is whether a primary is named: its connection string
# may hold a password, and is not read itself.
_STANDBY = """
select (select setting <> '' from pg_catalog.pg_settings where name = 'primary_conninfo'),
  r.status,
  pg_catalog.pg_wal_lsn_diff(greatest(r.latest_end_lsn, pg_catalog.pg_last_wal_receive_lsn()), '0/0')::int8,
  pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_last_wal_replay_lsn(), '0/0')::int8,
  extract(epoch from clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp())::float8,
  pg_catalog.pg_is_wal_replay_paused()
from (select 1) one left join pg_catalog.pg_stat_wal_receiver r on true
"""


def _own_lag(server: Server, until: float) -> tuple[Lag, bool | None]:
    """Return the lag of the standby that is asked, and whether it is connected to its primary."""
    started, goal = time.monotonic(), None
    while True:
        ((streams, status, end, replayed, age, paused),) = server.rows(_STANDBY)
        if streams is None:
            raise UnknownError(f"what the standby receives is hidden; {grant_monitor(server)}")
        connected = status == "streaming"
        if connected and goal is None:
            goal = end or 0
        if connected and goal is not None and (replayed or 0) >= goal:
            return Lag("this standby", _waited(started)), True
        if not streams or time.monotonic() > until:
            break
        time.sleep(_PAUSE_S)
    of = "this standby, whose replay is paused," if paused else "this standby"
    why = None if age is not None else "it has not replayed a transaction since its start"
    return Lag(of, max(0.0, age) if age is not None else None, why), connected if streams else None


def _waited(started: float) -> float:
    """Return how long it took to get there; nothing where it was there at the first look."""
    waited = time.monotonic() - started
    return waited if waited > _PAUSE_S else 0.0


# A base backup and pg_receivewal replay nothing; a logical subscriber is connected to a database, and is not a standby.
_CONNECTED = """
select s.pid, coalesce(nullif(s.application_name, ''), 'a standby'), coalesce(host(s.client_addr), 'the local socket'),
  s.state, pg_catalog.pg_wal_lsn_diff(s.replay_lsn, '0/0')::int8,
  (extract(epoch from s.replay_lag)
    + extract(epoch from clock_timestamp() - coalesce((to_jsonb(s) ->> 'reply_time')::timestamptz, now())))::float8
from pg_catalog.pg_stat_replication s
join pg_catalog.pg_stat_activity a on a.pid = s.pid and a.datid is null
"""
_STANDBY_STATES = ("streaming", "catchup")


@dataclass(frozen=True, slots=True)
class _Standby:
    """A standby as its primary sees it: the place that it has replayed, and by its last reply the lag in seconds."""

    pid: int
    name: str
    replayed: int
    seconds: float | None


def _connected(server: Server) -> list[_Standby]:
    found = []
    for pid, name, address, state, replayed, seconds in server.rows(_CONNECTED):
        if state is None:
            raise UnknownError(f"what is sent to the standbys is hidden; {grant_monitor(server)}")
        if state in _STANDBY_STATES and replayed is not None:
            found.append(_Standby(pid, f"{name} at {address}", replayed, seconds))
    return sorted(found, key=lambda standby: (standby.name, standby.pid))


def _lags_of_standbys(server: Server, until: float) -> tuple[Lag, ...]:
    """Return the lag of each standby that is connected to the primary."""
    started = time.monotonic()
    goal = int(server.scalar("select pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_flush_lsn(), '0/0')::int8"))
    there: dict[int, float] = {}
    while True:
        standbys = _connected(server)
        for standby in standbys:
            if standby.replayed >= goal:
                there.setdefault(standby.pid, _waited(started))
        if all(standby.pid in there for standby in standbys) or time.monotonic() > until:
            return tuple(_lag(standby, goal, there.get(standby.pid), started) for standby in standbys)
        time.sleep(_PAUSE_S)


def _lag(standby: _Standby, goal: int, took: float | None, started: float) -> Lag:
    if took is not None:
        return Lag(standby.name, took)
    if standby.seconds is None:
        behind = f"{(goal - standby.replayed) / 1e6:.1f} MB"
        return Lag(standby.name, None, f"it is {behind} behind, and does not report since when")
    return Lag(standby.name, max(standby.seconds, time.monotonic() - started))
