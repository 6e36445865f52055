"""The limit language: what is expected of a measured value, parsed from the inventory and judged here alone."""

from __future__ import annotations

import itertools
import math
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from . import sets
from .judgeable import UnjudgeableError, judgeable
from .patterns import PatternError, searcher
from .relative import POINTS, RelativeLimit, parse_relative
from .sets import SET_OPERATORS
from .units import NUMBER, UNITS, LimitError, as_text, dimension, quantity, to_base, window_s

SEVERITIES = ("P0", "P1", "P2", "P3")
"""Worst first."""

_OPERATORS = ("<=", ">=", "==", "!=", "<", ">", "~")
_EQUALITY = ("==", "!=")
_OF_SETS = re.compile(rf"({'|'.join(SET_OPERATORS)})\s*(\{{.*)", re.DOTALL)
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_CLOSE = 1e-12
"""Two numbers this near (relative) are equal: what converting between units loses."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One comparison, for example `< 70%`.

    `number` is in the unit's base (seconds, bytes, percent, a count), None where the limit compares text.
    """

    operator: str
    operand: str
    unit: str
    number: float | None
    pattern: re.Pattern[str] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Refuse what `parse_limit` never makes, and nothing could judge by. Raises LimitError."""
        if self.operator not in (*_OPERATORS, *SET_OPERATORS) or (self.operator == "~") != (self.pattern is not None):
            raise LimitError(f"{self.operator!r} is not an operator of a limit; parse_limit('< 70%') makes one")
        if self.number is not None and not math.isfinite(self.number):
            raise LimitError(f"'{self}' compares with {self.number}, which no measured value can be held against")

    def __str__(self) -> str:
        return f"{self.operator} {self.operand}{self.unit}"

    @property
    def dimension(self) -> str:
        """What the limit compares: a dimension of its unit, text, or a set of texts."""
        if self.operator in SET_OPERATORS:
            return "set"
        return "text" if self.number is None else dimension(self.unit)

    @property
    def members(self) -> frozenset[str] | None:
        """The texts that a set is compared with, as in `== {a, b}`; None for a limit that is not for sets."""
        comparable = self.number is None and self.pattern is None
        return sets.members(self.operand) if comparable else None

    @property
    def window_s(self) -> int | None:
        """Over how many seconds a rate counts; None for every other limit."""
        return window_s(self.unit)

    @property
    def expected(self) -> str:
        """The limit as people say it: `< 70 %`, `ready`, `to match /^v2/`."""
        if self.operator == "~":
            return f"to match /{self.operand}/"
        if self.operator in SET_OPERATORS:
            return f"{sets.SPOKEN[self.operator]} {self.operand}"
        operand = quantity(self.operand, self.unit)
        return operand if self.operator == "==" else f"{self.operator} {operand}"

    def measures(self, dimensions: frozenset[str]) -> bool:
        """Tell whether the limit can judge values of these dimensions; an equal bare number is a text too."""
        if self.dimension in dimensions:
            return True
        if "set" in dimensions and self.members is not None:
            return True
        return "text" in dimensions and self.dimension == "count" and self.operator in _EQUALITY

    def holds(self, value: object, unit: str = "") -> bool:
        """Tell whether a value, measured in a unit, keeps this limit.

        Raises UnjudgeableError where it cannot be told: no value, NaN, another dimension, text where a number is due.
        """
        if sets.is_set(value) and (members := self.members) is not None:
            try:
                return sets.keeps(self.operator, members, sets.texts(value))
            except ValueError as error:
                raise UnjudgeableError(str(error)) from None
        value = judgeable(value)
        if self.operator in SET_OPERATORS:
            raise UnjudgeableError(f"the value {as_text(value)} is not a set, and the limit {self} is for sets")
        if self.number is None:
            psql = isinstance(value, bool) and self.operand in ("t", "f")
            return self._holds_text(as_text(value)[:1] if psql else as_text(value))
        if isinstance(value, str):
            return self._holds_string(value, unit)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UnjudgeableError(f"the value {as_text(value)} is not a number, and the limit {self} is for numbers")
        return self.holds_number(self._converted(value, unit))

    def holds_number(self, number: float) -> bool:
        """Tell whether a number in the base of the limit's own unit keeps it."""
        if self.number is None:
            return self._holds_text(as_text(number))
        same = math.isclose(number, self.number, rel_tol=_CLOSE)
        match self.operator:
            case "<" | ">":
                return not same and (number < self.number) is (self.operator == "<")
            case "<=" | ">=":
                return same or (number < self.number) is (self.operator == "<=")
            case _:
                return same is (self.operator == "==")

    def _converted(self, value: float, unit: str) -> float:
        if dimension(unit) != self.dimension:
            measured = f"a {dimension(unit)} ({unit or 'no unit'})"
            raise UnjudgeableError(f"the value is {measured}, and the limit {self} is for a {self.dimension}")
        if window_s(unit) != self.window_s:
            raise UnjudgeableError(f"the value is a rate {unit}, and the limit {self} is one {self.unit}")
        return to_base(value, unit)

    def _holds_text(self, value: str) -> bool:
        if self.pattern is not None:
            try:
                return searcher(self.pattern)(value) is not None
            except PatternError as error:
                raise UnjudgeableError(str(error)) from None
        return (value == self.operand) is (self.operator == "==")

    def _holds_string(self, value: str, unit: str) -> bool:
        """Tell whether a text keeps a limit for numbers: equal as it stands, or the number that it holds."""
        wanted = self.operand + self.unit
        if value.strip() == wanted:
            return self.operator in ("==", "<=", ">=")
        try:
            number = float(value)
        except ValueError:
            if self.operator in _EQUALITY:
                return self.operator == "!="
            raise UnjudgeableError(f"{value!r} is not a number") from None
        number = self._converted(number, unit)
        if self.operator in _EQUALITY and not unit and math.isclose(number, self.number or 0, rel_tol=_CLOSE):
            # A version 1.10 is not 1.1, and a count "5.0" is 5: only whoever wrote the limit can tell which is meant.
            raise UnjudgeableError(
                f"{value!r} is the same number as {wanted}, but a different text; "
                f"for text use '~ ^{re.escape(wanted)}$'"
            )
        return self.holds_number(number)


