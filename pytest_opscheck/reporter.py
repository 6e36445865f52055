"""Takes the results of all processes on pytest's controller, decides the exit status, and has the reports written."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
import uuid
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .delivery.line import Line
from .history import HistoryError
from .inventory.report import Mail
from .items import own_subject
from .judge import Subject, next_step, unknown
from .lengths import beginning
from .plugin import only_looks, reports_folder, setting
from .plural import counted
from .quiet.waivers import ending
from .reports import html, json, junit, page, streams, terminal
from .reports.beside import Beside, Failed
from .reports.files import ReportFiles
from .reports.links import Links
from .results import FAULT, INTERRUPTED, NOTHING_JUDGED, Result, Run, exit_status, with_steps

if TYPE_CHECKING:
    from .session import Session


_SHOWN_BY_DEFAULT = "fE"
"""What pytest's short summary shows unless -r says otherwise."""
_LAST_WORDS_S = 3.0
"""How long the channels of an interrupted run may take."""
_ATTEMPTS = ("rerun", "retried")
"""The outcomes that pytest-rerunfailures and pytest-retry give to attempts after which a test is run again."""


class Reporter:
    """A plugin of the controller: from test reports to a Run, from the Run to its files and its table."""

    def __init__(self, config: pytest.Config, session: Session) -> None:
        self.config = config
        self.session = session
        self.started = session.inventory.now()
        self.results: dict[str, Result] = {}
        self._reported: set[str] = set()
        self._line = Line()
        self._decided: tuple[pytest.Session, int] | None = None
        self.run: Run | None = None
        self.page = html.Page()
        self.problems: list[str] = []
        self.failed: list[Failed] = []
        self.traces: dict[str, str] = {}
        self._stepped = {each.id: each for each in session.inventory.expectations if each.steps}
        self.files = self._files() if not only_looks(config) else None
        self._lead_pytests_own()

    def _files(self) -> ReportFiles | None:
        """Return where a run of suites leaves its reports; None where tests were named one by one."""
        if not self.session.suites:
            return None
        folder = reports_folder(self.config) / "+".join(self.session.suites)
        try:
            return ReportFiles.fresh(folder, self.started)
        except OSError as error:
            # The checks still run and say what they found; that there are no reports of it is told at its end.
            self._note(error)
            return None

    def _lead_pytests_own(self) -> None:
        """Have pytest's JUnit report written where the run's are, unless people named a place; style pytest-html's."""
        option = self.config.option
        if self.files is not None and hasattr(option, "xmlpath") and not option.xmlpath:
            option.xmlpath = str(self.files.xml)
        if getattr(option, "htmlpath", None):
            option.self_contained_html = True
            option.css = [*(option.css or []), str(html.STYLE)]
        if option.reportchars == _SHOWN_BY_DEFAULT:  # what failed stands in the table; -rf shows it as pytest does
            option.reportchars = option.reportchars.replace("f", "")

    # What comes in

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        """Say whether the run that begins is whole. Under pytest-xdist workers collect, and the controller does not."""
        if not hasattr(self.config.option, "dist") or self.config.option.dist == "no":
            self._begin()

    @pytest.hookimpl(optionalhook=True, trylast=True)
    def pytest_xdist_node_collection_finished(self) -> None:
        """Likewise, once a worker has collected."""
        self._begin()

    def _begin(self) -> None:
        if not only_looks(self.config):
            chosen = self._is_narrowed() or self.session.due.is_narrowed()
            self._line.tell(Line.NARROWED if chosen else Line.WHOLE)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a result, from this process or from a worker, and have its fields in the JUnit report."""
        self._reported.add(report.nodeid)
        if report.outcome in _ATTEMPTS:  # the last attempt of a test is the one that counts
            return
        result = self._of_crash(report) or _result(report)
        if report.when == "teardown" and report.nodeid in self.results:
            # pytest writes a test case's properties at its end, from this report.
            ended = self.results[report.nodeid]
            if ended.id in self._stepped:  # which of them applies is known when all checks have ended
                ended = replace(ended, action=None)
            report.user_properties += junit.properties(ended)
        if result is not None:
            # Under `--dist each` every worker has a result of it: the worst one counts.
            known = self.results.get(report.nodeid, result)
            self.results[report.nodeid] = result = min(known, result, key=lambda each: each.rank)
            if getattr(report, "opscheck_raised", False):
                self.traces[result.id] = self.session.inventory.redactor.text(report.longreprtext)
            else:  # the table says it all: pytest need not show it again under FAILURES
                report._pdbshown = True  # type: ignore[attr-defined]  # noqa: SLF001 - there is no public way
        elif report.failed:
            self.failed.append(self._failed(report, "" if report.when == "call" else f" ({report.when})"))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take a module that could not be collected: its checks have no results."""
        if report.failed:
            self.failed.append(self._failed(report, " (collection)"))

    def _failed(self, report: pytest.TestReport | pytest.CollectReport, phase: str) -> Failed:
        said = getattr(getattr(report.longrepr, "reprcrash", None), "message", None)
        lines = [line for line in report.longreprtext.splitlines() if line.strip()]
        redactor = self.session.inventory.redactor
        text = said or (lines[-1].removeprefix("E").strip() if lines else "")
        return Failed(redactor.text(report.nodeid) + phase, redactor.text(beginning(text, redactor.text)))

    def _of_crash(self, report: pytest.TestReport) -> Result | None:
        """Return the result of a test whose worker died of it, of which pytest-xdist makes a report; else None."""
        if report.when in ("setup", "call", "teardown"):
            return None
        inventory, due = self.session.inventory, self.session.due
        if (expectation := due.shipped.get(report.nodeid)) is not None:
            subject = Subject.of(expectation, inventory)
        else:
            subject = own_subject(report.nodeid, self.session.suites, inventory.runbook)
        lines = str(report.longrepr).strip().splitlines() or ["its worker ended"]
        return unknown(subject, lines[0], self.session.runner.fail_at)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.CollectReport | pytest.TestReport) -> Any:
        """Show a check's verdict as its letter and word; an error in a test's own code stays pytest's."""
        result = _result(report)
        shown_by_pytest = getattr(report, "opscheck_raised", False) or report.outcome in _ATTEMPTS
        if result is None or shown_by_pytest or report.when == "teardown":
            return None
        return terminal.status(result)

    # What goes out

    def pytest_keyboard_interrupt(self) -> None:
        """End the workers of a run that is interrupted, whatever they wait for."""
        self.session.runner.workers.stop()

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Generator[None, object, object]:
        """Decide the exit status; write our reports when pytest's own are written, the newest beside the dated ones.

        It stands closest around those who write pytest's reports, so that the terminal's summary comes after it, even
        where the disk is full.
        """
        if only_looks(self.config):
            return (yield)
        self.session.runner.workers.over()
        results = self._with_steps(sorted(self.results.values(), key=lambda result: result.rank))
        results = self._compared(results)
        session.exitstatus = exit_status(int(exitstatus), results)
        missing = self.session.due.missing(self.results, self._reported)
        not_run = self.session.due.unjudged(result.id for result in results) | set(missing)
        if session.exitstatus == 0 and missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            self.problems.append(f"{counted(len(missing), 'selected check')} without a result: {missing[0]}{more}")
            session.exitstatus = 1
        if self.problems and session.exitstatus == 0:
            session.exitstatus = FAULT
        self.run = self._recorded(self._made(results, int(session.exitstatus), not_run=len(not_run)))
        if not self.run.narrowed:
            self._line.tell(Line.DONE)
        self.page.finish(self.run)
        decided = self.run.exit_status
        self._decided = session, decided
        outcome = None
        try:
            outcome = yield
        except OSError as error:
            self._note(error)
        self._write(self.run)
        if self._tell(self.run) and session.exitstatus == 0:
            session.exitstatus = FAULT
        self.problems += self._exported(self.run)
        if self.problems and session.exitstatus == 0:
            session.exitstatus = FAULT
        self._decided = session, decided or int(session.exitstatus)
        return outcome

    def _exported(self, run: Run) -> list[str]:
        """Have the metrics of a whole run where the inventory says; returns what is wrong with that."""
        if run.narrowed or not self.session.inventory.metrics:
            return []
        from .delivery.metrics import exported

        return list(exported(run, self.session.inventory))

    def _with_steps(self, results: list[Result]) -> tuple[Result, ...]:
        """Return results with the next steps that depend on what the others are."""
        inventory = self.session.inventory

        def made(action: str, result: Result) -> str | None:
            said = next_step(Subject.of(self._stepped[result.id], inventory), action, result.measurements)
            return inventory.redactor.text(said) if said else said

        steps = {each.id: [(step.when, step.action) for step in each.steps] for each in self._stepped.values()}
        return with_steps(results, steps, made)

    def _compared(self, results: tuple[Result, ...]) -> tuple[Result, ...]:
        """Return results that say how they stand to those of past runs, as far as the history can tell."""
        past = self.session.runner.past
        results = past.compared(results, self.started)
        if past.fault is not None:
            self._note_history("read", past.fault)
        return results

    def _recorded(self, run: Run) -> Run:
        """Record a run of suites, and return it with its hash; where that fails, it is the checker's fault alone."""
        past = self.session.runner.past
        if run.suite is None or past.fault is not None:
            return run
        try:
            return replace(run, hash=past.record(run))
        except HistoryError as error:
            self._note_history("record the run in", error)
            return replace(run, exit_status=run.exit_status or FAULT)

    def _made(self, results: tuple[Result, ...], status: int, *, not_run: int) -> Run:
        inventory = self.session.inventory
        return Run(
            id=uuid.uuid4().hex,
            suite="+".join(self.session.suites) or None,
            inventory=inventory.redactor.text(inventory.name),
            started=self.started,
            finished=inventory.now(),
            vantage=platform.node(),
            version=importlib.metadata.version("pytest-opscheck"),
            results=results,
            exit_status=status,
            narrowed=self._is_narrowed() or not_run > 0,
            not_run=not_run,
            notices=tuple(map(inventory.redactor.text, ending(inventory.waivers, self.started.date()))),
        )

    def _is_narrowed(self) -> bool:
        """Tell whether whole files may have been left out, of which pytest says nothing: by --lf, or by names."""
        collection = self.session.collection
        return bool(getattr(self.config.option, "lf", False) or collection.named) or not collection.with_shipped

    def _write(self, run: Run) -> None:
        if named := setting(self.config, "json"):
            base = self.config.invocation_params.dir if self.config.getoption("opscheck_json") else self.config.rootpath
            with streams.uncaptured(self.config):  # the file may be /dev/stdout
                self._try(lambda: json.write(run, base / named))
        inventory, files = self.session.inventory, self.files
        if files is not None:
            self._try(lambda: json.write(run, files.json))
            self._try(lambda: files.keep(getattr(self.config.option, "xmlpath", None), files.xml))
        if not self.session.suites:
            return
        beside = self._beside(run)
        base = inventory.file.absolute().parent
        text = page.page(run, Links(base, files.folder.absolute() if files is not None else base), beside)
        if files is not None:
            self._try(lambda: page.write(text, files.html))
        if files is not None and not run.narrowed and run.exit_status != NOTHING_JUDGED:
            self._try(files.make_latest)
            self._try(lambda: files.prune(self.started - dt.timedelta(seconds=inventory.reports_keep_s)))
        mails = not self._is_chosen(run) and run.exit_status != INTERRUPTED
        if inventory.mail is not None and mails:  # also where the disk is full
            self._mail(inventory.mail, run, replace(beside, problems=tuple(self.problems)), text)

    def _is_chosen(self, run: Run) -> bool:
        """Tell whether checks were left out because somebody wants so, and not because the run did not get to them."""
        return run.narrowed and (self._is_narrowed() or self.session.due.is_narrowed())

    def _mail(self, to: Mail, run: Run, beside: Beside, text: str) -> None:
        """Mail the report where that is due. That it could not be delivered is told, and changes no verdict."""
        from .delivery import mail

        if not mail.due(to, run, beside, lambda: self.session.runner.past.changed(run)):
            return
        try:
            mail.deliver(to, mail.message(to, run, beside, text))
        except mail.MailError as error:
            said = self.session.inventory.redactor.text(str(error))
            self.problems.append(f"could not mail the report, which is no fault of any target: {said}")

    def _tell(self, run: Run) -> bool:
        """Tell the channels of the inventory, when all reports are written; returns whether anything went wrong."""
        if not self.session.inventory.channels:
            return False
        from .notify.telling import LONGEST_S, tell

        # Who asks a run to end waits for that; what can't be told so soon is told by the next run.
        seconds = _LAST_WORDS_S if run.exit_status == INTERRUPTED else LONGEST_S
        problems = tell(self.session.inventory, run, self.session.runner.past, seconds)
        self.problems += problems
        return bool(problems)

    def _beside(self, run: Run) -> Beside:
        """Return what is told beside the results, with the past of what was measured."""
        past = self.session.runner.past
        knew = past.fault
        points = past.points(run) if run.hash else {}
        if past.fault is not knew and past.fault is not None:
            self._note_history("read", past.fault)
        return Beside(self.session.uncovered(run.results), tuple(self.problems), self.failed, self.traces, points)

    def _try(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            self._note(error)

    def _note(self, error: OSError) -> None:
        said = ": ".join(str(part) for part in (error.filename, error.strerror) if part)
        self.problems.append(f"could not write the reports: {said or error}")

    def _note_history(self, what: str, error: HistoryError) -> None:
        said = self.session.inventory.redactor.text(str(error))
        self.problems.append(f"could not {what} the history, which is no fault of any target: {said}")

    def pytest_unconfigure(self) -> None:
        """Give the name of the run's reports free, and see that nobody has made the exit status 0 since it was decided.

        Recipes for runs without tests do so in pytest_sessionfinish, after us.
        """
        if self._decided is not None:
            session, status = self._decided
            session.exitstatus = session.exitstatus or status
        if self.files is not None:
            self.files.release()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Generator[None, object, object]:
        """Print, below what others print, the table of what is not ok, and where the reports are."""
        outcome = yield
        if self.run is not None:
            shown = self.files.shown(self.config.invocation_params.dir) if self.files else None
            terminal.summary(terminalreporter, self.run, self.session.uncovered(self.run.results), shown, self.problems)
        return outcome

    # pytest-html's own hooks

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Any) -> None:
        """Name the page, and keep its data to sort it at the end."""
        file = Path(os.path.expandvars(self.config.option.htmlpath)).expanduser()
        self.page.open(report, self.session.inventory, self.session.suites, file)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_header(self, cells: list[str]) -> None:
        """Add our columns."""
        self.page.header(cells)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: Any, cells: list[str]) -> None:
        """Fill our columns."""
        self.page.row(report, _result(report), cells)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_html(self, report: Any, data: list[str]) -> None:
        """Say in the details what was measured."""
        if (result := _result(report)) is not None:
            self.page.details(report, result, data)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        """Put the count of verdicts on top."""
        if self.run is not None:
            prefix.append(self.page.top(self.run, self.session.uncovered(self.run.results)))


def _result(report: Any) -> Result | None:
    """Return the result that a report carries, from this process or from a worker; None where it carries none."""
    data = getattr(report, "opscheck", None)
    if isinstance(data, dict):
        report.opscheck = Result.from_json(data)
        return _result(report)
    return data if isinstance(data, Result) else None
