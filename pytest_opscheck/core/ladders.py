"""Ladders of limits: several for one value, each with the severity of breaking it; none that is never broken."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import sets
from .judgeable import UnjudgeableError
from .limits import CLOSE, EQUALITY, SEVERITIES, Limit, parse_limit
from .relative import POINTS, RelativeLimit, parse_relative
from .units import LimitError, dimension


@dataclass(frozen=True, slots=True)
class Rung:
    """A limit, and how bad it is to break it. Raises LimitError for a severity that is none of P0 to P3."""

    severity: str
    limit: Limit

    def __post_init__(self) -> None:
        """Refuse a severity that no run would fail for."""
        severity_of(self.severity, {})


@dataclass(frozen=True, slots=True)
class RelativeRung:
    """A limit relative to a baseline, and how bad it is to break it."""

    severity: str
    limit: RelativeLimit


@dataclass(frozen=True, slots=True)
class Ladder:
    """Limits for one value, worst severity first; `ladder_of` puts them in that order. Raises LimitError for others.

    `relative` are those that compare with a baseline, which `rungs` do not hold: without a baseline they say nothing.
    """

    rungs: tuple[Rung, ...]
    relative: tuple[RelativeRung, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what would never be broken, or not with the severity that is meant."""
        if not self.rungs and not self.relative:
            raise LimitError("there is no limit; use for example '< 70%'")
        absolute, relative = [rung.severity for rung in self.rungs], [rung.severity for rung in self.relative]
        for severities in (absolute, relative):
            if severities != sorted(severities):
                raise LimitError(f"the worst severity of a ladder stands first, and these are {', '.join(severities)}")
        both = absolute + relative
        if twice := next((severity for severity in both if both.count(severity) > 1), None):
            raise LimitError(f"two limits have the severity {twice}; keep one of them")

    @property
    def worst(self) -> str:
        """The worst severity that can come of it."""
        return min(self.texts())

    @property
    def dimension(self) -> str:
        """What its limits compare; of a margin alone that says nothing of it (a part, none), text: anything."""
        if self.rungs:
            return self.rungs[0].limit.dimension
        units = {rung.limit.unit for rung in self.relative} - {"", "%"}
        return next(("percentage" if unit == POINTS else dimension(unit) for unit in units), "text")

    @property
    def largest(self) -> float:
        """The largest number that a limit names; beyond all where one is relative to what may be any number."""
        return math.inf if self.relative else max(rung.limit.number or 0 for rung in self.rungs)

    @property
    def mildest(self) -> Limit | RelativeLimit:
        """The limit that is broken first."""
        return self.rungs[-1].limit if self.rungs else self.relative[-1].limit

    def breached(self, value: object, unit: str = "") -> Rung | None:
        """Return the worst rung that a value breaks, None where it keeps them all.

        Raises UnjudgeableError where it cannot be told.
        """
        return next((rung for rung in self.rungs if not rung.limit.holds(value, unit)), None)

    def texts(self) -> dict[str, str]:
        """Return the limits as the results file says them: severity to limit, least severe first."""
        texts = {rung.severity: str(rung.limit) for rung in self.rungs}
        texts |= {rung.severity: str(rung.limit) for rung in self.relative}
        return dict(sorted(texts.items(), reverse=True))

    @property
    def window_s(self) -> int | None:
        """Over how many seconds the ladder's rates count; None where it holds no rate."""
        return self.rungs[0].limit.window_s if self.rungs else None


def single(limit: Limit, severity: str) -> Ladder:
    """Return a ladder of one limit."""
    return Ladder((Rung(severity, limit),))


def parse_single(value: object, severity: str) -> Ladder:
    """Parse one limit, of either sort, with the severity of breaking it. Raises LimitError."""
    return ladder_of([rung_of(severity, value)])


def parse_ladder(table: Mapping[str, object], words: Mapping[str, str] | None = None) -> Ladder:
    """Parse severity to limit; `words` are an inventory's own names of P0 to P3.

    Raises LimitError for rungs that can't be meant: none, one never reached, or limits that compare different things.
    """
    words = words or {}
    return ladder_of(rung_of(severity_of(key, words), limit) for key, limit in table.items())


def rung_of(severity: str, value: object) -> Rung | RelativeRung:
    """Parse a limit, of either sort, with its severity. Raises LimitError."""
    relative = parse_relative(value)
    return Rung(severity, parse_limit(value)) if relative is None else RelativeRung(severity, relative)


def severity_of(value: object, words: Mapping[str, str]) -> str:
    """Return the severity that a word names. Raises LimitError with those that there are."""
    severity = words.get(value, value) if isinstance(value, str) else value
    if not isinstance(severity, str) or severity not in SEVERITIES:
        raise LimitError(f"{value!r} is not a severity; use one of {', '.join([*SEVERITIES, *words])}")
    return severity


