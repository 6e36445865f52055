"""`opscheck compliance`: what was due over a time, what ran, what came of it, and what is missing."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import click

from ..compliance import render
from ..compliance.audit import Compliance, audited
from ..core.humanize import counted
from ..core.results import FAULT
from ..core.visible import plain
from ..files import private
from ..history import HistoryError, Records, Verified, opened, verified
from ..inventory import Inventory, nearest
from .as_json import answering, json_option
from .history import BROKEN
from .options import USAGE, chosen, inventory_option, loaded, only_option, reports_option, say


@click.command()
@click.option("--since", metavar="DAY", required=True, help="First day of the period, for example 2026-07-01.")
@click.option("--until", metavar="DAY", required=True, help="Day after the period ends, for example 2026-10-01.")
@click.option("--suite", metavar="SUITE", help="Only this suite.")
@only_option
@click.option("--html", metavar="FILE", type=click.Path(path_type=Path), help="Also write the report as an HTML page.")
@click.option("--csv", metavar="FILE", type=click.Path(path_type=Path), help="Also write the report as CSV.")
@json_option
@inventory_option
@reports_option
def compliance(
    *,
    since: str,
    until: str,
    suite: str | None,
    only: str | None,
    html: Path | None,
    csv: Path | None,
    to_json: bool,
    file: Path,
    reports: Path | None,
) -> None:
    """Print for each expectation how often it was due, ran, passed, was breached, waived or missing.

    Days begin at midnight in the inventory's time zone. The exit status is 1 if a recorded run was changed or removed,
    and 3 if the history can't be read.
    """
    with answering("compliance", wanted=to_json) as tell:
        inventory = loaded(file, reports)
        found, chain = _found(inventory, since, until, suite, only)
        if to_json:
            tell(inventory.redactor.data(render.data(found, chain)))
        else:
            for line in render.lines(found, _said(chain)):
                say(line)
        _write(html, lambda: render.page(found, _said(chain), inventory.now()))
        _write(csv, lambda: render.table(found))
        if chain.problems:
            sys.exit(BROKEN)


def _found(
    inventory: Inventory, since: str, until: str, suite: str | None, only: str | None
) -> tuple[Compliance, Verified]:
    """Return what a time came to, and what following the chain did."""
    if suite is not None and suite not in inventory.suites:
        _refuse(f"there is no suite {suite!r}; {nearest(suite, inventory.suites)}")
    begin, end = _day(since, "--since", inventory), _day(until, "--until", inventory)
    if begin >= end:
        _refuse(f"--until {until} is not after --since {since}")
    if begin > inventory.now():
        _refuse(f"--since {since} is in the future")
    targets = chosen(inventory, only)
    found, chain = _asked(inventory, begin, end, suite)
    if targets is not None:
        wanted = {each.id for each in inventory.expectations if each.target.id in targets}
        found = replace(found, lines=tuple(line for line in found.lines if line.id in wanted))
    return found, chain


def _asked(
    inventory: Inventory, begin: dt.datetime, end: dt.datetime, suite: str | None
) -> tuple[Compliance, Verified]:
    try:
        with opened(inventory.history) as store:
            if store is None:
                say(f"{inventory.history}: nothing is recorded yet", err=True)
                sys.exit(FAULT)
            records = Records(store, inventory.history.inventory)
            return audited(inventory, records, begin, end, suite), verified(store)
    except HistoryError as error:
        say(inventory.redactor.text(str(error)), err=True)
        sys.exit(FAULT)


def _said(chain: Verified) -> str:
    """Return what following the chain came to, and by which hash it can be known."""
    removed = (
        f"runs 1 to {chain.removed} were deleted because of their age, at {chain.removed_at}. " if chain.removed else ""
    )
    if chain.problems:
        return f"THE RECORD HAS BEEN ALTERED: {plain('; '.join(chain.problems))}. {removed}".strip()
    newest = f"the latest has the hash {chain.newest}" if chain.newest else "it is empty"
    return f"The chain of {counted(chain.runs, 'recorded run')} holds: {newest}. {removed}".strip()


def _day(text: str, option: str, inventory: Inventory) -> dt.datetime:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        _refuse(f"{option} {text}: not a day; write it as 2026-07-01, for example")
    return dt.datetime.combine(day, dt.time(), tzinfo=inventory.timezone)


def _refuse(why: str) -> NoReturn:
    say(why, err=True)
    sys.exit(USAGE)


def _write(file: Path | None, made: Callable[[], str]) -> None:
    if file is None:
        return
    try:
        private.write(made().encode("utf-8", "backslashreplace"), file)
    except OSError as error:
        say(f"{error.filename}: {error.strerror}", err=True)
        sys.exit(FAULT)
