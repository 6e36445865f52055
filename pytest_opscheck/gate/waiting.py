"""Waits until what was deployed is up, or until it is plain that it will not be."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from ..core.look import Look
from ..core.results import Result, Run, Verdict
from .answering import Answering
from .blind import without_blindness
from .decision import Terms
from .looking import Looker

_LIFE = ("reachable", "status", "up", "healthy", "services")
"""The checks that tell whether what was deployed has come up."""
_PAUSE_S = 1.0
_PATIENCE_S = (3.0, 5.0)
"""How long the first looks wait for an answer: what has ended may leave a proxy waiting. Later ones wait as a run."""
_ENDED = re.compile(r"(?:exited|dead) with status|restarting after|failed\Z")
"""The state of a container, or of a unit, that does not run though somebody has started it."""
_ENDED_FOR_S = 5.0
"""After this time it is not about to come up."""
_AGAIN = re.compile(r"(?:restarted|started it again) (\d+) times")
_TOO_OFTEN = 2


@dataclass(frozen=True, slots=True)
class Life:
    """Whether what was deployed came up: after so many seconds, and what was missing where it did not.

    seen: the last two looks at what was missing.
    """

    seconds: float
    missing: Result | None = None
    gave_up: str | None = None
    seen: tuple[Run, ...] = ()

    def counted(self, terms: Terms) -> Terms:
        """Return terms by which what did not come up counts: a breach rolls back, and what can't be told is no go."""
        missing = self.missing
        if missing is None:
            return terms
        if missing.verdict is not Verdict.BREACH:
            return replace(terms, fault=self.message)
        return replace(terms, broke=self.message) if (missing.severity or "P0") <= terms.roll_back_at else terms

    @property
    def message(self) -> str:
        """What is missing, and how long it was waited for."""
        missing = self.missing
        first = f"{missing.id}: {missing.message}" if missing is not None else ""
        return f"not ready after {self.seconds:.0f} s: {first}{f'; {self.gave_up}' if self.gave_up else ''}"


def life_of(looker: Looker) -> frozenset[str]:
    """Return the results that tell whether what was deployed is up."""
    suite = (each for each in looker.inventory.expectations if looker.suite in each.suites)
    return frozenset(each.id for each in suite if each.check.name in _LIFE)


def awaited(
    looker: Looker,
    broken_before: Collection[str],
    terms: Terms,
    wait_s: float,
    tell: Callable[[str], None],
    *,
    only: Collection[str] | None = None,
) -> Life:
    """Wait until what was deployed answers, at most as long as is said. Raises GateError and StoppedError."""
    life = frozenset(name for name in life_of(looker) if only is None or name in only)
    began = time.monotonic()
    answering = Answering.of(looker.inventory)
    seen: tuple[Run, ...] = ()
    patience = iter(_PATIENCE_S)
    while life:
        asked = time.monotonic()
        seen = (*seen[-1:], looker.look(Look(only=life, patience_s=next(patience, None))))
        missing = _missing(seen[-1], broken_before, terms, answering)
        if not missing:
            break
        tell(f"waiting for {missing[0].id}: {missing[0].message}")
        stay = frozenset(each.id for each in missing if _has_ended(each))
        gave_up = _again_and_again(missing)
        if stay and gave_up is None:
            time.sleep(max(0.0, asked + _ENDED_FOR_S - time.monotonic()))
            again = looker.look(Look(only=stay))
            if any(map(_has_ended, again.results)):
                seen, gave_up = (seen[-1], again), _ended(missing)
        waited = time.monotonic() - began
        if gave_up or waited > wait_s:
            return Life(waited, missing[0], gave_up, seen)
        time.sleep(_PAUSE_S)
    return Life(time.monotonic() - began)


def _missing(found: Run, broken_before: Collection[str], terms: Terms, answering: Answering) -> list[Result]:
    """Return what is not up, the worst breach first; what blocks others before what it blocks."""
    results = without_blindness(found, terms.elsewhere, terms.observers).results
    up = answering.up(results)
    missing = [each for each in results if each.verdict is not Verdict.OK and each.id not in {*broken_before, *up}]
    return sorted(missing, key=lambda each: each.rank)


def ended_in(found: Run) -> frozenset[str]:
    """Return the results by which a process has ended that somebody had started."""
    return frozenset(each.id for each in found.results if _has_ended(each))


def _has_ended(missing: Result) -> bool:
    return any(m.breached and _ENDED.match(str(m.value)) for m in missing.measurements)


def _again_and_again(missing: Sequence[Result]) -> str | None:
    """Return why more waiting is of no use, where something was started again too often."""
    often = (_AGAIN.search(each.message) for each in missing)
    return "it ends again and again" if any(again and int(again[1]) >= _TOO_OFTEN for again in often) else None


def _ended(missing: Sequence[Result]) -> str:
    """Return why more waiting is of no use, where something has ended and stays so."""
    ended = next(each for each in missing if _has_ended(each))
    prefix = "" if ended is missing[0] else f"{ended.id}: {ended.message}; "
    return f"{prefix}it has ended, and does not come up again"
