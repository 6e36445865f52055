"""The commands: those that are short stand here, the others in modules of their own."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from ..inventory import FILE, nearest
from .options import USAGE, Usage, file_argument, say

_ELSEWHERE = {
    "announce": "announce",
    "checks": "checks",
    "compliance": "compliance",
    "gate": "gate",
    "history": "history",
    "maintenance": "maintenance",
    "merge": "merge",
    "plan": "plan",
    "report": "report",
    "explain": "explain",
    "run": "run",
    "runbook": "runbook",
    "schedule": "schedule",
    "serve": "serve",
    "source": "source",
    "status": "status",
    "validate": "validate",
    "worker": "worker",
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
    opscheck worker      run parts from here, for runs that are started elsewhere
    """  # noqa: D301 - click's mark for lines that stay as they are


@main.command()
@click.argument("folder", required=False, default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--from",
    "source",
    type=click.Choice(["ansible-inventory", "ssh-config", "prometheus"]),
    help="Instead of this machine, take the hosts of a list that is there: [source] in docs/fleets.md.",
)
def init(folder: Path, source: str | None) -> None:
    """Look at this machine and write opscheck.toml. An existing file is left unchanged."""
    from . import first_inventory, first_sources
    from . import schema as schemas

    try:
        first_inventory.free(folder)
        draft = first_sources.draft(source, folder) if source is not None else first_inventory.draft()
        written = first_inventory.write(folder, draft.text)
        beside = schemas.write(written)
    except FileExistsError as error:
        raise Usage(f"{error.filename} already exists and was left unchanged; remove or rename it first") from None
    except OSError as error:
        reason = (error.strerror or "it can't be written").lower()
        raise Usage(f"{folder}: {reason}; create the folder first, or name another one") from None
    say(f"wrote {written}; review it, then run: pytest -m daily")
    if beside is not None:
        say(f"wrote {beside}, by which editors complete and check it; to renew it: opscheck schema > {beside}")
    for each in draft.unseen:
        say(f"not seen: {each}")


@main.command()
@file_argument
@click.option("--no-env", is_flag=True, expose_value=False, help="Is always so: a schema needs no variables.")
def schema(file: Path) -> None:
    """Print the JSON Schema of opscheck.toml for editors, with the severity names of an inventory, be it unfinished.

    Even Better TOML and taplo find it by the first line of the inventory: #:schema ./opscheck.schema.json
    """
    from . import schema as schemas

    if file != Path(FILE) and not file.is_file():
        raise Usage(f"there is no file {file}; name the inventory: opscheck schema FILE")
    click.echo(schemas.of(file), nl=False)


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
