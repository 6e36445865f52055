"""The way to the database: SQLite or PostgreSQL behind the same few calls, each with an end, each with one error."""

from __future__ import annotations

import contextlib
import random
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ..files import private
from ._place import History

T = TypeVar("T")
BUSY_S = 10.0
"""How long one statement waits for another run that writes."""
REACH_S = 5.0
"""How long a server may take to be reached."""
MOST_BYTES = 12_000_000
"""How much of an answer of a server is read: a page of runs, or the values that a report of 1,000 checks shows."""
MOST_ROWS = 250_000
LONGEST_S = 20.0
"""How long whatever is asked of the history may take at the end of a run: then the run goes on without it."""


class HistoryError(Exception):
    """The history could not be read or written; the message says why, and what to do. It is not a fault of a target."""


class Store(Protocol):
    """An open database. The SQL has `?` for parameters, and only what both databases understand.

    `clustered` ends the definition of a table that is stored in the order of its key, `locked` a query whose rows
    nobody else may change before the transaction ends.
    """

    clustered: str
    locked: str

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement, and return its rows."""

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each of the rows of parameters."""

    def newest(self, table: str, key: str, of: str, count: int) -> str:
        """Return a join with the rows of the newest runs of one key, at most `count`. `table` says its alias too.

        Each database has its own way to find them in the table's order, without looking at the others.
        """

    def has_table(self, name: str) -> bool:
        """Tell whether there is such a table."""

    def begin(self, *, writes: bool) -> None:
        """Begin a transaction; one that reads sees the database as it is now, until its end."""

    def end(self, *, keep: bool) -> None:
        """Commit the transaction, or roll it back."""

    def close(self) -> None:
        """Close the connection."""


class SqliteStore:
    """A file, in write-ahead mode: readers and the one writer do not wait for each other."""

    clustered = " WITHOUT ROWID"
    locked = ""

    def __init__(self, path: Path, *, create: bool) -> None:
        import sqlite3

        if create:
            _keep_private(path)
        place = urllib.parse.quote(str(path.absolute()))
        self._connection = sqlite3.connect(
            f"file:{place}?mode={'rwc' if create else 'rw'}",
            uri=True,
            timeout=0,  # rows() waits
            isolation_level=None,
            check_same_thread=False,  # a call that hangs is left to its thread, and no other one follows
        )
        try:
            if create:
                self.rows("PRAGMA journal_mode = WAL")
            self.rows("PRAGMA synchronous = FULL")
        except BaseException:
            self.close()
            raise

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement, which waits for its turn where others write.

        SQLite's own wait asks ten times a second, and misses the gaps of a busy writer; and it does not wait at all for
        the change to write-ahead mode, which two runs may want to make at once.
        """
        import sqlite3

        until = time.monotonic() + BUSY_S
        while True:
            try:
                return self._connection.execute(sql, params).fetchall()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
            time.sleep(random.uniform(0.001, 0.01))  # noqa: S311 - so that two do not wait in step

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._connection.executemany(sql, rows)

    def newest(self, table: str, key: str, of: str, count: int) -> str:
        name, alias = table.split()
        oldest = f"SELECT run FROM {name} WHERE {key} = {of} ORDER BY run DESC LIMIT 1 OFFSET {count - 1:d}"
        return f"JOIN {name} {alias} ON {alias}.{key} = {of} AND {alias}.run >= coalesce(({oldest}), 0)"

    def has_table(self, name: str) -> bool:
        return bool(self.rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)))

    def begin(self, *, writes: bool) -> None:
        self.rows("BEGIN IMMEDIATE" if writes else "BEGIN")

    def end(self, *, keep: bool) -> None:
        self.rows("COMMIT" if keep else "ROLLBACK")

    def close(self) -> None:
        self._connection.close()


def _keep_private(path: Path) -> None:
    """Have others read nothing of a database; its journals take its mode, as far as they are not there yet."""
    with contextlib.suppress(OSError):  # which SQLite will say in its own words
        private.create(path)
    for journal in ("-wal", "-shm", "-journal"):
        private.close_to_others(path.with_name(path.name + journal))


class PostgresStore:
    """A database that machines may share. Nothing of the session is set, so that it also works behind PgBouncer."""

    clustered = ""
    locked = " FOR UPDATE"

    def __init__(self, url: str, statement_s: float) -> None:
        from ..answers.postgres import Meter, connected
        from ..answers.postgres_words import WRITE_URL, is_garbled

        if is_garbled(url):
            raise HistoryError(f"the url of [history] can't be meant; {WRITE_URL}")
        self._bound_ms = int(statement_s * 1000)
        self._meter = Meter(MOST_BYTES)
        with self._metered():
            self._connection = connected(
                self._meter,
                url,
                autocommit=True,
                prepare_threshold=None,
                connect_timeout=int(REACH_S),
                application_name="opscheck history",
            )

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._metered():
            cursor = self._connection.execute(sql.replace("?", "%s").encode(), params or None, binary=True)
            if cursor.rowcount > MOST_ROWS:
                raise HistoryError(f"the server of [history] answers with more than {MOST_ROWS:,} rows; {_LESS}")
            return cursor.fetchall() if cursor.description else []

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        with self._metered(), self._connection.cursor() as cursor:
            cursor.executemany(sql.replace("?", "%s").encode(), rows)

    @contextmanager
    def _metered(self) -> Iterator[None]:
        self._meter.begin(MOST_BYTES)
        try:
            yield
        except Exception:
            if (broken := self._meter.broken) is not None:
                raise HistoryError(f"the server of [history]: {broken}; {_LESS}") from None
            raise

    def newest(self, table: str, key: str, of: str, count: int) -> str:
        name, alias = table.split()
        newest = f"SELECT * FROM {name} WHERE {key} = {of} ORDER BY run DESC LIMIT {count:d}"
        return f"CROSS JOIN LATERAL ({newest}) {alias}"

    def has_table(self, name: str) -> bool:
        # Not to_regclass: its cache does not see the table that another run made while this one waited for its turn.
        visible = "relname = ? AND relkind = 'r' AND pg_catalog.pg_table_is_visible(oid)"
        return bool(self.rows(f"SELECT 1 FROM pg_catalog.pg_class WHERE {visible}", (name,)))

    def begin(self, *, writes: bool) -> None:
        # Who writes waits for its turn, and has to see what the one before has written, whatever the server's default.
        level = "READ COMMITTED" if writes else "REPEATABLE READ READ ONLY"
        self.rows(f"BEGIN ISOLATION LEVEL {level}")
        self.rows(f"SET LOCAL statement_timeout = {self._bound_ms}")
        self.rows(f"SET LOCAL lock_timeout = {int(BUSY_S * 1000)}")

    def end(self, *, keep: bool) -> None:
        self.rows("COMMIT" if keep else "ROLLBACK")

    def close(self) -> None:
        self._connection.close()


def connected(history: History, *, create: bool, statement_s: float = LONGEST_S) -> Store | None:
    """Return the open database; None where there is no file and none is to be made."""
    if history.url is not None:
        return PostgresStore(history.url, statement_s)
    if create:
        try:
            private.make_folder(history.path.parent)
        except OSError as error:
            raise HistoryError(f"{history}: {error.strerror}{_advice(error)}") from None
    elif not history.path.exists():
        return None
    return SqliteStore(history.path, create=create)


@contextmanager
def transaction(store: Store, *, writes: bool) -> Iterator[None]:
    """Do what the block does as one: all of it, or nothing."""
    store.begin(writes=writes)
    try:
        yield
    except BaseException:
        with contextlib.suppress(Exception):  # the connection may be what failed
            store.end(keep=False)
        raise
    store.end(keep=True)


@contextmanager
def told(history: History) -> Iterator[None]:
    """Turn whatever a database raises, or holds, into a HistoryError that says what fixes it."""
    import sqlite3

    try:
        yield
    except (sqlite3.Error, PermissionError) as error:
        raise HistoryError(f"{history}: {getattr(error, 'strerror', None) or error}{_advice(error)}") from None
    except _DAMAGE as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise HistoryError(f"{history}: it contains something that no run has written ({reason}); {_MOVE}") from None
    except HistoryError:
        raise
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "psycopg":
            raise
        from ..answers.postgres_words import one_line

        reason = one_line(error)
        raise HistoryError(f"{history}: {reason}{_advice_of_server(reason)}") from None


_LESS = "see which server listens there, or ask for a shorter time"
_DAMAGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What reading raises where somebody has changed the tables by hand, or a disk has."""
_MOVE = "see `opscheck history verify`; in another place the next run begins a new one"


