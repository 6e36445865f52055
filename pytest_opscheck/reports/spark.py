"""A small plot of a measured value over past runs, with its limits, as an inline SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..core.limits import parse_limit
from ..core.results import Measurement
from ..core.units import LimitError, dimension, from_base, quantity
from ..history import Point
from .markup import safe

_WIDTH, _HEIGHT, _EDGE = 200, 48, 5
_FEWEST = 2


def spark(measurement: Measurement, points: Sequence[Point]) -> str:
    """Return the plot of a value, of which `points` has the newest first; nothing where it has no past to show.

    Each run has the same room: what matters is how the value moved, and a pause is not a value. A run without one
    leaves a gap.
    """
    values = [_number(point.value) for point in reversed(points)]
    known = [value for value in values if value is not None]
    if len(known) < _FEWEST or values[-1] is None:
        return ""
    limits = _limits(measurement)
    seen = [*known, *(number for _, number in limits)]
    low, high = min(seen), max(seen)
    if not math.isfinite(high - low):
        return ""

    def y(value: float) -> int:
        share = (value - low) / (high - low) if high > low else 0.5
        return round(_HEIGHT - _EDGE - share * (_HEIGHT - 2 * _EDGE))

    step = (_WIDTH - 2 * _EDGE) / (len(values) - 1)
    places = [None if value is None else (round(_EDGE + step * n), y(value)) for n, value in enumerate(values)]
    ranges = f"{len(known)} runs, {_said(min(known), measurement)} to {_said(max(known), measurement)}"
    lines = "".join(f'<path class={severity} d="M0 {y(number)}h{_WIDTH}"/>' for severity, number in limits)
    end_x, end_y = places[-1] or (0, 0)
    end = f"<circle cx={end_x} cy={end_y} r=5{' class=bad' if points[0].breached else ''} />"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role=img aria-label="{safe(ranges)}">'
        f'{lines}<path d="{_path(places)}"/>{end}</svg>'
    )


def _path(places: Sequence[tuple[int, int] | None]) -> str:
    """Return a line through places, which starts again after each gap."""
    drawn, pen = [], ""
    for place in places:
        if place is None:
            pen = ""
            continue
        drawn.append(f"{pen or 'M'}{place[0]} {place[1]}")
        pen = " "
    return "".join(drawn)


def _limits(measurement: Measurement) -> list[tuple[str, float]]:
    """Return each limit that is a number, with its severity, in the measurement's unit."""
    found = []
    for severity, text in measurement.limits.items():
        try:
            limit = parse_limit(text)
            if limit.number is not None and limit.dimension == dimension(measurement.unit):
                number = from_base(limit.number, measurement.unit)
                found += [(severity, number)] if math.isfinite(number) else []
        except LimitError:
            continue  # of a newer version, or a user-defined unit: it stands beside in words
    return found


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e300 and math.isfinite(value) else None  # noqa: PLR2004 - its range is finite too


def _said(value: float, measurement: Measurement) -> str:
    return quantity(f"{value:.4g}", measurement.unit)
