"""Limits of the runbook and of the inventory as values that can be compared, whatever unit each is written in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..core.dayparts import Limits
from ..core.ladders import Ladder
from ..core.limits import Limit, parse_limit
from ..core.units import LimitError, dimension, to_base
from .quantities import Quantity

_SIDES = {"<": "<", "<=": "<", ">": ">", ">=": ">"}
"""A limit that itself still holds, or not: between people that is the same."""


class Number(NamedTuple):
    """A limit without its unit: on which side of what number, in the base of what it measures."""

    side: str
    value: float
    measures: str


def number_of(quantity: Quantity) -> Number:
    """Return what a number in a text says."""
    try:
        value, measures = to_base(float(quantity.number), quantity.unit), dimension(quantity.unit)
    except (ValueError, LimitError):
        value, measures = math.inf, "text"
    if not math.isfinite(value):
        value, measures = 0.0, quantity.text
    return Number(_SIDES.get(quantity.operator, quantity.operator), round(value, 9), measures)


def limit_of(text: str | int) -> Limit | None:
    """Return a limit that a runbook says, None for what the inventory would not take."""
    try:
        return parse_limit(text)
    except LimitError:
        return None


def same(one: Limit, other: Limit) -> bool:
    """Tell whether two limits say the same: in whatever unit, and whether or not the number itself is still well."""
    if one.number is None or other.number is None:
        return (one.operator, one.operand) == (other.operator, other.operand)
    sides = _SIDES.get(one.operator, one.operator) == _SIDES.get(other.operator, other.operator)
    return sides and alike(one.number, one.dimension, other) and one.window_s == other.window_s


def alike(value: float, measures: str, limit: Limit) -> bool:
    """Tell whether a limit names a number; a bare one may be a percentage, of what is told in percent alone."""
    if limit.number is None or not math.isclose(limit.number, value, rel_tol=1e-9):
        return False
    return limit.dimension == measures or {limit.dimension, measures} <= {"count", "percentage"}


def ladder_of(limits: Limits | None) -> list[tuple[str, Limit]]:
    """Return the limits of an expectation, each with its severity."""
    ladders: Iterable[Ladder] = limits.ladders if limits is not None else ()
    return [(rung.severity, rung.limit) for ladder in ladders for rung in ladder.rungs]


def inside(value: Any) -> Iterator[tuple[str, Limit]]:
    """Yield the limits in the parameters of an expectation, each with its severity."""
    if isinstance(value, Limits):
        yield from ladder_of(value)
    elif isinstance(value, Ladder):
        yield from ((rung.severity, rung.limit) for rung in value.rungs)
    elif isinstance(value, Mapping):
        yield from (each for part in value.values() for each in inside(part))
    elif isinstance(value, list | tuple):
        yield from (each for part in value for each in inside(part))
