"""What was told through which channel, so that nobody is told twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from ._document import utc
from ._store import Store, transaction

_COLUMNS = "channel, result, event, severity, at"


@dataclass(frozen=True, slots=True)
class Notification:
    """What a channel was told last of a result, and when; `severity` is None where that is over."""

    channel: str
    result: str
    event: str
    severity: str | None
    at: dt.datetime


def remember(store: Store, inventory: str, told: Iterable[Notification]) -> None:
    """Write down what was told."""
    with transaction(store, writes=True):
        store.rows(f"SELECT newest FROM opscheck_chain{store.locked}")  # one number each, also on two machines at once
        ((newest,),) = store.rows("SELECT coalesce(max(number), 0) FROM opscheck_told")
        store.many(
            f"INSERT INTO opscheck_told (number, inventory, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (number, inventory, each.channel, each.result, each.event, each.severity, utc(each.at))
                for number, each in enumerate(told, start=newest + 1)
            ],
        )


def told(store: Store, inventory: str) -> dict[tuple[str, str], Notification]:
    """Return what was told last, by channel and result id."""
    sql = f"""
        SELECT {_COLUMNS} FROM opscheck_told t
        JOIN (SELECT max(number) AS newest FROM opscheck_told WHERE inventory = ? GROUP BY channel, result) last
        ON last.newest = t.number
    """
    rows = store.rows(sql, (inventory,))
    return {
        (row[0], row[1]): Notification(row[0], row[1], row[2], row[3], dt.datetime.fromisoformat(row[4]))
        for row in rows
    }
