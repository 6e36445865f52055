"""The way to a PostgreSQL database: how to connect, and how each question gets a read-only transaction of its own."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import AfterValidator, Field, SecretStr

from ...answers.bounds import TooLongError, loads
from ...answers.next_steps import LISTENS, with_step
from ...answers.postgres import Meter, connected
from ...answers.postgres_words import NOT_UTF8, WRITE_URL, is_garbled, refused, unreachable
from ...core.errors import UnknownError, UnreachableError
from .._kind import Kind, Target
from .._trust import of_postgres

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.abc import Buffer
    from psycopg.adapt import Loader

MOST_ROWS = 10_000
"""A question that answers with more rows is not one whose answer is judged; the rest is not even fetched."""
MOST_BYTES = 1_000_000
"""An answer that is judged has some numbers or names; beside it stands what the server says of its own accord."""
MARK = "/* opscheck */"
"""Begins every statement, so that the server's log and its statistics tell ours from those of the application."""
_TRANSIENT = ("starting up", "not yet accepting", "recovery mode", "too many clients", "connection slots are reserved")


def _dsn(dsn: SecretStr) -> SecretStr:
    dsn_text = dsn.get_secret_value()
    if not re.match(r"postgres(ql)?://|\s*\w+\s*=", dsn_text):
        raise ValueError(
            "it is not a connection string; write postgresql://USER:PASSWORD@HOST:5432/DATABASE, or host=... dbname=..."
        )
    return dsn


class PostgresDatabase(Target):
    """A PostgreSQL database."""

    dsn: Annotated[SecretStr, AfterValidator(_dsn)] = Field(
        description="postgresql://user:password@host:5432/database, or libpq's key=value words"
    )

    def unverified(self) -> str | None:
        """Say whether whoever answers is taken for the server."""
        return of_postgres(self.dsn.get_secret_value())


