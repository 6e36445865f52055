"""PostgreSQL: what the server's statistics say, and a user-defined question, each in a read-only transaction."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator

from ...answers.bounds import TooLongError, shown
from ...core.errors import UnknownError, UnreachableError
from ...core.units import dimension
from .._kind import Reach
from ._activity import active_queries, clients, connections, longest_query
from ._locks import idle_in_transaction, waiting_locks
from ._plan import plan
from ._replication import replication_lag
from ._server import MOST_BYTES, PostgresDatabase, Server, kind
from ._statistics import cache_hit, checksum_failures, deadlocks, mean_query_time, slow_statements
from ._tables import indexes, rows, table_size, tables

__all__ = [
    "PostgresDatabase",
    "Server",
    "active_queries",
    "cache_hit",
    "checksum_failures",
    "clients",
    "connections",
    "deadlocks",
    "idle_in_transaction",
    "indexes",
    "kind",
    "longest_query",
    "mean_query_time",
    "plan",
    "query",
    "reachable",
    "replication_lag",
    "rows",
    "slow_statements",
    "table_size",
    "tables",
    "version",
    "waiting_locks",
]


@kind.probe(timeout_s=5)
def reachable(server: Server) -> Reach:
    """The database answers SELECT 1. It is asked first: if there is no answer, nothing else is asked."""
    try:
        answer = server.scalar("SELECT 1")
    except TooLongError:
        server.lose()
        raise UnreachableError(
            f"its answer to SELECT 1 is longer than {shown(MOST_BYTES)}; see which server listens there"
        ) from None
    except UnknownError as error:
        server.lose()
        raise UnreachableError(str(error)) from None
    if answer != 1:
        raise UnreachableError(f"it answers SELECT 1 with {str(answer)[:40]!r}; see what listens there")
    return Reach("SELECT 1")


@kind.probe()
def version(server: Server) -> str:
    """The server's version, without what its packager adds: server_version, whose first number is the major one."""
    version_text = str(server.scalar("select current_setting('server_version')"))
    return version_text.split(maxsplit=1)[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """One value of a user-defined question: about what, and in which unit. None is NULL."""

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

    `unit` is that of a number. An interval is in seconds. One value that is NULL, and no row at all, is not an answer.
    """
    rows = server.rows(sql, timeout_s=timeout_s)
    if not rows:
        raise UnknownError(
            "the query has no row; make it always return one, for example with count(*), or coalesce() in a subquery"
        )
    if len(rows) == 1 and len(rows[0]) == 1:
        if rows[0][0] is None:
            raise UnknownError("the query's value is NULL; if NULL has a meaning, convert it with coalesce()")
        return (_answer(None, rows[0][0], unit),)
    if len(rows[0]) != 2:  # noqa: PLR2004 - a name and a value
        raise UnknownError(
            f"the query has {len(rows)} row(s) of {len(rows[0])} column(s); "
            "it must return one value, or rows of a name and a value"
        )
    return tuple(_answer("NULL" if name is None else str(name), value, unit) for name, value in rows)


_TYPES = {
    "list": "an array",
    "tuple": "a row",
    "dict": "a JSON object",
    "bytes": "bytes (bytea)",
}


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
        what = _TYPES.get(type(value).__name__, "not one value")
        raise UnknownError(f"the query's value is {what}; it must be one number, text or boolean")
    return Answer(subject, str(value), "")
