"""`opscheck runbook`: what a runbook expects, as a draft of an inventory."""

from __future__ import annotations

import errno
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..core.humanize import counted
from ..core.results import NOTHING_JUDGED
from ..core.visible import as_json, plain
from ..inventory import FILE
from . import schema
from .options import Place, Usage, say

if TYPE_CHECKING:
    from ..runbook.importing import Imported


_ELSEWHERE = {"coverage": "runbook_coverage", "verify": "runbook_verify"}
"""Commands and the modules in which they are."""


class _Runbook(click.Group):
    """The commands, wherever they are."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_ELSEWHERE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        module = importlib.import_module(f".{_ELSEWHERE[cmd_name]}", __package__)
        found: click.Command = getattr(module, cmd_name)
        return found


@click.group(cls=_Runbook)
def runbook() -> None:
    """Compare a runbook in Markdown with what is checked."""


@runbook.command("import")
@click.argument("files", nargs=-1, required=True, type=Place(path_type=Path, dir_okay=False))
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=Place(path_type=Path, dir_okay=False),
    help=f"The inventory to write; by default {FILE}.",
)
@click.option(
    "--json",
    "as_document",
    is_flag=True,
    help="Print proposals and what became of each line; write only what -o names.",
)
@click.option(
    "--expected", metavar="WORD", multiple=True, help="A word of your own for what is expected, for example Sollwert."
)
def import_(files: tuple[Path, ...], output: Path | None, *, as_document: bool, expected: tuple[str, ...]) -> None:
    """Write a draft of an inventory out of runbooks in Markdown. Nothing is run, and no existing file is changed."""
    into = output or (None if as_document else Path(FILE))
    if into is not None and (into.exists() or into.is_symlink()):
        raise Usage(f"{into} already exists and was left unchanged; name another file with -o")
    made = _imported(files, into or Path(FILE), expected)
    for warning in made.warnings:
        say(plain(warning), err=True)
    if as_document:
        from ..runbook.document import document

        click.echo(as_json(document(made), indent=2))
    if not made.entries:
        _say_nothing(made)
    if into is not None:
        _write(into, f"{schema.LINE}\n{made.draft}")
        _say_written(into, made)


def require_markdown() -> None:
    """Say what to install where Markdown can't be read."""
    try:
        importlib.import_module("markdown_it")
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("markdown_it"):
            raise
        raise Usage("this needs markdown-it-py; install it: pip install 'pytest-opscheck[runbook]'") from None


def _imported(files: tuple[Path, ...], into: Path, expected: tuple[str, ...]) -> Imported:
    require_markdown()
    from ..runbook import importing
    from ..runbook.page import UnreadableError

    try:
        return importing.imported(files, into, expected)
    except UnreadableError as error:
        raise Usage(str(error)) from None


def _write(into: Path, text: str) -> None:
    try:
        with into.open("x", encoding="utf-8") as opened:
            opened.write(text)
        schema.write(into)
    except FileExistsError:
        raise Usage(f"{into} already exists and was left unchanged; name another file with -o") from None
    except OSError as error:
        reason = (error.strerror or errno.errorcode.get(error.errno or 0, "it can't be written")).lower()
        raise Usage(f"{into}: {reason}; create the folder first, or name another file with -o") from None


def _say_written(into: Path, made: Imported) -> None:
    from ..runbook.statements import Fate

    unread = sum(line.fate is Fate.NOT_READ for line in made.lines)
    off = sum(entry.status == "off" for entry in made.entries)
    text = f"wrote {into}: {counted(len(made.entries), 'proposal')}, {off} of them commented out"
    left = f"; {counted(unread, 'line')} not read, at its end" if unread else ""
    say(f"{plain(text)}{left}")
    say(f"it is a draft: read it, then run: opscheck validate {plain(str(into))}")


def _say_nothing(made: Imported) -> None:
    """Say that nothing was found, and end."""
    from ..runbook.statements import Fate

    unread = sum(line.fate is Fate.NOT_READ for line in made.lines)
    left = f"; {counted(unread, 'line')} could not be read: see them with --json" if unread else ""
    say(f"nothing to check was found{left}; nothing was written", err=True)
    sys.exit(NOTHING_JUDGED)
