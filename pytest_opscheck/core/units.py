"""The units of measured values: what they measure, how they convert, and how messages say a number with one."""

from __future__ import annotations

import math
import re
from typing import Any

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


UNITS = (*_FACTORS, *_WINDOWS)


NUMBER = re.compile(r"(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*(?P<unit>%|/?[A-Za-z]*)")


_EXAMPLES = {
    "count": "'< 10'",
    "percentage": "'< 70%'",
    "duration": "'< 500ms'",
    "size": "'< 100MB'",
    "rate": "'< 10/day'",
    "text": "'== ready'",
    "set": "'== {a, b}'",
}


_SPOKEN = {"m": "min"}
"""How messages say a unit that could be taken for another one."""


class LimitError(ValueError):
    """A limit that cannot be meant; the message says what can."""


class UnknownUnitError(LimitError):
    """A unit that the language does not have."""

    def __init__(self, unit: str) -> None:
        known = ", ".join(filter(None, UNITS))
        super().__init__(f"unknown unit {unit!r}; use one of {known}, or none for a count")
        self.unit = unit


def dimension(unit: str) -> str:
    """Return what a unit measures: count, percentage, duration, size or rate.

    Raises UnknownUnitError.
    """
    if unit in _WINDOWS:
        return "rate"
    try:
        return _FACTORS[unit][0]
    except KeyError:
        raise UnknownUnitError(unit) from None


def window_s(unit: str) -> int | None:
    """Return over how many seconds a unit counts; None for one that is not a rate."""
    return _WINDOWS.get(unit)


def rate_unit(window_s: int | None) -> str:
    """Return the unit of a rate over as many seconds, "/day" for 86400; none where there is no window."""
    return "" if window_s is None else next(unit for unit, seconds in _WINDOWS.items() if seconds == window_s)


def example(measures: str) -> str:
    """Return a limit of a dimension, quoted, as an error's next step."""
    return _EXAMPLES[measures]


def to_base(value: float, unit: str) -> float:
    """Convert a value to its dimension's base unit: seconds, bytes, percent, a count."""
    try:
        return float(value) * (_FACTORS[unit][1] if unit in _FACTORS else 1)
    except OverflowError:  # an integer beyond every float
        return math.inf if value > 0 else -math.inf


def from_base(value: float, unit: str) -> float:
    """Convert a value in its dimension's base unit to a unit."""
    return value / _FACTORS[unit][1] if unit in _FACTORS else value


def parse_duration(value: object) -> float:
    """Parse `30s` or a bare number of seconds. Raises LimitError for anything but a positive duration."""
    text = value if isinstance(value, str) else "" if isinstance(value, bool) else f"{value}s"
    match = NUMBER.fullmatch(text.strip())
    if match is None or _FACTORS.get(match["unit"], ("", 0))[0] != "duration" or not float(match["number"]) > 0:
        raise LimitError(f"{value!r} is not a length of time; use for example '30s'")
    return to_base(float(match["number"]), match["unit"])


def parse_time(value: object) -> float:
    """Parse `15m`; a bare number is refused, for it could be minutes as well as seconds. Raises LimitError."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        raise LimitError(f"{value!r} has no unit; use for example '{value}s' or '{value}m'")
    return parse_duration(value)


def as_text(value: object) -> str:
    """Return a value as people and TOML write it: true, null, 5, ready."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def quantity(value: Any, unit: str) -> str:
    """Return a value, as exact as it is given, and its unit as messages have them: `75.2 %`, `5 min`, `12`, `4/day`."""
    text = as_text(value)
    if not unit:
        return text
    return text + unit if unit in _WINDOWS else f"{text} {_SPOKEN.get(unit, unit)}"
