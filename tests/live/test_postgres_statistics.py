"""What PostgreSQL counts: each check red by its fault, made for real, and green again."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from .conftest import Run
from .databases import PASSWORD, Postgres, cluster, postgres, serving


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres(
        "shared_preload_libraries=pg_stat_statements", "shared_buffers=1MB", "deadlock_timeout=100ms"
    ) as server:
        server.execute(
            f"CREATE ROLE watcher LOGIN PASSWORD '{PASSWORD}'",
            f"CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'",
            "CREATE TABLE accounts AS SELECT n AS id, 0 AS balance FROM generate_series(1, 2) n",
            "CREATE TABLE large AS SELECT n, repeat('x', 500) AS text FROM generate_series(1, 20000) n",
            "GRANT ALL ON accounts, large TO app",
            'CREATE SCHEMA "Ext"',
            'CREATE EXTENSION pg_stat_statements SCHEMA "Ext"',
        )
        yield server


def inventory(server: Postgres, expected: str, *, user: str = "watcher") -> str:
    return f'[postgres.main]\ndsn = "{server.dsn(user)}"\n[postgres.main.expect]\n{expected}\n'


STATEMENTS = 'mean_query_time = "< 100ms"\nslow_statements = { P3 = "== 0", over = "100ms" }'
COUNT_ANEW = ('GRANT USAGE ON SCHEMA "Ext" TO watcher', 'SELECT "Ext".pg_stat_statements_reset()')


def test_without_the_extension_or_its_privileges_the_message_says_what_to_do(run: Run, server: Postgres) -> None:
    def says(server: Postgres, what: str) -> None:
        outcome = run(inventory(server, STATEMENTS, user="watcher" if server is with_extension else "admin"))
        for name in ("mean_query_time", "slow_statements"):
            assert outcome.verdict(f"postgres.{name}@main").startswith("unknown")
            assert what in outcome.message(f"postgres.{name}@main")

    with_extension = server
    server.execute('REVOKE USAGE ON SCHEMA "Ext" FROM watcher')
    says(
        server,
        'is not for the user of the dsn; as its owner: GRANT USAGE ON SCHEMA "Ext" TO "watcher"; '
        'GRANT SELECT ON "Ext"."pg_stat_statements" TO "watcher"',
    )
    with postgres() as bare:
        says(bare, "as a superuser: CREATE EXTENSION pg_stat_statements")
        bare.execute("CREATE EXTENSION pg_stat_statements")
        says(bare, "is not loaded; name it in shared_preload_libraries, and restart the server")


def test_slow_statements_are_red_until_they_are_counted_anew(run: Run, server: Postgres) -> None:
    server.execute(*COUNT_ANEW)
    with server.connect("app", autocommit=True) as app:
        for _ in range(2):
            app.execute("SELECT pg_sleep(0.3), 'S3cret'")
    outcome = run(inventory(server, STATEMENTS))
    assert outcome.verdict("postgres.mean_query_time@main") == "breach P2"
    assert re.fullmatch(
        r"mean of \d calls is \d+(\.\d+)? ms, expected < 100 ms", outcome.message("postgres.mean_query_time@main")
    )
    assert outcome.verdict("postgres.slow_statements@main") == "breach P3"
    assert "on average of 2: one whose text only a member of pg_monitor may see]" in outcome.message(
        "postgres.slow_statements@main"
    )
    server.execute("GRANT pg_monitor TO watcher")
    slow = run(inventory(server, STATEMENTS)).message("postgres.slow_statements@main")
    assert re.fullmatch(
        r"slow statements \[0\.3\d* s on average of 2: SELECT pg_sleep\(\$1\), \$2\] is 1, expected 0", slow
    )
    server.execute('SELECT "Ext".pg_stat_statements_reset()', "SELECT count(*) FROM accounts")
    assert run(inventory(server, STATEMENTS)).exit_status == 0


def test_what_the_checks_ask_is_no_statement_of_the_application(run: Run, server: Postgres) -> None:
    server.execute(*COUNT_ANEW)
    own = "[postgres.main.query.sleep]\nsql = \"select 'slept' from pg_sleep(0.3)\"\nexpect = '== slept'\n"
    for _ in range(2):
        outcome = run(inventory(server, STATEMENTS) + own)
    assert outcome.message("postgres.slow_statements@main") == "slow statements is 0"
    assert outcome.verdict("postgres.mean_query_time@main") in ("ok", "unknown P2")


def test_a_deadlock_is_red_once_and_within_a_rates_window(run: Run, server: Postgres) -> None:
    said = 'deadlocks = "== 0"'
    assert run(inventory(server, said)).verdict("postgres.deadlocks@main") == "ok"
    deadlock(server)
    outcome = run(inventory(server, said))
    assert outcome.verdict("postgres.deadlocks@main") == "breach P0"
    said_of = outcome.message("postgres.deadlocks@main")
    assert re.fullmatch(r"deadlocks is 1 \(in the last \d+ s\), expected 0", said_of)
    assert run(inventory(server, said)).verdict("postgres.deadlocks@main") == "ok", "none since the last run"
    rate = run(inventory(server, 'deadlocks = { P3 = "< 1/day", P0 = "< 20/day" }'))
    assert rate.verdict("postgres.deadlocks@main") == "breach P3"
    assert re.fullmatch(
        r"deadlocks is 1/day \(in the last \d+ s\), expected < 1/day", rate.message("postgres.deadlocks@main")
    )
    server.execute("SELECT pg_stat_reset()")
    outcome = run(inventory(server, said))
    assert outcome.verdict("postgres.deadlocks@main") == "ok"
    assert re.fullmatch(r"deadlocks is 0 \(in the last \d+ s\)", outcome.message("postgres.deadlocks@main"))
    deadlock(server)
    assert run(inventory(server, said)).verdict("postgres.deadlocks@main") == "breach P0"
    server.execute("SELECT pg_stat_reset()")
    deadlock(server)
    outcome = run(inventory(server, said))
    assert outcome.verdict("postgres.deadlocks@main") == "breach P0", "as many as before, and all of them new"


def deadlock(server: Postgres) -> None:
    """Let two transactions wait for each other until the server ends one of them."""
    failed: list[psycopg.Error] = []

    def update(connection: psycopg.Connection[object], row: int) -> None:
        try:
            connection.execute("UPDATE accounts SET balance = 0 WHERE id = %s", (row,))
        except psycopg.errors.DeadlockDetected as error:
            failed.append(error)
        finally:
            if failed:
                connection.rollback()

    with server.connect("app") as one, server.connect("app") as other:
        update(one, 1)
        update(other, 2)
        thread = threading.Thread(target=update, args=(one, 2), daemon=True)
        thread.start()
        update(other, 1)
        thread.join(10)
    assert len(failed) == 1


def test_a_cache_that_is_too_small_is_red(run: Run, server: Postgres) -> None:
    said = 'cache_hit = { P3 = "> 95%" }'
    server.execute("SELECT pg_stat_reset()")
    with server.connect("app", autocommit=True) as app:
        for _ in range(3):
            app.execute("SELECT count(*) FROM large")
    outcome = run(inventory(server, said))
    assert outcome.verdict("postgres.cache_hit@main") == "breach P3"
    assert outcome.message("postgres.cache_hit@main").endswith(" %, expected > 95 %")
    server.execute("SELECT pg_stat_reset()")
    with server.connect("app", autocommit=True) as app:
        for _ in range(500):
            app.execute("SELECT count(*) FROM accounts")
    outcome = run(inventory(server, said))
    assert outcome.verdict("postgres.cache_hit@main") == "ok"
    (counted,) = outcome["postgres.cache_hit@main"]["counters"]
    assert re.fullmatch(r"database \d+ since \d{4}-\d\d-\d\d .*", counted["counted_by"])


def test_a_damaged_page_is_red_once_it_is_read(run: Run, server: Postgres) -> None:
    said = 'checksum_failures = "== 0"'
    unknown = run(inventory(server, said))
    assert unknown.verdict("postgres.checksum_failures@main") == "unknown P0"
    assert "pg_checksums --enable" in unknown.message("postgres.checksum_failures@main")
    with cluster("--data-checksums") as folder:
        with serving(folder) as sound:
            sound.execute("CREATE TABLE accounts AS SELECT generate_series(1, 100) AS id", "CHECKPOINT")
            with sound.connect() as connection:
                (file,) = connection.execute("SELECT pg_relation_filepath('accounts')").fetchone()  # type: ignore[misc]
            assert run(inventory(sound, said, user="admin")).verdict("postgres.checksum_failures@main") == "ok"
        damage(folder / "data" / file)
        with serving(folder) as damaged:
            assert run(inventory(damaged, said, user="admin")).verdict("postgres.checksum_failures@main") == "ok"
            with damaged.connect() as connection, pytest.raises(psycopg.errors.DataCorrupted):
                connection.execute("SELECT count(*) FROM accounts")
            outcome = run(inventory(damaged, said, user="admin"))
            assert outcome.verdict("postgres.checksum_failures@main") == "breach P0"
            assert re.fullmatch(
                r"checksum failures in database postgres \(the last at [-\d]+ [:\d]+ UTC\) is 1, expected 0",
                outcome.message("postgres.checksum_failures@main"),
            )
            damaged.execute("DROP TABLE accounts", "SELECT pg_stat_reset()")
            assert run(inventory(damaged, said, user="admin")).verdict("postgres.checksum_failures@main") == "ok"


def damage(file: Path) -> None:
    """Flip bits within the first page of a table's file."""
    with file.open("r+b") as opened:
        opened.seek(8000)
        byte = opened.read(1)[0]
        opened.seek(8000)
        opened.write(bytes([byte ^ 0xFF]))
