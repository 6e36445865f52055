"""SQL as it stands in a runbook: its statements, and whether one only reads."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .bags import bag

LONGEST = 4000
_TOKEN = re.compile(
    r"--[^\n]*|/\*.*?(?:\*/|\Z)|'(?:[^']|'')*(?:'|\Z)|\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)|\"(?:[^\"]|\"\")*(?:\"|\Z)"
    r"|\w+|::|\S",
    re.DOTALL,
)
_QUESTION = frozenset(("select", "with", "explain", "show", "table", "values"))
_CHANGES = bag(
    """
    insert update delete drop alter create truncate grant revoke vacuum analyze reindex cluster copy call do
    lock into merge refresh set reset reassign comment security import prepare execute deallocate listen notify
    unlisten begin commit rollback savepoint checkpoint discard load declare fetch move close start attach
    detach rename replace
    """
)
"""Words that begin a statement that changes something, or stand in a question that does."""
_NAMES_TOO = bag(
    """
    begin commit rollback savepoint start fetch move close declare load comment set show security prepare
    execute replace reset import rename cluster copy lock analyze call do notify listen attach detach checkpoint
    discard
    """
)
"""Of these, those that are names of columns or functions elsewhere in a question."""
_READS = bag(
    """
    count sum avg min max now extract round coalesce nullif greatest least cast age to_char to_timestamp
    date_trunc date_part length lower upper trim substring left right split_part concat replace position abs
    floor ceil ceiling power sqrt mod exists in any all some not and or on as over filter within group by values
    interval numeric decimal varchar char using row_number rank dense_rank lag lead first_value last_value ntile
    percentile_cont percentile_disc mode stddev variance bool_and bool_or every array_agg string_agg json_agg
    jsonb_agg json_build_object array unnest array_length any_value current_database current_schema
    current_setting version pg_size_pretty pg_total_relation_size pg_relation_size pg_table_size pg_indexes_size
    pg_database_size pg_tablespace_size pg_is_in_recovery pg_last_xact_replay_timestamp pg_last_wal_replay_lsn
    pg_last_wal_receive_lsn pg_wal_lsn_diff pg_current_wal_lsn pg_blocking_pids pg_postmaster_start_time
    pg_backend_pid pg_get_indexdef pg_stat_get_live_tuples pg_encoding_to_char format_type quote_ident
    has_table_privilege has_database_privilege to_regclass inet_server_addr inet_server_port inet_client_addr
    host obj_description regexp_replace regexp_match regexp_matches generate_series random md5 where select from
    having case when then else is distinct join union except intersect limit offset order recursive materialized
    lateral with to_number to_date make_interval justify_interval
    """
)
"""Functions that only read, and words of the language that a bracket may follow."""


_ACTS = re.compile(
    r"pg_(?:terminate|cancel|reload|rotate|switch|promote|wal_replay|create|drop|copy|start|stop|backup|advisory|try_advisory"
    r"|notify|sleep|import|log_backend|replication_(?:slot|origin)|extension|prewarm|write|file|read)\w*|\w*reset\w*|setval|nextval"
    r"|set_config|lo_\w+|dblink\w*|txid_current|\w*(?:delete|insert|update|purge|drop|truncate|kill|refresh|repair)\w*"
)
"""Functions that do something where they are asked."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a statement only reads (None where nobody can tell from here), and the word that tells."""

    reads: bool | None
    why: str = ""


def statements(text: str) -> list[str]:
    """Return the statements of a text, without their semicolons."""
    found, current = [], ""
    last = 0
    for match in _TOKEN.finditer(text):
        current += text[last : match.start()]
        last = match.end()
        if match[0] == ";":
            found.append(current)
            current = ""
        elif not match[0].startswith(("--", "/*")):
            current += match[0]
    found.append(current + text[last:])
    return [each.strip() for each in found if each.strip()]


def verdict(statement: str) -> Verdict:
    """Tell whether a statement only reads: it is a question, no word of it writes, and each function is a known one."""
    if len(statement) > LONGEST:
        return Verdict(None, "its length")
    words = [match[0] for match in _TOKEN.finditer(statement) if not match[0].startswith(("--", "/*"))]
    if not words:
        return Verdict(None, "nothing")
    first = words[0].lower()
    if first == "\\":
        return _meta(words)
    if first in _CHANGES and first not in _QUESTION:
        return Verdict(False, first)
    if first not in _QUESTION and first != "(":
        return Verdict(None, first)
    return _question(words)


def _meta(words: list[str]) -> Verdict:
    r"""Judge a command of psql's own: \\dt lists tables, \\i runs a file."""
    name = words[1] if len(words) > 1 else ""
    return Verdict(
        True
        if name.startswith(("d", "l", "conninfo", "c", "x", "timing", "z")) and not name.startswith("copy")
        else None,
        f"\\{name}",
    )


def _question(words: list[str]) -> Verdict:
    inside = [word.lower() for word in words if not word.startswith(("'", "$"))]
    if "\\" in inside:
        return Verdict(None, "a command of psql")
    for before, word, following in zip(["", *inside], inside, [*inside[1:], ""], strict=False):
        if word in _CHANGES and word not in _NAMES_TOO:
            return Verdict(False, word)
        if word == "for" and following in ("update", "share", "no", "key"):
            return Verdict(False, f"for {following}")
        if following == "(" and (word[0].isalpha() or word[0] in '_"') and before not in ("with", "recursive"):
            if _ACTS.match(word.strip('"')):
                return Verdict(False, f"{word}()")
            if word not in _READS:
                return Verdict(None, f"{word}()")
    return _explained(inside)


def _explained(words: list[str]) -> Verdict:
    """Judge `explain analyze` by what it explains: it runs it."""
    if words[0] == "explain":
        rest = words[1:]
        if rest[:1] == ["("]:
            rest = rest[rest.index(")") + 1 :] if ")" in rest else []
        rest = [word for word in rest if word not in ("analyze", "verbose")]
        if not rest or rest[0] not in ("select", "with", "table", "values", "("):
            return Verdict(False, rest[0] if rest else "explain")
    return Verdict(True)
