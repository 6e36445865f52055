"""What the history tells of single checks: their newest results, and since ever when they were not ok."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..core.results import Verdict
from ._changes import WRONG, Outcome
from ._queries import PastResult, Records

MOST_CHANGES = 5_000
"""So many changes of all checks are looked through for those of one: more is a history of years that flaps."""
MOST_RUNS = 60


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in which a check was not ok; it `ended` with the run that found it ok again, None where it lasts."""

    began: dt.datetime
    ended: dt.datetime | None
    severity: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Story:
    """The past of one check: its newest results, and every time that it was not ok; both with the newest first."""

    outcomes: tuple[Outcome, ...] = ()
    spells: tuple[Spell, ...] = ()


def stories(records: Records, ids: Iterable[str]) -> dict[str, Story]:
    """Return the past of checks, by their ids."""
    wanted = tuple(ids)
    changes: dict[str, list[PastResult]] = defaultdict(list)
    for change in records.changes(newest=MOST_CHANGES):
        changes[change.id].append(change)
    outcomes = records.outcomes(MOST_RUNS, *wanted)
    return {name: Story(tuple(outcomes.get(name, ())), tuple(_spells(changes.get(name, ())))[::-1]) for name in wanted}


def _spells(changes: Iterable[PastResult]) -> Iterator[Spell]:
    """Yield when a check was not ok, the oldest first. What is blocked, waived or in maintenance says nothing of it."""
    begun: list[PastResult] = []
    for change in sorted(changes, key=lambda each: each.seq):
        if change.verdict in WRONG:
            begun.append(change)
        elif change.verdict is Verdict.OK and begun:
            yield _spell(begun, change.started)
            begun = []
    if begun:
        yield _spell(begun, None)


def _spell(begun: list[PastResult], ended: dt.datetime | None) -> Spell:
    worst = min((each.severity for each in begun if each.severity), default=None)
    return Spell(begun[0].started, ended, worst, begun[0].message)
