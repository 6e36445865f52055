"""PostgreSQL: what the server's statistics say, and a question of one's own, each in a read-only transaction."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import socket
import textwrap
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, WithJsonSchema

from ..limits import LimitError, dimension, parse_limit
from ._kind import Kind, Reach, Target, UnknownError, UnreachableError

if TYPE_CHECKING:
    from psycopg import Connection

MOST_ROWS = 10_000
"""A question that answers with more rows is not one whose answer is judged; the rest is not even fetched."""
_TRANSIENT = ("starting up", "not yet accepting", "recovery mode", "too many clients", "connection slots are reserved")


def _dsn(dsn: SecretStr) -> SecretStr:
    said = dsn.get_secret_value()
    if not said.startswith(("postgresql://", "postgres://")) and "=" not in said:
        raise ValueError(
            "it is no connection string; write postgresql://USER:PASSWORD@HOST:5432/DATABASE, or host=... dbname=..."
        )
    return dsn


class PostgresDatabase(Target):
    """A PostgreSQL database."""

    dsn: Annotated[SecretStr, AfterValidator(_dsn)] = Field(
        description="postgresql://user:password@host:5432/database, or libpq's key=value words"
    )


class Server:
    """A database to read from. Every question has a read-only transaction of its own, which is rolled back.

    Nothing of the session is set: what bounds a question is set in its transaction alone, so that it also works behind
    a pooler such as PgBouncer, which refuses or shares a session's settings. A question is one statement: the extended
    protocol takes no more, so none can leave the read-only transaction that it is asked in.
    """

    def __init__(self, connection: Connection[tuple[Any, ...]], timeout_s: float) -> None:
        self._connection = connection
        self._timeout_s = timeout_s
        self._lost: UnreachableError | UnknownError | None = None

    def __repr__(self) -> str:
        return "<a PostgreSQL database, read-only>"

    def scalar(self, sql: str, params: Sequence[Any] = ()) -> Any:
        """Return the first column of the one row that a query has.

        Raises UnknownError where there is no row, or more than one, or where the value is NULL.
        """
        rows = self.rows(sql, params)
        if len(rows) != 1:
            raise UnknownError(
                f"the query has {len(rows) or 'no'} row{'s' if rows else ''}; let it have one, for example by count(*)"
            )
        if not rows[0] or rows[0][0] is None:
            raise UnknownError("the query's value is NULL; if that has a meaning, say it with coalesce()")
        return rows[0][0]

    def rows(self, sql: str, params: Sequence[Any] = (), timeout_s: float | None = None) -> list[tuple[Any, ...]]:
        """Return the rows of a query; `%s` in it stands for a parameter where there are any.

        timeout_s: how long the query may take, where that is not the connection's own time limit.

        Raises UnknownError where the server refuses the query, or does not answer in time.
        """
        import psycopg

        if self._lost is not None:
            raise self._lost
        refuse_copy(sql)
        bound_s = timeout_s or self._timeout_s
        try:
            with self._hanging_up(bound_s):
                return self._read(sql, params, bound_s)
        except psycopg.Error as error:
            if self._connection.closed or self._connection.broken:
                self._lost = UnknownError(
                    f"the connection was lost, or had no answer within {bound_s:g} s: {_one_line(error)}"
                )
                raise self._lost from None
            raise UnknownError(_refused(error, bound_s)) from None

    def lose(self) -> UnreachableError:
        """Say that the server answers nothing any more: every later question fails for that reason too."""
        self._lost = UnreachableError(str(self._lost or "it does not answer"))
        return self._lost

    def _read(self, sql: str, params: Sequence[Any], bound_s: float) -> list[tuple[Any, ...]]:
        bound_ms = int(bound_s * 900)
        found: list[tuple[Any, ...]] = []
        self._connection.execute(
            f"BEGIN READ ONLY; SET LOCAL statement_timeout = {bound_ms}; "
            f"SET LOCAL idle_in_transaction_session_timeout = {bound_ms}"
        )
        try:
            # Read as it comes, so that a question with endless rows fills no memory.
            stream = cast(
                "Generator[tuple[Any, ...], None, None]", self._connection.cursor().stream(sql, params or None)
            )
            with contextlib.closing(stream):
                for row in stream:
                    found.append(row)
                    if len(found) > MOST_ROWS:
                        raise UnknownError(
                            f"the query has more than {MOST_ROWS} rows; ask for a number instead, by count(*)"
                        )
        finally:
            if not self._connection.closed:
                self._connection.execute("ROLLBACK")
        return found

    @contextmanager
    def _hanging_up(self, bound_s: float) -> Iterator[None]:
        """End the connection where the server, which was to end a long statement itself, does not answer at all."""
        timer = threading.Timer(bound_s, _hang_up, (self._connection,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


_COMMENTS = re.compile(r"(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/|\()*", re.DOTALL)


def refuse_copy(sql: str) -> None:
    """Raise UnknownError for COPY: it writes files and runs programs even in a read-only transaction."""
    if re.match(r"copy\b", sql[_COMMENTS.match(sql).end() :], re.IGNORECASE):  # type: ignore[union-attr]  # it matches ''
        raise UnknownError("COPY is no question: it can write files on the server; start with SELECT")


def _hang_up(connection: Connection[Any]) -> None:
    with contextlib.suppress(Exception), socket.socket(fileno=socket.dup(connection.fileno())) as sock:
        sock.shutdown(socket.SHUT_RDWR)


@contextmanager
def _connect(target: PostgresDatabase, timeout_s: float) -> Iterator[Server]:
    import psycopg

    dsn = target.dsn.get_secret_value()
    _refuse_garbled(dsn)
    try:
        connection = psycopg.connect(
            dsn,
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=max(2, int(timeout_s)),
            application_name="opscheck",
        )
    except psycopg.Error as error:
        message = _one_line(error)
        raise UnreachableError(message, transient=any(sign in message for sign in _TRANSIENT)) from None
    try:
        yield Server(connection, timeout_s)
    finally:
        connection.close()


def _refuse_garbled(dsn: str) -> None:
    """Refuse a connection string that libpq would quote in its error, a piece of the password within."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        words = conninfo_to_dict(dsn)
    except psycopg.Error:
        words = {"host": "@"}
    if "@" in str(words.get("host", "")) or not re.fullmatch(r"[\d,]*", str(words.get("port", ""))):
        raise UnreachableError(
            "the dsn can't be meant; write postgresql://USER:PASSWORD@HOST:5432/DATABASE, "
            "and in the password %40 for @, %2F for /"
        )


