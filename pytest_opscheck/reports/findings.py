"""What of a run is not ok, each with the line that says what is expected, for what shows it beside that line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..core.results import Result, Run, Verdict
from ..inventory import Inventory
from ..inventory.places import places_of
from .context import Failed, ReportContext
from .github import Annotation, Level
from .phrases import short, word

Spot = tuple[Path, int | None]
"""A file, and a line of it where that is known."""
_SHOWN = (Verdict.BREACH, Verdict.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Finding:
    """A result that is not ok, and where what is expected stands."""

    result: Result
    spot: Spot | None

    @property
    def title(self) -> str:
        """What came of which check: `host.disk@prod: BREACH P1`."""
        return f"{self.result.id}: {word(self.result)}{f' {self.result.severity}' if self.result.severity else ''}"

    @property
    def steps(self) -> tuple[str, ...]:
        """What to do next."""
        steps = (self.result.action, self.result.runbook)
        return tuple(f"Next: {step}" for step in steps if step)


def findings(run: Run, spots: Mapping[str, Spot]) -> Iterator[Finding]:
    """Yield what is not ok, the worst first; `spots` are by result id."""
    yield from (Finding(each, spots.get(each.id)) for each in run.results if each.verdict in _SHOWN)


def spots_of(inventory: Inventory) -> dict[str, Spot]:
    """Return where each expectation of an inventory is written, by result id."""
    return {name: (Path(place.source.shown), place.line) for name, place in places_of(inventory).items()}


def annotated(run: Run, spots: Mapping[str, Spot], context: ReportContext) -> list[Annotation]:
    """Return what GitHub shows of a run: what failed, what else is not ok, and what went wrong with the checker."""
    found = [_annotation(each) for each in findings(run, spots)]
    failed = [_failure(each) for each in context.failed]
    order: tuple[Level, ...] = ("error", "warning", "notice")
    listed = sorted([*found, *failed], key=lambda each: order.index(each.level))
    return [*listed, *(Annotation("warning", "opscheck", short(problem)) for problem in context.problems)]


def _annotation(finding: Finding) -> Annotation:
    result = finding.result
    level: Level = "error" if result.fails else "notice" if result.pending else "warning"
    file, line = finding.spot or (None, None)
    return Annotation(level, finding.title, short(result.message), finding.steps, file, line)


def _failure(failed: Failed) -> Annotation:
    file, line = failed.spot or (None, None)
    return Annotation("error", failed.name, short(failed.message), (), file, line)
