"""PostgreSQL, a real one: each check red by its fault, and green again."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from .conftest import Run
from .databases import PASSWORD, Postgres, postgres
from .processes import free_port, wait_until


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres("max_connections=20", "superuser_reserved_connections=3", "log_statement=all") as server:
        server.execute(
            f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'",
            f"CREATE ROLE app LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT 4",
            "CREATE TABLE jobs (name text, status text, cost numeric, took interval, due timestamptz, retried bool)",
            "INSERT INTO jobs VALUES ('nightly', 'done', 2.50, '90 seconds', now(), true)",
            "INSERT INTO jobs VALUES ('hourly', 'stuck', 7, NULL, now(), false)",
            "GRANT ALL ON jobs TO reader",
        )
        yield server


def inventory(server: Postgres, more: str = "", *, user: str = "reader") -> str:
    return f'[postgres.main]\ndsn = "{server.dsn(user)}"\n{more}'


def test_connections_are_red_when_the_server_or_a_role_fills_up(run: Run, server: Postgres) -> None:
    assert run(inventory(server)).verdict("postgres.connections@main") == "ok"
    with ExitStack() as stack:
        for _ in range(15):
            stack.enter_context(server.connect("reader"))
        outcome = run(inventory(server))
        assert outcome.verdict("postgres.connections@main") == "breach P2"
        assert outcome.message("postgres.connections@main") == (
            "connections of the server (most are reader in postgres: 15) is at 88.2 %, expected < 80 %"
        )
        counted = inventory(server, '[postgres.main.expect]\nconnections = "<= 14"\nwaiting_locks = false')
        assert "is 15, expected <= 14" in run(counted).message("postgres.connections@main")
        for _ in range(2):
            stack.enter_context(server.connect("reader"))
        outcome = run(inventory(server))
        assert outcome.verdict("postgres.reachable@main") == "breach P0"
        assert "connection slots are reserved" in outcome.message("postgres.reachable@main")
        assert outcome.verdict("postgres.connections@main") == "blocked"
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(server.connect("app"))
        outcome = run(inventory(server))
        assert outcome.verdict("postgres.connections@main") == "breach P1"
        assert (
            outcome.message("postgres.connections@main") == "connections of the role app is at 100 %, expected < 95 %"
        )
    assert run(inventory(server)).verdict("postgres.connections@main") == "ok"


def test_a_database_without_an_encoding_of_its_own_is_read_as_text(run: Run, server: Postgres) -> None:
    server.execute("CREATE DATABASE plain TEMPLATE template0 ENCODING 'SQL_ASCII'")
    asked = """
        [postgres.main.query.state]
        sql = "select 'ready'::text"
        expect = "== ready"
        """
    outcome = run(f'[postgres.main]\ndsn = "{server.dsn(database="plain")}"\n{asked}')
    assert outcome.verdict("postgres.query.state@main") == "ok"


VALUES = {
    "bpchar": ("'ready'::char(10)", "== ready", "ok"),
    "bpchar_other": ("'reedy'::char(10)", "== ready", "breach P2"),
    "domain": ("'ready'::padded", "== ready", "ok"),
    "enum": ("'ready'::state", "== ready", "ok"),
    "text": ("'ready   '::text", "== ready", "breach P2"),
    "scale": ("1.0::numeric", "== 1", "ok"),
    "nan": ("'NaN'::numeric", "< 1", "unknown P2"),
    "nan_float": ("'NaN'::float8", "> 1", "unknown P2"),
    "infinite": ("'infinity'::float8", "< 1", "breach P2"),
    "truth": ("true", "== true", "ok"),
    "truth_of_psql": ("true", "== t", "ok"),
    "untruth_of_psql": ("false", "!= f", "breach P2"),
    "money": ("0::money", "!= 0", "unknown P2"),
    "bytes": ("'ready'::bytea", "!= failed", "unknown P2"),
    "array": ("array['ready']", "!= failed", "unknown P2"),
    "json": ("""'{"a": 1}'::json""", "!= failed", "unknown P2"),
    "json_text": ("""'"ready"'::jsonb""", "== ready", "ok"),
    "row": ("row(1, 2)", "!= failed", "unknown P2"),
    "moment": ("'infinity'::timestamptz", "!= failed", "unknown P2"),
    "day": ("current_date", "< 1h", "unknown P2"),
    "interval": ("interval '90 min'", "< 2h", "ok"),
    "latin": ("'caf' || chr(233)", "== café", "ok"),
}


def test_values_are_compared_as_postgresql_would_or_are_unknown(run: Run, server: Postgres) -> None:
    """A char(10) without its blanks, whatever the encoding; what is not one number, text or truth is never ok."""
    latin = server.dsn("admin", "latin")
    for name, encoding in (("latin", "LATIN1"), ("ascii", "SQL_ASCII")):
        server.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}'")
    with psycopg.connect(latin, autocommit=True) as admin:
        admin.execute("CREATE DOMAIN padded AS char(10)")
        admin.execute("CREATE TYPE state AS ENUM ('ready', 'failed')")
    text = f'[postgres.main]\ndsn = "{latin}"\n[postgres.plain]\ndsn = "{server.dsn(database="ascii")}"\n'
    for name, (value, expected, _) in VALUES.items():
        text += f'[postgres.main.query.{name}]\nsql = """select {value}"""\nexpect = "{expected}"\n'
    text += """[postgres.plain.query.latin]\nsql = "select 'caf' || chr(233)"\nexpect = "!= x"\n"""
    outcome = run(text)
    assert {name: outcome.verdict(f"postgres.query.{name}@main") for name in VALUES} == {
        name: verdict for name, (_, _, verdict) in VALUES.items()
    }
    for name in VALUES:
        assert "Error" not in outcome.message(f"postgres.query.{name}@main")
    assert outcome.verdict("postgres.query.latin@plain") == "unknown P2"
    assert "not UTF-8" in outcome.message("postgres.query.latin@plain")


@contextmanager
def lock_waited_for(server: Postgres) -> Iterator[None]:
    """Hold a lock in one session and want it in another."""
    with server.connect() as holder, server.connect() as waiter:
        holder.execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
        thread = threading.Thread(target=lambda: waiter.execute("SELECT count(*) FROM jobs"), daemon=True)
        thread.start()
        try:
            wait_until(lambda: waits(server), "a session that waits for a lock")
            yield
        finally:
            holder.rollback()
            thread.join(10)


def waits(server: Postgres) -> bool:
    with server.connect() as connection:
        found = connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return found is not None and found[0] == 1


def test_a_session_that_waits_for_a_lock_is_red_and_a_short_wait_is_not(run: Run, server: Postgres) -> None:
    soon = inventory(server, '[postgres.main.expect]\nwaiting_locks = { longer_than = "100ms" }')
    with lock_waited_for(server):
        time.sleep(0.2)
        outcome = run(soon)
        assert outcome.verdict("postgres.waiting_locks@main") == "breach P2"
        assert re.fullmatch(
            r"sessions waiting for a lock \[\d+ \(admin\) for \d+ s, for \d+\] is 1, expected 0",
            outcome.message("postgres.waiting_locks@main"),
        )
        patient = inventory(server, '[postgres.main.expect]\nwaiting_locks = { longer_than = "5m" }')
        assert run(patient).verdict("postgres.waiting_locks@main") == "ok"
    assert run(soon).verdict("postgres.waiting_locks@main") == "ok"


QUESTIONS = """
[postgres.main.query.stuck]
sql = "select count(*) from jobs where status = 'stuck'"
expect = { P1 = "== 0" }
[postgres.main.query.like]
sql = "select count(*) from jobs where name like '%ly'"
expect = "== 2"
[postgres.main.query.cost]
sql = "select name, cost from jobs order by name"
expect = "< 5"
[postgres.main.query.took]
sql = "select took from jobs where took is not null"
expect = "< 2m"
[postgres.main.query.age]
sql = "select extract(epoch from interval '7 hours')"
unit = "s"
expect = "< 6h"
[postgres.main.query.text]
sql = "select status from jobs where name = 'nightly'"
expect = "== done"
[postgres.main.query.truth]
sql = "select bool_or(retried) from jobs"
expect = true
[postgres.main.query.none]
sql = "select 1 from jobs where false"
expect = "== 1"
[postgres.main.query.null]
sql = "select max(took) from jobs where name = 'hourly'"
expect = "< 1h"
[postgres.main.query.nan]
sql = "select 'NaN'::float8"
expect = "< 1"
[postgres.main.query.moment]
sql = "select max(due) from jobs"
expect = "< 1h"
[postgres.main.query.wide]
sql = "select * from jobs"
expect = "== 1"
[postgres.main.query.huge]
sql = "select n from generate_series(1, 20000) n"
expect = "== 1"
[postgres.main.query.typo]
sql = "selec 1"
expect = "== 1"
[postgres.main.query.write]
sql = "with gone as (delete from jobs returning 1) select count(*) from gone"
expect = ">= 0"
[postgres.main.query.escape]
sql = "commit; begin read write; delete from jobs; commit; select 1"
expect = "== 1"
[postgres.main.query.unlock]
sql = "select set_config('transaction_read_only', 'off', false)"
expect = "== off"
"""


def test_questions_of_ones_own_are_judged_or_unknown_and_never_write(run: Run, server: Postgres) -> None:
    outcome = run(inventory(server, QUESTIONS))
    said = {
        name: (outcome.verdict(f"postgres.query.{name}@main"), outcome.message(f"postgres.query.{name}@main"))
        for name in re.findall(r"query\.(\w+)", QUESTIONS)
    }
    assert said["stuck"] == ("breach P1", "1, expected 0")
    assert said["like"] == ("ok", "2")
    assert said["cost"] == ("breach P2", "hourly is 7, expected < 5")
    assert said["took"] == ("ok", "1.5 min")
    assert said["age"] == ("breach P2", "7 h, expected < 6 h")
    assert said["text"] == ("ok", "done")
    assert said["truth"] == ("ok", "true")
    unknown = {
        "none": "no row",
        "null": "NULL",
        "nan": "NaN",
        "moment": "point in time",
        "wide": "2 row(s) of 6 column(s)",
        "huge": "more than 10000 rows",
        "typo": "syntax error",
        "write": "read-only transaction",
        "escape": "cannot insert multiple commands",
        "unlock": "read-write mode",
    }
    for name, why in unknown.items():
        assert said[name][0] == "unknown P2"
        assert why in said[name][1], name
    with server.connect() as connection:
        assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (2,)
    server.execute("UPDATE jobs SET status = 'done', cost = 1")
    outcome = run(inventory(server, QUESTIONS), "-k", "stuck or cost")
    assert outcome.verdict("postgres.query.stuck@main") == "ok"
    assert outcome.verdict("postgres.query.cost@main") == "ok"


def test_a_slow_question_is_ended_by_the_server(run: Run, server: Postgres) -> None:
    slow = """
