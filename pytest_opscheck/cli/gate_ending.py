"""How `opscheck gate` ends: what it prints of a decision, what it keeps of it, and with which exit status."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn

import click

from ..core.results import FAULT, INTERRUPTED, NOTHING_JUDGED
from ..core.visible import in_line
from ..gate import keeping
from ..gate.baseline import GateError
from ..gate.decision import Decision
from ..gate.finding import Finding
from ..gate.looking import StoppedError
from ..gate.values import Answer
from ..history import HistoryError
from .gate_outlets import Outlets
from .options import USAGE, say

ROLL_BACK, UNDECIDED = 1, 6
SHOWN = 20
_STATUSES = {Answer.GO: 0, Answer.ROLL_BACK: ROLL_BACK, Answer.UNDECIDED: UNDECIDED}


class Gates(click.Group):
    """The commands of a gate, of which none ends with 1 but by a decision: that rolls back."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run one; whatever it has not foreseen leaves it undecided."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # noqa: BLE001
            say(_own_fault(error), err=True)
            sys.exit(UNDECIDED)


def end(
    outlets: Outlets,
    watched: keeping.Watched,
    decision: Decision,
    remember_it: Callable[[Mapping[str, Any]], None],
    *,
    version: str | None,
    version_before: str | None,
) -> NoReturn:
    """Print a decision, keep it, tell it to the pipeline, and end with the status that says it."""
    inventory = watched.looker.inventory
    status = status_of(decision, is_partial=watched.is_partial)
    decision = decision.ended_early() if watched.is_partial else decision
    is_said = printed(_said(decision, watched))
    if not outlets.are_open:
        sys.exit(0)
    kept = keeping.document(watched, decision, version=version, version_before=version_before, status=status)
    is_kept = _kept(kept, outlets, remember_it)
    is_told = outlets.tell(kept, inventory.redactor.text)
    sys.exit(status if is_said and is_kept and is_told else status or FAULT)


def status_of(decision: Decision, *, is_partial: bool) -> int:
    """Return the exit status that says a decision."""
    if is_partial and decision.answer is not Answer.ROLL_BACK:
        return INTERRUPTED
    if not decision.judged and decision.answer is Answer.UNDECIDED:
        return NOTHING_JUDGED
    return _STATUSES[decision.answer]


def printed(lines: Iterable[str]) -> bool:
    """Print lines; returns whether that went well. Where it did not, that changes no decision."""
    try:
        for line in lines:
            say(in_line(line))
    except OSError as error:
        say(f"could not print the decision: {error}", err=True)
        return False
    return True


def _said(decision: Decision, watched: keeping.Watched) -> Iterator[str]:
    inventory = watched.looker.inventory
    yield from map(inventory.redactor.text, lines(decision))
    if watched.is_partial and decision.answer is Answer.ROLL_BACK:
        yield "it was ended early: this is of what was seen until then"
    if watched.before is None:
        yield "there was no baseline to compare with; record one before the next deploy: opscheck gate before"
    if decision.answer is Answer.ROLL_BACK and inventory.gate is not None and inventory.gate.rollback:
        yield f"how to roll back: {inventory.gate.rollback}"


def lines(decision: Decision) -> Iterator[str]:
    """Yield a decision as people read it: the word and why, then what was found."""
    yield f"{decision.answer}: {decision.why}"
    for finding in decision.findings[:SHOWN]:
        yield from _of(finding)
    if len(decision.findings) > SHOWN:
        yield f"and {len(decision.findings) - SHOWN} more"


def _of(finding: Finding) -> Iterator[str]:
    severity = f" {finding.severity}" if finding.severity else ""
    yield f"  {finding.id}: {finding.sort}{severity}: {finding.message}"
    yield from (f"      {line}" for line in finding.details)
    if finding.rolls_back and finding.runbook:
        yield f"      runbook: {finding.runbook}"


def _kept(kept: Mapping[str, Any], outlets: Outlets, remember_it: Callable[[Mapping[str, Any]], None]) -> bool:
    """Keep what was decided, and of what; returns whether that went well."""
    line = keeping.line_of(kept)
    keepers: list[Callable[[], None]] = [lambda: remember_it(line)]
    if (report := outlets.report) is not None:
        keepers.append(lambda: keeping.keep(kept, report))
    if (record := outlets.record) is not None:
        keepers.append(lambda: keeping.note(line, record))
    problems = []
    for keeper in keepers:
        try:
            keeper()
        except (OSError, HistoryError) as error:
            problems.append(f"could not keep the decision: {error}")
    for problem in problems:
        say(problem, err=True)
    return not problems


@contextlib.contextmanager
def faults(outlets: Outlets | None = None) -> Iterator[None]:
    """End with the status of what went wrong: a fault of the gate itself is neither a go nor a reason to roll back."""
    try:
        yield
    except GateError as error:
        message, status = str(error), USAGE
    except StoppedError:
        message, status = "ended before anything was recorded", INTERRUPTED
    except Exception as error:  # noqa: BLE001 - which would end with 1, and that is roll back
        message, status = _own_fault(error), UNDECIDED
    else:
        return
    say(message, err=True)
    if outlets is not None:
        outlets.tell_fault(message)
    sys.exit(status)


def _own_fault(error: Exception) -> str:
    cause = " ".join(f"{type(error).__name__}: {error}".split())
    return f"undecided: {cause}; this is a fault of the gate itself"
