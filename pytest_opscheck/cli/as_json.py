"""How commands answer programs: `--json` prints one document, also where the command can't do what was asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ..core.visible import as_json
from ..inventory.problems import Fault

Tell = Callable[[Mapping[str, Any]], None]
_NOTED = "pytest_opscheck.faults"
_SCHEMAS = Path(__file__).parent / "schemas"

json_option = click.option("--json", "to_json", is_flag=True, help="Print it as JSON, for programs.")


def schema(command: str) -> dict[str, Any]:
    """Return the JSON Schema of what a command prints with `--json`."""
    found: dict[str, Any] = json.loads((_SCHEMAS / f"{command}.schema.json").read_text(encoding="utf-8"))
    return found


def note(faults: Sequence[Fault]) -> None:
    """Note what is wrong, for the document."""
    if (context := click.get_current_context(silent=True)) is not None:
        context.meta.setdefault(_NOTED, []).extend(faults)


@contextmanager
def answering(command: str, *, wanted: bool) -> Iterator[Tell]:
    """Give what prints a command's document; where the command ends with an error before that, print one of errors."""
    told = False

    def tell(data: Mapping[str, Any]) -> None:
        nonlocal told
        told = True
        noted = click.get_current_context().meta.get(_NOTED, [])
        errors = [_error(each) for each in noted]
        document = {"schema": f"opscheck.{command}/1", "errors": errors, **data}
        # In a log of GitHub's, "##[" would be a command to its runner.
        click.echo(as_json(document, indent=1).replace("##[", "\\u0023#["))

    try:
        yield tell
    except click.ClickException as error:
        if not wanted:
            raise
        note([Fault.of(line) for line in error.format_message().splitlines()])
        _end(error.exit_code, None if told else tell)
    except SystemExit as error:
        if not wanted or told or not error.code:
            raise
        _end(error.code, tell)


def _error(fault: Fault) -> dict[str, Any]:
    return {"file": fault.file, "line": fault.line, "key": fault.key or None, "message": fault.text}


def _end(status: Any, tell: Tell | None) -> None:
    if tell is not None:
        tell({})
    sys.exit(status)
