"""Maintenance that somebody began by hand, beside the runs, in both databases."""

from __future__ import annotations

import datetime as dt

from pytest_opscheck.history import History, ManualMaintenance, Past, begin, begun, opened, past, stop, transaction
from pytest_opscheck.history._schema import MIGRATIONS

from .conftest import MORNING


def at(hours: float) -> dt.datetime:
    return MORNING + dt.timedelta(hours=hours)


def said(start: float, hours: float, *targets: str) -> ManualMaintenance:
    return ManualMaintenance(0, at(start), at(start + hours), "new kernel", "kim@ops-1", targets)


def test_it_is_open_until_it_ends_or_is_stopped(history: History) -> None:
    with opened(history, create=True) as store:
        assert store is not None
        first, second = begin(store, "shop", said(0, 2, "host.prod")), begin(store, "shop", said(1, 4))
        begin(store, "another", said(0, 9))
        assert [each.number for each in begun(store, "shop", at(1.5))] == [first.number, second.number]
        assert begun(store, "shop", at(0.5)) == [first]
        assert begun(store, "shop", at(2)) == [second]
        assert [each.number for each in stop(store, "shop", at(3), "jo@ops-2", None)] == [second.number]
        assert begun(store, "shop", at(3)) == []
        newest, oldest = past(store, "shop", 20)
        assert (newest.stopped, newest.stopped_by) == (at(3), "jo@ops-2")
        assert oldest == first
        assert oldest.targets == ("host.prod",)
    asked = Past(history)
    assert asked.begun(at(1)) == [first]  # the other one was stopped meanwhile
    asked.close()


def test_a_history_from_before_there_was_such_a_table(history: History) -> None:
    with opened(history, create=True) as store:
        assert store is not None
        with transaction(store, writes=True):
            for table in ("maintenance", "told", "gate", "announced"):
                store.rows(f"DROP TABLE opscheck_{table}")
            store.rows("ALTER TABLE opscheck_run DROP COLUMN settled")
            store.rows("UPDATE opscheck_schema SET version = 1")
    assert len(MIGRATIONS) > 1
    with opened(history, create=True) as store:
        assert store is not None
        assert begin(store, "shop", said(0, 2)).number == 1
