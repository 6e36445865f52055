"""Whatever is wrong with the history is one error that says what to do, and none of them takes long."""

from __future__ import annotations

import sqlite3
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_opscheck.history import History, HistoryError, Past, opened
from pytest_opscheck.history._store import bounded
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
    assert "of version 99, and this pytest-opscheck knows up to 1; upgrade" in fault(history)


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
    with pytest.raises(HistoryError, match="database is locked; another run or program has it"):
        past.record(run(result()))
    assert time.monotonic() - started < 5
    holder.execute("ROLLBACK")
    holder.close()


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "h").mkdir()
    assert "may write the file" in fault(History(tmp_path / "h", "shop"))


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
