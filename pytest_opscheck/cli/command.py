"""The commands: those that are short stand here, the others in modules of their own."""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from ..core.humanize import counted
from ..core.results import FAULT
from ..core.visible import plain
from ..inventory import FILE, Inventory, InventoryError, nearest
from ..settings import nearest_inventory, no_inventory, suite_names
from .options import USAGE, Usage, chosen, file_argument, known_suite, loaded, only_option, say

_ELSEWHERE = {
    "announce": "announce",
    "checks": "checks",
    "compliance": "compliance",
    "gate": "gate",
    "history": "history",
    "maintenance": "maintenance",
    "merge": "merge",
    "report": "report",
    "explain": "explain",
    "run": "run",
    "runbook": "runbook",
    "schedule": "schedule",
    "serve": "serve",
    "source": "source",
    "status": "schedule",
}
"""Commands and the modules in which they are, which are imported where they are asked for."""


class _Call(click.UsageError):
    exit_code = USAGE


@contextlib.contextmanager
def _mistakes() -> Iterator[None]:
    """Have a mistake in a call end with the exit status that the README has for it; click's own is 2."""
    try:
        yield
    except click.UsageError as error:
        raise _Call(error.format_message(), error.ctx) from None


class _Commands(click.Group):
    """The commands, wherever they are."""

    def make_context(self, *args: Any, **others: Any) -> click.Context:
        with _mistakes():
            return super().make_context(*args, **others)

    def invoke(self, ctx: click.Context) -> Any:
        with _mistakes():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_ELSEWHERE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        module = importlib.import_module(f".{_ELSEWHERE[cmd_name]}", __package__)
        found: click.Command = getattr(module, cmd_name)
        return found


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pytest-opscheck")
def main() -> None:
    """Operational checks: what a runbook expects, as pytest checks on real servers.

    \b
    opscheck init        look at this machine and write an inventory
    opscheck runbook     draft an inventory from a runbook, and see what of it is checked
    opscheck validate    is the inventory valid?
    opscheck checks      what can be expected?
    opscheck plan        what would be probed?
    pytest -m daily      run a suite
    opscheck gate        after a deploy: go, or roll back?
    opscheck history     what changed, and when?
    opscheck explain     how was a check judged, what did past runs see?
    opscheck report      print the latest run as text or Markdown
    opscheck schedule    run suites automatically, from systemd or cron
    opscheck status      when did each suite last run, and how did it end?
    opscheck serve       the status page, live
    opscheck compliance  what was checked in a period, and what was missed?
    opscheck maintenance start or end a maintenance window
    opscheck source      accept what has vanished from a list
    opscheck announce    a run in parts is to come
    opscheck merge       make one run of all parts
    """  # noqa: D301 - click's mark for lines that stay as they are


@main.command()
@click.argument("folder", required=False, default=".", type=click.Path(path_type=Path, file_okay=False))
def init(folder: Path) -> None:
    """Look at this machine and write opscheck.toml. An existing file is left unchanged."""
    from . import first_inventory

    try:
        written = first_inventory.write(folder)
    except FileExistsError as error:
        raise Usage(f"{error.filename} already exists and was left unchanged; remove or rename it first") from None
    except OSError as error:
        reason = (error.strerror or "it can't be written").lower()
        raise Usage(f"{folder}: {reason}; create the folder first, or name another one") from None
    say(f"wrote {written}; review it, then run: pytest -m daily")


@main.command()
@file_argument
@click.option("--sources", is_flag=True, help="Also ask for the lists that others own, as a run does.")
def validate(file: Path, *, sources: bool) -> None:
    """Report every error in an inventory at once. Nothing is probed."""
    _require_file(file, "validate", "to check the inventory: opscheck validate")
    from ..inventory.asked import Asked
    from ..inventory.waivers import ending
    from ..runbook.links import refuse_dead_links

    inventory = loaded(file, asked=Asked(asks=sources))
    try:
        refuse_dead_links(inventory)
    except InventoryError as error:
        say(str(error), err=True)
        sys.exit(USAGE)
    targets, checks = counted(len(inventory.targets), "target"), counted(len(inventory.expectations), "check")
    say(f"{file} is valid: {targets}, {checks}")
    for notice in (*inventory.notes, *ending(inventory.waivers, inventory.now().date()), *_warnings(inventory)):
        say(plain(inventory.redactor.text(notice)))