[postgres.main.expect]
reachable = { timeout = 2 }
connections = false
waiting_locks = false
[postgres.main.query.slow]
sql = "select pg_sleep(60)::text"
timeout = "2s"
expect = "== 1"
"""
    outcome = run(inventory(server, slow))
    assert outcome.verdict("postgres.query.slow@main") == "unknown P2"
    assert "the query was ended after 1.8 s" in outcome.message("postgres.query.slow@main")
    assert "canceling statement due to statement timeout" in server.log()


def test_only_reads_reach_the_server(run: Run, server: Postgres) -> None:
    before = len(server.log())
    run(inventory(server, '[postgres.main.query.one]\nsql = "select 1"\nexpect = 1\n'))
    statements = re.findall(r"LOG:  (?:statement|execute <unnamed>): (.*)", server.log()[before:])
    assert len(statements) >= 12
    mark = r"/\* opscheck \*/"
    allowed = re.compile(
        rf"{mark} BEGIN READ ONLY; {mark} SET LOCAL statement_timeout = \d+; {mark} SET LOCAL idle_in_\w+ = \d+$"
        rf"|{mark} ROLLBACK$|{mark}\s+(select|with)\b",
        re.IGNORECASE,
    )
    assert [statement for statement in statements if statement.strip() and not allowed.match(statement.strip())] == []


def test_a_fixture_reads_and_cannot_write(run: Run, server: Postgres, tmp_path: os.PathLike[str]) -> None:
    project = tmp_path / "project"  # type: ignore[operator]
    project.mkdir()
    (project / "test_own.py").write_text(
        "import pytest\n"
        "@pytest.mark.daily\n"
        "def test_jobs(postgres, expect):\n"
        "    assert postgres.rows('select name from jobs where name = %s', ['hourly']) == [('hourly',)]\n"
        "    expect(postgres.scalar('select count(*) from jobs'), limit='== 2')\n"
        "@pytest.mark.daily\n"
        "def test_write(postgres):\n"
        "    postgres.scalar('delete from jobs returning 1')\n",
        encoding="utf-8",
    )
    outcome = run(inventory(server))
    assert outcome.verdict("own.jobs@main") == "ok"
    assert outcome.verdict("own.write@main").startswith("unknown")
    assert "read-only" in outcome.message("own.write@main")


OTHER_LIMITS = """
from pytest_opscheck import check, postgres
from pytest_opscheck.probes.postgres._tables import RowLimits, enough

