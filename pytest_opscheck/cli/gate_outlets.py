"""Where `opscheck gate` says its decision beside the terminal: files for pipelines, and what GitHub looks at."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import click

from ..files import private, streams
from ..gate.values import Answer
from ..inventory import Inventory
from ..reports import github
from ..reports.gate_junit import document
from ..reports.gated import Gated, annotated, dotenv, summary
from .options import say

C = TypeVar("C", bound=Callable[..., Any])
_file = click.Path(path_type=Path, dir_okay=False)


def outlet_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of all that a gate leaves; the command gets them as its `outlets`, emptied of what was left."""

    @functools.wraps(command)
    def opened(
        *value: Any,
        junit: Path | None,
        dotenv: Path | None,
        to_json: Path | None,
        record: Path | None,
        dry_run: bool,
        **more: Any,
    ) -> Any:
        outlets = Outlets(junit, dotenv, to_json, record, are_open=not dry_run)
        outlets.clear()
        return command(*value, outlets=outlets, **more)

    for option in (
        click.option("--dry-run", is_flag=True, help="Say the decision, but keep nothing, and end with 0."),
        click.option("--record", type=_file, help="Add a line on the decision to a file."),
        click.option("--json", "to_json", type=_file, help="Keep the decision and all that was seen in a file."),
    ):
        opened = option(opened)
    return pipeline_options(opened)


def pipeline_options(command: C) -> C:
    """Add the options of files for pipelines."""
    for option in (
        click.option("--dotenv", type=_file, help="Write the decision as variables: OPSCHECK_VERDICT and others."),
        click.option("--junit", type=_file, help="Write a JUnit report, with a case for each check."),
    ):
        command = option(command)
    return command


@dataclass(frozen=True)
class Outlets:
    """Files for pipelines, and whether anything is kept or told at all.

    report: the file that has all that was seen. record: the file that gets a line.
    """

    junit: Path | None = None
    dotenv: Path | None = None
    report: Path | None = None
    record: Path | None = None
    are_open: bool = True

    def recorded_in(self, inventory: Inventory) -> Outlets:
        """Return outlets with the record that the inventory names, where the command line names none."""
        file = inventory.gate.record if inventory.gate is not None else None
        return replace(self, record=self.record or (inventory.file.absolute().parent / file if file else None))

    def clear(self) -> None:
        """Remove what an earlier gate has left: nobody may take it for the decision of one that was killed."""
        for file in filter(None, (self.junit, self.dotenv, self.report) if self.are_open else ()):
            try:
                if file.is_file() and streams.is_file(file):
                    file.unlink()
            except OSError as error:
                say(f"could not remove what an earlier gate has left: {error}", err=True)

    def tell_fault(self, why: str) -> None:
        """Tell that a gate could not decide."""
        self.tell({"verdict": str(Answer.UNDECIDED), "why": why})

    def tell(self, kept: Mapping[str, Any], clean: Callable[[str], str] = str) -> bool:
        """Tell a decision, of what a gate keeps; returns whether it came to all who have to know it."""
        try:
            problems = [*self._problems(Gated.of(kept, clean))] if self.are_open else []
        except Exception as error:  # noqa: BLE001 - which would end with 1, and that is roll back
            problems = [f"could not report the decision: {type(error).__name__}: {error}"]
        for problem in problems:
            say(problem, err=True)
        return not problems

    def _problems(self, gated: Gated) -> Iterator[str]:
        if (junit := self.junit) is not None:
            yield from _problem("the JUnit report", lambda: _write(junit, document(gated)))
        if (variables := self.dotenv) is not None:
            yield from _problem("the variables", lambda: _write(variables, dotenv(gated).encode()))
        if github.is_here():
            for command in github.commands(annotated(gated)):
                click.echo(command, err=True)
            yield from _problem("the summary for GitHub", lambda: github.add_summary(summary(gated)))
            yield from _problem("the outputs for GitHub", lambda: github.add_outputs(self._outputs(gated)))

    def _outputs(self, gated: Gated) -> dict[str, str]:
        report = self.report or self.junit
        return {
            "verdict": str(gated.answer),
            "reasons": "\n".join(gated.reasons),
            "report": str(report.absolute()) if report is not None else "",
        }


def _write(file: Path, content: bytes) -> None:
    private.make_folder(file.resolve().parent)
    private.write(content, file)


def _problem(what: str, told: Callable[[], object]) -> Iterator[str]:
    """Tell it, and yield why that failed where it did."""
    try:
        told()
    except OSError as error:
        yield f"could not write {what}: {error}"
