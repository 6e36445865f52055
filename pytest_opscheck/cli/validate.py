"""`opscheck validate`: every error of an inventory at once, and what is open to others."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from ..core.humanize import counted
from ..core.visible import plain
from ..delivery import github
from ..inventory import Inventory, InventoryError
from ..inventory.asked import Asked
from .as_json import answering, json_option
from .options import USAGE, complain, file_argument, loaded, no_env_option, require_file, say


@click.command()
@file_argument
@click.option("--sources", is_flag=True, help="Also ask for the lists that others own, as a run does.")
@no_env_option
@json_option
def validate(file: Path, *, sources: bool, no_env: bool, to_json: bool) -> None:
    """Report every error in an inventory at once. Nothing is probed."""
    with answering("validate", wanted=to_json) as tell:
        require_file(file, "validate", "to check the inventory: opscheck validate")
        inventory = _valid(file, Asked(asks=sources), no_env=no_env)
        notices = [plain(inventory.redactor.text(notice)) for notice in _notices(inventory)]
        if to_json:
            numbers = {"targets": len(inventory.targets), "checks": len(inventory.expectations)}
            tell({"file": str(file), **numbers, "notices": notices, "assumed": assumed(inventory)})
            return
    targets, checks = counted(len(inventory.targets), "target"), counted(len(inventory.expectations), "check")
    say(f"{file} is valid: {targets}, {checks}")
    for notice in (*notices, *said_assumed(inventory)):
        say(notice)


def assumed(inventory: Inventory) -> list[str]:
    """Return the variables and files that were taken to be there, as they are written."""
    return sorted({variable for found in inventory.written.assumed.values() for variable in found})


def said_assumed(inventory: Inventory) -> Iterator[str]:
    """Yield that they were, where there are any."""
    if found := assumed(inventory):
        yield f"taken as present: {plain(', '.join(found))}"


def _valid(file: Path, asked: Asked, *, no_env: bool) -> Inventory:
    """Return an inventory without errors, dead links to its runbook among them; else say them, and end."""
    from ..runbook.links import refuse_dead_links

    inventory = loaded(file, refused=github.refused, asked=asked, assumes=no_env)
    try:
        refuse_dead_links(inventory)
    except InventoryError as error:
        complain(error)
        github.refused(error)
        sys.exit(USAGE)
    return inventory


def _notices(inventory: Inventory) -> Iterator[str]:
    from ..inventory.waivers import ending

    yield from inventory.notes
    yield from ending(inventory.waivers, inventory.now().date())
    yield from _warnings(inventory)


def _warnings(inventory: Inventory) -> Iterator[str]:
    """Yield what is not wrong with an inventory, and open to others: what they can read, and whom they can play."""
    from ..gate.terms import doubtful_limits
    from ..probes._trust import of_postgres
    from .timers import exposed

    yield from doubtful_limits(inventory)
    for target in inventory.targets:
        if (warning := target.keys.unverified()) is not None and not _is_assumed(inventory, (target.kind, target.name)):
            yield f"{target.id}: {warning}"
    url = inventory.history.url if not _is_assumed(inventory, ("history",)) else None
    if url and (warning := of_postgres(url)) is not None:
        yield f"history: {warning}"
    if (warning := exposed(inventory)) is not None:
        yield warning


def _is_assumed(inventory: Inventory, table: tuple[str, ...]) -> bool:
    """Tell whether a table has a variable that was taken to be there: who is behind its address is not known."""
    return any(path[: len(table)] == table for path in inventory.written.assumed)