@check(postgres.rows, asks={"tables": enough})
def test_most(rows, expect, *, tables: RowLimits = {"jobs": "< 9"}):
    \"\"\"There are not too many.\"\"\"
    for table in rows:
        expect(table.rows, subject=table.table, limit=tables[table.table])

@check(postgres.rows, asks={"tables": enough})
def test_least(rows, expect, *, tables: RowLimits = {"jobs": {"P3": "> 9", "P1": "> 0"}}):
    \"\"\"There are enough.\"\"\"
    for table in rows:
        expect(table.rows, subject=table.table, limit=tables[table.table])
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_checks_that_expect_other_things_of_the_same_rows_share_one_query(
    run: Run, server: Postgres, tmp_path: Path, workers: tuple[str, ...]
) -> None:
    """What is expected is not part of what is asked: here all limits are decided at 10 rows."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "test_own.py").write_text(OTHER_LIMITS, encoding="utf-8")
    before = len(server.log())
    outcome = run(inventory(server, '[postgres.main.expect]\nrows = { jobs = "<= 9" }'), *workers)
    verdicts = [outcome.verdict(f"postgres.{check}@main") for check in ("most", "least", "rows")]
    assert verdicts == ["ok", "breach P3", "ok"]
    asked = re.findall(r'select 1 from "public"\."jobs" limit (\d+)', server.log()[before:])
    assert asked == ["10"]


def test_refused_wrong_password_and_garbled_dsn_fail_reachable_alone(run: Run, server: Postgres) -> None:
    canary = "S3cret-canary"
    outcome = run(
        f"""
