"""`opscheck explain`: all that is known of one check: its latest result, how it was measured, its past, what to do."""

from __future__ import annotations

import datetime as dt
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click

from ..core.humanize import duration_text
from ..core.masks import masked
from ..core.results import Result, Run
from ..core.visible import in_line, plain
from ..history import Past
from ..inventory import Expectation, Inventory, nearest
from ..plan import Plan, Request
from ..probes import Part
from ..reports.context import ReportContext
from ..reports.earlier import EarlierPages
from ..reports.past import Pasts, ShownPast
from ..reports.phrases import change, duty, line, lines, word
from ..settings import reports_setting
from .checks import paragraphs
from .manual import entry
from .options import Usage, inventory_option, known, reports_option, say
from .report import latest_runs

_MOST_RUNS = 10
_MOST_SPELLS = 5
_MOST_LINES = 12
"""Of a script that runs on a host."""


@click.command()
@click.argument("check", metavar="ID")
@inventory_option
@reports_option
def explain(check: str, file: Path, reports: Path | None) -> None:
    """Explain the latest result of a check, for example host.disk@prod, as reports name it.

    What was measured, how, and against which limits; what past runs saw; what to do next. Nothing is probed.
    """
    inventory = known(file, reports)
    folder = reports or reports_setting(file.absolute().parent)
    expectation = next((each for each in inventory.expectations if each.id == check), None)
    run, result = _latest(folder, check)
    if expectation is None and result is None:
        raise Usage(f"there is no check {check!r}; {nearest(check, [each.id for each in inventory.expectations])}")
    texts = _explained(inventory, expectation, run, result, folder)
    for text in texts:
        say(inventory.redactor.text(text))


def _latest(folder: Path, check: str) -> tuple[Run | None, Result | None]:
    """Return the newest run that has a result of a check, and that result."""
    found = [(run, each) for run in latest_runs(folder) for each in run.results if each.id == check]
    return max(found, key=lambda pair: pair[0].started, default=(None, None))


def _explained(
    inventory: Inventory, expectation: Expectation | None, run: Run | None, result: Result | None, folder: Path
) -> Iterator[str]:
    """Yield it line by line, in sections with a heading each."""
    if run is not None and result is not None:
        yield from _head(run, result, inventory.now())
        yield from _section("measured", _measured(result))
    elif expectation is not None:
        suites = ", ".join(f"pytest -m {suite}" for suite in inventory.suites if suite in expectation.suites)
        yield f"{expectation.id}: {expectation.check.title}"
        yield f"no result yet; it belongs to {suites}"
    if expectation is not None:
        yield from _section("expected", [plain(str(expectation.limits or "it is reached"))])
        yield from _section("asked", _asked(expectation, inventory))
    if run is not None and result is not None:
        yield from _section("past", _past(inventory, run, result, folder))
        yield from _section("next", _next(result))
    if expectation is not None:
        yield from _section("what is judged", paragraphs(entry(expectation.check)))


def _section(title: str, texts: Iterator[str] | list[str]) -> Iterator[str]:
    found = list(texts)
    if found:
        yield ""
        yield title
        yield from (textwrap.indent(text, "  ") for text in found)


def _head(run: Run, result: Result, now: dt.datetime) -> Iterator[str]:
    how_long = change(result, run.started)
    yield f"{result.id}: {plain(result.title)}"
    yield " ".join(filter(None, (word(result), result.severity, f"({how_long})" if how_long else "")))
    ago = duration_text(now - run.started)
    yield f"{run.suite} of {run.started:%Y-%m-%d %H:%M}, {ago} ago, seen from {plain(run.vantage)}"


def _measured(result: Result) -> Iterator[str]:
    shown = [line(each, result.severity if each.problem else None) for each in result.measurements] or lines(result)
    for each in shown:
        expected = f", expected {each.expected}" if each.expected else ""
        yield in_line(f"{each.observed}{expected}{f': {each.severity}' if each.severity else ''}")
    yield f"in {result.duration_s:.2g} s" + (f", {result.attempts} attempts" if result.attempts > 1 else "")


def _asked(expectation: Expectation, inventory: Inventory) -> Iterator[str]:
    """Yield how the target is reached, and what it is asked there."""
    request = Request.of(expectation)
    (contact,) = Plan.of([request], inventory.hosts).contacts
    where = expectation.target.keys.where()
    if contact.host is None:
        yield f"{expectation.target.id}" + (f" at {where}" if where else "") + ", by a connection of its own"
    else:
        yield f"the shell of {contact.name if contact.host else 'this machine'} ({plain(contact.spec)})"
    yield from (f"{name} = {_given(value)}" for name, value in expectation.asked.items() if value not in (None, (), ""))
    if contact.host is not None and request.probe.shell is not None and "run" not in expectation.asked:
        yield from _script(
            request.probe.shell.part(expectation.target.keys, request.timeout_s, dict(expectation.asked))
        )


def _script(part: Part) -> Iterator[str]:
    arguments = f", with {masked(' '.join(map(shlex.quote, part.args)))}" if part.args else ""
    first, *others = textwrap.dedent(part.script).strip().split("\n")
    yield f"sh{arguments}:"
    yield from (textwrap.indent(text, "  ") for text in (first, *others[: _MOST_LINES - 1]))
    if len(others) >= _MOST_LINES:
        yield f"  ... and {len(others) - _MOST_LINES + 1} more lines"


def _given(value: object) -> str:
    text = value if isinstance(value, str) else shlex.join(value) if isinstance(value, tuple) else str(value)
    return masked(plain(text))


def _past(inventory: Inventory, run: Run, result: Result, folder: Path) -> Iterator[str]:
    past = Past(inventory.history)
    try:
        beside = ReportContext(points=past.points(run), stories=past.stories([result.id]))
    finally:
        past.close()
    found = Pasts(run, beside, EarlierPages(folder, None, run.started.tzinfo)).of(result, result.measurements)
    if past.fault is not None:
        yield plain(str(past.fault))
    if found is not None:
        yield from _told(found)


def _told(found: ShownPast) -> Iterator[str]:
    yield found.title.removeprefix("History: ")
    for each in found.runs[:_MOST_RUNS]:
        named = [f"{name} {value}" for name, value in zip(found.columns, each.values, strict=True) if value]
        yield in_line(f"{each.when}  {each.verdict}  {', '.join(named)}".rstrip())
    for spell in found.spells[:_MOST_SPELLS]:
        yield in_line(f"not ok from {spell.began} to {spell.ended} ({spell.lasted}): {spell.severity} {spell.message}")


def _next(result: Result) -> Iterator[str]:
    yield from (plain(text) for text in (result.action, result.runbook, duty(result)) if text)
