"""A history of its own for each test, in SQLite and in PostgreSQL: what holds for one holds for the other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_opscheck.core.results import Result, Run
from pytest_opscheck.history import History, Past
from tests.live.databases import Postgres, postgres
from tests.unit.reports import values

MORNING = dt.datetime(2026, 11, 20, 8, 0, tzinfo=dt.UTC)


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.server)])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    if request.param == "sqlite":
        yield History(tmp_path / "reports" / "history.sqlite3", "shop")
        return
    server: Postgres = request.getfixturevalue("server")
    name = f"h{abs(hash(request.node.nodeid))}"
    server.execute(f"CREATE DATABASE {name}")
    yield History(tmp_path / "none.sqlite3", "shop", url=server.dsn(database=name))
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


Ran = Callable[..., Run]


@pytest.fixture
def ran(history: History) -> Ran:
    """Record a run of results so many minutes after the first, as a session does, and return it."""
    count = iter(range(10_000))

    def made(*results: Result, minutes: float = 0, **fields: Any) -> Run:
        started = MORNING + dt.timedelta(minutes=minutes)
        past = Past(history)
        run = values.run(*past.compared(results, started))
        finished = started + dt.timedelta(seconds=2)
        run = replace(run, id=f"run{next(count)}", started=started, finished=finished, **fields)
        made_hash = past.record(run)
        past.close()
        assert past.fault is None
        return replace(run, hash=made_hash)

    return made
