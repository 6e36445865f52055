"""What the commands share: how they take an inventory, and how they say what is wrong with it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import click

from ..core.units import LimitError, parse_duration
from ..core.visible import inert, visible
from ..inventory import Inventory, InventoryError, load, nearest
from ..inventory.asked import OFFLINE, Asked
from ..inventory.problems import Fault
from ..inventory.tagged import Places
from ..reports import github
from ..settings import FILE, nearest_inventory, no_inventory, suite_names
from .as_json import note

USAGE = 4
"""pytest's exit status for wrong usage, which is also that of a wrong inventory."""


def say(text: str, *, err: bool = False, nl: bool = True, fg: str | None = None) -> None:
    """Print text for people: whatever others have put into it steers no terminal, nor GitHub's runner.

    Raises OSError where it can't be printed; on standard error that ends nothing.
    """
    if err:
        note([Fault.of(line) for line in text.splitlines()])
    _print(text, err=err, nl=nl, fg=fg)


def _print(text: str, *, err: bool = False, nl: bool = True, fg: str | None = None) -> None:
    shown = inert(visible(text)) if github.is_here() else visible(text)
    try:
        click.echo(click.style(shown, fg=fg) if fg is not None else shown, err=err, nl=nl)
    except OSError:
        _close(sys.stderr if err else sys.stdout)
        if not err:
            raise


def _close(stream: TextIO) -> None:
    """Let what is still to be printed go nowhere: where that fails as Python ends, the exit status is another one."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def complain(error: InventoryError) -> None:
    """Say the errors of an inventory."""
    _print(str(error), err=True)
    note(error.faults)


class Usage(click.ClickException):
    """Wrong usage: it ends with the exit status that the README has for it."""

    exit_code = USAGE


class Place(click.Path):
    """A file or folder; an empty text, which is that of a variable without a value, names none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse an empty text."""
        if isinstance(value, str) and not value.strip():
            name = param.opts[0] if param is not None else "it"
            raise Usage(f"{name} is empty; give {'a folder' if self.dir_okay else 'a file'}, or leave it out")
        return super().convert(value, param, ctx)


class Time(click.ParamType):  # type: ignore[type-arg]  # older versions take none
    """A length of time, as `30s`; 0 is none."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it."""
        if isinstance(value, float):
            return value
        try:
            return 0.0 if str(value) == "0" else parse_duration(value)
        except LimitError as error:
            self.fail(str(error), param, ctx)


inventory_option = click.option(
    "--opscheck-inventory",
    "file",
    metavar="FILE",
    default=nearest_inventory,
    type=Place(path_type=Path, dir_okay=False),
    help="The inventory file.",
)


reports_option = click.option(
    "--opscheck-reports", "reports", metavar="DIR", type=Place(path_type=Path), help="The reports folder."
)


file_argument = click.argument(
    "file", required=False, default=nearest_inventory, type=Place(path_type=Path, dir_okay=False)
)


def loaded(
    file: Path,
    reports: Path | None = None,
    refused: Callable[[InventoryError], object] = lambda _error: None,
    *,
    asked: Asked = OFFLINE,
    assumes: bool = False,
) -> Inventory:
    """Return an inventory; with errors in it, say them, have that told by `refused`, and end.

    reports: where the command line says that its reports are; else they are where pytest's settings say.
    asked: whether the lists that others own are asked for now.
    assumes: whether variables and files of secrets that are not there are taken to be there.
    """
    import pytest

    from ..catalogue import checks
    from ..settings import reports_setting

    if file == Path(FILE) and not (file.exists() or file.is_symlink()):
        how = "name the inventory with --opscheck-inventory, or write one with `opscheck init`"
        raise Usage(f"{no_inventory(Path.cwd())}; {how}")
    try:
        beside = reports or reports_setting(file.absolute().parent)
        return load(file, checks(), reports=beside, asked=asked, assumes=assumes)
    except (InventoryError, pytest.UsageError) as error:
        if isinstance(error, InventoryError):
            complain(error)
            refused(error)
        else:
            say(str(error), err=True)
        sys.exit(USAGE)


def known(file: Path, reports: Path | None) -> Inventory:
    """Return what can be read of an inventory, for what looks at past runs alone; where it has errors, say so.

    With an error in what says where these are, end.
    """
    found: list[Inventory] = []

    def read(error: InventoryError) -> None:
        if error.known is not None and not (error.concerns("history") or error.concerns("opscheck", "name")):
            found.append(error.known)

    try:
        return loaded(file, reports, read)
    except SystemExit:
        if not found:
            raise
    _print("no run will start until the inventory's errors above are fixed; recorded so far:", err=True)
    return found[0]


def known_suite(inventory: Inventory, suite: str | None) -> None:
    """Refuse a suite that an inventory does not have."""
    if suite is not None and suite not in inventory.suites:
        raise Usage(f"there is no suite {suite!r}; {nearest(suite, inventory.suites)}")


def chosen(inventory: Inventory, text: str | None) -> frozenset[str] | None:
    """Return the ids of the targets that words mean, as `tag:dc1,host.db`; None where nothing is said."""
    if text is None:
        return None
    places, words = Places(inventory.targets), [word.strip() for word in text.split(",")]
    for word in words:
        if problem := places.problem(word):
            raise Usage(f"--only {text}: {problem}")
    return places.of(words)


no_env_option = click.option(
    "--no-env",
    is_flag=True,
    help="Take missing variables and ${file:...} as present, to check an inventory where there are no secrets.",
)

only_option = click.option(
    "--only",
    metavar="TARGETS",
    help="Only these targets, and those reached through them: tag:dc1, or host.prod,host.db.",
)


def require_file(file: Path, command: str, for_suite: str) -> None:
    """Refuse an argument that names no file: it may well be meant as a suite."""
    if file.exists() or file.is_symlink():
        return
    if str(file) in suite_names(nearest_inventory()):
        raise Usage(f"{file} is a suite, and there is no file of that name; {for_suite}")
    missing = no_inventory(Path.cwd()) if file == Path(FILE) else f"there is no file {file}"
    raise Usage(f"{missing}; name the inventory: opscheck {command} FILE, or write one with `opscheck init`")
