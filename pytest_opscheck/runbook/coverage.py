"""How much of a runbook is checked: each statement with what judges it, the last verdict and its age."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..core.results import Verdict
from ..history import PastResult
from ..inventory import Expectation, Inventory
from .compared import Compared
from .expected import Expected
from .origins import squeezed
from .stated import Sort, Stated


class State(StrEnum):
    """How a statement stands; of those that are checked, the worst first."""

    BROKEN = "broken"
    UNKNOWN = "unknown"
    STALE = "stale"
    OK = "ok"
    DRAFTED = "drafted"
    NOT_CHECKED = "not checked"
    EXEMPT = "exempt"
    PROCEDURE = "procedure"


CHECKED = (State.BROKEN, State.UNKNOWN, State.STALE, State.OK)
OPEN = (State.DRAFTED, State.NOT_CHECKED)
_OF_SUITES = {"daily": dt.timedelta(hours=26), "weekly": dt.timedelta(days=8), "monthly": dt.timedelta(days=33)}
"""How old a verdict may be of a suite that does not say when it runs."""
_STATES = {Verdict.OK: State.OK, Verdict.BREACH: State.BROKEN, Verdict.WAIVED: State.BROKEN}


@dataclass(frozen=True, slots=True)
class Judged:
    """A check with its last verdict; `verdict` is empty where there is none."""

    id: str
    state: State
    verdict: str = ""
    severity: str | None = None
    message: str = ""
    at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Covered:
    """A statement, how it stands, and what checks it."""

    stated: Stated
    state: State
    checks: tuple[Judged, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """What of a runbook is checked; `unasked` are the checks that no statement asks for."""

    name: str
    at: dt.datetime
    statements: tuple[Covered, ...]
    unasked: tuple[str, ...]

    @property
    def counts(self) -> Mapping[State, int]:
        """How many statements stand how."""
        found = Counter(each.state for each in self.statements)
        return {state: found[state] for state in State}

    @property
    def asked(self) -> int:
        """How many statements are to be checked: all but what is exempt, or procedure."""
        return sum(self.counts[state] for state in (*CHECKED, *OPEN))

    @property
    def checked(self) -> int:
        """How many statements are checked, whatever came of it."""
        return sum(self.counts[state] for state in CHECKED)

    @property
    def percent(self) -> float | None:
        """How many per cent of what is to be checked is; None where nothing is."""
        return 100 * self.checked / self.asked if self.asked else None

    @property
    def shown(self) -> str:
        """The percentage, never rounded up."""
        return "nothing to check" if self.percent is None else f"{int(self.percent)} %"


def coverage(both: Compared, latest: Mapping[str, PastResult], now: dt.datetime) -> Coverage:
    """Return what of the runbooks is checked. `latest` are the newest results, by the ids of their checks."""
    known = {id(each): _judged(each, both.inventory, latest.get(each.id), now) for each in both.expected}
    statements = tuple(
        _covered(each, [known[id(x)] for x in both.matches.get(place, ())], both.origins.known)
        for place, each in enumerate(both.stated)
    )
    unasked = sorted({each.id for each in both.expected if id(each) not in both.judged})
    return Coverage(both.inventory.name, now, statements, tuple(unasked))


def _covered(each: Stated, checks: Sequence[Judged], drafted: Collection[str]) -> Covered:
    if each.sort is Sort.EXEMPT:
        return Covered(each, State.EXEMPT)
    if each.sort is Sort.PROCEDURE:
        return Covered(each, State.PROCEDURE)
    if checks:
        return Covered(each, min((check.state for check in checks), key=list(State).index), tuple(checks))
    is_drafted = any(squeezed(statement.text) in drafted for statement in each.statements)
    return Covered(each, State.DRAFTED if is_drafted else State.NOT_CHECKED)


def _judged(each: Expected, inventory: Inventory, past: PastResult | None, now: dt.datetime) -> Judged:
    if past is None:
        return Judged(each.id, State.STALE)
    state = State.OK if past.pending else _STATES.get(past.verdict, State.UNKNOWN)
    if any(due < now for due in _dues(each.expectation, inventory, past.started)):
        state = State.STALE
    message = inventory.redactor.text(past.message)
    return Judged(each.id, state, str(past.verdict), past.severity, message, past.started)


def _dues(each: Expectation, inventory: Inventory, started: dt.datetime) -> Iterator[dt.datetime]:
    """Yield from when on a verdict is too old, for each suite of a check."""
    for name in each.suites:
        suite = inventory.suites.get(name)
        if suite is not None and suite.schedule is not None:
            yield suite.schedule.overdue(started)
        elif name in _OF_SUITES:
            yield started + _OF_SUITES[name]
