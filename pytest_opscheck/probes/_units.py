"""The unit of a metric's value, which the value itself does not say."""

from __future__ import annotations

import math

from ..core.units import dimension

RATIO = "ratio"
"""A share from 0 to 1, which limits compare as a percentage."""


def known_unit(text: str) -> str:
    """Return a unit of the inventory. Raises ValueError for one that limits do not know."""
    if text != RATIO:
        dimension(text)
    return text


def in_unit(value: float, unit: str) -> tuple[float, str, str]:
    """Return a value, its unit as limits have it, and what to say where it cannot be judged."""
    if math.isnan(value):
        return value, "", "the sample is not a number (NaN)"
    if value == -math.inf:
        return math.nan, "", "the sample is -Inf, as the largest of nothing is, so it says nothing"
    if math.isinf(value) and (unit == RATIO or (unit and dimension(unit) == dimension("%"))):
        return math.nan, "", f"the sample is {value:g}, which is not a share: what it is a share of may be 0"
    if unit == RATIO:
        return value * 100, "%", "it is a fraction; give the limit in %"
    if unit:
        return value, unit, f"it is in {unit}, by its `unit`, and the limit is not"
    hint = 'the limit has a unit, and a sample says none; add what it is in, for example unit = "s" or unit = "ratio"'
    return value, "", hint
