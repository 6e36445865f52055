"""`opscheck history`: what changed and when, whether the chain holds, and past runs as JSON lines."""

from __future__ import annotations

import datetime as dt
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn

import click

from ..core.humanize import counted, duration_text
from ..core.results import FAULT, State, Verdict
from ..core.visible import plain
from ..history import HistoryError, PastResult, Records, exported, gate_lines, imported, opened, reading, verified
from ..inventory import Inventory, nearest
from ..inventory.tagged import TAG, Places, at
from ..reports.phrases import short
from .as_json import Tell, answering, json_option
from .options import USAGE, Usage, inventory_option, known, reports_option, say

BROKEN = 1
"""The exit status where the chain does not hold."""
_NEWEST = 100
_TO_JSON = "pytest_opscheck.to_json"
_DECIDED = {"go": "green", "roll back": "red", "undecided": "yellow"}


class _History(click.Group):
    """The commands; any other word is a check, whose changes are shown."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            return super().resolve_command(ctx, ["show", *args])
        return super().resolve_command(ctx, args)


@click.group(cls=_History, invoke_without_command=True, subcommand_metavar="[CHECK | verify | export | import]")
@inventory_option
@reports_option
@click.option("--deploys", is_flag=True, help="Show what gates decided on deploys instead.")
@json_option
@click.pass_context
def history(ctx: click.Context, file: Path, reports: Path | None, *, deploys: bool, to_json: bool) -> None:
    """Show what changed and when, for all checks or for CHECK, for example host.disk@prod, host.disk, host or tag:dc1.

    The options are the same as pytest's, for an inventory or reports elsewhere.
    """
    with answering("history", wanted=to_json) as tell:
        shown = ctx.invoked_subcommand in (None, "show")
        if to_json and not shown:
            raise Usage(f"--json shows what changed; leave it out of `opscheck history {ctx.invoked_subcommand}`")
        ctx.obj = known(file, reports)
        if deploys and ctx.invoked_subcommand is not None:
            raise Usage("--deploys shows all deploys; leave out what stands behind it")
        if deploys:
            _deploys(ctx.obj, tell if to_json else None)
        elif ctx.invoked_subcommand is None:
            _show(ctx.obj, None, tell if to_json else None)
        ctx.meta[_TO_JSON] = to_json


@history.command(hidden=True)
@click.argument("check")
@json_option
@click.pass_context
def show(ctx: click.Context, check: str, *, to_json: bool) -> None:
    """Show what changed of a check."""
    wanted = to_json or ctx.meta[_TO_JSON]
    with answering("history", wanted=wanted) as tell:
        _show(ctx.obj, check, tell if wanted else None)


@history.command()
@click.argument("digest", metavar="[HASH]", required=False)
@click.pass_obj
def verify(inventory: Inventory, digest: str | None) -> None:
    """Verify that every recorded run is present and unchanged, and that the run with HASH is among them.

    A run's hash is in its results file. The exit status is 1 if anything was changed or removed.
    """
    with _faults(inventory), opened(inventory.history) as store:
        if store is None:
            _nothing(inventory)
        found = verified(store, digest)
    if found.removed:
        when = f", at {found.removed_at}" if found.removed_at else ", in the history that this one was imported from"
        say(f"runs 1 to {found.removed} were deleted because of their age{when}")
    for problem in found.problems:
        say(plain(problem))
    if not found.found:
        say(f"no run has the hash {digest}")
    if found.problems or not found.found:
        sys.exit(BROKEN)
    say(f"{counted(found.runs, 'run')}, all unchanged; the latest has the hash {found.newest or 'none'}")


@history.command()
@click.pass_obj
def export(inventory: Inventory) -> None:
    """Print every run as a line of JSON, oldest first."""
    with _faults(inventory), opened(inventory.history) as store:
        if store is None:
            _nothing(inventory)
        for line in exported(store):
            click.echo(line)  # as_json has made it safe


@history.command(name="import")
@click.argument("lines", metavar="[FILE]", default="-", type=click.File(encoding="utf-8"))
@click.pass_obj
def import_(inventory: Inventory, lines: IO[str]) -> None:
    """Import runs that `export` printed, from FILE or standard input. Runs already recorded are kept.

    They must continue the recorded chain; an empty history accepts any.
    """
    with _faults(inventory), opened(inventory.history, create=True) as store:
        assert store is not None  # noqa: S101 - it was to be made
        written, there = imported(store, lines)
    say(f"{counted(written, 'run')} imported, {there} already recorded")


@contextmanager
def _faults(inventory: Inventory) -> Iterator[None]:
    try:
        yield
    except HistoryError as error:
        say(inventory.redactor.text(str(error)), err=True)
        sys.exit(FAULT)


def _nothing(inventory: Inventory) -> NoReturn:
    say(f"{inventory.history}: nothing is recorded yet; run a suite first: pytest -m daily", err=True)
    sys.exit(FAULT)


def _show(inventory: Inventory, check: str | None, tell: Tell | None = None) -> None:
    with _faults(inventory), reading(inventory.history) as records:
        if records is None or not records.names():
            _nothing(inventory)
        asked = _tagged(inventory, records, check) if check is not None and check.startswith(TAG) else check
        if isinstance(asked, str):
            _require_known(records, asked)
        found = records.changes(asked, newest=_NEWEST + 1)
    if tell is not None:
        changes = [_data(seen, inventory) for seen in sorted(found[:_NEWEST], key=lambda seen: (seen.seq, seen.id))]
        tell(inventory.redactor.data({"changes": changes, "is_cut": len(found) > _NEWEST}))
        return
    if len(found) > _NEWEST:
        say(f"showing only the latest {_NEWEST} changes")
    _print(found, inventory)


def _print(found: Sequence[PastResult], inventory: Inventory) -> None:
    width = shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else None
    shown = sorted(found[:_NEWEST], key=lambda seen: (seen.seq, seen.id))
    names = max((len(seen.id) for seen in shown), default=0)
    states = max((len(_state(seen)) for seen in shown), default=0)
    for seen in shown:
        when = f"{seen.started.astimezone(inventory.timezone):%Y-%m-%d %H:%M:%S}"
        line = f"{when}  {seen.id:{names}}  {_state(seen):{states}}  {short(plain(seen.message), 200)}".rstrip()
        say(line if width is None else line[: width - 1], fg=_colour(seen))
    if not found:
        say("no changes: every result has been ok from the first run on")


def _data(seen: PastResult, inventory: Inventory) -> dict[str, Any]:
    """Return a change as plain data."""

    def at(moment: dt.datetime | None) -> str | None:
        return moment.astimezone(inventory.timezone).isoformat() if moment is not None else None

    return {
        "at": at(seen.started),
        "id": seen.id,
        "verdict": str(seen.verdict),
        "severity": seen.severity,
        "state": str(seen.state) if seen.state is not None else None,
        "since": at(seen.since),
        "pending": seen.pending,
        "message": seen.message,
    }


def _tagged(inventory: Inventory, records: Records, tag: str) -> frozenset[str]:
    """Return the ids of the recorded results of the targets that have a tag."""
    found = at([tag], inventory.expectations).intersection(records.names())
    if not found:
        problem = Places(inventory.targets).problem(tag)
        say(problem or f"no result of a target with {tag} is recorded; run a suite first: pytest -m daily", err=True)
        sys.exit(USAGE)
    return found


def _deploys(inventory: Inventory, tell: Tell | None) -> None:
    with _faults(inventory), opened(inventory.history) as store:
        found = gate_lines(store, inventory.history.inventory, _NEWEST) if store is not None else []
    if tell is not None:
        tell(inventory.redactor.data({"deploys": [dict(line) for line in found]}))
        return
    for line in found:
        at = dt.datetime.fromisoformat(line["at"]).astimezone(inventory.timezone)
        versions = " -> ".join(line[name] for name in ("version_before", "version") if line.get(name))
        head = f"{at:%Y-%m-%d %H:%M:%S}  {versions or 'no version named'}  {line['verdict']}"
        also = f"in {line['took_s']:.0f} s, by {line['who']}: {line['why']}"
        say(f"{head}  {short(plain(also), 300)}", fg=_DECIDED.get(line["verdict"]))
    if not found:
        say("no gate has decided on a deploy yet; see opscheck gate --help")


def _require_known(records: Records, check: str) -> None:
    if not records.names(check):
        say(f"no result of {check!r} is recorded; {nearest(check, records.names())}", err=True)
        sys.exit(USAGE)


def _state(seen: PastResult) -> str:
    """Return what a check became, and how that stands to what it was: `breach P3 (new)`, `ok (recovered after 2 d)`."""
    verdict = "pending" if seen.pending else str(seen.verdict)
    severity = f" {seen.severity}" if seen.severity and seen.verdict is not Verdict.OK else ""
    if seen.state is None:
        return verdict + severity
    time = duration_text(seen.started - seen.since) if seen.since else ""
    words = {State.ONGOING: f"since {time}", State.RECOVERED: f"recovered after {time}"}.get(seen.state, seen.state)
    return f"{verdict}{severity} ({words})"


def _colour(seen: PastResult) -> str:
    if seen.verdict is Verdict.OK:
        return "green"
    wrong = seen.verdict in (Verdict.BREACH, Verdict.UNKNOWN)
    return "red" if wrong and not seen.pending else "yellow"
