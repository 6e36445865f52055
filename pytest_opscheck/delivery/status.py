"""Writes the status page, which shows all suites, in the folder of the reports."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..files import private
from ..history import HistoryError, Records
from ..reports import status
from .destination import Destination, Finished


class StatusPage(Destination):
    """The status page. A run of a part of its suite says nothing of how that is, so it writes none."""

    task = "write the status page"
    keeps_run = True

    def send(self, finished: Finished) -> Iterable[str]:
        """Write it, at once and whole."""
        run, files = finished.run, finished.files
        if run.suite is None or run.narrowed or files is None:
            return ()
        reports = files.folder.parent
        if _is_free(reports / status.FILE):
            overview = status.Overview(finished.inventory, reports.absolute(), run.finished, run)
            made = status.page(self._status(overview, finished))
            private.write(made.encode("utf-8", "backslashreplace"), reports / status.FILE)
        return ()

    @staticmethod
    def _status(overview: status.Overview, finished: Finished) -> status.Status:
        """Return what the history says; where it does not answer, what the run alone does, and why it is no more."""
        problems = finished.context.problems

        def asked(records: Records) -> status.Status:
            return overview.status(records, problems)

        found = finished.past.asked(asked) if finished.run.hash is not None else None
        return found or overview.status(None, (*problems, _only(finished.past.fault)))


def _only(fault: HistoryError | None) -> str:
    return f"This page shows the run that has written it, and nothing earlier{'' if fault is None else f': {fault}'}"


def _is_free(file: Path) -> bool:
    """Tell whether there is no such file, or one of ours: pytest-html is often told to write its page there."""
    try:
        with file.open("rb") as there:
            return status.MARK in there.read(2000)
    except FileNotFoundError:
        return True