_ADVICE = re.compile(r" Is the server running [^?]*\?")
"""What libpq asks of whoever reads that nothing listens."""


def _one_line(error: Exception) -> str:
    text = _ADVICE.sub("", " ".join(str(error).split())).removeprefix("connection failed: ")
    return textwrap.shorten(text, 300, placeholder="...")


def _refused(error: Exception, timeout_s: float) -> str:
    """Say why a statement failed, and what mends it."""
    from psycopg import errors

    said = str(getattr(getattr(error, "diag", None), "message_primary", None) or _one_line(error))
    if isinstance(error, errors.QueryCanceled) and "statement timeout" in said:
        return (
            f"the query was ended after {timeout_s * 0.9:g} s; see its plan (EXPLAIN), or whether it waits for a lock"
        )
    if isinstance(error, errors.InsufficientPrivilege):
        return f"{said}; GRANT the user of the dsn what it has to read"
    return said


kind = Kind("postgres", PostgresDatabase, "a PostgreSQL database", _connect)


@kind.probe(timeout_s=5)
def reachable(server: Server) -> Reach:
    """The database answers SELECT 1. It is asked first: if there is no answer, nothing else is asked."""
    try:
        server.scalar("SELECT 1")
    except UnknownError as error:
        server.lose()
        raise UnreachableError(str(error)) from None
    return Reach("SELECT 1")


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


@dataclass(frozen=True, slots=True)
class Answer:
    """One value of a question of one's own: about what, and in which unit. None is NULL."""

    subject: str | None
    value: float | str | bool | None
    unit: str


def _unit(unit: str) -> str:
    dimension(unit)
    return unit


@kind.probe()
def query(
    server: Server, *, sql: str, unit: Annotated[str, AfterValidator(_unit)] = "", timeout_s: float
) -> tuple[Answer, ...]:
    """What a query of the inventory's own answers: one value, or rows of a name and a value, of which each is judged.

    `unit` is that of a number. An interval is in seconds. One value that is NULL, and no row at all, is no answer.
    """
    rows = server.rows(sql, timeout_s=timeout_s)
    if not rows:
        raise UnknownError(
            "the query has no row; let it always have one, for example by count(*), or coalesce() in a subquery"
        )
    if len(rows) == 1 and len(rows[0]) == 1:
        if rows[0][0] is None:
            raise UnknownError("the query's value is NULL; if that has a meaning, say it with coalesce()")
        return (_answer(None, rows[0][0], unit),)
    if len(rows[0]) != 2:  # noqa: PLR2004 - a name and a value
        raise UnknownError(
            f"the query has {len(rows)} row(s) of {len(rows[0])} column(s); "
            "let it have one value, or rows of a name and a value"
        )
    return tuple(_answer(str(name), value, unit) for name, value in rows)


def _answer(subject: str | None, value: Any, unit: str) -> Answer:
    if isinstance(value, dt.timedelta):
        return Answer(subject, value.total_seconds(), "s")
    if isinstance(value, dt.date | dt.time):
        raise UnknownError(f"{value} is a point in time; ask for its age, for example now() - max(created_at)")
    if isinstance(value, Decimal):
        return Answer(
            subject, int(value) if value.is_finite() and value == value.to_integral_value() else float(value), unit
        )
    if isinstance(value, bool | str | None):
        return Answer(subject, value, "")
    if isinstance(value, int | float):
        return Answer(subject, value, unit)
    if isinstance(value, dict | list | tuple | bytes):
        raise UnknownError(f"the query's value is a {type(value).__name__}; let it be a number, a text or a truth")
    return Answer(subject, str(value), "")
