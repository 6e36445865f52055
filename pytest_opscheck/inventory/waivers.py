"""Waivers: breaches that somebody has accepted, until a given day that is said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..core.humanize import counted
from ..core.results import Measurement

SOON = dt.timedelta(days=14)
"""So long before its last day a waiver is announced."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """One breach that is accepted: of a check of a target, or only of one subject of it.

    result: the check's id, `host.disk@prod`, or `host.disk@tag:dc1`.
    until: the last day on which it is valid, in the inventory's time zone.
    results: the ids of the results that it holds for, where a tag names them.
    """

    result: str
    owner: str
    reason: str
    until: dt.date
    subject: str | None = None
    ticket: str | None = None
    results: frozenset[str] = field(default=frozenset(), repr=False)

    def __str__(self) -> str:
        ticket = f" ({self.ticket})" if self.ticket else ""
        return f"waived until {self.until} by {self.owner}: {self.reason}{ticket}"

    @property
    def about(self) -> str:
        """What is waived: `host.disk@prod`, or `host.disk@prod /var`."""
        return f"{self.result} {self.subject}" if self.subject is not None else self.result

    def is_of(self, result_id: str) -> bool:
        """Tell whether it is of a result."""
        return result_id == self.result or result_id in self.results

    def holds(self, day: dt.date) -> bool:
        """Tell whether it is not over."""
        return day <= self.until

    def covers(self, measurement: Measurement) -> bool:
        """Tell whether a measurement of the check is one that is waived."""
        return self.subject is None or self.subject == measurement.subject


def ending(waivers: Iterable[Waiver], today: dt.date) -> tuple[str, ...]:
    """Return a sentence for each waiver that ends soon or has ended, the first one first."""
    soon = sorted((each for each in waivers if each.until - today <= SOON), key=lambda each: (each.until, each.about))
    return tuple(_ending(each, today) for each in soon)


def _ending(waiver: Waiver, today: dt.date) -> str:
    about = f"({waiver.owner}: {waiver.reason})"
    if not waiver.holds(today):
        return (
            f"the waiver of {waiver.about} ended on {waiver.until}, so breaches count again {about}; "
            "remove it, or agree on a later date"
        )
    days = (waiver.until - today).days
    return (
        f"the waiver of {waiver.about} ends {_when(days)}, on {waiver.until} {about}; "
        "fix it by then, or agree on a later date"
    )


def _when(days: int) -> str:
    return "today" if days == 0 else f"in {counted(days, 'day')}"
