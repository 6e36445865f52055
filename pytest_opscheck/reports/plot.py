"""The plot of a measured value over past runs, as places on a sheet: its values, its limits, and the time below."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.limits import parse_limit
from ..core.results import Measurement
from ..core.units import LimitError, dimension, from_base, quantity
from ..core.visible import plain
from ..history import Point

LEFT, WIDTH, TOP, HEIGHT = 52, 244, 6, 64
"""Where the values are drawn: their names stand on the left, those of the limits on the right, the dates below."""
SHEET = (LEFT + WIDTH + 84, TOP + HEIGHT + 18)
_FEWEST = 2
_PAUSE = 2.5
"""So many times as long as between most runs, and the line of the values is broken: nobody looked."""
_APART = 11
"""The names of limits stand so far apart, however near the limits are."""
_LONGEST = 14
_STEPS_S = (3600, 6 * 3600, 86400, 7 * 86400, 30 * 86400, 365 * 86400)
_MOST_TICKS = 12
_DAYS = dt.timedelta(days=2)
"""Dates alone tell the ends of what takes longer."""


@dataclass(frozen=True, slots=True)
class LimitLine:
    """A limit: how high it is drawn, and its name, which stands beside it or near by."""

    severity: str
    label: str
    y: int
    name_y: int


@dataclass(frozen=True, slots=True)
class Dot:
    """One value. `severity` is of the limit that it broke."""

    x: int
    y: int
    label: str
    severity: str


@dataclass(frozen=True, slots=True)
class Plot:
    """All that is drawn. `line` and `ticks` are paths of SVG, `about` says in words what is seen where it is full."""

    title: str
    about: str
    line: str
    ticks: str
    limits: tuple[LimitLine, ...]
    dots: tuple[Dot, ...]
    high: str
    low: str
    first: str
    last: str


_MOST_POINTS = 400
"""More values are of a check that measures many without saying of what each is."""


def plot(
    measurement: Measurement, points: Sequence[Point], zone: dt.tzinfo | None, *, is_full: bool = True
) -> Plot | None:
    """Return the plot of a value, of which `points` has the newest first; None where it has no past to show.

    Where it is full each value can be pointed at, else only the newest one is marked.
    """
    points = points if len(points) <= _MOST_POINTS else _worst_of_each(points)
    known = [(point, value) for point in reversed(points) if (value := _number(point.value)) is not None]
    if len(known) < _FEWEST or _number(points[0].value) is None:
        return None
    limits = _limits(measurement)
    scale = _Scale([value for _, value in known] + [number for _, _, number in limits])
    if not math.isfinite(scale.high - scale.low):
        return None
    time = _Time([point.started for point in reversed(points)], zone)
    dots = tuple(
        Dot(time.x(point.started), scale.y(value), _told(point, value, measurement, zone), point.breached or "")
        for point, value in (known if is_full else known[-1:])
    )
    return Plot(
        title=f"{measurement.subject or 'value'} in {len(known)} runs",
        about=_about(measurement, [value for _, value in known], time) if is_full else "",
        line=_path(list(reversed(points)), time, scale),
        ticks="".join(f"M{x} {TOP + HEIGHT}v3" for x in time.ticks()) if is_full else "",
        limits=tuple(_named(limits, scale)),
        dots=dots,
        high=_short(_said(scale.high, measurement)) if scale.high > scale.low else "",
        low=_short(_said(scale.low, measurement)),
        first=time.text(time.first),
        last=time.text(time.last),
    )


def _worst_of_each(points: Sequence[Point]) -> list[Point]:
    """Return one value of each run, the worst: a check may measure many without saying of what each is."""
    found: dict[dt.datetime, Point] = {}
    for point in points:
        known = found.setdefault(point.started, point)
        if (point.breached or "P9") < (known.breached or "P9"):
            found[point.started] = point
    return list(found.values())


def said_at(moment: dt.datetime, zone: dt.tzinfo | None) -> str:
    """Return a moment as the page names a run by it."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


class _Scale:
    """How high a value is drawn; equal values stand in the middle."""

    def __init__(self, numbers: Sequence[float]) -> None:
        self.low, self.high = min(numbers), max(numbers)

    def y(self, value: float) -> int:
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return round(TOP + HEIGHT - 4 - share * (HEIGHT - 8))


