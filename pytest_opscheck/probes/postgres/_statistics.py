"""What a PostgreSQL server has counted of a database: pg_stat_database, and the statements of pg_stat_statements."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from ...core.errors import UnknownError
from ...core.units import rate_unit
from ._locks import Seconds
from ._server import MARK, Server, kind, quoted


@dataclass(frozen=True, slots=True)
class Counter:
    """A number that has only grown since a moment, or since ever where `since` is None.

    `seconds` is how long that is; of a counter that was never reset, how long the server has run, which may be less.
    """

    of: str
    count: int
    seconds: float
    since: dt.datetime | None = None
    last: dt.datetime | None = None

    @property
    def named(self) -> str:
        """What was counted, and since when, as a message says it."""
        since = f" since {self.since:%Y-%m-%d %H:%M %Z}" if self.since is not None else ""
        last = f" (the last at {self.last:%Y-%m-%d %H:%M %Z})" if self.last is not None else ""
        return f"{self.of}{since}{last}"


_COUNTED_BY = "concat_ws(' ', 'database', datid, 'since', stats_reset at time zone 'utc')"
"""Tells one count of a database from another: of another database, or reset by pg_stat_reset()."""
_DEADLOCKS = f"""
select {_COUNTED_BY}, deadlocks, stats_reset,
  extract(epoch from clock_timestamp() - coalesce(stats_reset, pg_catalog.pg_postmaster_start_time()))::float8
from pg_catalog.pg_stat_database where datname = current_database()
"""  # noqa: S608 - nothing of it comes from elsewhere


@dataclass(frozen=True, slots=True)
class Deadlocks:
    """Deadlocks of a database: their number, or a rate where the limit is one.

    `counted_by` tells this count from another one, as `CacheHits` has it too.
    """

    counted_by: str
    counter: Counter
    value: float
    unit: str


@kind.probe()
def deadlocks(server: Server, *, window_s: int | None) -> Deadlocks:
    """Deadlocks of the database since its statistics were reset (pg_stat_database.deadlocks).

    A rate is that of the whole time since then; of a shorter time than its window, all of them.
    """
    ((counted_by, count, since, seconds),) = server.rows(_DEADLOCKS)
    counter = Counter("deadlocks", int(count), float(seconds), _utc(since))
    if window_s is None:
        return Deadlocks(str(counted_by), counter, counter.count, "")
    rate = counter.count * window_s / max(counter.seconds, window_s)
    return Deadlocks(str(counted_by), counter, rate, rate_unit(window_s))


def _utc(moment: dt.datetime | None) -> dt.datetime | None:
    return moment.astimezone(dt.UTC) if moment is not None else None


_CHECKSUM_FAILURES = """
select datname, (to_jsonb(d) ->> 'checksum_failures')::int8, stats_reset,
  (to_jsonb(d) ->> 'checksum_last_failure')::timestamptz
from pg_catalog.pg_stat_database d
order by datname nulls first
"""


@kind.probe()
def checksum_failures(server: Server) -> tuple[Counter, ...]:
    """Pages whose checksum was wrong when they were read, of each database and of what all of them share."""
    if server.scalar("select current_setting('data_checksums')") != "on":
        raise UnknownError(
            "the server keeps no data checksums, so nothing tells a damaged page; "
            "with the server stopped: pg_checksums --enable --pgdata=DIRECTORY"
        )
    found = server.rows(_CHECKSUM_FAILURES)
    if all(failures is None for _, failures, _, _ in found):
        raise UnknownError("the server does not count checksum failures; PostgreSQL does from version 12 on")
    return tuple(
        Counter(
            f"checksum failures in {f'database {name}' if name else 'the shared catalogs'}",
            int(failures or 0),
            0.0,
            _utc(since),
            _utc(last),
        )
        for name, failures, since, last in found
    )


@dataclass(frozen=True, slots=True)
class CacheHits:
    """Blocks that the database wanted: found in the server's own cache (hits), or not (reads)."""

    counted_by: str
    hits: int
    reads: int

    @property
    def percent(self) -> float | None:
        """Hits of all; None where nothing was wanted."""
        return 100 * self.hits / (self.hits + self.reads) if self.hits + self.reads else None


@kind.probe()
def cache_hit(server: Server) -> CacheHits:
    """blks_hit and blks_read of pg_stat_database, of the database, since its statistics were reset."""
    ((counted_by, hits, reads),) = server.rows(
        f"select {_COUNTED_BY}, blks_hit, blks_read from pg_catalog.pg_stat_database "  # noqa: S608 - all of it is here
        "where datname = current_database()"
    )
    return CacheHits(str(counted_by), int(hits), int(reads))


