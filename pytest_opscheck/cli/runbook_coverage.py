"""`opscheck runbook coverage`: which statements of a runbook are checked, with the last verdict of each."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..core.results import FAULT, NOTHING_JUDGED
from ..core.visible import as_json
from ..history import HistoryError, PastResult, reading
from ..inventory import Inventory
from .options import Place, Usage, inventory_option, loaded, reports_option, say
from .runbook_verify import compared, files_argument

if TYPE_CHECKING:
    from ..runbook.compared import Compared
    from ..runbook.coverage import Coverage

TOO_LITTLE = 1
"""The exit status where less is checked than --fail-under says."""


@click.command()
@files_argument
@inventory_option
@reports_option
@click.option("--markdown", "form", flag_value="markdown", help="Print a table in Markdown.")
@click.option("--html", "form", flag_value="html", help="Print the runbook as a page, with verdicts beside its steps.")
@click.option("--json", "form", flag_value="json", help="Print everything as JSON.")
@click.option("--badge", metavar="FILE.svg", type=Place(path_type=Path, dir_okay=False), help="Write a badge as well.")
@click.option("--fail-under", metavar="N", type=click.FloatRange(0, 100), help="Exit with 1 below so many per cent.")
def coverage(
    files: tuple[Path, ...],
    file: Path,
    reports: Path | None,
    *,
    form: str | None,
    badge: Path | None,
    fail_under: float | None,
) -> None:
    """Show which statements of runbooks are checked, and what came of it. Nothing is probed.

    Without FILES, of those that the inventory names. What is not checked stands last. The exit status is 5 if there is
    nothing to check in them.
    """
    from ..runbook.coverage import coverage as made

    inventory = loaded(file, reports, assumes=True)
    if unset := inventory.written.assumed.get(("history", "url")):
        raise Usage(f"the last verdicts are in the history, and its url has {', '.join(sorted(unset))}; set it")
    both = compared(inventory, files)
    if both.missing:
        name, _ = next(iter(both.missing.values()))
        raise Usage(f"there is no file {name}, which the inventory names; opscheck runbook verify says where")
    found = made(both, _latest(inventory), inventory.now())
    _print(found, both, form)
    if badge is not None:
        _write(badge, found)
    if not found.asked:
        say("the runbook states nothing that could be checked", err=True)
        sys.exit(NOTHING_JUDGED)
    if fail_under is not None and (found.percent or 0) < fail_under:
        say(f"{found.shown} of the runbook is checked, and at least {fail_under:g} % is asked for", err=True)
        sys.exit(TOO_LITTLE)


def _latest(inventory: Inventory) -> Mapping[str, PastResult]:
    """Return the newest results; where they can't be read, say so and end."""
    try:
        with reading(inventory.history) as records:
            return records.latest() if records is not None else {}
    except HistoryError as error:
        say(inventory.redactor.text(str(error)), err=True)
        sys.exit(FAULT)


def _print(found: Coverage, both: Compared, form: str | None) -> None:
    from ..runbook import coverage_words

    if form == "json":
        click.echo(as_json(coverage_words.document(found), indent=2))
    elif form == "markdown":
        say(coverage_words.markdown(found), nl=False)
    elif form == "html":
        from ..runbook.coverage_page import page

        click.echo(page(found, list(both.pages.values())))
    else:
        say("\n".join(coverage_words.lines(found)))


def _write(badge: Path, found: Coverage) -> None:
    from ..runbook.coverage_words import badge as drawn

    try:
        badge.write_text(drawn(found), encoding="utf-8")
    except OSError as error:
        raise Usage(
            f"--badge {badge}: {(error.strerror or 'it cannot be written').lower()}; name another file"
        ) from None
