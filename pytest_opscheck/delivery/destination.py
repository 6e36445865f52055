"""What a finished run is, and what takes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from ..core.results import INTERRUPTED, Run
from ..history import Past
from ..inventory import Inventory
from ..reports import page
from ..reports.context import ReportContext
from ..reports.files import ReportFiles
from ..reports.links import Links


@dataclass(frozen=True)
class Finished:
    """A run whose exit status is decided, with what is told beside its results.

    files: where its reports stand, None where it leaves none. is_chosen: whether somebody chose a part of its suites.
    """

    run: Run
    inventory: Inventory
    past: Past
    context: ReportContext
    files: ReportFiles | None
    is_chosen: bool

    @cached_property
    def page(self) -> str:
        """The page, which is written, and mailed as it is."""
        folder = self.inventory.file.absolute().parent
        reports = self.files.folder.absolute() if self.files is not None else folder
        return page.page(self.run, Links(folder, reports), self.context)

    def with_problems(self, problems: Iterable[str]) -> Finished:
        """Return it with what went wrong since, which those who are told later are told, too; the page stays."""
        later = replace(self, context=replace(self.context, problems=tuple(problems)))
        later.__dict__["page"] = self.page if self.run.suite is not None else ""
        return later

    @property
    def was_interrupted(self) -> bool:
        """Whether somebody has asked the run to end, and waits for that."""
        return self.run.exit_status == INTERRUPTED


class Destination:
    """What a finished run is brought to."""

    task: str | None = None
    """What is given up where a run that was asked to end has no time left, as "mail the report"; None: nothing is."""
    keeps_run = False
    """Whether it keeps the run as a whole: then it is to have it again where the exit status has changed since."""

    def send(self, finished: Finished) -> Iterable[str]:
        """Take the run; return what went wrong, a sentence each. Raises OSError for what could not be written."""
        raise NotImplementedError


def not_written(error: OSError) -> str:
    """Return how it is said that something could not be written, with its path."""
    reason = ": ".join(str(part) for part in (error.filename, error.strerror) if part)
    return f"could not write the reports: {reason or error}"
