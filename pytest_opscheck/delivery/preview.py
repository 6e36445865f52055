"""Shows who would be told what, without telling: by the inventory, and by the newest results."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ..core.humanize import counted
from ..history import Past
from ..inventory import Expectation, Inventory
from ..inventory.channels import Channel
from .messages import title
from .notify import planned


def lines(inventory: Inventory, suite: str | None = None, only: Collection[str] | None = None) -> Iterator[str]:
    """Yield each channel, the checks of which it would be told, and what it would be told of the newest run now.

    only: the ids of the targets whose checks are shown.

    Raises HistoryError.
    """
    if not inventory.channels:
        yield "no alerts are sent: there is no [notify.NAME]; see docs/notify.md"
        return
    chosen = [each for each in inventory.expectations if suite is None or suite in each.suites]
    chosen = [each for each in chosen if only is None or each.target.id in only]
    width = max((len(each.id) for each in chosen), default=0)
    for channel in inventory.channels:
        yield str(channel)
        taken = [(each, told) for each in chosen if (told := _told(channel, each, suite))]
        for each, told in taken:
            yield f"  {each.id:{width}}  {', '.join(told)}"
        if not taken:
            yield "  no check in these suites has a limit of these severities"
    yield from _now(inventory, suite)


def _told(channel: Channel, expectation: Expectation, suite: str | None) -> list[str]:
    """Return with which severities a check would be told through a channel."""
    if not any(channel.takes(each) for each in expectation.suites if suite in (None, each)):
        return []
    if not channel.is_of(expectation.id):
        return []
    severities = {expectation.severity}
    if expectation.limits is not None:
        severities = {severity for ladder in expectation.limits.ladders for severity in ladder.texts()}
    return sorted(severities & channel.severities)


def _now(inventory: Inventory, suite: str | None) -> Iterator[str]:
    """Yield what would be told if the next run saw what the newest one did."""
    past = Past(inventory.history)
    try:
        run, known = past.newest(suite), past.told()
    finally:
        past.close()
    if past.fault is not None:
        raise past.fault
    if run is None:
        yield "no run is recorded yet, so there is nothing to send"
        return
    yield f"of the latest run ({run.suite}, {run.started.astimezone(inventory.timezone):%Y-%m-%d %H:%M}):"
    count = 0
    for channel, alerts in planned(inventory.channels, run, known).items():
        for alert in (each for each in alerts if not each.silent):
            count += 1
            yield f"  {channel.name}: {title([alert], run)}"
    yield f"{counted(count, 'alert')} would be sent" if count else "everything has been sent already"
