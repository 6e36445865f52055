"""Brings a run that is decided to people: reports, mail, alerts, metrics. What fails of that is told, too."""

from __future__ import annotations

import datetime as dt
import errno
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

import pytest

from ..core.errors import HurriedError
from ..core.results import INTERRUPTED, NOTHING_JUDGED, Run
from ..files import streams
from ..history import HistoryError, Point
from ..inventory.report import Mail
from ..reports import json, page
from ..reports.context import Beside, Failed
from ..reports.files import ReportFiles
from ..reports.links import Links
from ..session.ending import LAST_WORDS_S
from ..settings import setting

if TYPE_CHECKING:
    from ..session.session import Session

T = TypeVar("T")
_GIVEN_UP = "the run was asked to end"


@dataclass
class Publisher:
    """What brings one run to people, on the controller. `problems` are what went wrong, a sentence each.

    failed: what failed and has no result; traces: where errors in user-defined checks come from, by result id.
    """

    config: pytest.Config
    session: Session
    files: ReportFiles | None = None
    problems: list[str] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    traces: dict[str, str] = field(default_factory=dict)
    not_written: OSError | None = None
    """What kept pytest from writing its JUnit report."""
    _told: HistoryError | None = None

    def publish(self, run: Run) -> None:
        """Write the reports, and tell of them: also where the disk is full."""
        beside = self._beside(run)
        text = self._write(run, beside)
        with_problems = replace(beside, problems=tuple(self.problems))
        mail = self.session.inventory.mail
        if mail is not None and self.session.suites and not self._is_chosen(run) and run.exit_status != INTERRUPTED:
            self._in_time("mail the report", lambda: self._mail(mail, run, with_problems, text))
        if self.session.inventory.channels:
            self._in_time("alert the channels", lambda: self._tell(run))
        if self.session.inventory.metrics and not run.narrowed:
            self._in_time("export the metrics", lambda: self._export(run))

    def settle(self, run: Run) -> None:
        """Have what was written of a run say the exit status that it has got since."""
        self.write(run)
        past = self.session.runner.past
        if run.hash is not None and past.fault is None:
            try:
                with self.session.ending.waiting():
                    past.settle(run)
            except (HistoryError, HurriedError) as error:
                self.note_history("record the exit status in", error)

    def write(self, run: Run) -> None:
        """Write the reports alone."""
        self._write(run, self._beside(run))

    def _write(self, run: Run, beside: Beside) -> str:
        """Write the reports; returns the page."""
        if named := setting(self.config, "json"):
            base = self.config.invocation_params.dir if self.config.getoption("opscheck_json") else self.config.rootpath
            with streams.uncaptured(self.config):  # the file may be /dev/stdout
                self._try(lambda: json.write(run, base / named))
        if not self.session.suites:
            return ""
        folder, files = self.session.inventory.file.absolute().parent, self.files
        text = page.page(run, Links(folder, files.folder.absolute() if files is not None else folder), beside)
        if files is not None:
            written = (
                self._try(lambda: json.write(run, files.json)),
                self._try(lambda: self._keep_xml(files)),
                self._try(lambda: page.write(text, files.html)),
            )
            if all(written):  # of a set that is not whole nothing becomes the newest
                self._put_up(run, files)
        return text

    def _keep_xml(self, files: ReportFiles) -> None:
        """Keep pytest's JUnit report, unless it is not whole. Raises OSError."""
        files.keep(getattr(self.config.option, "xmlpath", None), files.xml)
        if files.drop_broken_xml():
            raise self.not_written or OSError(errno.EIO, "pytest could not write it completely", str(files.xml))

    def _put_up(self, run: Run, files: ReportFiles) -> None:
        if not run.narrowed and run.exit_status != NOTHING_JUDGED:
            keep_s = self.session.inventory.reports_keep_s
            self._try(files.make_latest)
            self._try(lambda: files.prune(run.started - dt.timedelta(seconds=keep_s)))

    def _is_chosen(self, run: Run) -> bool:
        """Tell whether checks were left out because somebody wants so, and not because the run did not get to them."""
        return run.narrowed and (self.session.is_narrowed() or self.session.due.is_narrowed())

    def _mail(self, to: Mail, run: Run, beside: Beside, text: str) -> None:
        """Mail the report where that is due. That it could not be delivered is told, and changes no verdict."""
        from . import mail

        if not mail.due(to, run, beside, lambda: self.session.runner.past.changed(run)):
            return
        try:
            mail.deliver(to, mail.message(to, run, beside, text))
        except mail.MailError as error:
            said = self.session.inventory.redactor.text(str(error))
            self.problems.append(f"could not mail the report (not a fault of any target): {said}")

    def _tell(self, run: Run) -> None:
        """Tell the channels of the inventory, when all reports are written."""
        from .notify import LONGEST_S, tell

        # Who asks a run to end waits for that; what can't be told so soon is told by the next run.
        seconds = LAST_WORDS_S if run.exit_status == INTERRUPTED else LONGEST_S
        self.problems += tell(self.session.inventory, run, self.session.runner.past, seconds)

    def _export(self, run: Run) -> None:
        """Have the metrics of a whole run where the inventory says."""
        from .metrics import exported

        self.problems += exported(run, self.session.inventory)

    def _beside(self, run: Run) -> Beside:
        """Return what is told beside the results, with the past of what was measured."""
        past = self.session.runner.past
        known: Mapping[tuple[str, str | None], list[Point]] = {}
        points = self.asked(lambda: past.points(run), known) if run.hash else known
        return Beside(self.session.uncovered(run.results), tuple(self.problems), self.failed, self.traces, points)

    def asked(self, question: Callable[[], T], otherwise: T) -> T:
        """Return what the history answers, if it does so in time; a first fault of it is told."""
        past = self.session.runner.past
        answer = otherwise
        try:
            with self.session.ending.waiting():
                answer = question()
        except HurriedError:
            past.fault = HistoryError(f"no answer before {_GIVEN_UP}")
        if past.fault is not None and past.fault is not self._told:
            self._told = past.fault
            self.note_history("read", past.fault)
        return answer

    def _in_time(self, what: str, do: Callable[[], None]) -> None:
        try:
            with self.session.ending.waiting():
                do()
        except HurriedError:
            self.problems.append(f"could not {what} before the run, which was asked to end, ended")

    def _try(self, write: Callable[[], None]) -> bool:
        """Write something; returns whether that went well, and notes what did not."""
        try:
            write()
        except OSError as error:
            self.note(error)
            return False
        return True

    def note(self, error: OSError) -> None:
        """Note that something could not be written, with its path."""
        said = ": ".join(str(part) for part in (error.filename, error.strerror) if part)
        if (problem := f"could not write the reports: {said or error}") not in self.problems:
            self.problems.append(problem)

    def note_history(self, what: str, error: BaseException) -> None:
        """Note that the history could not be asked, or written."""
        said = self.session.inventory.redactor.text(str(error) or _GIVEN_UP)
        self.problems.append(f"could not {what} the history (not a fault of any target): {said}")
