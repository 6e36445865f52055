"""When a suite is due: at times of the day, or every few minutes. The same answer for timers, status and audits."""

from __future__ import annotations

import datetime as dt
import itertools
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass

HOUR = 60
DAY = 24 * HOUR
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST_S = 3600.0
"""How long a run that starts by itself may take where nothing is said, if the next one is not due before."""
_LATE_S = 60.0
"""A run is missed only when it is later than all that may hold it up, by so much: machines start slowly."""
_FARTHEST = dt.timedelta(days=370)
"""A suite is due at least so often: on the 31st of some month, once a year at the worst."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a suite is due.

    `times` are minutes since midnight in `zone`, on the weekdays (0 is Monday) or days of the month that are said, else
    every day. A time that the clocks skip is not due on that day, and one that they repeat is due at the first.
    Without times it is due every `every` minutes of each hour, whatever the clocks do.

    delay_s: a run starts up to so much later, by chance. deadline_s: how long it may take.
    """

    times: tuple[int, ...] = ()
    every: int = HOUR
    weekdays: tuple[int, ...] = ()
    dates: tuple[int, ...] = ()
    zone: zoneinfo.ZoneInfo | dt.timezone = dt.UTC
    delay_s: float = 0.0
    deadline_s: float = LONGEST_S

    def __str__(self) -> str:
        if not self.times:
            return f"every {self.every} min"
        days = ", ".join([WEEKDAYS[day].title() for day in self.weekdays] or [f"{date}." for date in self.dates])
        return f"{days + ' ' if days else ''}{', '.join(map(clock, self.times))} {self.zone}"

    def between(self, since: dt.datetime, until: dt.datetime) -> Iterator[dt.datetime]:
        """Yield when it is due, in UTC: from `since` on, and before `until`."""
        moments = self._at_times(since) if self.times else self._every(since)
        first = itertools.dropwhile(lambda moment: moment < since, moments)
        return itertools.takewhile(lambda moment: moment < until, first)

    def following(self, moment: dt.datetime) -> dt.datetime:
        """Return when it is due next, after a moment."""
        after = moment + dt.timedelta(microseconds=1)
        return next(self.between(after, after + _FARTHEST))

    def settled(self, now: dt.datetime) -> dt.datetime:
        """Return when it was due last, so long ago that a run of that time has ended by now."""
        until = now - self.patience
        for days in (2, 32, _FARTHEST.days):
            found = list(self.between(until - dt.timedelta(days=days), until))
            if found:
                return found[-1]
        raise AssertionError("a suite is due at least once a year")

    def overdue(self, started: dt.datetime) -> dt.datetime:
        """Return from when on the next run is overdue, after one that started at a moment."""
        return self.following(started) + self.patience

    @property
    def patience(self) -> dt.timedelta:
        """How long after it was due its run may still be under way."""
        return dt.timedelta(seconds=self.delay_s + self.deadline_s + _LATE_S)

    def _every(self, since: dt.datetime) -> Iterator[dt.datetime]:
        moment = since.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)
        while True:
            yield moment
            moment += dt.timedelta(minutes=self.every)

    def _at_times(self, since: dt.datetime) -> Iterator[dt.datetime]:
        day = since.astimezone(self.zone).date()
        while True:
            if self._is_on(day):
                yield from sorted(filter(None, (self._moment(day, time) for time in self.times)))
            day += dt.timedelta(days=1)

    def _is_on(self, day: dt.date) -> bool:
        return day.weekday() in self.weekdays or day.day in self.dates or not (self.weekdays or self.dates)

    def _moment(self, day: dt.date, time: int) -> dt.datetime | None:
        """Return a time of a day in UTC; None where the clocks skip it."""
        local = dt.datetime.combine(day, dt.time(*divmod(time, HOUR)), tzinfo=self.zone)
        moment = local.astimezone(dt.UTC)
        return moment if moment.astimezone(self.zone).replace(tzinfo=None) == local.replace(tzinfo=None) else None


def shortest_gap_s(times: tuple[int, ...], every: int) -> float:
    """Return the shortest time between two moments at which a suite is due, where it is due every day."""
    if not times:
        return every * 60.0
    following = (*times[1:], times[0] + DAY)
    return min(after - time for time, after in zip(times, following, strict=True)) * 60.0


def clock(time: int) -> str:
    """Return minutes since midnight as people say them: 09:00."""
    return f"{time // HOUR:02}:{time % HOUR:02}"