def _advice(error: Exception) -> str:
    text = str(error)
    if "locked" in text:
        return "; another run or program has kept it locked for too long: find it, for example with `fuser`"
    if "full" in text:
        return "; make room on its disk, or keep less: `keep` in [history]"
    if "disk I/O" in text:
        return "; check whether its disk is full or broken"
    if "not a database" in text or "malformed" in text:
        return "; it is damaged: move it away, and the next run starts a new one"
    if "readonly" in text or "unable to open" in text or isinstance(error, PermissionError):
        return "; give the user who runs the checks write access to the file and its folder"
    return ""


_SERVER_ADVICE = (
    ("permission denied for schema", "let the user create its tables: GRANT USAGE, CREATE ON SCHEMA public TO USER"),
    ("permission denied for", "let its user read and write the tables, which belong to the user who made them"),
    ("read-only transaction", "the url of [history] names a standby: name the primary"),
    ("lock timeout", "another run or program has kept its tables locked for too long: see pg_stat_activity"),
    ("No space left", "make room on its disk, or keep less: `keep` in [history]"),
    ("authentication failed", "check the user and password in the url of [history]"),
    ("connection", "check that the server in the url of [history] is running and can be reached from here"),
)


def _advice_of_server(text: str) -> str:
    return next((f"; {advice}" for sign, advice in _SERVER_ADVICE if sign in text), "")


def bounded(work: Callable[[], T], history: History, seconds: float = LONGEST_S) -> T:
    """Do some work with a history, and give it up when its time is over: a dead network disk answers nothing at all.

    Raises HistoryError, whatever it was: a run's reports and verdict do not depend on its history.
    """
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            with told(history):
                outcome.append(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again where the work was asked for
            failure.append(error)

    thread = threading.Thread(target=run, name="opscheck-history", daemon=True)
    thread.start()
    thread.join(seconds)
    if failure:
        error = failure[0]
        if isinstance(error, Exception) and not isinstance(error, HistoryError):
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise HistoryError(f"{history}: {reason}; this is a bug in pytest-opscheck: please report it")
        raise error
    if not outcome:
        raise HistoryError(f"{history}: no answer within {seconds:g} s; see what slows its disk or server down")
    return outcome[0]
