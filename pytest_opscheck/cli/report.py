"""`opscheck report`: a run that is over, told as text or in Markdown, from its results file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import click

from ..core.results import SCHEMA, Run
from ..files.reading import content
from ..inventory import InventoryError, load, nearest
from ..reports.markdown import markdown
from ..reports.text import text
from ..settings import nearest_inventory, reports_setting
from .options import USAGE, reports_option, say

_LATEST = "latest.json"
_LONGEST = 64_000_000
"""Bytes of a results file that is read: of a hundred thousand results."""


@click.command()
@click.argument("of", metavar="[SUITE | RESULTS.json]", required=False)
@click.option("--text", "form", flag_value="text", default=True, help="One line per check, and the status (default).")
@click.option("--markdown", "form", flag_value="markdown", help="Only what is not ok, for chats and pull requests.")
@click.option(
    "--code-quality", "form", flag_value="code-quality", help="What is not ok, for GitLab's code quality report."
)
@reports_option
def report(of: str | None, form: str, reports: Path | None) -> None:
    """Print the latest run, the latest run of SUITE, or the run in a results file.

    --opscheck-reports is the same as pytest's option, for reports elsewhere.
    """
    file = _file(of, reports or reports_setting(nearest_inventory().absolute().parent))
    run = _read(file)
    if form == "code-quality":
        click.echo(_code_quality(run), nl=False)  # as_json has made it safe
    else:
        say(markdown(run) if form == "markdown" else text(run), nl=False)


def _code_quality(run: Run) -> str:
    """Return the report with the lines of the inventory, as far as that can be read."""
    from ..catalogue import checks
    from ..reports.code_quality import code_quality
    from ..reports.findings import spots_of

    file = nearest_inventory()
    try:
        inventory = load(file, checks(), assumes=True)
    except InventoryError as error:
        return code_quality(run, spots_of(error.known) if error.known is not None else {}, file)
    return code_quality(run, spots_of(inventory), file)


def latest_runs(folder: Path) -> Iterator[Run]:
    """Yield the latest run of each suite."""
    for file in sorted(folder.glob(f"*/{_LATEST}")):
        yield _read(file)


def _file(of: str | None, folder: Path) -> Path:
    """Return the results file that is meant."""
    if of is not None and (of.endswith(".json") or Path(of).is_file()):
        return Path(of)
    found = {file.parent.name: file for file in folder.glob(f"*/{_LATEST}")}
    if not found:
        _refuse(
            f"there are no results in {folder}; run a suite first, for example `pytest -m daily`, "
            "or name a results file"
        )
    if of is None:
        return max(found.values(), key=lambda file: file.stat().st_mtime_ns)
    if of not in found:
        _refuse(f"there are no results of {of!r} in {folder}; {nearest(of, found)}")
    return found[of]


def _read(file: Path) -> Run:
    try:
        data: Any = json.loads(content(file, _LONGEST))
    except OSError as error:
        _refuse(f"{file}: {error.strerror}; name a results file, for example reports/daily/{_LATEST}")
    except (ValueError, RecursionError):
        _refuse(f"{file} is not JSON; name a results file, for example reports/daily/{_LATEST}")
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        _refuse(f"{file} is not a results file: its schema is {schema!r}, not {SCHEMA!r}")
    try:
        return Run.from_json(data)
    except (KeyError, TypeError, ValueError) as error:
        _refuse(f"{file} is not a complete results file of this version: {type(error).__name__}: {error}")


def _refuse(message: str) -> NoReturn:
    say(f"Error: {message}", err=True)
    raise SystemExit(USAGE)