_EXTENSION = "pg_stat_statements"
_WHERE = """
select n.nspname, array(select attname::text from pg_catalog.pg_attribute where attrelid = c.oid),
  has_schema_privilege(n.oid, 'USAGE') and has_table_privilege(c.oid, 'SELECT'), current_user,
  current_setting('pg_stat_statements.track', true)
from pg_catalog.pg_extension e
join pg_catalog.pg_namespace n on n.oid = e.extnamespace
join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = e.extname
where e.extname = 'pg_stat_statements'
"""


def _statements(server: Server, columns: str, rest: str = "") -> str:
    """Return a query of what pg_stat_statements says of the database's own statements, ours left out.

    `{time}` in it stands for the kind of time: `exec_time`, and before version 1.8 of the extension `time`.
    """
    found = server.rows(_WHERE)
    if not found:
        raise UnknownError(
            f"{_EXTENSION} is not in this database; name it in shared_preload_libraries, restart the server, "
            f"and as a superuser: CREATE EXTENSION {_EXTENSION}"
        )
    ((schema, known, readable, user, track),) = found
    if not readable:
        raise UnknownError(
            f"{_EXTENSION} is not for the user of the dsn; as its owner: GRANT USAGE ON SCHEMA {quoted(schema)} TO "
            f"{quoted(user)}; GRANT SELECT ON {quoted(schema, _EXTENSION)} TO {quoted(user)}"
        )
    if track is None:
        raise UnknownError(f"{_EXTENSION} is not loaded; name it in shared_preload_libraries, and restart the server")
    if track == "none":
        raise UnknownError("statements are not tracked; set pg_stat_statements.track = top")
    time = "exec_time" if "mean_exec_time" in known else "time"
    top = "and s.toplevel" if "toplevel" in known else ""  # a function's statements count within the one that calls it
    return f"""
select {columns.format(time=time)} from {quoted(schema, _EXTENSION)} s
where s.dbid = (select oid from pg_catalog.pg_database where datname = current_database()) {top}
  and not (s.userid = (select oid from pg_catalog.pg_roles where rolname = current_user) and s.query like '{MARK}%%')
{rest.format(time=time)}"""  # noqa: S608 - nothing of it comes from the inventory, and the schema's name is quoted


@dataclass(frozen=True, slots=True)
class QueryTime:
    """How long the database's statements took, all in all, in milliseconds, and how many calls that was."""

    total_ms: float
    calls: int

    @property
    def mean_ms(self) -> float | None:
        """The mean of a call; None where there was none."""
        return self.total_ms / self.calls if self.calls else None


@kind.probe()
def mean_query_time(server: Server) -> QueryTime:
    """How long the database's statements took to execute, by pg_stat_statements."""
    ((total, calls),) = server.rows(
        _statements(server, "coalesce(sum(s.total_{time}), 0)::float8, coalesce(sum(s.calls), 0)")
    )
    return QueryTime(float(total), int(calls))


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement, how often it was called and how many milliseconds it took on average; `text` holds no values."""

    text: str
    calls: int
    mean_ms: float


@kind.probe()
def slow_statements(server: Server, *, over: Seconds = 1.0) -> tuple[Statement, ...]:
    """Statements of the database whose mean execution time is over some seconds, the slowest first."""
    sql = _statements(server, "s.query, s.calls, s.mean_{time}", "and s.mean_{time} > %s order by s.mean_{time} desc")
    return tuple(
        Statement(_shown(str(query)), int(calls), float(mean_ms))
        for query, calls, mean_ms in server.rows(sql, (over * 1000,))
    )


_HIDDEN = "<insufficient privilege>"
_LONGEST_SHOWN = 60


def _shown(query: str) -> str:
    """Return the beginning of a statement without a value in it.

    The extension replaces those of queries, but not of other statements, where one may be a password.
    """
    if query == _HIDDEN:
        return "one whose text only a member of pg_monitor may see"
    words = " ".join(re.sub(r"/\*.*?\*/|--[^\n]*", " ", query, flags=re.DOTALL).split())
    if not re.match(r"(select|insert|update|delete|merge|with|values|table)\b", words, re.IGNORECASE):
        return " ".join([*words.split()[:1], "..."])
    words = re.sub(r"'(?:[^']|'')*'?", "'...'", words)
    return words if len(words) <= _LONGEST_SHOWN else words[:_LONGEST_SHOWN] + "..."
