"""Limits relative to a baseline: `<= baseline + 20%` is what may have come of a value since somebody recorded it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from .judgeable import UnjudgeableError
from .units import NUMBER, LimitError, as_text, dimension, from_base, quantity, to_base, window_s

BASELINE = "baseline"
POINTS = "pp"
"""Percentage points: of 2 %, `+ 1pp` is 3 %, and `+ 50%` as well."""
_OPERATORS = ("<=", ">=", "<", ">", "==")
_RELATIVE = re.compile(rf"(?P<operator><=|>=|==|!=|<|>|~)?\s*{BASELINE}\b\s*(?P<rest>.*)", re.DOTALL)
_MARGIN = re.compile(r"(?P<sign>[+-])\s*(?P<amount>.+)", re.DOTALL)
_CLOSE = 1e-12


@dataclass(frozen=True, slots=True)
class RelativeLimit:
    """One comparison with what was measured before, for example `<= baseline + 20%`.

    `margin` is as it is said, without its sign: 20, with `unit` %, pp, or one of the value's own; `sign` is 1 or -1.
    """

    operator: str
    sign: int = 1
    margin: float = 0.0
    unit: str = ""

    def __str__(self) -> str:
        if not self.margin:
            return f"{self.operator} {BASELINE}"
        return f"{self.operator} {BASELINE} {'+' if self.sign > 0 else '-'} {self.margin:g}{self.unit}"

    @property
    def expected(self) -> str:
        """The limit as people say it: `<= baseline + 20 %`."""
        if not self.margin:
            return str(self)
        return f"{self.operator} {BASELINE} {'+' if self.sign > 0 else '-'} {quantity(f'{self.margin:g}', self.unit)}"

    @property
    def is_ratio(self) -> bool:
        """Whether the margin is a part of the baseline, rather than an amount."""
        return self.unit == "%"

    def bound(self, baseline: float, unit: str) -> float:
        """Return what a value is compared with, in the unit of both.

        Raises UnjudgeableError for a margin that measures something else than the value.
        """
        if self.is_ratio:
            return baseline + self.sign * abs(baseline) * self.margin / 100
        if self.unit == POINTS and unit == "%":
            return baseline + self.sign * self.margin
        if self.margin and (self.unit == POINTS or not _alike(self.unit, unit)):
            raise UnjudgeableError(f"the value is a {dimension(unit)}, and {self.margin:g}{self.unit} of {self} is not")
        return baseline + self.sign * from_base(to_base(self.margin, self.unit), unit)

    def holds(self, value: object, baseline: float, unit: str) -> bool:
        """Tell whether a value keeps the limit. Raises UnjudgeableError where it cannot be told."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise UnjudgeableError(f"the value {as_text(value)} is not a number, and the limit {self} is for numbers")
        bound = self.bound(baseline, unit)
        same = math.isclose(value, bound, rel_tol=_CLOSE)
        match self.operator:
            case "==":
                return same
            case "<=" | ">=":
                return same or (value < bound) is (self.operator == "<=")
            case _:
                return not same and (value < bound) is (self.operator == "<")


def _alike(one: str, other: str) -> bool:
    return dimension(one) == dimension(other) and window_s(one) == window_s(other)


def parse_relative(value: object) -> RelativeLimit | None:
    """Parse a limit that names the baseline; None for any other. Raises LimitError for one that can't be meant."""
    match = _RELATIVE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    operator, rest = match["operator"], match["rest"]
    if operator not in _OPERATORS:
        raise LimitError(f"{value!r}: a baseline is compared by one of {' '.join(_OPERATORS)}; use '<= baseline + 20%'")
    if not rest:
        return RelativeLimit(operator)
    margin = _MARGIN.fullmatch(rest)
    number = NUMBER.fullmatch(margin["amount"].strip()) if margin is not None else None
    if margin is None or number is None or number["number"][0] in "+-" or not math.isfinite(float(number["number"])):
        raise LimitError(f"{value!r} is not a limit; behind 'baseline' stands + or - and a number: 'baseline + 20%'")
    if number["unit"] != POINTS:
        dimension(number["unit"])  # raises, with the units that there are
    return RelativeLimit(operator, 1 if margin["sign"] == "+" else -1, float(number["number"]), number["unit"])
