"""What gates leave in the history for later ones, and what they find there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..core.results import Result, Run
from ..history import Gated, gate_levels, gate_lines, last_go, note_gate, opened
from ..inventory import Inventory
from .baseline import Baseline, expected_of
from .decision import Decision
from .sides import results_by_id, series
from .statistics import typical
from .values import Answer
from .watching import Watch

_NEWEST = 1000


@dataclass(frozen=True, slots=True)
class Known:
    """What the history knows of earlier gates.

    lines: what is said of each decision, the oldest first. levels: how fast each series was in each, by result id.
    baseline: what the last go saw, None where there was none.
    """

    lines: Sequence[Mapping[str, Any]] = ()
    levels: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    baseline: Baseline | None = None


def known(inventory: Inventory) -> Known:
    """Return what the history knows. Raises HistoryError, and ValueError for a baseline that was changed."""
    name, suite = inventory.history.inventory, inventory.gate_suite
    with opened(inventory.history) as store:
        if store is None:
            return Known()
        kept = last_go(store, name, suite)
        baseline = Baseline.from_json(kept) if kept is not None else None
        return Known(gate_lines(store, name, _NEWEST), gate_levels(store, name, suite), baseline)


def remember_baseline(inventory: Inventory, baseline: Baseline) -> None:
    """Write down how fast things were in a baseline. Raises HistoryError."""
    _note(inventory, Gated(baseline.suite, baseline.recorded, {}, _levels(baseline.looks)))


def remember_decision(inventory: Inventory, suite: str, line: Mapping[str, Any]) -> None:
    """Write down a decision alone. Raises HistoryError."""
    _note(inventory, Gated(suite, dt.datetime.now(dt.UTC), line))


def remember(inventory: Inventory, watch: Watch, decision: Decision, line: Mapping[str, Any]) -> None:
    """Write down a decision; of a whole go also what it saw, to compare a later one with. Raises HistoryError."""
    is_good = decision.answer is Answer.GO and not watch.is_partial
    baseline = _as_baseline(inventory, watch, line).to_json() if is_good else None
    levels = _levels(watch.looks) if is_good else {}
    _note(inventory, Gated(watch.looker.suite, dt.datetime.now(dt.UTC), line, levels, baseline))


def _note(inventory: Inventory, gated: Gated) -> None:
    with opened(inventory.history, create=True) as store:
        if store is not None:
            note_gate(store, inventory.history.inventory, gated)


def _levels(looks: Sequence[Run]) -> dict[str, float]:
    """Return the median of each series of times, in microseconds, by result id."""
    found = {name: typical(series(results)) for name, results in results_by_id(looks).items()}
    return {name: level for name, level in found.items() if level is not None}


def _as_baseline(inventory: Inventory, watch: Watch, line: Mapping[str, Any]) -> Baseline:
    text, last = inventory.redactor.text, {name: seen[-1] for name, seen in results_by_id(watch.looks).items()}
    first, *others = watch.looks
    whole = replace(first, results=tuple(_settled(result, last[result.id]) for result in first.results))
    return Baseline(
        inventory=text(inventory.name),
        suite=watch.looker.suite,
        vantage=first.vantage,
        recorded=inventory.now(),
        looks=(whole, *others),
        expected={name: text(expected) for name, expected in expected_of(inventory, watch.looker.suite).items()},
        version=line.get("version"),
    )


def _settled(first: Result, last: Result) -> Result:
    """Return what a check came to: what was broken for a moment is not broken in a baseline."""
    return first if first.verdict is last.verdict else last
