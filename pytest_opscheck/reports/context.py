"""What reports tell beside the results of a run: where its results come short, and what values were before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..core.results import Run, Verdict
from ..history import Point, Story

_MOST_STORIES = 100


@dataclass(frozen=True, slots=True)
class Failed:
    """What failed and has no result: a test that is not a check, or a module that could not be collected.

    spot: its file, and the line where that is known.
    """

    name: str
    message: str
    spot: tuple[Path, int | None] | None = None


@dataclass(frozen=True)
class ReportContext:
    """What is told beside the results.

    `uncovered` are targets that no check looked at, `problems` faults of the checker, `traces` where errors in
    user-defined checks come from, by result id, and `points` the past values of what was measured, the newest first.
    `stories` are the pasts of single checks, and `worse` has the severity of the last time of what is worse now, by
    result id. `unjudged` are checks of the suite that have no result, by why, and `spots` the files and lines of a
    user's own tests, by result id.
    """

    uncovered: Sequence[str] = ()
    problems: Sequence[str] = ()
    failed: Sequence[Failed] = ()
    traces: Mapping[str, str] = field(default_factory=dict)
    points: Mapping[tuple[str, str | None], Sequence[Point]] = field(default_factory=dict)
    stories: Mapping[str, Story] = field(default_factory=dict)
    worse: Mapping[str, str] = field(default_factory=dict)
    unjudged: Mapping[str, Sequence[str]] = field(default_factory=dict)
    spots: Mapping[str, tuple[Path, int | None]] = field(default_factory=dict)


def told_at_length(run: Run) -> list[str]:
    """Return the ids of results of which the page tells the past: first of what is not ok, then of what is again."""
    order = sorted(run.results, key=lambda each: (each.verdict is Verdict.OK) + (each.change is None))
    return [result.id for result in order[:_MOST_STORIES]]
