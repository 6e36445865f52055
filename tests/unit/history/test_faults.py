"""Whatever is wrong with the history is one error that says what to do, and none of them takes long."""

from __future__ import annotations

import sqlite3
import threading
import time
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from pytest_opscheck.history import History, HistoryError, Past, opened
from pytest_opscheck.history._schema import VERSION
from pytest_opscheck.history._store import bounded
from tests.live.databases import PASSWORD, Postgres
from tests.live.processes import free_port
from tests.unit.reports.values import result, run


def fault(history: History) -> str:
    past = Past(history)
    assert past.compared([result()], run().started) == (result(),)
    with pytest.raises(HistoryError) as error:
        past.record(run(result()))
    past.close()
    return str(error.value)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "h").write_text("no database" * 1000)
    assert "it is damaged: move it away" in fault(History(tmp_path / "h", "shop"))
    assert (tmp_path / "h").read_text().startswith("no database")


def test_a_file_that_is_damaged(tmp_path: Path) -> None:
    history = History(tmp_path / "h", "shop")
    for number in range(30):
        Past(history).record(replace(run(result(message="x" * 400)), id=str(number)))
    content = bytearray((tmp_path / "h").read_bytes())
    content[4096 * 1 : 4096 * 12] = b"\xff" * 4096 * 11
    (tmp_path / "h").write_bytes(content)
    assert "move it away" in fault(history)


def test_a_newer_version(history: History) -> None:
    with opened(history, create=True) as store:
        assert store is not None
        store.rows("UPDATE opscheck_schema SET version = 99")
    assert f"has version 99, and this pytest-opscheck supports up to {VERSION}; upgrade" in fault(history)


def test_a_locked_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers don't wait for a writer; another writer waits for so long, and no longer."""
    monkeypatch.setattr("pytest_opscheck.history._store.BUSY_S", 0.5)
    history = History(tmp_path / "h", "shop")
    Past(history).record(run(result()))
    holder = sqlite3.connect(tmp_path / "h", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    past = Past(history)
    [compared] = past.compared([result()], run().started)
    assert compared.change is not None
    started = time.monotonic()
    with pytest.raises(HistoryError, match="database is locked; another run or program has kept it"):
        past.record(run(result()))
    assert time.monotonic() - started < 5
    holder.execute("ROLLBACK")
    holder.close()


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "h").mkdir()
    assert "write access to the file" in fault(History(tmp_path / "h", "shop"))


def test_a_file_in_the_place_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("")
    with pytest.raises(HistoryError, match=r"(Not a directory|File exists)"):
        Past(History(tmp_path / "reports" / "h", "shop")).record(run(result()))


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    url = f"postgresql://ops:Canary-9Kz@127.0.0.1:{free_port()}/db"
    said = fault(History(tmp_path / "h", "shop", url=url))
    assert "refused" in said
    assert "Canary" not in said
    assert "Canary" not in repr(History(tmp_path / "h", "shop", url=url))


def test_what_never_answers_is_given_up(tmp_path: Path) -> None:
    never = threading.Event()
    started = time.monotonic()
    with pytest.raises(HistoryError, match=r"no answer within 0\.2 s"):
        bounded(never.wait, History(tmp_path / "h", "shop"), 0.2)
    assert time.monotonic() - started < 2
    never.set()


def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    past = Past(History(tmp_path / "reports" / "h", "shop"))
    past.compared([result()], run().started)
    past.close()
    assert past.fault is None
    assert not (tmp_path / "reports").exists()


def test_an_empty_file_which_a_killed_run_may_leave(tmp_path: Path) -> None:
    (tmp_path / "h").write_bytes(b"")
    past = Past(History(tmp_path / "h", "shop"))
    [compared] = past.compared([result()], run().started)
    assert compared.change is not None
    past.record(run(result()))
    past.close()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE opscheck_run SET started = 'yesterday'",
        "UPDATE opscheck_result SET verdict = 'fine'",
        "DELETE FROM opscheck_chain",
    ],
)
def test_what_somebody_has_changed_by_hand(history: History, sql: str) -> None:
    """Whatever stands there, a run has its verdict and its reports, and a line that says what to do."""
    Past(history).record(run(result()))
    with opened(history) as store:
        assert store is not None
        store.rows(sql)
    past = Past(history)
    past.compared([result()], run().started)
    error = past.fault
    if error is None:
        with pytest.raises(HistoryError) as caught:
            past.record(replace(run(result()), id="another"))
        error = caught.value
    past.close()
    assert "it contains something that no run has written" in str(error)
    assert "see `opscheck history verify`" in str(error)


def test_a_fault_of_our_own_is_one_of_the_history_too(tmp_path: Path) -> None:
    def work() -> None:
        raise RuntimeError("out of\nluck")

    with pytest.raises(HistoryError, match=r"RuntimeError: out of luck; this is a bug in pytest-opscheck"):
        bounded(work, History(tmp_path / "h", "shop"))


def test_a_url_that_cannot_be_meant(tmp_path: Path) -> None:
    """No piece of the password is quoted, as the client's own error does."""
    said = fault(History(tmp_path / "h", "shop", url="postgresql://ops:Can@ary%zz@db/ops"))
    assert said == (
        "the url of [history] can't be meant; "
        "write postgresql://USER:PASSWORD@HOST:5432/DATABASE, and in the password %40 for @, %2F for /"
    )


@pytest.mark.server
def test_what_a_server_refuses(server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each refusal says what fixes it."""
    monkeypatch.setattr("pytest_opscheck.history._store.BUSY_S", 1.0)
    server.execute("CREATE DATABASE refuses", f"CREATE USER guest PASSWORD '{PASSWORD}'")
    owner = History(tmp_path / "h", "shop", url=server.dsn(database="refuses"))
    guest = replace(owner, url=server.dsn(user="guest", database="refuses"))

    def refused(history: History) -> str:
        with pytest.raises(HistoryError) as error:
            Past(history).record(run(result()))
        return str(error.value)

    try:
        with psycopg.connect(owner.url or "", autocommit=True) as connection:
            connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
            assert "let the user create its tables: GRANT USAGE, CREATE ON SCHEMA public" in refused(guest)
            Past(owner).record(run(result()))
            assert "let its user read and write the tables" in refused(guest)
            with connection.transaction():
                connection.execute("LOCK opscheck_chain")
                assert "another run or program has kept its tables locked" in refused(owner)
            connection.execute("ALTER DATABASE refuses SET default_transaction_read_only = on")
            assert "names a standby: name the primary" in refused(owner)
        assert "check the user and password" in refused(replace(owner, url=server.dsn(password="another")))
        assert "is running and can be reached from here" in refused(replace(owner, url="postgresql://127.0.0.1:1/db"))
    finally:
        server.execute("DROP DATABASE refuses WITH (FORCE)", "DROP USER guest")
