"""PostgreSQL's standbys, real ones: red while they are behind, cut off or missing, and green again."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from .conftest import Run
from .databases import PASSWORD, Postgres, postgres, standby
from .processes import wait_until

LAG = "postgres.replication_lag"


@pytest.fixture(scope="module")
def primary() -> Iterator[Postgres]:
    with postgres("wal_level=replica", "max_wal_senders=5") as server:
        server.execute(
            f"CREATE ROLE watcher LOGIN PASSWORD '{PASSWORD}'",
            f"CREATE ROLE plain LOGIN PASSWORD '{PASSWORD}'",
            "GRANT pg_monitor TO watcher",
            "CREATE TABLE notes (id int)",
        )
        yield server


def inventory(primary: Postgres, replica: Postgres, *, limit: str = "< 1s", user: str = "watcher") -> str:
    return f"""
[postgres.primary]
dsn = "{primary.dsn(user)}"
[postgres.primary.expect]
replication_lag = {{ P1 = "{limit}", standbys = 1 }}
[postgres.replica]
dsn = "{replica.dsn(user)}"
[postgres.replica.expect]
replication_lag = "{limit}"
"""


def test_a_standby_that_replays_no_more_is_red_and_an_idle_primary_is_not(run: Run, primary: Postgres) -> None:
    with standby(primary) as replica:
        primary.execute("INSERT INTO notes VALUES (1)")
        time.sleep(2)  # nothing is written meanwhile, so the last transaction that was replayed is older than the limit
        outcome = run(inventory(primary, replica))
        assert outcome.verdict(f"{LAG}@primary") == "ok"
        assert outcome.verdict(f"{LAG}@replica") == "ok"
        hidden = run(inventory(primary, replica, user="plain"))
        for target in ("primary", "replica"):
            assert hidden.verdict(f"{LAG}@{target}") == "unknown P1"
            assert hidden.message(f"{LAG}@{target}").endswith('is hidden; as a superuser: GRANT pg_monitor TO "plain"')

        replica.execute("SELECT pg_wal_replay_pause()")
        primary.execute("INSERT INTO notes VALUES (2)")
        outcome = run(inventory(primary, replica))
        assert outcome.verdict(f"{LAG}@primary") == "breach P1"
        assert re.fullmatch(
            r"lag of walreceiver at 127\.0\.0\.1 is \d+(\.\d+)? s, expected < 1 s", outcome.message(f"{LAG}@primary")
        )
        assert outcome.verdict(f"{LAG}@replica") == "breach P1"
        assert re.fullmatch(
            r"lag of this standby, whose replay is paused, is \d+(\.\d+)? s, expected < 1 s",
            outcome.message(f"{LAG}@replica"),
        )
        replica.execute("SELECT pg_wal_replay_resume()")
        wait_until(lambda: _notes(replica) == 2, "replay")
        assert run(inventory(primary, replica)).exit_status == 0


def test_a_standby_that_is_cut_off_or_gone_is_red_until_it_is_back(run: Run, primary: Postgres) -> None:
    with standby(primary) as replica:
        wait_until(lambda: _receives(replica), "streaming")
        primary_conninfo = _setting(replica, "primary_conninfo")
        assert run(inventory(primary, replica, limit="< 1h")).exit_status == 0
        replica.execute("ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=1'", "SELECT pg_reload_conf()")
        wait_until(lambda: not _receives(replica), "the end of streaming")
        outcome = run(inventory(primary, replica, limit="< 1h"))
        assert outcome.verdict(f"{LAG}@replica") == "breach P1"
        assert "replication from the primary is not connected, expected streaming" in outcome.message(f"{LAG}@replica")
        assert outcome.verdict(f"{LAG}@primary") == "breach P1"
        assert outcome.message(f"{LAG}@primary") == "standbys connected is 0, expected >= 1"
        quoted = primary_conninfo.replace("'", "''")
        replica.execute(f"ALTER SYSTEM SET primary_conninfo = '{quoted}'", "SELECT pg_reload_conf()")
        wait_until(lambda: _receives(replica), "streaming")
        outcome = run(inventory(primary, replica, limit="< 1h"))
        assert outcome.exit_status == 0
        assert PASSWORD not in outcome.output
    alone = (
        f'[postgres.primary]\ndsn = "{primary.dsn("watcher")}"\n[postgres.primary.expect]\nreplication_lag = "< 1m"\n'
    )
    outcome = run(alone)
    assert outcome.verdict(f"{LAG}@primary") == "unknown P1"
    assert "no standby is connected; set how many there should be: standbys = 1" in outcome.message(f"{LAG}@primary")


def _notes(server: Postgres) -> int:
    with server.connect() as connection:
        return int(connection.execute("SELECT count(*) FROM notes").fetchone()[0])  # type: ignore[index]


def _receives(server: Postgres) -> bool:
    with server.connect() as connection:
        found = connection.execute("SELECT status FROM pg_stat_wal_receiver").fetchone()
    return found == ("streaming",)


def _setting(server: Postgres, name: str) -> str:
    with server.connect() as connection:
        return str(connection.execute("SELECT current_setting(%s)", (name,)).fetchone()[0])  # type: ignore[index]