class Server:
    """A database to read from. Every question has a read-only transaction of its own, which is rolled back.

    Nothing of the session is set: what bounds a question is set in its transaction alone, so that it also works behind
    a pooler such as PgBouncer, which refuses or shares a session's settings. A question is one statement: the extended
    protocol takes no more, so none can leave the read-only transaction that it is asked in.
    """

    def __init__(self, connect: Callable[[Meter], Connection[tuple[Any, ...]]], timeout_s: float) -> None:
        self._meter = Meter(MOST_BYTES)
        self._connect = connect
        self._connection = connect(self._meter)
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
                f"the query has {len(rows) or 'no'} row{'s' if rows else ''}; it must have one, as with count(*)"
            )
        if not rows[0] or rows[0][0] is None:
            raise UnknownError("the query's value is NULL; if NULL has a meaning, convert it with coalesce()")
        return rows[0][0]

    def rows(
        self, sql: str, params: Sequence[Any] = (), timeout_s: float | None = None, most_bytes: int = MOST_BYTES
    ) -> list[tuple[Any, ...]]:
        """Return the rows of a query; `%s` in it stands for a parameter where there are any.

        timeout_s: how long the query may take, where that is not the connection's own time limit.
        most_bytes: how much of an answer is read.

        Raises UnknownError where the server refuses the query, does not answer in time, or answers with too much.
        """
        import psycopg

        if self._lost is not None:
            raise self._lost
        refuse_copy(sql)
        bound_s = timeout_s or self._timeout_s
        self._await(most_bytes)
        until = time.monotonic() + bound_s
        try:
            with self._hanging_up(bound_s):
                return self._read(sql, params, bound_s)
        except psycopg.Error as error:
            raise self._failure(error, bound_s, late=time.monotonic() >= until) from None
        except UnicodeDecodeError:
            raise UnknownError(NOT_UTF8) from None
        except (ValueError, ArithmeticError, LookupError):
            raise UnknownError(f"the answer is not what its types say; {LISTENS}") from None

    def _await(self, most_bytes: int) -> None:
        """Start counting again, and reconnect where an answer was too long for the connection."""
        ended = self._meter.broken is not None
        self._meter.begin(most_bytes)
        if ended:
            self._connection.close()
            self._connection = self._connect(self._meter)

    def _failure(self, error: Exception, bound_s: float, *, late: bool) -> UnknownError | UnreachableError:
        """Return what to raise for an error of the connection's."""
        if (broken := self._meter.broken) is not None:
            return TooLongError(f"{broken}; select less, for example count(*), or left(COLUMN, 1000)")
        if not self._connection.closed and not self._connection.broken:
            return UnknownError(refused(error, bound_s))
        lost = f"the connection was lost: {unreachable(error, self._meter)}"
        self._lost = UnknownError(with_step(f"no answer within {bound_s:g} s") if late else lost)
        return self._lost

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def lose(self) -> UnreachableError:
        """Say that the server answers nothing any more: every later question fails for that reason too."""
        self._lost = UnreachableError(str(self._lost or "it does not answer"))
        return self._lost

    def _read(self, sql: str, params: Sequence[Any], bound_s: float) -> list[tuple[Any, ...]]:
        bound_ms = int(bound_s * 900)
        found: list[tuple[Any, ...]] = []
        self._connection.execute(
            f"{MARK} BEGIN READ ONLY; {MARK} SET LOCAL statement_timeout = {bound_ms}; "
            f"{MARK} SET LOCAL idle_in_transaction_session_timeout = {bound_ms}"
        )
        try:
            # Read as it comes, so that a question with endless rows fills no memory.
            stream = cast(
                "Generator[tuple[Any, ...], None, None]",
                self._connection.cursor().stream(f"{MARK} {sql.lstrip()}", params or None),
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
                self._connection.execute(f"{MARK} ROLLBACK")
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
        raise UnknownError("COPY is not a query: it can write files on the server; start with SELECT")


def _hang_up(connection: Connection[Any]) -> None:
    with contextlib.suppress(Exception), socket.socket(fileno=socket.dup(connection.fileno())) as sock:
        sock.shutdown(socket.SHUT_RDWR)


@contextmanager
def _connect(target: PostgresDatabase, timeout_s: float) -> Iterator[Server]:
    server = Server(lambda meter: _opened(target.dsn.get_secret_value(), meter, timeout_s), timeout_s)
    try:
        yield server
    finally:
        server.close()


def _opened(dsn: str, meter: Meter, timeout_s: float) -> Connection[tuple[Any, ...]]:
    import psycopg
    from psycopg.types.json import set_json_loads

    if is_garbled(dsn):
        raise UnreachableError(f"the dsn can't be meant; {WRITE_URL}")
    try:
        connection = connected(
            meter,
            dsn,
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=max(2, int(timeout_s)),
            application_name="opscheck",
            client_encoding="utf8",  # of a database in SQL_ASCII, as initdb makes it without a locale, text is bytes
        )
    except psycopg.Error as error:
        message = unreachable(error, meter)
        raise UnreachableError(message, transient=any(sign in message for sign in _TRANSIENT)) from None
    connection.adapters.register_loader("bpchar", _padded_text())
    connection.adapters.register_loader("money", _money())
    set_json_loads(loads, connection)
    return connection


def _padded_text() -> type[Loader]:
    """Return what reads char(10): the blanks behind it are not part of the text, and PostgreSQL compares it without."""
    from psycopg.types.string import TextLoader

    class PaddedText(TextLoader):
        def load(self, data: Buffer) -> bytes | str:
            text = super().load(data)
            return text.rstrip(" ") if isinstance(text, str) else text.rstrip(b" ")

    return PaddedText


def _money() -> type[Loader]:
    """Return what refuses money, which comes as a text in the server's locale: $1,234.50."""
    from psycopg.adapt import Loader

    class Money(Loader):
        def load(self, data: Buffer) -> Any:  # noqa: ARG002 - psycopg's signature
            raise UnknownError("the query's value is money, whose text is the server's own; cast it: ::numeric")

    return Money


def grant_monitor(server: Server) -> str:
    """Say what lets the user of the dsn see what other users' sessions and the server's settings hide."""
    return f"as a superuser: GRANT pg_monitor TO {quoted(str(server.scalar('select current_user')))}"


def quoted(*names: str) -> str:
    """Return the parts of a name as SQL takes them literally, whatever they hold."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


kind = Kind("postgres", PostgresDatabase, "a PostgreSQL database", _connect, libraries=("psycopg",))
