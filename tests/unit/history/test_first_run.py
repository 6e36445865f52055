"""Many machines may begin with one empty database at once: one of them makes the tables, the others find them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from pytest_opscheck.history import History, HistoryError, Past, reading
from tests.live.databases import Postgres
from tests.live.processes import wait_until
from tests.unit.reports.values import result, run

MACHINES = 4


@pytest.mark.server
@pytest.mark.parametrize("level", ["committed", "serializable"])
def test_all_begin_at_once(server: Postgres, tmp_path: Path, level: str) -> None:
    """Each has seen that there are no tables when all wait for the same lock, and another one made them meanwhile."""
    name = f"first_{level}"
    default = level.replace("committed", "read committed")
    server.execute(f"CREATE DATABASE {name}", f"ALTER DATABASE {name} SET default_transaction_isolation = '{default}'")
    history = History(tmp_path / "none", "shop", url=server.dsn(database=name))

    def record(number: int) -> HistoryError | None:
        past = Past(history)
        past.record(replace(run(result()), id=str(number)))
        past.close()
        return past.fault

    try:
        with psycopg.connect(history.url or "", autocommit=True) as first, ThreadPoolExecutor(MACHINES) as pool:
            first.execute("SELECT pg_advisory_lock(7350518)")
            others = [pool.submit(record, number) for number in range(MACHINES)]

            def all_wait() -> bool:
                asked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                return first.execute(asked).fetchone() == (MACHINES,)

            wait_until(all_wait, "that all wait")
            first.execute("SELECT pg_advisory_unlock(7350518)")
            assert [other.result() for other in others] == [None] * MACHINES
        with reading(history) as records:
            assert records is not None
            assert len(records.runs()) == MACHINES
    finally:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
