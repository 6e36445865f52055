"""Shows a run to those who look at a workflow of GitHub's: annotations, the summary of the step, and its outputs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from ..core.results import Run, summary
from ..inventory import InventoryError
from ..inventory.problems import Fault
from ..reports import github
from ..reports.findings import annotated, spots_of
from ..reports.markdown import markdown
from ..reports.phrases import short
from .destination import Destination, Finished

_VERDICTS = {0: "ok", 1: "failed", 2: "interrupted", 3: "checker failed", 4: "usage", 5: "nothing judged"}
"""What the output `verdict` says, by exit status."""


class Annotations(Destination):
    """Annotations and the summary, once a run. `uncaptured` gives standard error back: the runner reads that."""

    def __init__(self, uncaptured: Callable[[], AbstractContextManager[None]]) -> None:
        self._uncaptured = uncaptured

    def send(self, finished: Finished) -> Iterable[str]:
        """Print the annotations, and add to the summary."""
        spots = {**spots_of(finished.inventory), **finished.context.spots}
        with self._uncaptured():
            print_all(annotated(finished.run, spots, finished.context))
        github.add_summary(markdown(finished.run))
        return ()


class Outputs(Destination):
    """The outputs of the step; of what is set twice GitHub takes the last."""

    keeps_run = True

    def send(self, finished: Finished) -> Iterable[str]:
        """Set them."""
        files = finished.files
        report = next((path for path in (files.html, files.json) if path.exists()), None) if files is not None else None
        github.add_outputs(_outputs(finished.run) | {"report": str(report.absolute()) if report is not None else ""})
        return ()


def print_all(found: Iterable[github.Annotation]) -> None:
    """Have GitHub show annotations. They stand on lines of their own: pytest may be within one."""
    if commands := list(github.commands(list(found))):
        sys.stdout.flush()
        sys.stderr.write("\n".join(["", *commands, ""]))
        sys.stderr.flush()


def refused(error: InventoryError) -> None:
    """Have GitHub show the errors of an inventory beside their lines, where this runs as a step of a workflow."""
    if github.is_here():
        print_all(_refusal(each) for each in error.faults)


def _refusal(fault: Fault) -> github.Annotation:
    file = Path(fault.file) if fault.file is not None else None
    return github.Annotation("error", fault.key or "opscheck", short(fault.text), (), file, fault.line)


def _outputs(run: Run) -> dict[str, str]:
    counts = summary(run.results)
    numbers = {str(name): str(number) for name, number in counts.items() if isinstance(number, int)}
    return {"verdict": _VERDICTS.get(run.exit_status, "failed"), "exit_status": str(run.exit_status), **numbers}
