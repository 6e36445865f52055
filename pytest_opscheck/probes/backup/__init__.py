"""Backups as files on a host: how old, large and many they are, and whether the newest can be read to its end."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

from ...core.errors import UnknownError
from .._clock import doubt, require_clock
from .._files import CLOCK_SKEW_S
from .._kind import Output
from .._types import Zone
from ._bucket import uploaded
from ._content import Included, Integrity, includes, intact
from ._drill import Drill, drilled
from ._files import LISTING, LISTING_BYTES, Backup, File, Listing, kind, named_date, pattern

__all__ = [
    "Backup",
    "Days",
    "Drill",
    "Due",
    "Growth",
    "Included",
    "Integrity",
    "Kept",
    "Newest",
    "complete",
    "drilled",
    "fresh",
    "growth",
    "includes",
    "intact",
    "kept",
    "kind",
    "on_time",
    "size",
    "uploaded",
]


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest finished file that matches `path`: its age in seconds, its size in bytes. None where there is none.

    `by` says what dates it, where that is not when it was last written to: `, by the date in its name,`.
    """

    path: str
    file: str | None
    age_s: float | None
    size_bytes: int | None
    by: str = ""


@kind.shell(LISTING, args=pattern, timeout_s=20, max_bytes=LISTING_BYTES)
def fresh(output: Output) -> Newest:
    """How old the newest finished file is: since it was last written to, or longer where its name or content says so.

    A date in its name counts where it is more than a day before the file was last written to: then it was touched or
    copied. So does the time stamp that gzip or pg_dump's custom format has put into it: last week's content under
    today's name.
    """
    listing = Listing.of(output)
    if not listing.files:
        return Newest(listing.path, None, None, None)
    file = listing.files[0]
    require_clock(output, f"how old {file.name} is")
    return Newest(listing.path, file.name, listing.age_s(file), file.size, listing.by)


@kind.shell(LISTING, args=pattern, timeout_s=20, max_bytes=LISTING_BYTES)
def size(output: Output) -> Newest:
    """How large the newest finished file is."""
    listing = Listing.of(output).some()
    file = listing.files[0]
    return Newest(listing.path, file.name, listing.age_s(file), file.size, listing.by)


@dataclass(frozen=True, slots=True)
class Growth:
    """The newest finished file and the one before it, with their sizes in bytes."""

    file: str
    before: str
    size_bytes: int
    size_before: int

    @property
    def percent(self) -> float | None:
        """By how much the newest is larger; None where the one before is empty."""
        return 100 * (self.size_bytes / self.size_before - 1) if self.size_before else None


@kind.shell(LISTING, args=pattern, timeout_s=20, max_bytes=LISTING_BYTES)
def growth(output: Output) -> Growth:
    """How much larger the newest finished file is than the one before it."""
    listing = Listing.of(output).some()
    if len(listing.files) == 1:
        raise UnknownError(f"{listing.files[0].name} is the only backup, so there is none before it to compare with")
    new, old = listing.files[:2]
    return Growth(new.name, old.name, new.size, old.size)


@dataclass(frozen=True, slots=True)
class Kept:
    """How many finished files are not empty and how many are, and the oldest of all with its age in seconds.

    `doubt` says why the age can't be told, where a clock is wrong.
    """

    path: str
    count: int
    oldest: str
    age_s: float
    empty: int = 0
    doubt: str | None = None


@kind.shell(LISTING, args=pattern, timeout_s=20, max_bytes=LISTING_BYTES)
def kept(output: Output) -> Kept:
    """The finished files: their number, and the age of the oldest, by the older of the date in its name and its mtime.

    A month-old file that was touched or copied looks new by mtime alone, and was then neither removed nor noticed
    (sandydargoport/prism 438).
    """
    listing = Listing.of(output).some()
    oldest = listing.files[-1]
    count = len(listing.filled)
    wrong = doubt(output, f"how old {oldest.name} is")
    return Kept(listing.path, count, oldest.name, listing.age_s(oldest), len(listing.files) - count, wrong)


@dataclass(frozen=True, slots=True)
class Days:
    """Which of the last days have a backup. `missing` are the others, oldest first."""

    path: str
    count: int
    missing: tuple[dt.date, ...]

    @property
    def percent(self) -> float:
        """Days with a backup, of all."""
        return 100 * (1 - len(self.missing) / self.count)


@kind.shell(LISTING, args=pattern, timeout_s=20, max_bytes=LISTING_BYTES)
def complete(output: Output, *, days: Annotated[int, Field(ge=1, le=3660)], zone: Zone) -> Days:
    """The days before today, in the inventory's time zone, that have a backup which is not empty.

    A file is of the day in its name, or else of the day on which it was last written to. A name that is later than the
    file itself counts for nothing.
    """
    listing = Listing.of(output).some()
    require_clock(output, "which days are past")
    today = dt.datetime.fromtimestamp(listing.now, zone).date()
    wanted = [today - dt.timedelta(days=back) for back in range(days, 0, -1)]
    found = {_day(file, zone) for file in listing.filled}
    return Days(listing.path, days, tuple(day for day in wanted if day not in found))


def _day(file: File, zone: dt.tzinfo) -> dt.date:
    """Return the day of which a file is a backup."""
    written = dt.datetime.fromtimestamp(file.moment, zone).date()
    named = named_date(file.name, written)
    return written if named is None or named > written + dt.timedelta(days=1) else named


@dataclass(frozen=True, slots=True)
class Due:
    """The newest finished file, and by how many seconds the backup that is due after it is late; 0 where it is not."""

    file: str
    due: dt.datetime
    late_s: float


def _clock(text: str) -> str:
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise ValueError(f"{text!r} is not a time of day; write for example 02:00")
    return text


Clock = Annotated[str, AfterValidator(_clock)]
"""A time of day, hh:mm."""


@kind.shell(LISTING, args=pattern, timeout_s=20, max_bytes=LISTING_BYTES)
def on_time(output: Output, *, at: Clock, zone: Zone) -> Due:
    """The newest finished file, and when the next one was due: every day `at` a time in the inventory's time zone."""
    listing = Listing.of(output).some()
    require_clock(output, "whether the backup is late")
    # Clocks differ, and a job may start a moment early.
    due = _next(dt.datetime.fromtimestamp(listing.files[0].moment + CLOCK_SKEW_S, zone), at)
    return Due(listing.files[0].name, due, max(0.0, listing.now - due.timestamp()))


def _next(after: dt.datetime, at: str) -> dt.datetime:
    """Return the first moment after another at which it is a time of day."""
    clock = dt.time.fromisoformat(at)
    days: Collection[dt.date] = [after.date() + dt.timedelta(days=more) for more in range(3)]
    moments = (_existing(dt.datetime.combine(day, clock, after.tzinfo)) for day in days)
    return next(moment for moment in moments if moment.timestamp() > after.timestamp())


def _existing(moment: dt.datetime) -> dt.datetime:
    """Return a moment, or where clocks are put forward over it, the one at which they are: cron then runs what was due.

    Of a time that a night has twice it is the first.
    """
    late, early = moment.timestamp(), moment.replace(fold=1).timestamp()
    if early >= late:
        return moment
    before = dt.datetime.fromtimestamp(early, moment.tzinfo).utcoffset()
    while late - early > 1:
        middle = (early + late) // 2
        if dt.datetime.fromtimestamp(middle, moment.tzinfo).utcoffset() == before:
            early = middle
        else:
            late = middle
    return dt.datetime.fromtimestamp(late, moment.tzinfo)