def ladder_of(given: Iterable[Rung | RelativeRung]) -> Ladder:
    """Return a ladder of rungs in any order. Raises LimitError for rungs that can't be meant together."""
    in_order = sorted(given, key=lambda rung: rung.severity)
    relative = tuple(rung for rung in in_order if isinstance(rung, RelativeRung))
    ladder = Ladder(tuple(rung for rung in in_order if isinstance(rung, Rung)), relative)
    rungs = ladder.rungs
    if len({rung.limit.window_s for rung in rungs}) > 1:
        raise LimitError("the rates of one ladder count over the same window, for example all '/day'")
    if len({rung.limit.dimension for rung in rungs}) > 1 and any(rung.limit.unit for rung in rungs):
        raise LimitError("the limits of one ladder compare the same thing, for example all of them percentages")
    if any(rung.limit.dimension == "set" for rung in rungs):
        _refuse_unreachable_sets(rungs)
    else:
        _refuse_unreachable(rungs)
    return ladder


def _refuse_unreachable_sets(rungs: tuple[Rung, ...]) -> None:
    """Refuse likewise where sets are compared."""
    rules = [(rung.limit.operator, members) for rung in rungs if (members := rung.limit.members) is not None]
    if len(rules) < len(rungs):
        raise LimitError("the limits of one ladder compare the same thing, for example all of them sets: '== {a, b}'")
    values, broken = sets.tried(rules)
    if values:  # of very many members not all that tell can be tried
        _refuse_hidden(rungs, broken)
        _refuse_unkept(rungs, values, broken, "set")


def _refuse_unreachable(rungs: tuple[Rung, ...]) -> None:
    """Refuse a rung that could never be reported, for a worse one is broken no later, and limits that none can keep.

    The limits are tried on values on, between and beyond all those that they name. Patterns are not: what a regular
    expression matches cannot be told that way.
    """
    for worse, rung in itertools.combinations(rungs, 2):
        _refuse_covered(rung, worse)
    tried = [rung for rung in rungs if rung.limit.pattern is None]
    values = _telling_values([rung.limit for rung in tried])
    broken = [frozenset(value for value in values if not _keeps(rung.limit, value)) for rung in tried]
    _refuse_hidden(tried, broken)
    ordered_texts = any(rung.limit.number is None and rung.limit.operator not in EQUALITY for rung in tried)
    # What lies between two versions is not among the values, so nothing follows from that none of these is kept.
    if not ordered_texts:
        _refuse_unkept(tried, values, broken, "value")


def _refuse_hidden(rungs: Sequence[Rung], broken: Sequence[frozenset[Any]]) -> None:
    """Refuse a rung of which every value that breaks it breaks a worse one; `broken` are those of each rung."""
    for place, rung in enumerate(rungs):
        if place and broken[place] <= frozenset().union(*broken[:place]):
            worse = rungs[place - 1]
            raise LimitError(
                f"{rung.severity} ({rung.limit}) would never be reported: "
                f"{worse.severity} ({worse.limit}) is broken no later; the worse severity needs the wider limit"
            )


def _refuse_unkept(rungs: Sequence[Rung], values: frozenset[Any], broken: Sequence[frozenset[Any]], what: str) -> None:
    if len(rungs) > 1 and values <= frozenset().union(*broken):
        raise LimitError(f"no {what} keeps all of {', '.join(str(rung.limit) for rung in rungs)}")


def _refuse_covered(rung: Rung, worse: Rung) -> None:
    """Refuse a rung that is broken by texts alone of which one word tells that the worse one is broken too."""
    limit, wider = rung.limit, worse.limit
    covered = (
        limit == wider
        or (limit.pattern is not None and wider.operator == "==" and _keeps(limit, wider.operand + wider.unit))
        or (wider.pattern is not None and limit.operator == "!=" and not _keeps(wider, limit.operand + limit.unit))
    )
    if covered:
        raise LimitError(
            f"{rung.severity} ({limit}) would never be reported: {worse.severity} ({wider}) is broken no later; "
            "the worse severity needs the wider limit"
        )


def _telling_values(limits: list[Limit]) -> frozenset[float | str]:
    numbers: list[float] = []
    for number in sorted(limit.number for limit in limits if limit.number is not None):
        if not numbers or not math.isclose(number, numbers[-1], rel_tol=CLOSE):
            numbers.append(number)
    between = [low / 2 + high / 2 for low, high in itertools.pairwise(numbers)]
    beyond = [numbers[0] - 1 - abs(numbers[0]), numbers[-1] + 1 + abs(numbers[-1])] if numbers else []
    texts = [limit.operand for limit in limits if limit.number is None]
    return frozenset([*numbers, *between, *beyond, *texts, *(["".join(texts) + "-"] if texts else [])])


def _keeps(limit: Limit, value: float | str) -> bool:
    try:
        return limit.holds(value) if isinstance(value, str) else limit.holds_number(value)
    except UnjudgeableError:
        return True