def _warnings(inventory: Inventory) -> Iterator[str]:
    """Yield what is not wrong with an inventory, and open to others: what they can read, and whom they can play."""
    from ..gate.terms import doubtful_limits
    from ..probes._trust import of_postgres
    from .timers import exposed

    yield from doubtful_limits(inventory)
    for target in inventory.targets:
        if (said := target.keys.unverified()) is not None:
            yield f"{target.id}: {said}"
    if inventory.history.url and (said := of_postgres(inventory.history.url)) is not None:
        yield f"history: {said}"
    if (said := exposed(inventory)) is not None:
        yield said


@main.command()
@file_argument
@click.option("--suite", metavar="SUITE", help="Show only what a run of this suite would probe.")
@only_option
@click.option("--notify", is_flag=True, help="Show which alerts would be sent instead. Nothing is sent.")
@click.option("--explain", metavar="TARGET", help="Show where each key of a target is written instead: host.web007.")
def plan(file: Path, suite: str | None, only: str | None, explain: str | None, *, notify: bool) -> None:
    """Show what would be probed, contact by contact, without probing anything."""
    from .. import plan as probes
    from ..delivery import preview
    from ..history import HistoryError

    _require_file(file, "plan", f"try: opscheck plan --suite {file}")
    inventory = loaded(file)
    known_suite(inventory, suite)
    targets = chosen(inventory, only)
    if explain is not None:
        _explain(inventory, explain)
        return
    lines = preview.lines if notify else probes.lines
    said: list[str] = []
    fault = None
    try:
        said.extend(map(inventory.redactor.text, lines(inventory, suite, targets)))
    except HistoryError as error:
        fault = inventory.redactor.text(str(error))
    say("\n".join(said))
    if fault is not None:
        say(fault, err=True)
        sys.exit(FAULT)


def _explain(inventory: Inventory, target: str) -> None:
    """Show of what a target is made."""
    from ..inventory.explaining import explained
    from ..inventory.tagged import Places

    known = {each.id: each for each in inventory.targets}
    if target not in known:
        problem = Places(inventory.targets).problem(target) or f"{target!r} is no target; name one, as host.prod"
        raise Usage(f"--explain: {problem}")
    for line in explained(inventory, known[target]):
        say(inventory.redactor.text(line))


@main.command()
def schema() -> None:
    """Print the JSON Schema of opscheck.toml for editors, with the severity names of the inventory in this folder."""
    from ..catalogue import checks
    from ..inventory.schema import schema as made
    from ..packages import PackageError

    words = loaded(Path(FILE)).severities if Path(FILE).exists() else ()
    try:
        say(json.dumps(made(checks(), tuple(words)), indent=2))
    except PackageError as error:
        raise Usage(str(error)) from None


@main.command()
@click.option("--break", "broken", metavar="NAME", multiple=True, help="Cause one of the faults that --faults lists.")
@click.option("--faults", is_flag=True, help="List the faults that --break can cause.")
def demo(broken: tuple[str, ...], *, faults: bool) -> None:
    """Start a small stack of real servers, run the daily suite on it, and stop it again.

    The exit status is that of the run: 1 with a fault.
    """
    from .. import demo as stack

    if faults:
        for name, text in stack.faults().items():
            say(f"{name:16}{text}")
        return
    for name in broken:
        if name not in stack.faults():
            raise Usage(f"--break {name}: no such fault; {nearest(name, stack.faults())}")
    sys.exit(stack.run(broken))


def _require_file(file: Path, command: str, for_suite: str) -> None:
    """Refuse an argument that names no file: it may well be meant as a suite."""
    if file.exists() or file.is_symlink():
        return
    if str(file) in suite_names(nearest_inventory()):
        raise Usage(f"{file} is a suite, and there is no file of that name; {for_suite}")
    missing = no_inventory(Path.cwd()) if file == Path(FILE) else f"there is no file {file}"
    raise Usage(f"{missing}; name the inventory: opscheck {command} FILE, or write one with `opscheck init`")
