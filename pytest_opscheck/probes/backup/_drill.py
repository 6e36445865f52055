"""When a restore was last practised, by a record that the drill leaves on the host."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from ...core.errors import UnknownError
from .._clock import require_clock
from .._files import IN_SIGHT, absolute, said_of
from .._kind import Output
from .._types import Zone
from ._files import DAY_S, Backup, kind, named_date

_FIRST = dt.timezone(dt.timedelta(hours=14))
"""Where each day begins first."""
# Of the record at $1 only its dates travel.
_RECORD = (
    IN_SIGHT
    + r"""
in_sight "$1"
[ ! -d "$1" ] || { echo "folder $1"; exit 0; }
[ -f "$1" ] || { echo none; exit 0; }
[ -r "$1" ] || denied "$1"
echo "written $(stat -L -c %Y -- "$1") $(date +%s)"
tail -c 65536 < "$1" | tr -c '0-9\n-' '\n' | sed -n 's/^-*\(20[0-9][0-9]-[01][0-9]-[0-3][0-9]\)-*$/date \1/p' | sort -u
"""
)


@dataclass(frozen=True, slots=True)
class Drill:
    """A record of a practised restore, and how many seconds ago that was; None where there is no record."""

    record: str
    age_s: float | None


def _record(_target: Backup, record: str) -> tuple[str, ...]:
    return (record,)


@kind.shell(_RECORD, args=_record)
def drilled(output: Output, *, record: Annotated[str, AfterValidator(absolute)], zone: Zone) -> Drill:
    """How long ago a restore was practised: by the last past date in the record (2026-11-20), or its mtime without one.

    A record that holds dates is not newer for having been touched or deployed again.
    """
    answers = said_of(output)
    if "folder" in answers:
        raise UnknownError(f"{record} is a folder; name the file that a drill writes")
    if "none" in answers:
        return Drill(record, None)
    require_clock(output, "how long ago a restore was practised")
    written, now = map(int, answers["written"][0].split())
    moment = _dated(answers.get("date", []), record, now, zone) or written
    return Drill(record, float(max(0, now - moment)))


def _dated(texts: list[str], record: str, now: int, zone: dt.tzinfo) -> int | None:
    """Return the end of the last past day that the record names, None where it names none."""
    dates = [date for text in texts if (date := named_date(text)) is not None]
    if not dates:
        return None
    newest = dt.datetime.fromtimestamp(now, _FIRST).date()  # a host may write its own day, or that of UTC
    past = [date for date in dates if date <= newest]
    if not past:
        raise UnknownError(f"{record} names no day before {newest}; let a drill write the day on which it was done")
    day = dt.datetime.combine(max(past), dt.time(), zone)
    return min(now, int(day.timestamp()) + DAY_S)
