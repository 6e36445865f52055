"""`opscheck merge`: makes one run of the shards of a run, and brings it to everybody to whom a run goes."""

from __future__ import annotations

import contextlib
import datetime as dt
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click

from ..core.humanize import counted
from ..core.results import FAULT, NOTHING_JUDGED, Run
from ..core.shards import SHARDS
from ..delivery.destination import Finished
from ..delivery.merging import Brought, MergeError, merged, merged_until, parts_in, recorded, wanted_by
from ..delivery.outbox import destinations, send
from ..delivery.written import ResultsFile, SuiteReports
from ..history import Announced, Past
from ..inventory import Inventory
from ..inventory.asked import Asked
from ..reports.context import ReportContext, told_at_length
from ..reports.files import ReportFiles
from ..reports.text import text
from ..settings import reports_setting
from .options import Place, Time, Usage, inventory_option, known_suite, loaded, reports_option, say

_SKEW_S = 60.0
"""By how much the clock of another machine may be behind."""


@click.command()
@inventory_option
@reports_option
@click.argument("suite")
@click.argument("places", metavar="[FILES | FOLDERS]...", nargs=-1, type=Place(path_type=Path))
@click.option("--shards", type=click.IntRange(1, 1000), help="How many there are.  [default: as many as they say]")
@click.option(
    "--within", default=3600.0, type=Time(), help="Older results than that are of an earlier run.  [default: 1h]"
)
@click.option("--json", "named", type=Place(path_type=Path, dir_okay=False), help="Also write the results to a file.")
def merge(  # noqa: PLR0917 - one for each option
    file: Path,
    reports: Path | None,
    suite: str,
    places: tuple[Path, ...],
    shards: int | None,
    within: float,
    named: Path | None,
) -> None:
    """Make one run of the parts of SUITE, by their results files; by default those in reports/SUITE/shards.

    Parts are shards, and what is seen from vantage points. What is due comes from the inventory, so what no part
    brought is unknown, and a part that brought nothing is a breach. The run is recorded, reported, mailed and alerted
    as any other, and ends with the same exit statuses.
    """
    inventory = loaded(file, reports, asked=Asked(asks=True))
    known_suite(inventory, suite)
    folder = (reports or reports_setting(file.absolute().parent)) / suite
    past = Past(inventory.history)
    announced = past.announced(suite)
    try:
        since = max(_begin(inventory, announced, within), merged_until(past, suite))
        there = [place for place in places or [folder / SHARDS] if place.exists() or (places and announced is None)]
        found = parts_in(there, inventory.vantages)
        parts, late = [p for p in found if p.run.finished > since], [p for p in found if p.run.finished <= since]
        if not parts and announced is None:
            _nothing(places or (folder / SHARDS,))
        run = merged(inventory, suite, parts, wanted_by(inventory, announced, shards), past)
    except MergeError as error:
        raise Usage(inventory.redactor.text(str(error))) from None
    notices = [*(_left_out(part) for part in late), *_since_announced(inventory, announced)]
    run = replace(run, notices=(*run.notices, *notices))
    status = delivered(run, inventory, past, folder, named=named, announced=announced)
    if not places:
        for part in (*parts, *late):
            if part.file is not None:
                part.file.unlink(missing_ok=True)
    sys.exit(status)


def _begin(inventory: Inventory, announced: Announced | None, within: float) -> dt.datetime:
    """Return since when results are of this run: since it was announced, by clocks that may differ somewhat."""
    if announced is not None:
        return announced.at - dt.timedelta(seconds=_SKEW_S)
    return inventory.now() - dt.timedelta(seconds=within)


def _since_announced(inventory: Inventory, announced: Announced | None) -> Iterator[str]:
    """Yield what has changed since a run was announced."""
    if announced is not None and announced.digest != inventory.fingerprint:
        yield "the inventory, a list or a variable has changed since the run was announced"


def _left_out(part: Brought) -> str:
    at = f"{part.run.started:%Y-%m-%d %H:%M:%S}"
    return f"the results of {part.part} of {at} were left out: they are of an earlier run"


def _nothing(places: Sequence[Path]) -> None:
    where = ", ".join(map(str, places))
    say(f"nothing to merge in {where}; run the shards first: pytest -m SUITE --opscheck-shard 1/8", err=True)
    sys.exit(NOTHING_JUDGED)


def delivered(
    run: Run,
    inventory: Inventory,
    past: Past,
    folder: Path,
    *,
    named: Path | None,
    announced: Announced | None,
    quiet: bool = False,
) -> int:
    """Record a run, bring it to everybody, and return its exit status; where it is quiet, print what is not well."""
    run, problem = recorded(run, past, announced)
    problems = [inventory.redactor.text(problem)] if problem else []
    points, stories = (past.points(run), past.stories(told_at_length(run))) if run.hash else ({}, {})
    files = None
    try:
        files = ReportFiles.fresh(folder, run.started.astimezone(inventory.timezone))
    except OSError as error:
        problems.append(f"could not write the reports: {error}")
    context = ReportContext(problems=tuple(problems), points=points, stories=stories, worse=past.worse)
    finished = Finished(run, inventory, past, context, files, is_chosen=False)
    results = ResultsFile(named, contextlib.nullcontext) if named is not None else None
    to = destinations(inventory, SuiteReports(lambda: None), results, contextlib.nullcontext)
    send(finished, to, problems, contextlib.nullcontext)
    if files is not None:
        files.release()
    status = run.exit_status or (FAULT if problems else 0)
    if status or not quiet:
        say(text(run), nl=False)
    problems += _called(inventory, run, status, announced)
    for each in problems:
        say(each, err=True)
    return status


def _called(inventory: Inventory, run: Run, status: int, announced: Announced | None) -> list[str]:
    """Call the suite's heartbeat; returns what went wrong with that, which changes no status."""
    url = inventory.suites[run.suite or ""].heartbeat
    if url is None or run.narrowed:
        return []
    from ..delivery.heartbeat import Heartbeat

    heartbeat = Heartbeat(url, announced.id if announced is not None else None)
    text = f"{run.suite} of {run.inventory} on {platform.node()}: {counted(len(run.results), 'result')}"
    heartbeat.call("" if status == 0 else "fail", f"{text}, exit status {status}")
    heartbeat.wait()
    return [inventory.redactor.text(f"could not send the heartbeat: {fault}") for fault in heartbeat.faults]
