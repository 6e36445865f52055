"""Parts of the day, for expectations that differ between night and day."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from .ladders import Ladder
from .units import LimitError

_TIME = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])")
_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class During:
    """A part of the day, in minutes since midnight, without its end; it may cross midnight."""

    start: int
    end: int

    def __str__(self) -> str:
        return f"{_clock(self.start)}-{_clock(self.end)}"

    @property
    def minutes(self) -> frozenset[int]:
        """Every minute of the day that is inside."""
        if self.start < self.end:
            return frozenset(range(self.start, self.end))
        return frozenset(range(_DAY)) - frozenset(range(self.end, self.start))

    def holds(self, moment: dt.datetime) -> bool:
        """Tell whether a moment, in the inventory's time zone, is inside."""
        minute = moment.hour * 60 + moment.minute
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


def parse_during(value: object) -> During:
    """Parse `00:00-08:00`. Raises LimitError with an example."""
    ends = [_minute(text) for text in value.split("-")] if isinstance(value, str) else []
    match ends:
        case [int(start), int(end)] if start < _DAY:
            if start == end % _DAY:
                raise LimitError(
                    f"{value!r} is the whole day or none of it; leave `during` out, or give a part of the day"
                )
            return During(start, end)
        case _:
            raise LimitError(f"{value!r} is not a part of the day; use for example '00:00-08:00'")


def _minute(text: str) -> int | None:
    match = _TIME.fullmatch(text.strip())
    minute = int(match[1]) * 60 + int(match[2]) if match else _DAY + 1
    return minute if minute <= _DAY else None


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@dataclass(frozen=True, slots=True)
class Limits:
    """What is expected of a value, by the time of day: the first ladder whose part of the day it is."""

    choices: tuple[tuple[During | None, Ladder], ...]

    def at(self, moment: dt.datetime) -> Ladder:
        """Return the ladder for a moment in the inventory's time zone."""
        return next(ladder for during, ladder in self.choices if during is None or during.holds(moment))

    @property
    def ladders(self) -> tuple[Ladder, ...]:
        """Every ladder, whatever the time."""
        return tuple(ladder for _, ladder in self.choices)

    def __str__(self) -> str:
        return "; ".join(
            (f"{during}: " if during else "") + ", ".join(f"{s} {t}" for s, t in ladder.texts().items())
            for during, ladder in self.choices
        )


def check_parts(parts: list[During | None]) -> None:
    """Check that every part of the day applies at some time, and that each minute has one.

    Raises LimitError.
    """
    if parts == [None]:
        return
    left = frozenset(range(_DAY))
    for number, part in enumerate(parts, start=1):
        minutes = left if part is None else left & part.minutes
        if not minutes:
            raise LimitError(f"entry {number} would never apply: those before it are first at all of its times")
        left -= minutes
    if left:
        raise LimitError(
            f"nothing is expected at {_clock(min(left))}; end with an entry without `during`, for the rest"
        )
