"""Maintenance windows: those that come again by a rule, and those that somebody began by hand."""

from __future__ import annotations

import bisect
import datetime as dt
import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..core.dayparts import During, parse_during
from ..core.units import LimitError

Zone = zoneinfo.ZoneInfo | dt.timezone
EXAMPLE = "'FREQ=MONTHLY;BYMONTH=1,4,7,10;BYDAY=1SU', the first Sunday of a quarter"
_DAY = 24 * 60
_WHOLE_DAY = re.compile(r"\s*00:00\s*-\s*24:00\s*")
_WEEKDAY = r"(MO|TU|WE|TH|FR|SA|SU)"


def _up_to(most: int, *, signed: bool = True) -> str:
    """Return what matches a list of numbers from 1, or also counted from the end."""
    numbers = "|".join(map(str, range(most, 0, -1)))
    one = rf"{'[+-]?' if signed else ''}0?({numbers})"
    return rf"{one}(,{one})*"


_PARTS = {
    "FREQ": "DAILY|WEEKLY|MONTHLY|YEARLY",
    "INTERVAL": r"[1-9][0-9]{0,2}",
    "COUNT": r"[1-9][0-9]{0,3}",
    "UNTIL": r"[0-9]{8}(T[0-9]{6})?",
    "BYMONTH": _up_to(12, signed=False),
    "BYMONTHDAY": _up_to(31),
    "BYYEARDAY": _up_to(366),
    "BYWEEKNO": _up_to(53),
    "BYDAY": rf"([+-]?[1-9][0-9]?)?{_WEEKDAY}(,([+-]?[1-9][0-9]?)?{_WEEKDAY})*",
    "BYSETPOS": _up_to(366),
    "WKST": _WEEKDAY,
}
"""What a rule may say, as patterns: to compile them takes its time, so only a rule has that done. `at` says the time of
day. dateutil would look without end for what these leave out."""
RULE = rf"^(?![\s\S]*FREQ=(?!({_PARTS['FREQ']})(;|\s*$))[A-Z]+(;|\s*$))"
"""What a schema knows of a rule: how often it says that it is."""
_NEEDED = {
    "DAILY": ((),),
    "WEEKLY": (("BYDAY",),),
    "MONTHLY": (("BYDAY",), ("BYMONTHDAY",)),
    "YEARLY": (("BYMONTH", "BYDAY"), ("BYMONTH", "BYMONTHDAY"), ("BYYEARDAY",), ("BYWEEKNO", "BYDAY")),
}
"""What says on which day it is; what a rule leaves out, its beginning would say."""


@dataclass(frozen=True, slots=True)
class Open:
    """A window that is open now: breaches inside show as maintenance, and alert nobody."""

    name: str
    until: dt.datetime
    why: str
    who: str | None = None
    results: frozenset[str] | None = None

    def __str__(self) -> str:
        by = f", by {self.who}" if self.who else ""
        return f"in maintenance until {self.until:%Y-%m-%d %H:%M}: {self.why} ({self.name}{by})"

    def holds(self, result: str) -> bool:
        """Tell whether a result, by its id, is inside; of all where nothing narrows it."""
        return self.results is None or result in self.results


@dataclass(frozen=True, slots=True)
class Rule:
    """On which days a window comes: a recurrence rule of RFC 5545, and the day of the first one where that is said."""

    text: str
    first: dt.date | None = None

    def days(self, after: dt.date, before: dt.date) -> list[dt.date]:
        """Return the days on which it comes, from one to another, both among them."""
        from dateutil.rrule import rrulestr

        # Where nothing depends on the first one, any day long enough ago does, and the near past is counted fastest.
        begin = self.first or dt.date(after.year - 1, 1, 1)
        rule = rrulestr(self.text, dtstart=_midnight(begin))
        return [found.date() for found in rule.between(_midnight(after), _midnight(before), inc=True)]

    def next(self, after: dt.date) -> dt.date | None:
        """Return the first day from one on, None where it never comes again."""
        from dateutil.rrule import rrulestr

        rule = rrulestr(self.text, dtstart=_midnight(self.first or dt.date(after.year - 1, 1, 1)))
        found: dt.datetime | None = rule.after(_midnight(after), inc=True)
        return found.date() if found else None


