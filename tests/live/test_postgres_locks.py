"""PostgreSQL's locks: who waits, for whom, and who holds them without doing anything; each red by its fault."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator

import psycopg
import pytest

from .conftest import Run
from .databases import PASSWORD, Postgres, postgres
from .processes import wait_until


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres("max_prepared_transactions=5") as server:
        server.execute(
            f"CREATE ROLE watcher LOGIN PASSWORD '{PASSWORD}'",
            f"CREATE ROLE plain LOGIN PASSWORD '{PASSWORD}'",
            f"CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'",
            "GRANT pg_monitor TO watcher",
            "CREATE TABLE jobs (name text)",
            "INSERT INTO jobs VALUES ('nightly')",
            "GRANT ALL ON jobs TO app",
        )
        yield server


EXPECT = """
[postgres.main.expect]
waiting_locks = { P2 = "== 0", longer_than = "100ms" }
idle_in_transaction = { P3 = "< 300ms", P1 = "< 1h" }
"""
WAITING, IDLE = "postgres.waiting_locks@main", "postgres.idle_in_transaction@main"


def inventory(server: Postgres, user: str = "watcher", more: str = EXPECT) -> str:
    return f'[postgres.main]\ndsn = "{server.dsn(user)}"\n{more}'


def waits(server: Postgres) -> bool:
    with server.connect() as connection:
        asked = "SELECT coalesce(max(clock_timestamp() - waitstart), '0') > '400ms' FROM pg_locks WHERE NOT granted"
        return connection.execute(asked).fetchone() == (True,)


@contextlib.contextmanager
def updating(server: Postgres) -> Iterator[None]:
    """Have the application wait for a row that somebody else has changed."""
    session = server.connect("app", autocommit=True)

    def update() -> None:
        with contextlib.suppress(psycopg.errors.QueryCanceled):
            session.execute("UPDATE jobs SET name = 'waits'")

    thread = threading.Thread(target=update, daemon=True)
    thread.start()
    try:
        wait_until(lambda: waits(server), "a session that waits")
        yield
    finally:
        session.cancel()
        thread.join(10)
        session.close()


def test_a_prepared_transaction_is_named_by_who_waits_for_it_and_is_idle_itself(run: Run, server: Postgres) -> None:
    """It has no session: before it was "0" for which others waited, and where nobody waits nothing showed it."""
    with server.connect(autocommit=True) as admin:
        admin.execute("BEGIN")
        admin.execute("UPDATE jobs SET name = 'lost'")
        admin.execute("PREPARE TRANSACTION 'lost one'")
    try:
        with updating(server):
            outcome = run(inventory(server))
        named = r"\(app\) for \d+ s, for the prepared transaction 'lost one' \(admin, \d+ s old; ROLLBACK PREPARED or"
        assert outcome.verdict(WAITING) == "breach P2"
        assert re.search(named, outcome.message(WAITING)), outcome.message(WAITING)
        # Who may see no other user's session sees these all the same.
        outcome = run(inventory(server, "plain"))
        assert outcome.verdict(IDLE) == "breach P3"
        assert "(the prepared transaction 'lost one' of admin) is " in outcome.message(IDLE)
    finally:
        server.execute("ROLLBACK PREPARED 'lost one'")
    assert run(inventory(server, more="")).verdict(IDLE) == "ok"


@contextlib.contextmanager
def working(server: Postgres) -> Iterator[None]:
    """Have the application read a table in a statement that does not end by itself."""
    session = server.connect("app")

    def work() -> None:
        with contextlib.suppress(psycopg.errors.QueryCanceled):
            session.execute("SELECT pg_sleep(60) FROM jobs")

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        session.cancel()
        thread.join(10)
        session.close()


def test_a_session_idle_in_a_transaction_that_holds_locks_is_red(run: Run, server: Postgres) -> None:
    """One that holds none is nobody's concern, and neither is one that works."""
    with server.connect("app") as idle, server.connect("app") as harmless, working(server):
        harmless.execute("SELECT 1")
        outcome = run(inventory(server))
        assert outcome.message(IDLE) == "longest idle in a transaction is 0 ms", outcome.output
        idle.execute("UPDATE jobs SET name = 'held'")
        with updating(server):
            outcome = run(inventory(server))
            assert outcome.verdict(WAITING) == "breach P2"
            named = rf"\(app\) for \d+ s, for {idle.info.backend_pid} \(app, idle in a transaction for \d+ s\)"
            assert re.search(named, outcome.message(WAITING)), outcome.message(WAITING)
            assert outcome.verdict(IDLE) == "breach P3"
            assert f"(app, pid {idle.info.backend_pid}) is" in outcome.message(IDLE)
        blind = run(inventory(server, "plain"))
        assert blind.verdict(IDLE) == "unknown P1"
        assert 'what the sessions of app do is hidden; as a superuser: GRANT pg_monitor TO "plain"' in (
            blind.message(IDLE)
        )
        default = run(inventory(server, more=""))
        assert default.verdict(IDLE) == "ok", "the default limit is minutes"
        assert f"(app, pid {idle.info.backend_pid})" in default.message(IDLE)
    assert run(inventory(server, "plain")).verdict(IDLE) == "ok"
