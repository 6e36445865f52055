"""`opscheck runbook verify`: whether a runbook and its inventory have drifted apart, and what of that was accepted."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..core.humanize import counted
from ..core.visible import as_json, plain
from ..inventory import Inventory, nearest
from .options import Place, Usage, inventory_option, loaded, say
from .runbook import require_markdown

if TYPE_CHECKING:
    from ..runbook.compared import Compared
    from ..runbook.drift import Verified
    from ..runbook.lock import Accepted

DRIFTED = 1
"""The exit status where something differs."""
SCHEMA = "opscheck.runbook-drift/1"
files_argument = click.argument("files", nargs=-1, type=Place(path_type=Path, dir_okay=False))


@click.command()
@files_argument
@inventory_option
@click.option(
    "--accept", nargs=2, metavar="ID WHY", multiple=True, help="Note in the lock file that a difference is meant."
)
@click.option("--json", "as_document", is_flag=True, help="Print what has drifted apart as JSON.")
def verify(files: tuple[Path, ...], file: Path, accept: tuple[tuple[str, str], ...], *, as_document: bool) -> None:
    """Compare runbooks with the inventory, statement by statement. Offline; only --accept writes.

    Without FILES, those that the inventory names. The exit status is 1 if they have drifted apart.
    """
    from ..runbook import drift, lock

    inventory = loaded(file, assumes=True)
    both = compared(inventory, files)
    place = lock.place(file)
    try:
        there = lock.read(place)
        found = drift.verified(both, there)
        if accept:
            there = lock.merged(there, _accepted(found, accept))
            lock.write(place, there)
            found = drift.verified(both, there)
    except lock.LockError as error:
        raise Usage(str(error)) from None
    if as_document:
        click.echo(as_json(_document(found), indent=2))
    else:
        _say(found, both, inventory, place)
    sys.exit(DRIFTED if found.drifts else 0)


def compared(inventory: Inventory, files: Sequence[Path]) -> Compared:
    """Return runbooks beside their inventory; where they can't be read, say why and end."""
    require_markdown()
    from ..runbook.compared import compared as made
    from ..runbook.page import UnreadableError

    try:
        found = made(inventory, files, inventory.now().date())
    except UnreadableError as error:
        raise Usage(str(error)) from None
    if not found.pages and not found.missing:
        raise Usage("the inventory names no runbook in Markdown; name it here, or set runbook in [opscheck]")
    return found


def _accepted(found: Verified, accept: Sequence[tuple[str, str]]) -> list[Accepted]:
    """Return what is accepted of the differences with some ids, or of statements in which nothing differs."""
    return [entry for name, why in accept for entry in _of_id(found, name, why)]


def _of_id(found: Verified, name: str, why: str) -> list[Accepted]:
    from ..runbook.drift import known_of

    if not why.strip():
        raise Usage(f"--accept {name}: say why, for example --accept {name} 'the replica is smaller'")
    everything = known_of(found)
    chosen = [each for known, each in everything if known == name or known.startswith(f"{name}/")]
    if not chosen:
        ids = dict.fromkeys(known for known, _ in everything)
        raise Usage(f"--accept {name}: there is no such statement; {nearest(name, ids)}")
    return [each.because(plain(why)) for each in chosen]


def _document(found: Verified) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "drift": [each.to_json() for each in found.drifts],
        "accepted": [each.to_json() for each in found.accepted],
    }


def _say(found: Verified, both: Compared, inventory: Inventory, place: Path) -> None:
    for each in found.drifts:
        say(inventory.redactor.text(str(each)))
    for entry in found.unneeded:
        say(plain(f"{place}: {entry.id} ({entry.drift}) differs no more; remove the entry"))
    checked = sum(bool(judges) for judges in both.matches.values())
    accepted = f", {len(found.accepted)} accepted" if found.accepted else ""
    silent = (
        f"; {counted(found.silent, 'link')} to sections that say nothing of what is checked" if found.silent else ""
    )
    drifted = counted(len(found.drifts), "difference") if found.drifts else "no difference"
    say(f"{drifted}{accepted}: {counted(checked, 'statement')} compared{silent}")
    if found.drifts:
        say("change one side, or accept what is meant: opscheck runbook verify --accept ID 'why'")