[postgres.refused]
dsn = "postgresql://reader:{canary}@127.0.0.1:{free_port()}/postgres"
[postgres.password]
dsn = "{server.dsn("reader", password=canary)}"
[postgres.database]
dsn = "{server.dsn("reader", database="nowhere")}"
[postgres.garbled]
dsn = "postgresql://reader:{canary}/x@127.0.0.1:5432/postgres"
""",
        "-vv",
    )
    expected = {
        "refused": "Connection refused",
        "password": "password authentication failed",
        "database": 'database "nowhere" does not exist',
        "garbled": "the dsn can't be meant",
    }
    assert outcome.message("postgres.reachable@refused").endswith(
        "failed: Connection refused; check whether it is running, and listens at that address"
    )
    for name, why in expected.items():
        assert outcome.verdict(f"postgres.reachable@{name}") == "breach P0"
        assert why in outcome.message(f"postgres.reachable@{name}")
        assert "\n" not in outcome.message(f"postgres.reachable@{name}")
        assert outcome.verdict(f"postgres.connections@{name}") == "blocked"
    assert canary not in outcome.output
    assert outcome.exit_status == 1


def test_a_server_that_takes_the_connection_and_says_nothing_costs_its_time_limit(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        outcome = run(
            f'[postgres.main]\ndsn = "postgresql://reader@127.0.0.1:{silent.getsockname()[1]}/x"\n'
            "[postgres.main.expect]\nwaiting_locks = false\nidle_in_transaction = false\n"
            "connections = { timeout = 3 }\nreachable = { timeout = 3 }\n"
        )
        assert time.monotonic() - started < 10
    assert outcome.verdict("postgres.reachable@main") == "breach P0"
    assert "timeout" in outcome.message("postgres.reachable@main")


def test_a_server_that_hangs_in_the_middle_is_given_up(server: Postgres) -> None:
    from pytest_opscheck.probes import UnknownError, UnreachableError
    from pytest_opscheck.probes.postgres import PostgresDatabase, kind, reachable

    with kind.connect(PostgresDatabase(dsn=server.dsn("reader")), 1.0) as connection:  # type: ignore[arg-type]
        pid = connection.scalar("select pg_backend_pid()")
        os.kill(pid, signal.SIGSTOP)
        try:
            started = time.monotonic()
            with pytest.raises(UnknownError, match="no answer within 1 s"):
                connection.scalar("select 1")
            assert reachable.read is not None
            with pytest.raises(UnreachableError, match="no answer within 1 s"):
                reachable.read(connection)
            with pytest.raises(UnreachableError):
                connection.scalar("select 1")
            assert time.monotonic() - started < 5
        finally:
            os.kill(pid, signal.SIGCONT)


def test_a_server_that_is_stopped_is_red_and_green_again(run: Run) -> None:
    with postgres() as stopped:
        text = inventory(stopped, user="admin")
        assert run(text).exit_status == 0
        stopped.process.send_signal(signal.SIGINT)
        stopped.process.wait(timeout=20)
        outcome = run(text)
    assert outcome.verdict("postgres.reachable@main") == "breach P0"
    assert {result["verdict"] for result in outcome.results.values()} == {"breach", "blocked"}
    assert outcome.exit_status == 1
