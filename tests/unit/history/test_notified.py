"""What was told, in both databases: the last of each channel and result, also from two runs at once."""

from __future__ import annotations

import datetime as dt
import threading

from pytest_opscheck.history import History, Notification, Past

from .conftest import MORNING


def told(channel: str, result: str, severity: str | None, minutes: float = 0) -> Notification:
    return Notification(channel, result, "new", severity, MORNING + dt.timedelta(minutes=minutes))


def known(history: History) -> dict[tuple[str, str], Notification]:
    past = Past(history)
    found = past.told()
    past.close()
    assert past.fault is None
    return found


def test_the_last_of_each_is_known(history: History) -> None:
    assert known(history) == {}
    past = Past(history)
    past.remember([told("a", "x@1", "P1"), told("a", "y@1", "P2"), told("b", "x@1", "P1")])
    past.remember([told("a", "x@1", None, 5)])
    found = known(history)
    assert found == {
        ("a", "x@1"): told("a", "x@1", None, 5),
        ("a", "y@1"): told("a", "y@1", "P2"),
        ("b", "x@1"): told("b", "x@1", "P1"),
    }
    assert known(History(history.path, "another", url=history.url)) == {}


def test_two_runs_that_tell_at_once(history: History) -> None:
    Past(history).remember([told("a", "first@1", "P1")])
    work = [threading.Thread(target=Past(history).remember, args=([told("a", f"{n}@1", "P1")],)) for n in range(6)]
    for each in work:
        each.start()
    for each in work:
        each.join()
    assert len(known(history)) == 7
