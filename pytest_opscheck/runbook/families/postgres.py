"""PostgreSQL: what SQL on its statistics asks, and counts of an application's own tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from .. import sql
from ..asks import Ask, Command, Step, TargetHint, has_variables, is_open, literal, named
from ..verdicts import option_values
from ..words import says_nothing
from .docker import version

_DSN = re.compile(r"\$\{?([A-Za-z_]\w*(?:URL|URI|DSN)\w*)\}?")
_FROM = re.compile(r"\bfrom\s+(?:only\s+)?\"?([a-z_][\w$]*(?:\.[a-z_][\w$]*)?)\"?", re.IGNORECASE)
_COUNT = re.compile(
    r"^select\s+count\s*\(\s*(?:\*|1|\w+)\s*\)\s*(?:as\s+\w+\s+)?from\s+\"?([a-z_][\w$]*(?:\.[a-z_][\w$]*)?)\"?\s*$",
    re.IGNORECASE,
)
_ONE_VALUE = re.compile(
    r"^select\s+(?:count|sum|avg|min|max|extract|coalesce|now|age|pg_\w+_size|pg_size_pretty|round|exists)\s*\(",
    re.IGNORECASE,
)
_PRETTY = re.compile(r"pg_size_pretty\s*\(((?:[^()]|\([^()]*\))*)\)", re.IGNORECASE)
_INDEX = re.compile(r"\b(?:using|uses?|index|on)\s+`?([a-z]\w*_\w+)`?", re.IGNORECASE)
_SLOWER = re.compile(r"mean_(?:exec_)?time\s*>=?\s*(\d+)")
_LISTED = re.compile(r"[a-z_]\w*", re.IGNORECASE)
_GROUPED = re.compile(r"\bgroup\s+by\b", re.IGNORECASE)
_NAMES = re.compile(r"`([\w-]+)`")


def target_of(command: Command | None = None) -> TargetHint:
    """Return the database: its address is left to the environment."""
    text = " ".join(command.args) if command else ""
    found = _DSN.search(text)
    return TargetHint("postgres", "postgres", "main", {"dsn": f"${{{found[1] if found else 'DATABASE_URL'}}}"})


def asks(step: Step) -> Iterator[Ask]:
    """Yield what a step asks of PostgreSQL."""
    for command in step.line.commands:
        target = target_of(command)
        if command.program == "pg_isready":
            yield Ask("postgres.reachable", target, sure=0.9)
            return
        if command.program in ("psql", "mysql", "mariadb") or "dbshell" in command.args:
            if command.program in ("mysql", "mariadb"):
                return
            if command.has("--version", "-V"):
                asked = Ask("postgres.version", target, needs_limit=True)
                yield from version(step, asked, key="(?:postgres\\w*|psql|version)")
                return
            for text in option_values(command, ("-c", "--command")):
                for statement in sql.statements(text):
                    yield from of_sql(step, statement, target)
            return


def of_sql(step: Step, statement: str, target: TargetHint | None = None) -> Iterator[Ask]:
    """Yield what a statement asks; nothing of one that is not known to read."""
    target = target or target_of()
    if listed := re.match(r"\\d([ti])\b", statement):
        yield from _listed(step, target, "tables" if listed[1] == "t" else "indexes")
        return
    if not sql.verdict(statement).reads:
        return
    text = " ".join(statement.lower().split())
    known = next(((ask, use) for words, ask, use in _KNOWN if re.search(words, text)), None)
    if known is not None:
        yield from known[1](step, text, replace(known[0], target=target))
    else:
        yield from _own(step, statement, text, target)


def _as_it_is(_step: Step, _text: str, ask: Ask) -> Iterator[Ask]:
    yield ask


def _nothing(_step: Step, _text: str, _ask: Ask) -> Iterator[Ask]:
    """Yield nothing: there is no check of what these statistics say."""
    yield from ()


def _none(step: Step, _text: str, ask: Ask) -> Iterator[Ask]:
    """Yield a check that expects none where the runbook says so, or nothing."""
    yield replace(ask, limits=((None, "== 0"),)) if says_nothing(step.expected) or not step.expected.strip() else ask


def _replication(step: Step, text: str, ask: Ask) -> Iterator[Ask]:
    """Yield a check of the lag, and of how many standbys there are where a count of them is expected."""
    count = re.search(r"(?<![\w.])(\d{1,2})(?![\w.%])", step.expected) if "count(" in text else None
    yield (
        replace(ask, keys={"standbys": int(count[1])}, look="nothing says how far a standby may be behind")
        if count
        else ask
    )


def _version(step: Step, _text: str, ask: Ask) -> Iterator[Ask]:
    found = list(
        version(step, replace(ask, check="postgres.version", needs_limit=True), key="(?:postgres\\w*|version|pg)")
    )
    yield from found
    yield replace(ask, check="postgres.reachable", sure=0.85)


def _clients(step: Step, _text: str, ask: Ask) -> Iterator[Ask]:
    text = f"{step.around}\n{step.expected}"
    names = [name for name in _NAMES.findall(text) if re.fullmatch(r"[a-z_][\w-]*", name)]
    if names and re.search(r"\bonly\b|\bnobody else\b|\bnur\b|\bseuls?\b", text, re.IGNORECASE):
        yield replace(ask, keys={"users": names}, subject=" ".join(names))
        return
    from ..asks import Todo

    yield replace(ask, keys={"users": [Todo("the users that may be connected", "app")]}, sure=0.45, needs_limit=False)


def _statements(step: Step, text: str, ask: Ask) -> Iterator[Ask]:
    """Yield a check of slow statements: how slow is slow is said in words."""
    from ..quantities import read

    times = [each for each in read(step.expected) if each.unit in ("ms", "s", "m") and each.operator]
    filtered = _SLOWER.search(text)
    over = {"over": times[0].text if times else f"{filtered[1]}ms" if filtered else "1s"}
    if re.search(r"average of all|mean of all|on average over all", step.expected, re.IGNORECASE):
        yield replace(ask, check="postgres.mean_query_time", metric="query_time", needs_limit=True)
        return
    ask = replace(ask, keys=over, limits=((None, "== 0"),), metric=None)
    yield ask if times or filtered else replace(ask, sure=0.5, look="nothing says how slow is too slow")


def _plan(step: Step, text: str, ask: Ask) -> Iterator[Ask]:
    statement_text = re.sub(
        r"^explain\s*(?:\([^)]*\)\s*|analyze\s+|verbose\s+|analyse\s+)*",
        "",
        " ".join(step_sql(step, text).split()),
        flags=re.IGNORECASE,
    )
    if is_open(statement_text) or has_variables(statement_text):
        return
    index = _INDEX.search(step.expected)
    keys = {"sql": literal(statement_text)} | ({"index": index[1]} if index else {})
    table = _FROM.search(statement_text)
    yield replace(
        ask,
        keys=keys,
        name=named(f"{table[1] if table else 'query'}_plan"),
        subject=f"{statement_text} {index[1] if index else ''}",
    )


def step_sql(step: Step, text: str) -> str:
    """Return the statement as it is written, of which `text` is in lower case."""
    for command in step.line.commands:
        for option in option_values(command, ("-c", "--command")):
            for statement in sql.statements(option):
                if " ".join(statement.lower().split()) == text:
                    return statement
    for statement in sql.statements(step.line.text):
        if " ".join(statement.lower().split()) == text:
            return statement
    return text


def _sizes(_step: Step, text: str, ask: Ask) -> Iterator[Ask]:
    table = re.search(r"pg_(?:total_)?relation_size\s*\(\s*'([\w.]+)'", text)
    if table:
        yield replace(ask, keys={}, subject=table[1])
        return
    yield ask


_HERE = target_of()
_KNOWN = tuple(
    (words, Ask(check, _HERE, metric, needs_limit=needs, sure=sure), use)
    for words, check, metric, needs, sure, use in (
        (r"^explain\b", "postgres.plan", "plan_time", True, 0.8, _plan),
        (
            r"^select\s+(?:1|now\(\)|current_timestamp|current_date)\s*$",
            "postgres.reachable",
            None,
            False,
            0.9,
            _as_it_is,
        ),
        (r"^select\s+version\(\)|^show\s+server_version", "postgres.version", None, False, 0.85, _version),
        (
            r"pg_stat_replication|pg_last_xact_replay|replay_lag|pg_wal_lsn_diff|pg_last_wal",
            "postgres.replication_lag",
            "replication_lag",
            True,
            0.8,
            _replication,
        ),
        (
            r"pg_locks\b.*\bnot\s+(?:\w+\.)?granted|granted\s*=\s*(?:false|'f')|granted\s+is\s+false|pg_blocking_pids|wait_event_type\s*=\s*'lock'",
            "postgres.waiting_locks",
            "waiting_locks",
            False,
            0.85,
            _none,
        ),
        (r"idle in transaction", "postgres.idle_in_transaction", "idle_in_transaction", False, 0.8, _as_it_is),
        (
            r"pg_stat_activity.*(?:query_start|xact_start)|(?:query_start|xact_start).*pg_stat_activity",
            "postgres.longest_query",
            "longest_query",
            True,
            0.75,
            _as_it_is,
        ),
        (r"pg_stat_activity.*state\s*=\s*'active'", "postgres.active_queries", "active_queries", True, 0.85, _as_it_is),
        (
            r"(?:usename|client_addr|datname|application_name).*pg_stat_activity.*group by",
            "postgres.clients",
            None,
            False,
            0.7,
            _clients,
        ),
        (
            r"count\s*\(.*pg_stat_activity|pg_stat_activity.*count\s*\(|numbackends",
            "postgres.connections",
            "connections",
            False,
            0.85,
            _as_it_is,
        ),
        (r"pg_stat_activity", "postgres.active_queries", "active_queries", True, 0.5, _as_it_is),
        (r"pg_stat_statements", "postgres.slow_statements", "slow_statements", True, 0.75, _statements),
        (r"blks_hit|heap_blks_hit|idx_blks_hit", "postgres.cache_hit", "cache_hit", True, 0.85, _as_it_is),
        (r"deadlocks", "postgres.deadlocks", "deadlocks", True, 0.75, _none),
        (r"pg_stat_database\b", "postgres.checksum_failures", "checksums", True, 0.5, _none),
        (r"checksum_failures", "postgres.checksum_failures", "checksums", True, 0.8, _none),
        (r"pg_(?:total_)?relation_size|pg_table_size", "postgres.table_size", "size", True, 0.75, _sizes),
        (r"pg_stat_user_tables|pg_stat_all_tables|pg_statio", "", None, False, 0.0, _nothing),
    )
)
"""What statistics are asked for, in their order, and what to make of it."""


def _own(step: Step, statement: str, text: str, target: TargetHint) -> Iterator[Ask]:
    """Yield a question of the application's own: a count of a table, or any single value."""
    if is_open(statement) or has_variables(statement):
        return
    table = _COUNT.match(statement.strip())
    if table and not table[1].lower().startswith(("pg_", "information_schema")):
        if table[1].lower() == "django_migrations":
            return
        yield Ask("postgres.rows", target, "rows", keys={}, needs_limit=True, sure=0.8, subject=table[1])
        return
    if "information_schema.tables" in text or "pg_tables" in text:
        yield from _tables(step, target)
        return
    if _ONE_VALUE.match(statement) and not _GROUPED.search(statement):
        unit = {"unit": "B"} if "_size" in text else {}
        statement_text = _PRETTY.sub(r"\1", literal(" ".join(statement.split())))
        keys = {"sql": statement_text} | unit
        of = _FROM.search(statement)
        where = re.search(r"\bwhere\b(.*)", text)
        words = re.findall(r"'(\w+)'", where[1]) if where else []
        name = named("_".join([*words[:1], of[1] if of else "database_size" if unit else "value"]), "value")
        yield Ask(
            "postgres.query",
            target,
            "size" if unit else "value",
            keys=keys,
            name=name,
            needs_limit=True,
            sure=0.75,
            subject=statement,
        )


def _listed(step: Step, target: TargetHint, what: str) -> Iterator[Ask]:
    """Yield a check of the tables or indexes that psql is expected to list."""
    text = re.sub(r"^\W*\w+\s*:", "", step.expected.partition("\n")[0])
    names = [part.strip(" `.") for part in re.split(r",|\band\b|\n", text)]
    if names and all(_LISTED.fullmatch(name) for name in names):
        yield Ask(f"postgres.{what}", target, keys={"names": names}, sure=0.85, subject=" ".join(names))


def _tables(step: Step, target: TargetHint) -> Iterator[Ask]:
    names = [name for name in _NAMES.findall(step.expected) if re.fullmatch(r"[a-z_]\w*", name)]
    if names:
        yield Ask("postgres.tables", target, keys={"names": names}, sure=0.85, subject=" ".join(names))
