"""PostgreSQL's tables, indexes and plans: each check red by its fault, and green again."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from .conftest import Run
from .databases import PASSWORD, Postgres, postgres


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as server:
        server.execute(
            f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'",
            "GRANT pg_read_all_data TO reader",
            f"CREATE ROLE blind LOGIN PASSWORD '{PASSWORD}'",
            "CREATE SCHEMA billing",
            "CREATE TABLE users (id int, name text)",
            'CREATE TABLE "Odd.""Name" (id int)',
            "CREATE TABLE billing.invoices (id int)",
            "CREATE VIEW positions AS SELECT 1 AS id",
            "CREATE TABLE logs (user_id int, made int, line text) PARTITION BY RANGE (made)",
            "CREATE TABLE logs_1 PARTITION OF logs FOR VALUES FROM (0) TO (10000)",
            "CREATE TABLE logs_2 PARTITION OF logs FOR VALUES FROM (10000) TO (30000)",
            "CREATE INDEX ix_logs_user ON logs (user_id)",
            "INSERT INTO logs SELECT n, n, repeat('x', 100) FROM generate_series(1, 20000) n",
            "ANALYZE logs",
        )
        yield server


def inventory(server: Postgres, expected: str, *, user: str = "reader") -> str:
    return f'[postgres.main]\ndsn = "{server.dsn(user)}"\n{expected}\n'


SCHEMA = """
[postgres.main.expect]
version = "== 15"
tables = ["users", 'public."Odd.""Name"', "billing.invoices", "logs"]
indexes = ["ix_logs_user", "ix_users"]
"""


def test_what_a_schema_lacks_is_red_until_it_is_there(run: Run, server: Postgres) -> None:
    major = server_version(server).partition(".")[0]
    said = SCHEMA.replace("15", major)
    server.execute("INSERT INTO users VALUES (1), (1)")
    with server.connect(autocommit=True) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY ix_users ON users (id)")
    outcome = run(inventory(server, said), suite="deploy_gate")
    assert outcome.verdict("postgres.version@main") == "ok"
    assert outcome.message("postgres.version@main") == f"version is {server_version(server)}"
    assert outcome.verdict("postgres.tables@main") == "ok"
    assert outcome.verdict("postgres.indexes@main") == "breach P1"
    assert outcome.message("postgres.indexes@main") == "ix_users of users is invalid, expected valid"

    server.execute("DROP INDEX ix_users", "ALTER TABLE users RENAME TO people")
    said = said.replace(f"== {major}", f">= {major}.999").replace('"users"', '"users", "invoices", "positions"')
    outcome = run(inventory(server, said), suite="deploy_gate")
    assert outcome.verdict("postgres.version@main") == "breach P1"
    assert outcome.message("postgres.version@main") == f"version is {server_version(server)}, expected >= {major}.999"
    assert outcome.message("postgres.tables@main") == (
        "users is missing, expected present; invoices is missing (there is billing.invoices), expected present; "
        "positions is a view, expected present"
    )
    assert outcome.message("postgres.indexes@main") == "ix_users is missing, expected valid"

    server.execute("ALTER TABLE people RENAME TO users", "TRUNCATE users", "CREATE INDEX ix_users ON users (id)")
    said = SCHEMA.replace("15", major)
    assert run(inventory(server, said), suite="deploy_gate").exit_status == 0


def server_version(server: Postgres) -> str:
    with server.connect() as connection:
        return str(connection.execute("SHOW server_version").fetchone()[0]).split()[0]  # type: ignore[index]


ROWS = """
[postgres.main.expect.rows]
users = "> 0"
"billing.invoices" = { P2 = "<= 2", P0 = "< 10" }
'public."Odd.""Name"' = "== 0"
"""


def test_empty_and_overfull_tables_are_red_and_what_cannot_be_counted_is_unknown(run: Run, server: Postgres) -> None:
    server.execute("TRUNCATE users, billing.invoices", "INSERT INTO billing.invoices SELECT generate_series(1, 1000)")
    outcome = run(inventory(server, ROWS + 'nowhere = "> 0"'))
    assert outcome.verdict("postgres.rows@main") == "breach P0"
    assert outcome.message("postgres.rows@main") == (
        "rows of billing.invoices is 11 or more, expected < 10; rows of users is 0, expected > 0; "
        "rows of nowhere: it is missing"
    )
    server.execute("DELETE FROM billing.invoices WHERE id > 2", "INSERT INTO users SELECT generate_series(1, 9)")
    outcome = run(inventory(server, ROWS))
    assert outcome.verdict("postgres.rows@main") == "ok"
    assert outcome["postgres.rows@main"]["measurements"][0]["value"] == 1
    denied = run(inventory(server, ROWS, user="blind"))
    assert denied.verdict("postgres.rows@main") == "unknown P1"
    assert (
        'rows of billing.invoices: the user of the dsn may not read it; as its owner: GRANT USAGE ON SCHEMA "billing" '
        'TO "blind"; GRANT SELECT ON "billing"."invoices" TO "blind"'
    ) in denied.message("postgres.rows@main")


def test_rows_that_row_security_hides_are_not_taken_for_none(run: Run, server: Postgres) -> None:
    said = '[postgres.main.expect]\nrows = { secured = "== 0" }'
    server.execute("CREATE TABLE secured AS SELECT 1 AS id", "ALTER TABLE secured ENABLE ROW LEVEL SECURITY")
    outcome = run(inventory(server, said))
    assert outcome.verdict("postgres.rows@main") == "unknown P1"
    assert 'hides rows from the user of the dsn; as a superuser: ALTER ROLE "reader" BYPASSRLS' in outcome.message(
        "postgres.rows@main"
    )
    server.execute('ALTER ROLE "reader" BYPASSRLS')
    assert run(inventory(server, said)).verdict("postgres.rows@main") == "breach P1"


def test_large_tables_are_red_each_or_all_until_they_are_small(run: Run, server: Postgres) -> None:
    def size(expected: str) -> tuple[str, str]:
        outcome = run(inventory(server, f"[postgres.main.expect]\ntable_size = {expected}"), suite="monthly")
        return outcome.verdict("postgres.table_size@main"), outcome.message("postgres.table_size@main")

    assert size('{ logs = "< 1GB", users = "< 1GB" }') == ("ok", "all 2 as expected")
    verdict, message = size('"< 1MB"')
    assert verdict == "breach P2"
    assert message.startswith("size of logs is ")  # all partitions together, with their indexes
    assert "logs_1" not in message
    assert size('{ P3 = "< 1MB", logs = "< 1GB" }')[0] == "ok"
    verdict, message = size('{ logs = { P1 = "< 100kB" }, nowhere = "< 1GB" }')
    assert verdict == "breach P1"
    assert "size of nowhere: it is missing" in message
    server.execute("CREATE TABLE archive AS SELECT * FROM logs WHERE made > 1000", "DELETE FROM logs WHERE made > 1000")
    with server.connect(autocommit=True) as connection:
        connection.execute("VACUUM FULL logs")
    assert size('{ logs = "< 1MB" }')[0] == "ok"
    server.execute("INSERT INTO logs SELECT * FROM archive", "DROP TABLE archive", "ANALYZE logs")


PLAN = """
[postgres.main.plan.logs_of_a_user]
sql = "select * from logs where user_id = 42 and line like '%x'"
index = "ix_logs_user"
expect = { P1 = "< 10s" }
"""


def test_a_query_that_does_not_use_its_index_is_red_until_it_does(run: Run, server: Postgres) -> None:
    outcome = run(inventory(server, PLAN), suite="weekly")
    assert outcome.verdict("postgres.plan.logs_of_a_user@main") == "ok"  # the index has other names on the partitions
    server.execute("DROP INDEX ix_logs_user")
    outcome = run(inventory(server, PLAN), suite="weekly")
    assert outcome.verdict("postgres.plan.logs_of_a_user@main") == "breach P2"
    assert outcome.message("postgres.plan.logs_of_a_user@main") == (
        "index ix_logs_user is missing (Seq Scan on logs_1, Seq Scan on logs_2), expected used"
    )
    server.execute("CREATE INDEX ix_logs_user ON logs (made)")
    outcome = run(inventory(server, PLAN), suite="weekly")
    assert "index ix_logs_user is not used (Seq Scan on logs_1" in outcome.message("postgres.plan.logs_of_a_user@main")
    server.execute("DROP INDEX ix_logs_user", "CREATE INDEX ix_logs_user ON logs (user_id)", "ANALYZE logs")
    assert run(inventory(server, PLAN), suite="weekly").exit_status == 0


def test_a_slow_query_is_red_and_one_that_writes_is_unknown(run: Run, server: Postgres) -> None:
    said = """
[postgres.main.plan.slow]
sql = "select pg_sleep(0.2)"
expect = "< 100ms"
[postgres.main.plan.endless]
sql = "select pg_sleep(60)"
expect = "< 100ms"
timeout = "1s"
[postgres.main.plan.writes]
sql = "with gone as (delete from users returning id) select * from gone"
expect = "< 1s"
[postgres.main.plan.two]
sql = "select 1; delete from users"
expect = "< 1s"
"""
    outcome = run(inventory(server, said), suite="weekly")
    assert outcome.verdict("postgres.plan.slow@main") == "breach P2"
    assert outcome.message("postgres.plan.slow@main").startswith("time is 20")
    assert "the query was ended after 0.9 s" in outcome.message("postgres.plan.endless@main")
    assert "read-only transaction" in outcome.message("postgres.plan.writes@main")
    assert "multiple commands" in outcome.message("postgres.plan.two@main")
    mended = said.replace("0.2", "0").split("[postgres.main.plan.endless]", maxsplit=1)[0]
    assert run(inventory(server, mended), suite="weekly").exit_status == 0
