"""The limit language: what is expected of a measured value, parsed from the inventory and judged here alone."""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass, field
from functools import lru_cache

from . import sets
from .judgeable import UnjudgeableError, judgeable
from .patterns import PatternError, searcher
from .sets import SET_OPERATORS
from .units import NUMBER, UNITS, LimitError, as_text, dimension, quantity, to_base, window_s

SEVERITIES = ("P0", "P1", "P2", "P3")
"""Worst first."""

_OPERATORS = ("<=", ">=", "==", "!=", "<", ">", "~")
EQUALITY = ("==", "!=")
_OF_SETS = re.compile(rf"({'|'.join(SET_OPERATORS)})\s*(\{{.*)", re.DOTALL)
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
CLOSE = 1e-12
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
        return "text" in dimensions and self.dimension == "count" and self.operator in EQUALITY

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
        same = math.isclose(number, self.number, rel_tol=CLOSE)
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
            if self.operator in EQUALITY:
                return self.operator == "!="
            raise UnjudgeableError(f"{value!r} is not a number") from None
        number = self._converted(number, unit)
        if self.operator in EQUALITY and not unit and math.isclose(number, self.number or 0, rel_tol=CLOSE):
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
    if match is None or (unit not in UNITS and operator in EQUALITY and not _near_unit(unit)):
        if operator in EQUALITY:
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
