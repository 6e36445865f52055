"""Says measured numbers as people do: in a unit that fits, rounded, but never so far that the verdict looks wrong."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable

from .limits import Limit
from .relative import RelativeLimit
from .units import dimension, from_base, quantity, to_base

_DIGITS = 3
"""So many digits tell; a percentage has one behind the point instead."""
_MOST_PLACES = 12
_LARGE = 1000
"""From here on a number is said in a larger unit, where there is one, and without anything behind the point."""
_ALIKE = 10
"""A value of up to this many times a limit is shown in its unit: 1200 ms beside 500 ms, 0.3 h beside 0.5 h."""
_EXPONENT_FROM = 1e15
_FAMILIES = (
    ("d", "h", "m", "s", "ms"),
    ("TB", "GB", "MB", "kB", "B"),
    ("TiB", "GiB", "MiB", "KiB", "B"),
)
_WHOLE = {"%": (0.0, 100.0)}
"""What nothing is rounded to that is not just that: 99.98 % is not 100 %."""


def observed(value: object, unit: str, limit: Limit | RelativeLimit, same: Callable[[float, str], bool]) -> str:
    """Return a measured value as a message says it, beside a limit.

    It is said in the limit's unit, unless that makes it absurd (0.0008 h), and as exact as it takes to be judged as the
    value itself is: never `70 %, expected <= 70 %`. `same(number, unit)` tells whether a number is.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return quantity(value, "")
    if not math.isfinite(to_base(value, unit)):
        return quantity(value, unit)
    shown = _unit(value, unit, limit)
    if shown == unit and isinstance(value, int):
        return quantity(value, unit)
    number = 0.0 + (value if shown == unit else from_base(to_base(value, unit), shown))  # 0.0 + -0.0 has no sign
    texts = (_rounded(number, places) for places in range(_places(number, shown), _MOST_PLACES + 1))
    wholes = _WHOLE.get(shown, (0.0,))
    for text in texts:
        if same(float(text), shown) and (float(text) not in wholes or number in wholes):
            return quantity(text, shown)
    return quantity(repr(value), unit)


def _unit(value: float, unit: str, limit: Limit | RelativeLimit) -> str:
    """Return the unit in which to say a value."""
    measures = dimension(unit)
    if measures not in ("duration", "size"):
        return unit
    if isinstance(limit, RelativeLimit):
        return unit
    operand = limit.number if limit.dimension == measures and limit.number is not None else 0.0
    beside = limit.unit if limit.dimension == measures else unit
    base = to_base(value, unit)
    number, compared = abs(from_base(base, beside)), abs(from_base(operand, beside))
    least = compared / _ALIKE if 0 < compared < 1 else 1
    if base == 0 or (number > 0 and least <= number < max(_LARGE, compared * _ALIKE)):
        return beside
    family = next(family for family in _FAMILIES if beside in family)
    return next((fitting for fitting in family if abs(from_base(base, fitting)) >= 1), family[-1])


def _places(number: float, unit: str) -> int:
    """Return how many places behind the point tell something."""
    if number == 0 or abs(number) >= _LARGE:
        return 0
    before = math.floor(math.log10(abs(number))) + 1
    return 1 if unit == "%" and before > 0 else max(0, _DIGITS - before)


def _rounded(number: float, places: int) -> str:
    if abs(number) >= _EXPONENT_FROM:
        return f"{number:.{_DIGITS + places}g}"
    text = f"{number:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration_text(time: dt.timedelta) -> str:
    """Return a length of time in the unit that fits: `2 d`, `5 h`, `12 min`, `40 s`."""
    seconds = time.total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds / size)} {unit}"
    return f"{max(0, int(seconds))} s"


def seconds_text(seconds: float) -> str:
    """Return a number of seconds in the unit that fits."""
    return duration_text(dt.timedelta(seconds=seconds))


def counted(number: int, word: str) -> str:
    """Return a number with its word: `1 check`, `2 checks`."""
    return f"{number} {word}{'' if number == 1 else 's'}"
