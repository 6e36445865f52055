"""Maintenance that somebody began by hand: kept beside the runs, so that machines that share them share it too."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, replace
from typing import Any

from ._document import utc
from ._store import Store, transaction

_COLUMNS = "number, started, ends, why, who, targets, stopped, stopped_by"


@dataclass(frozen=True, slots=True)
class ManualMaintenance:
    """A maintenance of an inventory: from when to when, why, who began it, and of which targets; none is of all.

    `stopped` is when it was ended before its time, and `stopped_by` by whom.
    """

    number: int
    started: dt.datetime
    ends: dt.datetime
    why: str
    who: str
    targets: tuple[str, ...] = ()
    stopped: dt.datetime | None = None
    stopped_by: str | None = None

    def is_open(self, now: dt.datetime) -> bool:
        """Tell whether it is under way."""
        return self.stopped is None and self.started <= now < self.ends


def begin(store: Store, inventory: str, begun: ManualMaintenance) -> ManualMaintenance:
    """Write down that a maintenance begins, and return it with its number."""
    with transaction(store, writes=True):
        store.rows(f"SELECT newest FROM opscheck_chain{store.locked}")  # one number each, also on two machines at once
        ((newest,),) = store.rows("SELECT coalesce(max(number), 0) FROM opscheck_maintenance")
        store.rows(
            f"INSERT INTO opscheck_maintenance (inventory, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
            (
                inventory,
                newest + 1,
                utc(begun.started),
                utc(begun.ends),
                begun.why,
                begun.who,
                json.dumps(begun.targets),
            ),
        )
    return replace(begun, number=newest + 1)


def stop(store: Store, inventory: str, now: dt.datetime, who: str, number: int | None) -> list[ManualMaintenance]:
    """End those that are under way, or one of them, and return what was ended."""
    with transaction(store, writes=True):
        found = [each for each in begun(store, inventory, now) if number in (None, each.number)]
        for each in found:
            store.rows(
                "UPDATE opscheck_maintenance SET stopped = ?, stopped_by = ? WHERE inventory = ? AND number = ?",
                (utc(now), who, inventory, each.number),
            )
    return found


def begun(store: Store, inventory: str, now: dt.datetime) -> list[ManualMaintenance]:
    """Return those that are under way, the oldest first."""
    sql = f"SELECT {_COLUMNS} FROM opscheck_maintenance WHERE inventory = ? AND ends > ? AND stopped IS NULL"
    found = map(_begun, store.rows(f"{sql} ORDER BY number", (inventory, utc(now))))
    return [each for each in found if each.is_open(now)]


def past(store: Store, inventory: str, newest: int) -> list[ManualMaintenance]:
    """Return the newest ones, whether under way or over."""
    sql = f"SELECT {_COLUMNS} FROM opscheck_maintenance WHERE inventory = ? ORDER BY number DESC LIMIT {newest:d}"
    return list(map(_begun, store.rows(sql, (inventory,))))


def _begun(row: tuple[Any, ...]) -> ManualMaintenance:
    number, started, ends, why, who, targets, stopped, stopped_by = row
    moments = [dt.datetime.fromisoformat(text) if text else None for text in (started, ends, stopped)]
    assert moments[0] is not None  # noqa: S101 - these two columns are never empty
    assert moments[1] is not None  # noqa: S101
    return ManualMaintenance(
        number, moments[0], moments[1], why, who, tuple(json.loads(targets)), moments[2], stopped_by
    )