def parse_limit(value: object) -> Limit:
    """Parse a limit as an inventory says it; a bare number or word means that it has to be equal.

    Raises LimitError with what would be right.
    """
    if isinstance(value, bool | int | float):
        value = f"== {as_text(value)}"
    if not isinstance(value, str):
        raise LimitError(f"a limit is a text such as '< 70%', not {_kind_of(value)}")
    return _parsed(value)


@lru_cache(maxsize=1024)
def _parsed(written: str) -> Limit:
    """Parse a text. Many checks have the same limit, and each is parsed where it is read, bounded and drawn."""
    text = written.strip()
    if (match := _OF_SETS.match(text)) is not None:
        return Limit(match[1], sets.written(sets.parse(match[1], match[2])), "", None)
    operator = next((known for known in _OPERATORS if text.startswith(known)), None)
    rest = text.removeprefix(operator or "").strip()
    if (operator is None and (not text or text[0] in "=!≤≥≠")) or rest.startswith("="):
        operators = " ".join((*_OPERATORS, *SET_OPERATORS))
        raise LimitError(f"{written!r} is not a limit; start with one of {operators}, for example '< 70%'")
    if not rest:
        wanted = "ready" if operator == "~" else "70%"
        raise LimitError(f"{written!r} names no value; use for example '{operator} {wanted}'")
    if operator == "~":
        return _parse_pattern(rest)
    return _parse_comparison(operator or "==", rest, written)


def _kind_of(value: object) -> str:
    known = {dict: "a table", list: "a list", type(None): "nothing"}
    return known.get(type(value), f"a {type(value).__name__}")


def _parse_pattern(rest: str) -> Limit:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a later Python may read differently
            return Limit("~", rest, "", None, re.compile(rest))
    except (re.error, OverflowError, RecursionError) as error:
        raise LimitError(f"{rest!r} is not a regular expression: {error}") from None


def _parse_comparison(operator: str, rest: str, text: str) -> Limit:
    if _NOT_FINITE.fullmatch(rest):
        raise LimitError(f"{text!r} compares with {rest!r}, which no measured value can be held against")
    match = NUMBER.fullmatch(rest)
    unit = match["unit"] if match else ""
    if match is None or (unit not in UNITS and operator in _EQUALITY and not _near_unit(unit)):
        if operator in _EQUALITY:
            return Limit(operator, rest, "", None)
        wanted = "10/h" if "/" in rest else "70%"
        raise LimitError(
            f"{text!r} compares with {rest!r}, which is not a number with a unit; use for example '{operator} {wanted}'"
        )
    dimension(unit)  # raises, with the units that there are
    number = to_base(float(match["number"]), unit)
    if not math.isfinite(number):
        raise LimitError(f"{text!r} is larger than anything that can be measured")
    return Limit(operator, match["number"], unit, number)


def _near_unit(unit: str) -> bool:
    """Tell whether a word behind a number is a unit misspelt (kb, /d) rather than part of a text (15 apples)."""
    return unit.startswith("/") or unit.lower() in {known.lower() for known in UNITS}


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
    ordered_texts = any(rung.limit.number is None and rung.limit.operator not in _EQUALITY for rung in tried)
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
        if not numbers or not math.isclose(number, numbers[-1], rel_tol=_CLOSE):
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
