"""The limit language: what is expected of a measured value, parsed from the inventory and judged here alone."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

SEVERITIES = ("P0", "P1", "P2", "P3")
"""Worst first."""

_FACTORS: dict[str, tuple[str, float]] = {
    "": ("count", 1),
    "%": ("percentage", 1),
    "ms": ("duration", 1e-3),
    "s": ("duration", 1),
    "m": ("duration", 60),
    "h": ("duration", 3600),
    "d": ("duration", 86400),
    "B": ("size", 1),
    "kB": ("size", 1e3),
    "MB": ("size", 1e6),
    "GB": ("size", 1e9),
    "TB": ("size", 1e12),
    "KiB": ("size", 2**10),
    "MiB": ("size", 2**20),
    "GiB": ("size", 2**30),
    "TiB": ("size", 2**40),
}
_WINDOWS = {"/s": 1, "/min": 60, "/h": 3600, "/day": 86400}
_OPERATORS = ("<=", ">=", "==", "!=", "<", ">", "~")
_NUMBER = re.compile(r"(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*(?P<unit>%|/?[A-Za-z]*)\Z")
_HALF_DAY = re.compile(r"(?P<hour>[01]\d|2[0-4]):(?P<minute>[0-5]\d)\Z")
_EXAMPLES = {
    "count": "'< 10'",
    "percentage": "'< 70%'",
    "duration": "'< 500ms' or '>= 30d'",
    "size": "'< 100MB'",
    "rate": "'< 10/day' or '< 5/h'",
    "text": "'== ready' or '~ ^v2'",
}
_CLOSE = 1e-9
"""Two numbers this near (relative) are equal: what converting between units loses."""


class LimitError(ValueError):
    """A limit that cannot be meant; the message says what can."""


class UnjudgeableError(ValueError):
    """A value of which a limit cannot say whether it holds: the verdict is unknown."""


def dimension(unit: str) -> str:
    """Return what a unit measures: count, percentage, duration, size or rate.

    Raises LimitError for a unit that the language does not have.
    """
    if unit in _WINDOWS:
        return "rate"
    try:
        return _FACTORS[unit][0]
    except KeyError:
        known = ", ".join([*(u for u in _FACTORS if u), *_WINDOWS])
        raise LimitError(f"unknown unit {unit!r}; use one of {known}, or none for a count") from None


def example(measures: str) -> str:
    """Return a limit of a dimension, quoted, as an error's next step."""
    return _EXAMPLES.get(measures, "'== value'")


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

    def __str__(self) -> str:
        return f"{self.operator} {self.operand}{self.unit}"

    @property
    def dimension(self) -> str:
        """What the limit compares: a dimension of its unit, or text."""
        return "text" if self.number is None else dimension(self.unit)

    @property
    def window_s(self) -> int | None:
        """Over how many seconds a rate counts; None for every other limit."""
        return _WINDOWS.get(self.unit)

    @property
    def expected(self) -> str:
        """The limit as people say it: `< 70 %`, `ready`, `to match /^v2/`."""
        if self.operator == "~":
            return f"to match /{self.operand}/"
        operand = quantity(self.operand, self.unit)
        return operand if self.operator == "==" else f"{self.operator} {operand}"

    def holds(self, value: object, unit: str = "") -> bool:
        """Tell whether a value, measured in a unit, keeps this limit.

        Raises UnjudgeableError where it cannot be told: no value, NaN, another dimension, text where a number is due.
        """
        if value is None or value == "":
            raise UnjudgeableError("there was no value")
        if isinstance(value, float) and math.isnan(value):
            raise UnjudgeableError("the value is not a number (NaN)")
        if self.number is None or self.pattern is not None:
            return self._holds_text(as_text(value))
        if isinstance(value, str):
            return self._holds_string(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            if self.operator in ("==", "!="):
                return self._holds_text(as_text(value))
            raise UnjudgeableError(f"{as_text(value)!r} is not a number")
        if dimension(unit) != self.dimension or _WINDOWS.get(unit) != self.window_s:
            raise UnjudgeableError(f"the value is a {dimension(unit)} ({unit or 'no unit'}), the limit {self} is not")
        return self._holds_number(to_base(value, unit))

    def _holds_number(self, value: float) -> bool:
        assert self.number is not None  # noqa: S101 - for the type checker; holds() has looked
        same = math.isclose(value, self.number, rel_tol=_CLOSE)
        match self.operator:
            case "<":
                return value < self.number and not same
            case "<=":
                return value < self.number or same
            case ">":
                return value > self.number and not same
            case ">=":
                return value > self.number or same
            case "==":
                return same
            case _:
                return not same

    def _holds_text(self, value: str) -> bool:
        if self.pattern is not None:
            return self.pattern.search(value) is not None
        return (value == self.operand + self.unit) is (self.operator == "==")

    def _holds_string(self, value: str) -> bool:
        """A number that came as a string: equal as text, or compared as a number where it is one."""
        if value == self.operand + self.unit:
            return self.operator in ("==", "<=", ">=")
        try:
            number = float(value)
        except ValueError:
            if self.operator in ("==", "!="):
                return self.operator == "!="
            raise UnjudgeableError(f"{value!r} is not a number") from None
        if math.isnan(number):
            raise UnjudgeableError("the value is not a number (NaN)")
        if self.unit:
            raise UnjudgeableError(f"{value!r} has no unit, the limit {self} has one")
        return self._holds_number(number)


def to_base(value: float, unit: str) -> float:
    """Convert a value to its dimension's base unit: seconds, bytes, percent, a count."""
    return value * _FACTORS[unit][1] if unit in _FACTORS else value


def from_base(value: float, unit: str) -> float:
    """Convert a value in its dimension's base unit to a unit."""
    return value / _FACTORS[unit][1] if unit in _FACTORS else value


def parse_limit(said: object) -> Limit:
    """Parse a limit as an inventory says it; a bare number or word means that it has to be equal.

    Raises LimitError with what would be right.
    """
    if isinstance(said, bool):
        said = f"== {as_text(said)}"
    if isinstance(said, int | float):
        said = f"== {said!r}"
    if not isinstance(said, str):
        raise LimitError(f"a limit is a text such as '< 70%', not {type(said).__name__}")
    text = said.strip()
    operator = next((known for known in _OPERATORS if text.startswith(known)), None)
    if operator is None:
        if not text or text[0] in "=!":
            raise LimitError(f"{said!r} is no limit; start with one of {' '.join(_OPERATORS)}, for example '< 70%'")
        operator, rest = "==", text
    else:
        rest = text[len(operator) :].strip()
    if not rest:
        raise LimitError(f"{said!r} names no value; for example '{operator} 70%'")
    if operator == "~":
        return _parse_pattern(rest)
    return _parse_comparison(operator, rest, said)


def _parse_pattern(rest: str) -> Limit:
    try:
        return Limit("~", rest, "", None, re.compile(rest))
    except re.error as error:
        raise LimitError(f"{rest!r} is not a regular expression: {error}") from None


def _parse_comparison(operator: str, rest: str, said: str) -> Limit:
    match = _NUMBER.match(rest)
    if match is None:
        if operator in ("==", "!="):
            return Limit(operator, rest, "", None)
        raise LimitError(f"{said!r} compares with {rest!r}, which is not a finite number with a unit; say for example '< 70%'")
    number, unit = float(match["number"]), match["unit"]
    if unit not in _FACTORS and unit not in _WINDOWS:
        if operator in ("==", "!="):
            return Limit(operator, rest, "", None)
        dimension(unit)  # raises, with the units that there are
    if not math.isfinite(number) or not math.isfinite(to_base(number, unit)):
        raise LimitError(f"{said!r} is beyond every number that can be measured")
    return Limit(operator, match["number"], unit, to_base(number, unit))


@dataclass(frozen=True, slots=True)
class Rung:
    """A limit, and how bad it is to break it."""

    severity: str
    limit: Limit


@dataclass(frozen=True, slots=True)
class Ladder:
    """Limits for one value, worst severity first."""

    rungs: tuple[Rung, ...]

    def breached(self, value: object, unit: str = "") -> Rung | None:
        """Return the worst rung that a value breaks, None where it keeps them all.

        Raises UnjudgeableError where it cannot be told.
        """
        return next((rung for rung in self.rungs if not rung.limit.holds(value, unit)), None)

    def texts(self) -> dict[str, str]:
        """Return the limits as the results file says them: severity to limit, least severe first."""
        return {rung.severity: str(rung.limit) for rung in reversed(self.rungs)}

    @property
    def window_s(self) -> int | None:
        """Over how many seconds the ladder's rates count; None where it holds no rate."""
        return self.rungs[0].limit.window_s

    @property
    def dimensions(self) -> frozenset[str]:
        """What its limits compare."""
        return frozenset(rung.limit.dimension for rung in self.rungs)


def single(limit: Limit, severity: str) -> Ladder:
    """Return a ladder of one limit."""
    return Ladder((Rung(severity, limit),))


def parse_ladder(said: Mapping[str, object], words: Mapping[str, str] | None = None) -> Ladder:
    """Parse severity to limit; `words` are an inventory's own names of P0 to P3.

    Raises LimitError for rungs that can't be meant: none, one never reached, or rates over different windows.
    """
    words = words or {}
    rungs = []
    for key, limit in said.items():
        severity = words.get(key, key)
        if severity not in SEVERITIES:
            raise LimitError(f"{key!r} is no severity; use one of {', '.join([*SEVERITIES, *words])}")
        rungs.append(Rung(severity, parse_limit(limit)))
    if not rungs:
        raise LimitError("there is no limit; say for example '< 70%'")
    rungs.sort(key=lambda rung: rung.severity)
    if len({rung.severity for rung in rungs}) < len(rungs):
        raise LimitError("two limits have the same severity")
    for worse, less in zip(rungs, rungs[1:], strict=False):
        _refuse_unreachable(worse, less)
    if len({rung.limit.window_s for rung in rungs}) > 1:
        raise LimitError("the rates of one ladder count over the same window, for example all '/day'")
    return Ladder(tuple(rungs))


def _refuse_unreachable(worse: Rung, less: Rung) -> None:
    """Refuse a worse rung that breaks no later than the less severe one: that one could never be reported."""
    high, low = worse.limit, less.limit
    if high.number is None or low.number is None or high.dimension != low.dimension:
        return
    below, above = {"<", "<="}, {">", ">="}
    for side, sign in ((below, 1), (above, -1)):
        if high.operator in side and low.operator in side and sign * high.number <= sign * low.number:
            raise LimitError(
                f"{less.severity} ({low}) would never be reported: {worse.severity} ({high}) is broken no later; "
                "the worse severity needs the wider limit"
            )


@dataclass(frozen=True, slots=True)
class During:
    """A part of the day, its end excluded; one that ends before it starts crosses midnight."""

    start: dt.time
    end: dt.time
    text: str

    def holds(self, moment: dt.datetime) -> bool:
        """Tell whether a moment, in the inventory's time zone, is inside."""
        now = moment.time()
        if self.start < self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end


def parse_during(said: object) -> During:
    """Parse `00:00-08:00`. Raises LimitError with an example."""
    problem = LimitError(f"{said!r} is no part of the day; say for example '00:00-08:00'")
    if not isinstance(said, str) or said.count("-") != 1:
        raise problem
    times = []
    for text in said.split("-"):
        match = _HALF_DAY.match(text.strip())
        if match is None or (match["hour"] == "24" and match["minute"] != "00"):
            raise problem
        times.append(dt.time(int(match["hour"]) % 24, int(match["minute"])))
    if times[0] == times[1] and said.strip() != "00:00-24:00":
        raise LimitError(f"{said!r} starts when it ends; for the whole day leave `during` out")
    return During(times[0], times[1], said.strip())


@dataclass(frozen=True, slots=True)
class Limits:
    """What is expected of a value, by the time of day: the first ladder whose part of the day it is."""

    choices: tuple[tuple[During | None, Ladder], ...]

    def at(self, moment: dt.datetime) -> Ladder:
        """Return the ladder for a moment in the inventory's time zone."""
        return next(ladder for during, ladder in self.choices if during is None or during.holds(moment))

    @property
    def ladders(self) -> Iterable[Ladder]:
        """Every ladder, whatever the time."""
        return (ladder for _, ladder in self.choices)

    def __str__(self) -> str:
        return "; ".join(
            (f"{during.text}: " if during else "") + ", ".join(f"{s} {t}" for s, t in ladder.texts().items())
            for during, ladder in self.choices
        )


def as_text(value: object) -> str:
    """Return a value as people and TOML write it: true, null, 5, ready."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def quantity(value: Any, unit: str) -> str:
    """Return a value and its unit as a message says them: `75.2 %`, `3 h`, `12`, `2.4 kB`, `4/day`."""
    if isinstance(value, float):
        value = f"{value:.4g}" if abs(value) < 1e4 or not math.isfinite(value) else f"{value:.0f}"
    text = as_text(value)
    if not unit:
        return text
    return text + unit if unit in _WINDOWS else f"{text} {unit}"