class _Time:
    """How far to the right a moment is drawn: a day is as wide as any other, whether somebody looked or not."""

    def __init__(self, moments: Sequence[dt.datetime], zone: dt.tzinfo | None) -> None:
        self.first, self.last = min(moments).astimezone(zone), max(moments).astimezone(zone)
        self._span_s = (self.last - self.first).total_seconds()
        gaps = [(after - before).total_seconds() for before, after in itertools.pairwise(moments)]
        self.pause_s = statistics.median(gaps) * _PAUSE

    def x(self, moment: dt.datetime) -> int:
        share = (moment - self.first).total_seconds() / self._span_s if self._span_s else 1
        return round(LEFT + 4 + share * (WIDTH - 8))

    def text(self, moment: dt.datetime) -> str:
        return f"{moment:%Y-%m-%d}" if self.last - self.first >= _DAYS else f"{moment:%m-%d %H:%M}"

    def ticks(self) -> Iterator[int]:
        """Yield where a mark stands below: at each full hour, day, week or month, whichever are few."""
        step = next((step for step in _STEPS_S if self._span_s / step <= _MOST_TICKS), None)
        if step is None:
            return
        moment = self.first.replace(hour=0, minute=0, second=0, microsecond=0)
        while moment <= self.last:
            if moment >= self.first:
                yield self.x(moment)
            moment += dt.timedelta(seconds=step)


def _path(points: Sequence[Point], time: _Time, scale: _Scale) -> str:
    """Return the lines through the values, as steps, which are short; one value alone is a step of no length: a dot."""
    drawn = []
    for part in _parts(points, time):
        places = [(time.x(moment), scale.y(value)) for moment, value in part]
        steps = [f"{x - left} {y - above}" for (left, above), (x, y) in itertools.pairwise(places)] or ["0 0"]
        drawn.append(f"M{places[0][0]} {places[0][1]}l{' '.join(steps)}".replace(" -", "-"))
    return "".join(drawn)


def _parts(points: Sequence[Point], time: _Time) -> Iterator[list[tuple[dt.datetime, float]]]:
    """Yield values that are seen as one line: it ends at a run without a value, and at a pause."""
    part: list[tuple[dt.datetime, float]] = []
    for point in points:
        value = _number(point.value)
        pauses = bool(part) and (point.started - part[-1][0]).total_seconds() > time.pause_s
        if part and (value is None or pauses):
            yield part
            part = []
        part += [(point.started, value)] if value is not None else []
    if part:
        yield part


def _limits(measurement: Measurement) -> list[tuple[str, str, float]]:
    """Return each limit that is a number: its severity, its text, and it itself in the measurement's unit."""
    found = []
    for severity, text in measurement.limits.items():
        try:
            limit = parse_limit(text)
            if limit.number is not None and limit.dimension == dimension(measurement.unit):
                number = from_base(limit.number, measurement.unit)
                found += [(severity, text, number)] if math.isfinite(number) else []
        except LimitError:
            continue  # of a newer version, or a user-defined unit: it stands beside in words
    return found


def _named(limits: Sequence[tuple[str, str, float]], scale: _Scale) -> Iterator[LimitLine]:
    """Yield limits from the top down, with their names apart."""
    free = TOP + 2
    drawn = sorted((scale.y(number), severity, text) for severity, text, number in limits)
    for place, (y, severity, text) in enumerate(drawn):
        lowest = TOP + HEIGHT - _APART * (len(drawn) - 1 - place)
        name_y = max(free, min(y, lowest))
        free = name_y + _APART
        yield LimitLine(severity, _short(plain(f"{severity} {text}")), y, name_y + 3)


def _about(measurement: Measurement, values: Sequence[float], time: _Time) -> str:
    low, high = _said(min(values), measurement), _said(max(values), measurement)
    limits = ", ".join(f"{severity} {text}" for severity, text in measurement.limits.items())
    told = f"{low} to {high}, from {time.text(time.first)} to {time.text(time.last)}"
    return f"{told}; limits {limits}" if limits else told


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e300 and math.isfinite(value) else None  # noqa: PLR2004 - its range is finite too


def _told(point: Point, value: float, measurement: Measurement, zone: dt.tzinfo | None) -> str:
    broke = f", {point.breached}" if point.breached else ""
    return f"{said_at(point.started, zone)}: {_said(value, measurement)}{broke}"


def _said(value: float, measurement: Measurement) -> str:
    return quantity(f"{value:.4g}", measurement.unit)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
