"""How many checks of a run's suites did not run, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..core.humanize import counted
from ..core.results import Run
from .phrases import MOST_LINES, blocked_by

_MOST_REASONS = 10


def did_not_run(run: Run, unjudged: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield a line for each reason: `3 checks did not run: not selected: host.disk@a, ...`, and for what is blocked."""
    for why, ids in unjudged.items():
        more = f" and {len(ids) - MOST_LINES} more" if len(ids) > MOST_LINES else ""
        yield f"{counted(len(ids), 'check')} did not run: {why}: {', '.join(ids[:MOST_LINES])}{more}"
    blocked = blocked_by(run.results)
    yield from blocked[:_MOST_REASONS]
    if len(blocked) > _MOST_REASONS:
        yield f"and {counted(len(blocked) - _MOST_REASONS, 'other cause')} of blocked checks, below"
