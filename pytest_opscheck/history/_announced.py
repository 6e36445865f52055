"""Runs that were announced before any part of them began: what is missing at the end is known by that."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ._document import utc
from ._store import Store, transaction

_COLUMNS = "number, suite, at, deadline, digest, parts, merged"


@dataclass(frozen=True, slots=True)
class Announced:
    """A run of a suite that was announced: when, until when its parts have to be merged, and by which inventory.

    parts: of how many shards each vantage point has; where an inventory has none, that of the empty word.
    merged: when it was made one run, None as long as that has not been done.
    """

    number: int
    suite: str
    at: dt.datetime
    deadline: dt.datetime
    digest: str
    parts: Mapping[str, int]
    merged: dt.datetime | None = None

    @property
    def id(self) -> uuid.UUID:
        """By which its beginning and its end are known to belong together."""
        return uuid.uuid5(uuid.NAMESPACE_OID, f"{self.number} {self.suite} {utc(self.at)} {self.digest}")

    def is_lost(self, now: dt.datetime) -> bool:
        """Tell whether it should have been merged by now."""
        return self.merged is None and self.deadline <= now


def announce(store: Store, inventory: str, announced: Announced) -> Announced:
    """Write down that a run is to come, and return it with its number."""
    with transaction(store, writes=True):
        store.rows(f"SELECT newest FROM opscheck_chain{store.locked}")  # one number each, also on two machines at once
        ((newest,),) = store.rows("SELECT coalesce(max(number), 0) FROM opscheck_announced")
        store.rows(
            f"INSERT INTO opscheck_announced (inventory, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
            (
                inventory,
                newest + 1,
                announced.suite,
                utc(announced.at),
                utc(announced.deadline),
                announced.digest,
                json.dumps(dict(announced.parts)),
            ),
        )
    return replace(announced, number=newest + 1)


def close(store: Store, announced: Announced, now: dt.datetime) -> None:
    """Write down that a run was merged."""
    with transaction(store, writes=True):
        store.rows("UPDATE opscheck_announced SET merged = ? WHERE number = ?", (utc(now), announced.number))


def announced(store: Store, inventory: str, since: dt.datetime | None = None) -> list[Announced]:
    """Return what was announced, the newest first: since a moment, or the newest run of each suite."""
    if since is not None:
        sql = f"SELECT {_COLUMNS} FROM opscheck_announced WHERE inventory = ? AND at >= ? ORDER BY number DESC"
        return list(map(_announced, store.rows(sql, (inventory, utc(since)))))
    sql = f"""
        SELECT {_COLUMNS} FROM opscheck_announced a
        JOIN (SELECT max(number) AS newest FROM opscheck_announced WHERE inventory = ? GROUP BY suite) last
        ON last.newest = a.number ORDER BY number DESC
    """
    return list(map(_announced, store.rows(sql, (inventory,))))


def _announced(row: tuple[Any, ...]) -> Announced:
    number, suite, at, deadline, digest, parts, merged = row
    begin, end = (dt.datetime.fromisoformat(text) for text in (at, deadline))
    ended = dt.datetime.fromisoformat(merged) if merged else None
    return Announced(number, suite, begin, end, digest, json.loads(parts), ended)
