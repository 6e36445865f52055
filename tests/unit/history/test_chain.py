"""Runs are chained by hash: one that was changed or removed shows; age alone takes runs away, from the beginning."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_opscheck.history import History, HistoryError, Past, exported, imported, opened, reading, verified
from tests.unit.reports.values import measurement, ok, result

from .conftest import MORNING, Ran


def three(ran: Ran) -> list[str]:
    return [
        ran(result(measurements=(measurement(value=day),)), ok(id="a@b"), minutes=day * 1440).hash or ""
        for day in range(3)
    ]


def problems(history: History) -> list[str]:
    with opened(history) as store:
        assert store is not None
        return [text.partition(" (")[0] for text in verified(store).problems]


def test_a_chain_that_holds(history: History, ran: Ran) -> None:
    hashes = three(ran)
    with opened(history) as store:
        assert store is not None
        found = verified(store, hashes[1])
        assert (found.runs, found.problems, found.newest, found.found) == (3, (), hashes[2], True)
        assert not verified(store, "0" * 64).found


TAMPERED = {
    "UPDATE opscheck_run SET exit_status = 0 WHERE seq = 2": ["run 2"],
    "UPDATE opscheck_run SET started = '2026-11-19T08:00:00.000Z' WHERE seq = 1": ["run 1"],
    "UPDATE opscheck_result SET verdict = 'ok' WHERE run = 2 AND place = 0": ["run 2"],
    "UPDATE opscheck_result SET place = place + 10 WHERE run = 2 AND place = 0": ["run 2"],
    "DELETE FROM opscheck_result WHERE run = 3 AND place = 1": ["run 3"],
    "UPDATE opscheck_measurement SET value = 5.5 WHERE run = 2": ["run 2"],
    "UPDATE opscheck_measurement SET breached = NULL WHERE run = 2": ["run 2"],
    "DELETE FROM opscheck_measurement WHERE run = 1": ["run 1"],
    "UPDATE opscheck_subject SET subject = '/tmp'": ["run 1", "run 2", "run 3"],
    "UPDATE opscheck_series SET result = 'b@b' WHERE result = 'a@b'": ["run 1", "run 2", "run 3"],
    "DELETE FROM opscheck_series WHERE result = 'a@b'": ["run 1", "run 2", "run 3"],
    "UPDATE opscheck_text SET content = '{}' WHERE id = 1": ["run 1", "run 2", "run 3"],
    "DELETE FROM opscheck_text WHERE id = 1": ["run 1", "run 2", "run 3"],
    "DELETE FROM opscheck_run WHERE seq = 2": ["run 2 of the chain is missing"],
    "DELETE FROM opscheck_run WHERE seq < 3": ["runs 1 to 2 of the chain are missing"],
    "DELETE FROM opscheck_run WHERE seq = 3": ["the newest run is not the one that was written last, which was run 3"],
    "UPDATE opscheck_run SET before = hash WHERE seq = 2": ["run 2", "run 2"],
}


@pytest.mark.parametrize("sql", TAMPERED)
def test_what_is_changed_or_removed_shows(history: History, ran: Ran, sql: str) -> None:
    three(ran)
    with opened(history) as store:
        assert store is not None
        store.rows(sql)
    assert problems(history) == TAMPERED[sql]


def test_runs_are_kept_for_so_long(history: History, ran: Ran) -> None:
    """The limit is taken from the run that ends: what is older goes, and the rest of the chain holds."""
    hashes = three(ran)
    short = replace(history, keep_s=86400.0)
    run = replace(ran(ok(id="new@b"), minutes=2 * 1440 + 5), id="later")
    past = Past(short)
    newest = past.record(replace(run, started=MORNING + dt.timedelta(days=2, minutes=9)))
    assert problems(history) == []
    with opened(history) as store:
        assert store is not None
        found = verified(store, hashes[1])
        assert (found.runs, found.removed, found.newest, found.found) == (3, 2, newest, True)
        assert not verified(store, hashes[0]).found
        assert store.rows("SELECT count(*) FROM opscheck_measurement WHERE run <= 2") == [(0,)]
        assert store.rows(
            "SELECT count(*) FROM opscheck_subject WHERE id NOT IN (SELECT subject FROM opscheck_measurement)"
        ) == [(0,)]
    with reading(history) as records:
        assert records is not None
        assert len(records.runs()) == 3


def lines_of(history: History) -> list[str]:
    with opened(history) as store:
        assert store is not None
        return list(exported(store))


def test_export_and_import(history: History, ran: Ran, tmp_path: Path) -> None:
    three(ran)
    lines = lines_of(history)
    assert [json.loads(line)["seq"] for line in lines] == [1, 2, 3]
    other = History(tmp_path / "other" / "history.sqlite3", "shop")
    with opened(other, create=True) as store:
        assert store is not None
        assert imported(store, lines[:2]) == (2, 0)
        assert imported(store, ["\n", *lines]) == (1, 2)
    assert lines_of(other) == lines
    assert problems(other) == []


def test_import_of_a_later_part(history: History, ran: Ran, tmp_path: Path) -> None:
    three(ran)
    lines = lines_of(history)
    other = History(tmp_path / "other.sqlite3", "shop")
    with opened(other, create=True) as store:
        assert store is not None
        assert imported(store, lines[1:]) == (2, 0)
        assert verified(store).removed == 1
    assert problems(other) == []


def test_import_of_what_does_not_continue_the_chain(history: History, ran: Ran, tmp_path: Path) -> None:
    three(ran)
    lines = lines_of(history)
    changed = lines[1].replace('"exit_status":1', '"exit_status":0')
    assert changed != lines[1]
    refused = {
        "another one here": lines[2].replace(json.loads(lines[2])["hash"], "1" * 64),
        "does not follow run 3": lines[2].replace('"seq":3', '"seq":5'),
        "is not JSON": "{",
        "as `opscheck history export` writes one": "[]",
        "seq is missing": '{"schema": "opscheck.history/1"}',
    }
    with opened(history) as store:
        assert store is not None
        for why, line in refused.items():
            with pytest.raises(HistoryError, match=why):
                imported(store, [line])
    assert lines_of(history) == lines
    with opened(History(tmp_path / "other.sqlite3", "shop"), create=True) as store:
        assert store is not None
        with pytest.raises(HistoryError, match="line 2: run 2 was changed: its hash does not match; 1 run before"):
            imported(store, [lines[0], changed, lines[2]])
        assert len(list(exported(store))) == 1
