"""`opscheck merge`: makes one run of the shards of a run, and brings it to everybody to whom a run goes."""

from __future__ import annotations

import contextlib
import datetime as dt
import platform
import sys
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import click

from ..core.humanize import counted
from ..core.results import FAULT, NOTHING_JUDGED, Run
from ..core.shards import SHARDS
from ..delivery.destination import Finished
from ..delivery.merging import MergeError, Part, merged, merged_until, parts_in, recorded
from ..delivery.outbox import destinations, send
from ..delivery.written import ResultsFile, SuiteReports
from ..history import Past
from ..inventory import Inventory
from ..reports.context import ReportContext, told_at_length
from ..reports.files import ReportFiles
from ..reports.text import text
from ..settings import reports_setting
from .options import Place, Time, Usage, inventory_option, known_suite, loaded, reports_option, say


@click.command()
@inventory_option
@reports_option
@click.argument("suite")
@click.argument("places", metavar="[FILES | FOLDERS]...", nargs=-1, type=Place(path_type=Path, exists=True))
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
    """Make one run of the shards of SUITE, by their results files; by default those in reports/SUITE/shards.

    What is due comes from the inventory, so what no shard brought is unknown, and a shard that brought nothing is a
    breach. The run is recorded, reported, mailed and alerted as any other, and ends with the same exit statuses.
    """
    inventory = loaded(file, reports)
    known_suite(inventory, suite)
    folder = (reports or reports_setting(file.absolute().parent)) / suite
    past = Past(inventory.history)
    try:
        since = max(inventory.now() - dt.timedelta(seconds=within), merged_until(past, suite))
        found = parts_in(places or [folder / SHARDS])
        parts, late = [p for p in found if p.run.finished > since], [p for p in found if p.run.finished <= since]
        if not parts:
            _nothing(places or (folder / SHARDS,))
        run = merged(inventory, suite, parts, _count(parts, shards), past)
    except MergeError as error:
        raise Usage(inventory.redactor.text(str(error))) from None
    run = replace(run, notices=(*run.notices, *(_left_out(part) for part in late)))
    status = _delivered(run, inventory, past, folder, named)
    if not places:
        for part in (*parts, *late):
            part.file.unlink(missing_ok=True)
    sys.exit(status)


def _left_out(part: Part) -> str:
    at = f"{part.run.started:%Y-%m-%d %H:%M:%S}"
    return f"the results of shard {part.shard} of {at} were left out: they are of an earlier run"


def _nothing(places: Sequence[Path]) -> None:
    where = ", ".join(map(str, places))
    say(f"nothing to merge in {where}; run the shards first: pytest -m SUITE --opscheck-shard 1/8", err=True)
    sys.exit(NOTHING_JUDGED)


def _count(parts: Collection[Part], shards: int | None) -> int:
    """Return how many shards there are. Raises MergeError where the parts do not agree."""
    said = {part.shard.of for part in parts}
    if shards is None and len(said) > 1:
        raise MergeError(f"some are one of {' and some one of '.join(map(str, sorted(said)))} shards; see --shards")
    return shards or said.pop()


def _delivered(run: Run, inventory: Inventory, past: Past, folder: Path, named: Path | None) -> int:
    """Record a run, bring it to everybody, and return its exit status."""
    run, problem = recorded(run, past)
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
    say(text(run), nl=False)
    status = run.exit_status or (FAULT if problems else 0)
    problems += _called(inventory, run, status)
    for each in problems:
        say(each, err=True)
    return status


def _called(inventory: Inventory, run: Run, status: int) -> list[str]:
    """Call the suite's heartbeat; returns what went wrong with that, which changes no status."""
    url = inventory.suites[run.suite or ""].heartbeat
    if url is None or run.narrowed:
        return []
    from ..delivery.heartbeat import Heartbeat

    heartbeat = Heartbeat(url)
    said = f"{run.suite} of {run.inventory} on {platform.node()}: {counted(len(run.results), 'result')}"
    heartbeat.call("" if status == 0 else "fail", f"{said}, exit status {status}")
    heartbeat.wait()
    return [inventory.redactor.text(f"could not send the heartbeat: {fault}") for fault in heartbeat.faults]
