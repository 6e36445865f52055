"""What goes wrong with a PostgreSQL server, in one line: libpq says it in paragraphs, and guesses."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from .next_steps import with_step

if TYPE_CHECKING:
    from .postgres import Meter

_STEPS = (
    (r"password authentication failed|no password supplied", "check the user and password of the dsn"),
    (r"no pg_hba.conf entry|rejects connection", "allow this machine, user and database in pg_hba.conf"),
    (r'database ".*" does not exist', "see the dsn's database; psql -l lists the existing ones"),
    (r'role ".*" does not exist', "see the dsn's user; CREATE ROLE makes one"),
    (r"too many clients|connection slots are reserved|too many connections", "see who is connected: pg_stat_activity"),
    (r"starting up|not yet accepting|recovery mode", "see its log, if that lasts"),
    (r"shutting down|terminating connection", "its log says who stopped it"),
    (r"ended the connection", "see its log, and whether it is PostgreSQL that listens there"),
    (r"not support SSL", "let sslmode of the dsn be prefer, or switch ssl on in postgresql.conf"),
)
"""What stands in PostgreSQL's own refusals, and the step."""
_LONGEST = 300
_NOT_POSTGRES = "what answers there is not PostgreSQL"
_REPLACED = (
    (r" Is the server running [^?]*\?| This probably means the server terminated abnormally.*", ""),
    (r"FATAL: |consuming input failed: |\[Errno -?\d+\] ", ""),
    (r"server closed the connection unexpectedly", "it ended the connection"),
    (r"received invalid response to \w+ negotiation[^;]*", _NOT_POSTGRES),
    (r"expected authentication request from server, but received[^;]*", _NOT_POSTGRES),
    (r"(?:message contents do not agree|lost synchronization with server)[^;]*", _NOT_POSTGRES),
    (r"(?<= failed: )(?:[^;]*[\x00-\x1f\x7f][^;]*|\W*)\Z", _NOT_POSTGRES),
)
"""What libpq guesses, asks of whoever reads that nothing listens, or says in its own words; the last are bytes."""


def _pooler_hint(text: str) -> str:
    """Say what fixes a refusal of PgBouncer's."""
    if "unsupported startup parameter" in text:
        return "; leave `options` out of the dsn: PgBouncer refuses it, and each query sets its own time limit"
    if "statement pooling" in text:
        return "; PgBouncer's pool_mode must be transaction or session: each query has its own transaction"
    return ""


def unreachable(error: Exception, meter: Meter) -> str:
    """Say why there is no connection, or none any more, and what to do."""
    reason = one_line(error)
    if meter.broken is not None:
        place, failed, _ = reason.partition(" failed: ")
        reason = f"{place}{failed}{meter.broken}" if failed else str(meter.broken)
    return reason if _pooler_hint(reason) else with_step(reason, _STEPS, otherwise="see its log")


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
    told = list(dict.fromkeys(_plain(" ".join(each.split())) for each in tries))
    others = [each for each in told if each.endswith(_NOT_POSTGRES)]
    text = "; ".join(others or told)
    return textwrap.shorten(text, _LONGEST, placeholder="...") + _pooler_hint(text)


def _plain(text: str) -> str:
    for sign, meaning in _REPLACED:
        text = re.sub(sign, meaning, text)
    return text


NOT_UTF8 = (
    "the answer has text that is not UTF-8, as a database in SQL_ASCII may hold; convert it: "
    "convert_from(COLUMN::bytea, 'LATIN1')"
)


def refused(error: Exception, timeout_s: float) -> str:
    """Say why a statement failed, and what fixes it."""
    from psycopg import errors

    reason = str(getattr(getattr(error, "diag", None), "message_primary", None) or one_line(error))
    if isinstance(error, errors.QueryCanceled) and "statement timeout" in reason:
        return (
            f"the query was ended after {timeout_s * 0.9:g} s; see its plan (EXPLAIN), or whether it waits for a lock"
        )
    if isinstance(error, errors.CharacterNotInRepertoire):
        return NOT_UTF8
    if isinstance(error, errors.InsufficientPrivilege):
        return f"{reason}; GRANT the user of the dsn what it has to read"
    return textwrap.shorten(reason, _LONGEST, placeholder="...")


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