@dataclass(frozen=True, slots=True)
class Window:
    """A maintenance window that comes again: its days by a rule, and its part of the day by the inventory's clocks.

    results: the ids of the results that it holds for; None for all.
    """

    name: str
    rule: Rule
    at: During
    why: str
    results: frozenset[str] | None = field(default=None, repr=False)

    def open(self, moment: dt.datetime, zone: Zone) -> Open | None:
        """Return it as it is open at a moment, None where it is not."""
        today = moment.astimezone(zone).date()
        for day in reversed(self.rule.days(today - dt.timedelta(days=1), today)):
            begin, end = self.bounds(day, zone)
            if begin <= moment < end:
                return Open(self.name, end.astimezone(zone), self.why, None, self.results)
        return None

    def next(self, moment: dt.datetime, zone: Zone) -> dt.datetime | None:
        """Return when it opens next, None where it never does again."""
        today = moment.astimezone(zone).date()
        for after in (today, today + dt.timedelta(days=1)):  # today's may be over
            day = self.rule.next(after)
            if day is not None and (begin := self.bounds(day, zone)[0]) > moment:
                return begin.astimezone(zone)
        return None

    def bounds(self, day: dt.date, zone: Zone) -> tuple[dt.datetime, dt.datetime]:
        """Return when the window of a day begins and ends, in UTC.

        It lasts by the clock on the wall. Of a time that comes twice, it begins at the first and ends at the second; a
        time that the clock jumps over is the moment of the jump. One that lies in such a jump as a whole never opens.
        """
        start = _midnight(day) + dt.timedelta(minutes=self.at.start)
        end = start + dt.timedelta(minutes=(self.at.end - self.at.start) % _DAY or _DAY)
        return _moment(start, zone, fold=0), _moment(end, zone, fold=1)


def parse_at(value: object) -> During:
    """Parse `02:00-08:00`; it may cross midnight, and `00:00-24:00` is a day. Raises LimitError with an example."""
    if isinstance(value, str) and _WHOLE_DAY.fullmatch(value):
        return During(0, _DAY)
    try:
        return parse_during(value)
    except LimitError:
        raise LimitError(
            f"{value!r} is not a part of the day; use for example '02:00-08:00', or '00:00-24:00' for all of it"
        ) from None


def parse_rule(written: str, first: dt.date | None) -> Rule:
    """Parse a recurrence rule. Raises LimitError with an example."""
    text = written.strip().upper().removeprefix("RRULE:")
    pairs = [part.partition("=") for part in text.split(";")]
    parts = {key: value for key, _, value in pairs}
    for key, sign, value in pairs:
        if key in ("BYHOUR", "BYMINUTE", "BYSECOND"):
            raise LimitError(f"{written!r}: `at` says the time of day; leave {key} out")
        if not sign or key not in _PARTS:
            raise LimitError(
                f"{written!r} is not a recurrence rule of RFC 5545, for {key!r}; use for example {EXAMPLE}"
            )
        if not re.fullmatch(_PARTS[key], value):
            raise LimitError(f"{written!r}: {key} can't be {value!r}; use for example {EXAMPLE}")
    if len(parts) < len(pairs) or "FREQ" not in parts:
        raise LimitError(f"{written!r}: each part may appear once, and FREQ is needed; use for example {EXAMPLE}")
    if first is None:
        _require_anchored(written, parts)
    rule = Rule(text, first)
    if parts["FREQ"] in ("DAILY", "WEEKLY") and re.search("[0-9]", parts.get("BYDAY", "")):
        raise LimitError(
            f"{written!r}: only a month or a year has a first and a last Sunday; use for example {EXAMPLE}"
        )
    try:
        comes = rule.next(first or dt.date(2001, 1, 1))
    except (ArithmeticError, LookupError, ValueError) as error:
        raise LimitError(
            f"{written!r} is not a recurrence rule of RFC 5545: {error}; use for example {EXAMPLE}"
        ) from None
    if comes is None and "UNTIL" not in parts:
        raise LimitError(f"{written!r}: there is no such day, so the window would never open")
    return rule


def _require_anchored(text: str, parts: Mapping[str, str]) -> None:
    """Refuse a rule that depends on when it was first, where that is not said."""
    if "COUNT" in parts or parts.get("INTERVAL", "1") != "1":
        counting = "COUNT" if "COUNT" in parts else "INTERVAL"
        raise LimitError(f"{text!r}: {counting} counts from the first window; give its day: from = 2026-01-04")
    needed = _NEEDED[parts["FREQ"]]
    if not any(all(key in parts for key in keys) for keys in needed):
        ways = ", or ".join(" and ".join(keys) for keys in needed)
        raise LimitError(
            f"{text!r} does not set the day; add {ways}, or the day of the first window: from = 2026-01-04"
        )


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time())  # naive: dateutil counts days, not moments


def _moment(wall: dt.datetime, zone: Zone, *, fold: int) -> dt.datetime:
    """Return when clocks show a time; `fold` is which of two moments, where they show it twice."""
    found = wall.replace(tzinfo=zone, fold=fold).astimezone(dt.UTC)
    if _shown(found, zone) == wall:
        return found
    low, high = (wall.replace(tzinfo=zone, fold=each).astimezone(dt.UTC) for each in (1, 0))
    seconds = range(int((high - low).total_seconds()) + 1)
    jump = bisect.bisect_left(
        seconds, True, key=lambda second: _shown(low + dt.timedelta(seconds=second), zone) >= wall
    )
    return low + dt.timedelta(seconds=jump)


def _shown(moment: dt.datetime, zone: Zone) -> dt.datetime:
    """Return what clocks show at a moment."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)
