"""The way to a PostgreSQL database: how to connect, and how each question gets a read-only transaction of its own."""

from __future__ import annotations

import contextlib
import re
import socket
import textwrap
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import AfterValidator, Field, SecretStr

from ._kind import Kind, Target, UnknownError, UnreachableError
from ._trust import of_postgres

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.abc import Buffer
    from psycopg.adapt import Loader

MOST_ROWS = 10_000
"""A question that answers with more rows is not one whose answer is judged; the rest is not even fetched."""
MARK = "/* opscheck */"
"""Begins every statement, so that the server's log and its statistics tell ours from those of the application."""
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

    def unverified(self) -> str | None:
        """Say whether whoever answers is taken for the server."""
        return of_postgres(self.dsn.get_secret_value())


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
                    f"the connection was lost, or had no answer within {bound_s:g} s: {one_line(error)}"
                )
                raise self._lost from None
            raise UnknownError(_refused(error, bound_s)) from None
        except UnicodeDecodeError:
            raise UnknownError(NOT_UTF8) from None

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
        raise UnknownError("COPY is no question: it can write files on the server; start with SELECT")


def _hang_up(connection: Connection[Any]) -> None:
    with contextlib.suppress(Exception), socket.socket(fileno=socket.dup(connection.fileno())) as sock:
        sock.shutdown(socket.SHUT_RDWR)


@contextmanager
def _connect(target: PostgresDatabase, timeout_s: float) -> Iterator[Server]:
    import psycopg

    dsn = target.dsn.get_secret_value()
    if is_garbled(dsn):
        raise UnreachableError(f"the dsn can't be meant; {WRITE_URL}")
    try:
        connection = psycopg.connect(
            dsn,
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=max(2, int(timeout_s)),
            application_name="opscheck",
            client_encoding="utf8",  # of a database in SQL_ASCII, as initdb makes it without a locale, text is bytes
        )
    except psycopg.Error as error:
        message = one_line(error)
        raise UnreachableError(message, transient=any(sign in message for sign in _TRANSIENT)) from None
    connection.adapters.register_loader("bpchar", _padded_text())
    connection.adapters.register_loader("money", _money())
    try:
        yield Server(connection, timeout_s)
    finally:
        connection.close()


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


WRITE_URL = "write postgresql://USER:PASSWORD@HOST:5432/DATABASE, and in the password %40 for @, %2F for /"


def is_garbled(dsn: str) -> bool:
    """Tell whether libpq would quote a connection string in its error, a piece of the password within."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        words = conninfo_to_dict(dsn)
    except psycopg.Error:
        return True
    return "@" in str(words.get("host", "")) or not re.fullmatch(r"[\d,]*", str(words.get("port", "")))


_ADVICE = re.compile(r" Is the server running [^?]*\?| This probably means the server terminated abnormally.*")
"""What libpq asks of whoever reads that nothing listens, or guesses."""
_NOT_POSTGRES = re.compile(
    r"(?:received invalid response to \w+ negotiation|expected authentication request from server, but received)[^;]*"
)


def _pooler_hint(said: str) -> str:
    """Say what mends a refusal of PgBouncer's."""
    if "unsupported startup parameter" in said:
        return "; leave `options` out of the dsn: PgBouncer refuses it, and each question sets its own time limit"
    if "statement pooling" in said:
        return "; PgBouncer's pool_mode has to be transaction or session: a question has a transaction of its own"
    return ""


def one_line(error: Exception) -> str:
    """Return what psycopg says, each thing once: libpq tries with TLS and without, and each address of a name."""
    tries: list[str] = []
    for line in str(error).splitlines():
        _, sign, rest = line.partition("connection to server ")
        if sign or not tries:
            tries.append(sign + rest if sign else line.removeprefix("connection failed: "))
        else:
            tries[-1] += f" {line}"
    if any(each.startswith("connection to server ") for each in tries):
        tries = [each for each in tries if not each.startswith("Multiple connection attempts failed")]
    text = "; ".join(dict.fromkeys(_ADVICE.sub("", " ".join(each.split())) for each in tries))
    text = _NOT_POSTGRES.sub("what answers there is not PostgreSQL", text)
    return textwrap.shorten(text, 300, placeholder="...") + _pooler_hint(text)


NOT_UTF8 = (
    "the answer has text that is not UTF-8, as a database in SQL_ASCII may hold; say how it is written: "
    "convert_from(COLUMN::bytea, 'LATIN1')"
)


def _refused(error: Exception, timeout_s: float) -> str:
    """Say why a statement failed, and what mends it."""
    from psycopg import errors

    said = str(getattr(getattr(error, "diag", None), "message_primary", None) or one_line(error))
    if isinstance(error, errors.QueryCanceled) and "statement timeout" in said:
        return (
            f"the query was ended after {timeout_s * 0.9:g} s; see its plan (EXPLAIN), or whether it waits for a lock"
        )
    if isinstance(error, errors.CharacterNotInRepertoire):
        return NOT_UTF8
    if isinstance(error, errors.InsufficientPrivilege):
        return f"{said}; GRANT the user of the dsn what it has to read"
    return said


def grant_monitor(server: Server) -> str:
    """Say what lets the user of the dsn see what other users' sessions and the server's settings hide."""
    return f"as a superuser: GRANT pg_monitor TO {quoted(str(server.scalar('select current_user')))}"


def quoted(*names: str) -> str:
    """Return the parts of a name as SQL takes them literally, whatever they hold."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


kind = Kind("postgres", PostgresDatabase, "a PostgreSQL database", _connect)
