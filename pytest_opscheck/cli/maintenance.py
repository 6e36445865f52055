"""`opscheck maintenance`: begins and ends a window by hand, and lists those of the inventory beside it."""

from __future__ import annotations

import datetime as dt
import getpass
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click

from .. import history
from ..core.results import FAULT
from ..core.units import LimitError, parse_duration
from ..core.visible import plain
from ..history import HistoryError, ManualMaintenance, opened
from ..inventory import Inventory
from ..inventory.tagged import Places
from .options import USAGE, inventory_option, known, reports_option, say

_NEWEST = 20


@click.group()
@inventory_option
@reports_option
@click.pass_context
def maintenance(ctx: click.Context, file: Path, reports: Path | None) -> None:
    """Start or end a maintenance window by hand. Breaches in it are recorded, but alert nobody.

    The options are the same as pytest's, for an inventory or reports elsewhere.
    """
    ctx.obj = known(file, reports)


@maintenance.command()
@click.argument("duration")
@click.option("--why", required=True, help="Reason for the maintenance, shown with the results.")
@click.option(
    "--target", "targets", multiple=True, metavar="TARGET", help="Limit it to this target: host.prod, tag:dc1."
)
@click.pass_obj
def start(inventory: Inventory, duration: str, why: str, targets: tuple[str, ...]) -> None:
    """Start maintenance now, for DURATION, for example 2h or 30m."""
    try:
        seconds = parse_duration(duration)
        now = inventory.now().replace(microsecond=0)
        ends = (now.astimezone(dt.UTC) + dt.timedelta(seconds=seconds)).astimezone(inventory.timezone)
    except (LimitError, OverflowError) as error:
        _refuse(str(error).replace("'30s'", "'2h'"))
    if not why.strip():
        _refuse("--why is empty; give the reason, for example --why 'new kernel'")
    places = Places(inventory.targets)
    for target in targets:
        if problem := places.problem(target):
            _refuse(problem)
    clean = inventory.redactor.text(why.strip())
    with _faults(inventory), opened(inventory.history, create=True) as store:
        assert store is not None  # noqa: S101 - it was to be made
        made = history.begin(store, inventory.history.inventory, ManualMaintenance(0, now, ends, clean, who(), targets))
    say(f"maintenance {made.number} until {ends:%Y-%m-%d %H:%M %Z}{_of(made)}; end it with: opscheck maintenance stop")


@maintenance.command()
@click.argument("number", required=False, type=int)
@click.pass_obj
def stop(inventory: Inventory, number: int | None) -> None:
    """End all maintenance started by hand, or only NUMBER."""
    with _faults(inventory), opened(inventory.history) as store:
        now = inventory.now()
        found = history.stop(store, inventory.history.inventory, now, who(), number) if store is not None else []
    if not found:
        _refuse(
            "no maintenance started by hand is in progress"
            if number is None
            else f"maintenance {number} is not in progress"
        )
    for each in found:
        say(f"maintenance {each.number} is over: {plain(each.why)}")


@maintenance.command(name="list")
@click.pass_obj
def list_(inventory: Inventory) -> None:
    """Show open windows, when the inventory's windows open next, and those started by hand."""
    now = inventory.now()
    for line in _recurring(inventory, now):
        say(line)
    with _faults(inventory), opened(inventory.history) as store:
        found = history.past(store, inventory.history.inventory, _NEWEST) if store is not None else []
    for each in found:
        begin, end = (moment.astimezone(inventory.timezone) for moment in (each.started, each.stopped or each.ends))
        state = "open" if each.is_open(now) else f"stopped by {each.stopped_by}" if each.stopped else "over"
        time = f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"
        say(f"{each.number}  {time}  {state}  {plain(each.why)} ({each.who}){_of(each)}")
    if not found and not inventory.windows:
        say(
            "there are no maintenance windows; start one with `opscheck maintenance start 2h --why ...`, "
            "or see docs/maintenance.md"
        )


def _recurring(inventory: Inventory, now: dt.datetime) -> Iterator[str]:
    for window in inventory.windows:
        found = window.open(now, inventory.timezone)
        if found is not None:
            text = f"open until {found.until:%Y-%m-%d %H:%M}"
        else:
            begin = window.next(now, inventory.timezone)
            text = f"next {begin:%Y-%m-%d %H:%M}" if begin else "will not open again"
        of = "" if window.results is None else f", of {len(window.results)} checks"
        yield f"{window.name}  {text}  {plain(window.why)} ({window.at}{of})"


def _of(each: ManualMaintenance) -> str:
    return f", of {', '.join(each.targets)}" if each.targets else ""


def who() -> str:
    """Return who gives the command, and on which machine."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = "somebody"
    return f"{user}@{platform.node()}"


def _refuse(message: str) -> NoReturn:
    say(message, err=True)
    sys.exit(USAGE)


@contextmanager
def _faults(inventory: Inventory) -> Iterator[None]:
    try:
        yield
    except HistoryError as error:
        say(inventory.redactor.text(str(error)), err=True)
        sys.exit(FAULT)
