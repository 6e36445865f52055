"""PostgreSQL's sessions: who is connected and what runs, each check red by its fault, and green again."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import pytest

from .conftest import Run
from .databases import PASSWORD, Postgres, pgbouncer, postgres, postgres_program
from .processes import running, wait_until


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres("wal_level=logical") as server:
        server.execute(
            f"CREATE ROLE watcher LOGIN PASSWORD '{PASSWORD}'",
            f"CREATE ROLE plain LOGIN PASSWORD '{PASSWORD}'",
            f"CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'",
            "GRANT pg_monitor TO watcher",
            "CREATE DATABASE other",
        )
        yield server


def inventory(server: Postgres, expected: str = "", *, user: str = "watcher", dsn: str | None = None) -> str:
    said = f"[postgres.main.expect]\n{expected}\n" if expected else ""
    return f'[postgres.main]\ndsn = "{dsn or server.dsn(user)}"\n{said}'


@contextmanager
def busy(server: Postgres, count: int, *, database: str = "postgres") -> Iterator[None]:
    """Have the application run so many statements that do not end by themselves, each for longer than is expected."""
    with ExitStack() as stack:
        for _ in range(count):
            session = stack.enter_context(psycopg.connect(server.dsn("app", database), autocommit=True))
            thread = threading.Thread(target=_until_cancelled, args=(session,), daemon=True)
            thread.start()
            stack.callback(thread.join, 10)
            stack.callback(session.cancel)
        wait_until(lambda: _long(server) >= count, "active statements")
        yield


def _until_cancelled(session: psycopg.Connection[object]) -> None:
    with pytest.raises(psycopg.errors.QueryCanceled):
        session.execute("SELECT pg_sleep(60)")


def _long(server: Postgres) -> int:
    asked = "query ~ '^SELECT pg_sleep' AND clock_timestamp() - query_start > '300ms'"
    with server.connect() as connection:
        found = connection.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {asked}").fetchone()
    assert found is not None
    return int(found[0])


QUERIES = 'active_queries = { P3 = "< 2", P1 = "<= 2" }\nlongest_query = { P3 = "< 300ms", P2 = "< 1h" }'


def test_active_and_long_statements_are_red_while_they_run(run: Run, server: Postgres) -> None:
    with server.connect("app") as idle, busy(server, 2, database="other"):
        idle.execute("SELECT 1")  # idle in a transaction, which is not active
        outcome = run(inventory(server, QUERIES))
        assert outcome.verdict("postgres.active_queries@main") == "ok"
        assert outcome.message("postgres.active_queries@main") == "active queries is 0"
        assert outcome.message("postgres.longest_query@main") == "longest query is 0 ms"
    with busy(server, 3):
        outcome = run(inventory(server, QUERIES))
        assert outcome.verdict("postgres.active_queries@main") == "breach P1"
        assert (
            outcome.message("postgres.active_queries@main") == "active queries (most are of app: 3) is 3, expected <= 2"
        )
        assert outcome.verdict("postgres.longest_query@main") == "breach P3"
        assert re.fullmatch(
            r"longest query \(app, pid \d+\) is \d+(\.\d+)? m?s, expected < 300 ms",
            outcome.message("postgres.longest_query@main"),
        )
        hidden = run(inventory(server, QUERIES, user="plain"))
        for name in ("active_queries", "longest_query"):
            assert hidden.verdict(f"postgres.{name}@main").startswith("unknown")
            assert hidden.message(f"postgres.{name}@main") == (
                'unknown: what the sessions of app do is hidden; as a superuser: GRANT pg_monitor TO "plain"'
            )
    assert run(inventory(server, QUERIES)).exit_status == 0


def test_who_reads_changes_is_a_client_and_no_statement(run: Run, server: Postgres) -> None:
    command = [postgres_program("pg_recvlogical"), "-d", server.dsn(), "--slot=changes", "--plugin=test_decoding"]
    subprocess.run([*command, "--create-slot"], check=True, capture_output=True)
    started = [*command, "--start", "--file=-", "--no-loop"]
    said = QUERIES + "\n" + 'clients = ["watcher"]'
    with running(started, log=server.folder / "changes.log"):
        wait_until(lambda: _reads_changes(server), "a reader of changes")
        outcome = run(inventory(server, said))
    assert outcome.message("postgres.active_queries@main") == "active queries is 0"
    assert outcome.message("postgres.longest_query@main") == "longest query is 0 ms"
    assert outcome.message("postgres.clients@main") == "unknown clients [admin from 127.0.0.1] is 1, expected 0"


def _reads_changes(server: Postgres) -> bool:
    with server.connect() as connection:
        return connection.execute("SELECT state FROM pg_stat_replication").fetchone() == ("streaming",)


def test_sessions_that_are_not_tracked_are_unknown(run: Run, server: Postgres) -> None:
    with server.connect(options="-c track_activities=off") as untracked:
        untracked.execute("SELECT 1")
        outcome = run(inventory(server, QUERIES))
    assert outcome.verdict("postgres.active_queries@main") == "unknown P1"
    assert "set track_activities = on" in outcome.message("postgres.active_queries@main")


def test_an_unknown_client_is_red_until_it_has_gone(run: Run, server: Postgres) -> None:
    known = inventory(server, 'clients = { users = ["app"], addresses = ["127.0.0.0/8"] }')
    socket = f"postgresql://app:{PASSWORD}@/postgres?host={server.folder}&port={server.port}"
    elsewhere = psycopg.connect(server.dsn("admin", "other"))
    with elsewhere, server.connect("app"):
        outcome = run(known)
        assert outcome.verdict("postgres.clients@main") == "ok"
        assert outcome.message("postgres.clients@main") == "unknown clients is 0"
        with server.connect("admin"), server.connect("admin"), psycopg.connect(socket):
            outcome = run(known)
            assert outcome.verdict("postgres.clients@main") == "breach P1"
            assert outcome.message("postgres.clients@main") == (
                "unknown clients [admin from 127.0.0.1 (2), app from local] is 3, expected 0"
            )
        assert run(inventory(server, 'clients = ["watcher"]')).verdict("postgres.clients@main") == "breach P1"
        blind = run(inventory(server, 'clients = ["app"]', user="plain"))
        assert blind.verdict("postgres.clients@main") == "unknown P1"
        assert 'GRANT pg_monitor TO "plain"' in blind.message("postgres.clients@main")
    with psycopg.connect(socket):
        local = inventory(server, 'clients = { users = ["app"], addresses = ["local"] }')
        assert run(local).verdict("postgres.clients@main") == "ok"


def test_pgbouncer_in_front_pools_transactions_and_its_refusals_say_what_mends_them(run: Run, server: Postgres) -> None:
    question = '[postgres.main.query.sleep]\nsql = "select pg_sleep(30)::text"\ntimeout = "2s"\nexpect = "== 1"\n'
    with pgbouncer(server, "transaction") as pooled:
        outcome = run(inventory(pooled, QUERIES) + question)
        assert outcome.verdict("postgres.reachable@main") == "ok"
        assert outcome.verdict("postgres.connections@main") == "ok"
        assert outcome.verdict("postgres.active_queries@main") == "ok"
        assert "the query was ended after 1.8 s" in outcome.message("postgres.query.sleep@main")
        with psycopg.connect(pooled.dsn("watcher")) as later:
            assert later.execute("SHOW statement_timeout").fetchone() == ("0",)
        refused = run(inventory(pooled, dsn=pooled.dsn("watcher") + "?options=-c%20statement_timeout%3D9s"))
        assert refused.verdict("postgres.reachable@main") == "breach P0"
        assert "leave `options` out of the dsn" in refused.message("postgres.reachable@main")
    with pgbouncer(server, "statement") as pooled:
        outcome = run(inventory(pooled))
        assert outcome.verdict("postgres.reachable@main") == "breach P0"
        assert "pool_mode must be transaction or session" in outcome.message("postgres.reachable@main")
