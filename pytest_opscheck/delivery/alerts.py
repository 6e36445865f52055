"""Decides what a channel is told: by a run's results, and by what it was told before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ..core.results import Result, Verdict
from ..history import Notification
from ..inventory.channels import Channel

_EARLY = 0.05
_EARLIEST_S = 600.0
"""A run that starts a little early still counts: two daily runs are never just a day apart."""


class Event(StrEnum):
    """Why something is told."""

    NEW = "new"
    WORSE = "worse"
    AGAIN = "again"
    MILDER = "milder"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to tell, or only to remember where it is `silent`: that a breach is milder now, so it can be worse."""

    event: Event
    result: Result
    was: str | None = None
    silent: bool = False

    def remembered(self, channel: Channel, now: dt.datetime, before: Notification | None) -> Notification:
        """Return what the history keeps of it; what is over, or not this channel's any more, has no severity."""
        closed = self.event is Event.RECOVERED or (self.event is Event.MILDER and not self.silent)
        at = before.at if self.silent and before is not None else now
        return Notification(
            channel.name, self.result.id, str(self.event), None if closed else _severity(self.result), at
        )


def due(channel: Channel, results: Iterable[Result], told: Mapping[str, Notification], now: dt.datetime) -> list[Alert]:
    """Return what a channel is to be told of results, the worst first; `told` is what it knows, by result id.

    Unknown is told as a breach of what is at stake. Of what is blocked another result tells; of what is waived, in
    maintenance, pending, or seen by a gate inside of a window nobody is told, and what was told before stays so.
    """
    found = []
    for result in (result for result in results if channel.is_of(result.id)):
        before = told.get(result.id)
        if before is not None and before.severity is None:
            before = None
        event = _event(channel, result, before, now)
        if event is not None:
            silent = event is Event.MILDER and _severity(result) in channel.severities
            found.append(Alert(event, result, before.severity if before else None, silent))
    return sorted(found, key=lambda alert: (alert.event is Event.RECOVERED, alert.result.rank))


def _event(channel: Channel, result: Result, before: Notification | None, now: dt.datetime) -> Event | None:
    if result.verdict is not Verdict.UNKNOWN and (result.verdict is not Verdict.BREACH or result.pending):
        return Event.RECOVERED if before is not None and result.verdict is Verdict.OK else None
    if result.quiet is not None:
        return None
    severity = _severity(result)
    if before is None or before.severity is None:
        return Event.NEW if severity in channel.severities else None
    if severity != before.severity:
        return Event.WORSE if severity < before.severity else Event.MILDER
    return Event.AGAIN if channel.again_s is not None and is_over(before.at, channel.again_s, now) else None


def digest_waits(channel: Channel, told: Iterable[Notification], now: dt.datetime) -> bool:
    """Tell whether a digest is not due yet; what there is to tell is told with the next one."""
    last = max((each.at for each in told), default=None)
    return bool(channel.digest_s) and last is not None and not is_over(last, channel.digest_s or 0, now)


def is_over(since: dt.datetime, seconds: float, now: dt.datetime) -> bool:
    """Tell whether so much time is over, or all but a little."""
    return (now - since).total_seconds() >= seconds - min(seconds * _EARLY, _EARLIEST_S)


def _severity(result: Result) -> str:
    return result.severity or "P0"
