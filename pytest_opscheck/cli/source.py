"""`opscheck source`: what has vanished from the lists that others own, and is meant to be gone."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..core.results import FAULT
from ..inventory import nearest
from ..inventory.asked import AS_A_RUN
from ..inventory.kept import file_of, keep, moment, recalled
from ..settings import reports_setting
from .maintenance import who
from .options import Usage, inventory_option, loaded, reports_option, say


@click.group()
def source() -> None:
    """Accept what has vanished from the lists that others own."""


@source.command()
@inventory_option
@reports_option
@click.argument("name")
@click.argument("target")
@click.option("--why", required=True, help="Why it is meant to be gone; it is kept, with your name and the time.")
def accept(file: Path, reports: Path | None, name: str, target: str, why: str) -> None:
    """Agree that TARGET is gone from the list of the source NAME: opscheck source accept fleet web007 --why sold."""
    inventory = loaded(file, reports, asked=AS_A_RUN)
    if inventory.target("source", name) is None:
        raise Usage(f"there is no source {name!r}; {nearest(name, [e.name for e in inventory.of_kind('source')])}")
    place = file_of(reports or reports_setting(file.absolute().parent), name)
    known = recalled(place)
    gone = known.gone if known is not None else {}
    if known is None or target not in gone:
        hint = nearest(target, gone) if gone else "nothing has vanished from it"
        raise Usage(f"{target!r} is not gone from the list of source.{name}; {hint}")
    if not why.strip():
        raise Usage("--why is empty; give the reason, for example --why 'replaced by web401'")
    clean = inventory.redactor.text
    try:
        keep(place, known.accepting(target, clean(why.strip()), clean(who()), moment()))
    except OSError as error:
        say(f"{error.filename}: {error.strerror}", err=True)
        sys.exit(FAULT)
    say(f"{target} is accepted as gone from the list of source.{name}; where it comes back, it counts again")
