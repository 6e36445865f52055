"""Gates: what was decided on deploys, and what later gates compare with. They are no runs, so not part of the chain."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ._document import utc
from ._store import Store, transaction

GO = "go"
_MOST_LEVELS = 100


@dataclass(frozen=True, slots=True)
class Gated:
    """One gate, or the recording of a baseline.

    line: what is said of a decision: who, when, which version, the verdict and why; empty of a baseline.
    levels: the median of each series of times, in microseconds, by result id: of one moment each.
    baseline: what a later gate may compare with, as a baseline's file has it; kept of the last go alone.
    """

    suite: str
    at: dt.datetime
    line: Mapping[str, Any] = field(default_factory=dict)
    levels: Mapping[str, float] = field(default_factory=dict)
    baseline: Mapping[str, Any] | None = None


def note_gate(store: Store, inventory: str, gate: Gated) -> None:
    """Write a gate down. Where it has a baseline, that of an earlier one goes."""
    row = (inventory, gate.suite, utc(gate.at), json.dumps(dict(gate.line)), json.dumps(dict(gate.levels)))
    with transaction(store, writes=True):
        store.rows(f"SELECT newest FROM opscheck_chain{store.locked}")  # one number each, also on two machines at once
        ((newest,),) = store.rows("SELECT coalesce(max(number), 0) FROM opscheck_gate")
        if gate.baseline is not None:
            sql = "UPDATE opscheck_gate SET baseline = NULL WHERE inventory = ? AND suite = ?"
            store.rows(sql, (inventory, gate.suite))
        store.rows(
            "INSERT INTO opscheck_gate (number, inventory, suite, at, line, levels, baseline) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (newest + 1, *row, json.dumps(gate.baseline) if gate.baseline is not None else None),
        )


def gate_lines(store: Store, inventory: str, newest: int) -> list[Mapping[str, Any]]:
    """Return what is said of the newest decisions, the oldest first."""
    sql = "SELECT line FROM opscheck_gate WHERE inventory = ? AND line <> '{}' ORDER BY number DESC"
    return [json.loads(line) for (line,) in store.rows(f"{sql} LIMIT {newest:d}", (inventory,))][::-1]


def gate_levels(store: Store, inventory: str, suite: str) -> dict[str, tuple[float, ...]]:
    """Return how fast each series was in earlier gates that did not roll back, by result id, the oldest first."""
    sql = "SELECT line, levels FROM opscheck_gate WHERE inventory = ? AND suite = ? ORDER BY number DESC"
    found: dict[str, tuple[float, ...]] = {}
    for line, levels in store.rows(f"{sql} LIMIT {_MOST_LEVELS}", (inventory, suite)):
        if json.loads(line).get("verdict", GO) == GO:
            for name, level in json.loads(levels).items():
                found[name] = (level, *found.get(name, ()))
    return found


def last_go(store: Store, inventory: str, suite: str) -> Mapping[str, Any] | None:
    """Return the baseline of the last deploy that was a go."""
    sql = "SELECT baseline FROM opscheck_gate WHERE inventory = ? AND suite = ? AND baseline IS NOT NULL"
    rows = store.rows(f"{sql} ORDER BY number DESC LIMIT 1", (inventory, suite))
    found: Mapping[str, Any] | None = json.loads(rows[0][0]) if rows else None
    return found
