"""How pytest is told what came of a test of ours: its outcome, and its text."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import pytest

from ..core.results import Result, Verdict
from ..probes import BlockedError, UnknownError, UnreachableError

OUR_ERRORS = (UnknownError, UnreachableError, BlockedError)
"""What probes and connections raise: the message says it all, and a traceback nothing more."""


def skip_quiet(result: Result) -> None:
    """End the test of a result that says nothing of its check, or of which somebody answers."""
    __tracebackhide__ = True
    if result.verdict in (Verdict.BLOCKED, Verdict.MAINTENANCE):
        pytest.skip(result.message)
    if result.verdict is Verdict.WAIVED:
        pytest.xfail(result.message)


def as_failure(result: Result) -> str:
    """Return how pytest says that a test of ours failed."""
    return f"{result.severity or ''} {result.verdict}: {result.message}".lstrip()


def attach(report: pytest.TestReport, result: Result, item: pytest.Item, *, raised: bool) -> None:
    """Have a result travel on a report, as plain data from a worker to the controller."""
    report.opscheck = result.to_json() if hasattr(item.config, "workerinput") else result  # type: ignore[attr-defined]
    report.opscheck_raised = raised  # type: ignore[attr-defined]
    if report.skipped and isinstance(report.longrepr, tuple):
        path, line, _name = item.location
        report.longrepr = (path, (line or 0) + 1, report.longrepr[2])


def raised(call: pytest.CallInfo[None]) -> bool:
    """Tell whether a test ended in an error of its own code, of which pytest shows the traceback."""
    return call.excinfo is not None and not isinstance(
        call.excinfo.value, pytest.fail.Exception | pytest.skip.Exception
    )


def why_not_judged(call: pytest.CallInfo[None], report: pytest.TestReport) -> str:
    """Return why a test ended without a result."""
    why = "its setup failed"
    if call.excinfo is not None:
        ours = isinstance(call.excinfo.value, OUR_ERRORS)
        why = str(call.excinfo.value) if ours else call.excinfo.exconly().splitlines()[0]
    if report.skipped:
        why = f"it was skipped: {report.longrepr[2] if isinstance(report.longrepr, tuple) else why}"
    return why


def first_line(report: pytest.TestReport) -> str:
    """Return in a line what a report says of a failure."""
    crash = getattr(getattr(report.longrepr, "reprcrash", None), "message", None)
    lines = [line for line in (crash or report.longreprtext).splitlines() if line.strip()]
    if not lines:
        return "it failed"
    return lines[0] if crash else lines[-1].removeprefix("E").strip()


@contextmanager
def told_elsewhere(reports: Collection[pytest.TestReport]) -> Iterator[None]:
    """Have pytest's own summary leave reports out, for a moment: other plugins ask it for them later."""
    for report in reports:
        report._pdbshown = True  # type: ignore[attr-defined]  # noqa: SLF001 - there is no public way
    try:
        yield
    finally:
        for report in reports:
            vars(report).pop("_pdbshown", None)
