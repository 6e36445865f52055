"""`opscheck announce`: says that a run in parts is to come, so that what never comes is known."""

from __future__ import annotations

import datetime as dt
import platform
import sys
from pathlib import Path

import click

from ..core.humanize import counted
from ..core.results import FAULT
from ..core.vantage import DEFAULT
from ..delivery.heartbeat import Heartbeat
from ..history import Announced, HistoryError, opened
from ..history import announce as write
from ..inventory import Inventory
from ..inventory.asked import Asked
from .options import Time, inventory_option, known_suite, loaded, reports_option, say

_WITHIN_S = 3600.0


@click.command()
@inventory_option
@reports_option
@click.argument("suite")
@click.option("--shards", type=click.IntRange(1, 1000), default=1, show_default=True, help="How many there are.")
@click.option("--within", type=Time(), help="How soon they have to be merged.  [default: the suite's deadline, or 1h]")
def announce(file: Path, reports: Path | None, suite: str, shards: int, within: float | None) -> None:
    """Say that a run of SUITE in parts is to come, before any of them begins.

    `opscheck merge` then knows what has to be there, even where nothing is. A run that is not merged in time is overdue
    in `opscheck status`, and missing in `opscheck compliance`.
    """
    inventory = loaded(file, reports, asked=Asked(asks=True))
    known_suite(inventory, suite)
    try:
        announced = noted(inventory, planned(inventory, suite, shards, within))
    except HistoryError as error:
        say(inventory.redactor.text(str(error)), err=True)
        sys.exit(FAULT)
    say(f"{suite} is announced: {told(announced)}; merge them until {until(announced)}: opscheck merge {suite}")
    begin_heartbeat(inventory, announced)


def planned(inventory: Inventory, suite: str, shards: int, within: float | None) -> Announced:
    """Return a run in parts that begins now, of which nobody knows yet."""
    now = inventory.now().replace(microsecond=0)
    seconds = within or inventory.suites[suite].longest_s or _WITHIN_S
    deadline = (now.astimezone(dt.UTC) + dt.timedelta(seconds=seconds)).astimezone(inventory.timezone)
    return Announced(0, suite, now, deadline, inventory.fingerprint, _parts(inventory, suite, shards))


def noted(inventory: Inventory, announced: Announced) -> Announced:
    """Write down in the history that a run is to come, and return it with its number. Raises HistoryError."""
    with opened(inventory.history, create=True) as store:
        assert store is not None  # noqa: S101 - it was to be made
        return write(store, inventory.history.inventory, announced)


def until(announced: Announced) -> str:
    """Return until when a run has to be there, as people read it."""
    return f"{announced.deadline:%Y-%m-%d %H:%M %Z}"


def _parts(inventory: Inventory, suite: str, shards: int) -> dict[str, int]:
    """Return how many shards each vantage point has of which anything is due; those of the default one are counted."""
    if not inventory.vantages:
        return {"": shards}
    owed = {each.target.vantage for each in inventory.expectations if suite in each.suites}
    return {vantage: shards if vantage == DEFAULT else 1 for vantage in sorted(owed)}


def told(announced: Announced) -> str:
    """Return the parts of a run, as people read it."""
    return ", ".join(
        f"{counted(of, 'shard')} from {vantage}" if vantage else counted(of, "shard")
        for vantage, of in announced.parts.items()
    )


def begin_heartbeat(inventory: Inventory, announced: Announced) -> None:
    """Call the suite's heartbeat, so that who listens to it notices where no end follows."""
    if (url := inventory.suites[announced.suite].heartbeat) is None:
        return
    heartbeat, name = Heartbeat(url, announced.id), inventory.redactor.text(inventory.name)
    heartbeat.call("start", f"{announced.suite} of {name} on {platform.node()}: {told(announced)}")
    heartbeat.wait()
    for fault in heartbeat.faults:
        say(inventory.redactor.text(f"could not send the heartbeat: {fault}"), err=True)
