"""`opscheck plan`: what a run would probe, contact by contact, without probing anything."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .. import plan as probes
from ..core.results import FAULT
from ..history import HistoryError
from ..inventory import Inventory
from .as_json import answering, json_option
from .options import Usage, chosen, file_argument, known_suite, loaded, no_env_option, only_option, require_file, say
from .validate import assumed, said_assumed


@click.command()
@file_argument
@click.option("--suite", metavar="SUITE", help="Show only what a run of this suite would probe.")
@only_option
@click.option("--notify", is_flag=True, help="Show which alerts would be sent instead. Nothing is sent.")
@click.option("--explain", metavar="TARGET", help="Show where each key of a target is written instead: host.web007.")
@no_env_option
@json_option
def plan(
    file: Path, suite: str | None, only: str | None, explain: str | None, *, notify: bool, no_env: bool, to_json: bool
) -> None:
    """Show what would be probed, contact by contact, without probing anything."""
    with answering("plan", wanted=to_json) as tell:
        if to_json and (notify or explain is not None):
            raise Usage("--json shows the plan; leave out --notify and --explain")
        require_file(file, "plan", f"try: opscheck plan --suite {file}")
        inventory = loaded(file, assumes=no_env)
        known_suite(inventory, suite)
        targets = chosen(inventory, only)
        if to_json:
            clean = inventory.redactor.data
            tell(clean(probes.to_json(inventory, suite, targets)) | {"suite": suite, "assumed": assumed(inventory)})
            return
    if explain is not None:
        _explain(inventory, explain)
    elif notify:
        _alerts(inventory, suite, targets)
    else:
        say("\n".join(map(inventory.redactor.text, probes.lines(inventory, suite, targets))))
        for line in said_assumed(inventory):
            say(line)


def _alerts(inventory: Inventory, suite: str | None, targets: frozenset[str] | None) -> None:
    from ..delivery import preview

    parts: list[str] = []
    fault = None
    try:
        parts.extend(map(inventory.redactor.text, preview.lines(inventory, suite, targets)))
    except HistoryError as error:
        fault = inventory.redactor.text(str(error))
    say("\n".join(parts))
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
