"""Takes the results of all processes on pytest's controller, decides the exit status, and has the reports written."""

from __future__ import annotations

import importlib.metadata
import os
import time
import traceback
import uuid
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ..core.errors import HurriedError
from ..core.humanize import counted
from ..core.lengths import beginning
from ..core.results import FAULT, INTERRUPTED, NOTHING_JUDGED, Result, Run, Verdict, exit_status, with_steps
from ..core.vantage import here
from ..delivery.line import Line
from ..history import HistoryError
from ..judge.duties import with_duties
from ..judge.next_step import next_step
from ..judge.subject import Subject
from ..reports import html, terminal
from ..reports.context import Failed
from ..reports.files import ReportFiles
from ..settings import only_looks, reports_folder
from .due import by_reason
from .hooked import Hooks
from .junit_cases import JUnitCases
from .outcomes import told_elsewhere
from .overdue import Overdue
from .publisher import Publisher
from .session import Session
from .watched import Watched
from .workers import sweep

_SHOWN_BY_DEFAULT = "fE"
"""What pytest's short summary shows unless -r says otherwise."""
_LOST = "its process ended before it was judged: it was killed or crashed; find out why (out of memory?)"
_OVERDUE = "the run's deadline passed before it was judged, and the run had to be killed"
_ANSWERED = (Verdict.OK, Verdict.WAIVED, Verdict.MAINTENANCE)
"""What nobody has to look at: it is well, or somebody answers for it."""
_ATTEMPTS = ("rerun", "retried")
"""The outcomes that pytest-rerunfailures and pytest-retry give to attempts after which a test is run again."""


class Reporter:
    """A plugin of the controller: from test reports to a Run, from the Run to its files and its table."""

    def __init__(self, config: pytest.Config, session: Session, overdue: Overdue) -> None:
        self.config = config
        self.session = session
        self.overdue = overdue
        self.started = session.inventory.now()
        self.results: dict[str, Result] = {}
        self._reported: set[str] = set()
        self._line = Line()
        self._pytest: pytest.Session | None = None
        self.run: Run | None = None
        self.page = html.Page()
        self._cases = JUnitCases(config)
        self._in_table: list[pytest.TestReport] = []
        self.publisher = Publisher(config, session)
        self.problems = self.publisher.problems
        self.hooks = Hooks(config, session.inventory, self.problems)
        self._stepped = {each.id: each for each in session.inventory.expectations if each.steps}
        self.files = self.publisher.files = self._files() if not only_looks(config) else None
        self._lead_pytests_own()
        session.ending.last_words.insert(0, self._rescue)

    @classmethod
    def register(cls, session: Session) -> None:
        """Have the controller of a session report, and end a run that is overdue."""
        plugins, runner = session.config.pluginmanager, session.runner
        overdue = Overdue(runner, runner.workers.kill, session.ending)
        plugins.register(overdue, "opscheck-overdue")
        plugins.register(Watched(session.config, session.inventory, session.due, runner.workers), "opscheck-watched")
        plugins.register(cls(session.config, session, overdue), "opscheck-reporter")

    def _files(self) -> ReportFiles | None:
        """Return where a run of suites leaves its reports; None for tests that were named, a look and a part."""
        if not self.session.suites or self.session.look is not None or self.session.part is not None:
            return None
        folder = reports_folder(self.config) / "+".join(self.session.suites)
        sweep()
        try:
            return ReportFiles.fresh(folder, self.started)
        except OSError as error:
            # The checks still run and say what they found; that there are no reports of it is told at its end.
            self.publisher.note(error)
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
            chosen = self.session.is_narrowed() or self.session.due.is_narrowed() or self.session.part is not None
            self._line.tell(Line.NARROWED if chosen else Line.WHOLE)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a result, from this process or from a worker, and have its fields in the JUnit report."""
        if report.when != "setup" or not report.passed:  # one that was set up has not run yet
            self._reported.add(report.nodeid)
        if report.outcome in _ATTEMPTS:  # the last attempt of a test is the one that counts
            return
        result = self._of_crash(report) or _result(report)
        if report.when == "teardown" and report.nodeid in self.results:
            ended = self.results[report.nodeid]
            if ended.id in self._stepped:  # which of them applies is known when all checks have ended
                ended = replace(ended, action=None)
            self._cases.end(report, ended, is_shipped=report.nodeid in self.session.due.shipped)
        if result is not None:
            # Where a plugin makes several results of it, the worst one counts.
            known = self.results.get(report.nodeid, result)
            result = min(known, result, key=lambda each: each.rank)
            result = self.hooks.heard(result, has_steps=result.id in self._stepped)
            self.results[report.nodeid] = report.opscheck = result  # type: ignore[attr-defined]
            self.publisher.note_spot(report, result.id)
            if getattr(report, "opscheck_raised", False):
                self.publisher.traces[result.id] = self.session.inventory.redactor.text(report.longreprtext)
            else:  # the table says it all: pytest need not show it again under FAILURES
                self._in_table.append(report)
        elif report.failed:
            self.publisher.failed.append(self._failed(report, "" if report.when == "call" else f" ({report.when})"))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take a module that could not be collected: its checks have no results."""
        if report.failed:
            self.publisher.failed.append(self._failed(report, " (collection)"))

    def _failed(self, report: pytest.TestReport | pytest.CollectReport, phase: str) -> Failed:
        crash = getattr(getattr(report.longrepr, "reprcrash", None), "message", None)
        lines = [line for line in report.longreprtext.splitlines() if line.strip()]
        redactor = self.session.inventory.redactor
        text = crash or (lines[-1].removeprefix("E").strip() if lines else "")
        message = redactor.text(beginning(text, redactor.text))
        return Failed(redactor.text(report.nodeid) + phase, message, self.publisher.spot(report))

    def _of_crash(self, report: pytest.TestReport) -> Result | None:
        """Return the result of a test whose worker died of it, of which pytest-xdist makes a report; else None."""
        if report.when in ("setup", "call", "teardown"):
            return None
        lines = str(report.longrepr).strip().splitlines() or ["its worker ended"]
        return self.session.runner.lost(self.session.due.subject(report.nodeid), lines[0])

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.CollectReport | pytest.TestReport) -> Any:
        """Show a check's verdict as its letter and word; an error in a test's own code stays pytest's."""
        result = _result(report)
        shown_by_pytest = getattr(report, "opscheck_raised", False) or report.outcome in _ATTEMPTS
        if result is None or shown_by_pytest or report.when == "teardown":
            return None
        return terminal.told(result, self.config.get_verbosity())

    # What goes out

    def pytest_keyboard_interrupt(self) -> None:
        """End the workers of a run that is interrupted, whatever they wait for; what they have judged counts."""
        until = min(self.session.ending.asked_at, time.time())
        self.session.runner.workers.stop()
        self.session.runner.workers.hand_over(self.config, until)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Generator[None, object, object]:
        """Decide the exit status; write our reports when pytest's own are written, the newest beside the dated ones.

        It stands closest around those who write pytest's reports, so that the terminal's summary comes after it, even
        where the disk is full.
        """
        if only_looks(self.config):
            return (yield)
        self.session.runner.workers.over()
        self.run = self._recorded(self._decided(int(exitstatus)))
        if not self.run.narrowed and self.session.part is None:
            self._line.tell(Line.DONE)
        if not self.run.notices and all(result.verdict in _ANSWERED for result in self.run.results):
            self._line.tell(Line.WELL)
        self.page.finish(self.run)
        session.exitstatus, self._pytest = self.run.exit_status, session
        self._cases.arrange(self.files)
        outcome = None
        try:
            with self.session.ending.waiting():
                outcome = yield
        except OSError as error:  # which pytest raises for its own reports without their names
            named = error.filename or self._written_at(error)
            self.publisher.reports.fault = OSError(error.errno, error.strerror or str(error), named)
            self.publisher.note(self.publisher.reports.fault)
        except HurriedError:
            self.problems.append("other plugins' work at the end of the run was cut short: the run was asked to end")
        self.publisher.publish(self.run)
        self._settle()
        self.hooks.finished(self.run)
        self._settle()
        return outcome

    def _written_at(self, error: OSError) -> str | None:
        """Return which of others' reports an error is of, by whose code it passed through."""
        modules = {frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)}
        options = {"pytest_html": "htmlpath", "_pytest.junitxml": "xmlpath"}
        found = [option for name, option in options.items() if any(module.startswith(name) for module in modules)]
        return str(getattr(self.config.option, found[0])) if found else None

    def _settle(self) -> None:
        """Have the results say the run's exit status, with what went wrong since it was decided."""
        if self.run is None or self._pytest is None:
            return
        status = int(self._pytest.exitstatus) or self.run.exit_status or (FAULT if self.problems else 0)
        if self.session.ending.asked is not None:
            status = INTERRUPTED
        self._pytest.exitstatus = status
        if status != self.run.exit_status:
            self.run = replace(self.run, exit_status=status)
            self.publisher.settle(self.run)

    def _decided(self, pytest_status: int) -> Run:
        """Return the run as its results make it."""
        runner = self.session.runner
        missing = self.session.due.missing(self.results, self._reported)
        overdue, stopped = self.overdue.is_over, pytest_status == INTERRUPTED
        if overdue:
            missing |= self.session.due.never_selected()
        is_lost = bool(missing) and not stopped and (overdue or runner.workers.lost)
        if is_lost:
            why = _OVERDUE if overdue else _LOST
            ours = [nodeid for nodeid, name in missing.items() if name is not None]
            lost = {nodeid: runner.lost(self.session.due.subject(nodeid), why) for nodeid in ours}
            self.results |= {nodeid: self.hooks.heard(result) for nodeid, result in lost.items()}
        results = self._with_steps(sorted(self.results.values(), key=lambda result: result.rank))
        results = self.publisher.asked(lambda: runner.past.compared(results, self.started), results)
        results = with_duties(results, self.session.inventory.duties, self.started)
        status = exit_status(pytest_status, results)
        nameless = [nodeid for nodeid in missing if nodeid not in self.results]
        if nameless and not stopped and (status == 0 or is_lost):
            more = f" and {len(nameless) - 1} more" if len(nameless) > 1 else ""
            first = missing[nameless[0]] or nameless[0]
            self.problems.append(f"{counted(len(nameless), 'selected check')} without a result: {first}{more}")
            status = status or 1
        if status == NOTHING_JUDGED and self.session.has_none:
            status = 0
        if self.session.ending.asked is not None:
            status = INTERRUPTED
        not_run = self.session.due.unjudged(result.id for result in results) | {missing[n] or n for n in nameless}
        reached = {missing[nodeid] or nodeid for nodeid in nameless}
        self.publisher.unjudged = by_reason(not_run, reached, was_interrupted=status == INTERRUPTED)
        made = self._made(results, status, not_run=len(not_run))
        return replace(made, narrowed=made.narrowed or is_lost or status == INTERRUPTED)

    def _rescue(self) -> None:
        """Tell what was judged where the process ends from outside of its main thread, which can't be interrupted."""
        self.session.runner.workers.kill()
        if self.run is None and not only_looks(self.config):
            self.run = self._recorded(self._decided(INTERRUPTED))
            self.publisher.write(self.run)
        if self.files is not None:
            self.files.release()

    def _with_steps(self, results: list[Result]) -> tuple[Result, ...]:
        """Return results with the next steps that depend on what the others are."""
        inventory = self.session.inventory

        def made(action: str, result: Result) -> str | None:
            text = next_step(Subject.of(self._stepped[result.id], inventory), action, result.measurements)
            return inventory.redactor.text(text) if text else text

        steps = {each.id: [(step.when, step.action) for step in each.steps] for each in self._stepped.values()}
        stepped = with_steps(results, steps, made)
        return tuple(self.hooks.stepped(each) if each.id in steps else each for each in stepped)

    def _recorded(self, run: Run) -> Run:
        """Record a run of suites, and return it with its hash; where that fails, it is the checker's fault alone."""
        past = self.session.runner.past
        if run.suite is None or self.session.look or self.session.part or past.fault is not None:
            return run
        try:
            with self.session.ending.waiting():
                return replace(run, hash=past.record(run))
        except (HistoryError, HurriedError) as error:
            self.publisher.note_history("record the run in", error)
            return replace(run, exit_status=run.exit_status or FAULT)

    def _made(self, results: tuple[Result, ...], status: int, *, not_run: int) -> Run:
        inventory, part = self.session.inventory, self.session.part
        vantage, shard = (part.vantage, str(part.shard)) if part is not None else (None, None)
        return Run(
            id=uuid.uuid4().hex,
            suite="+".join(self.session.suites) or None,
            inventory=inventory.redactor.text(inventory.name),
            started=self.started,
            finished=inventory.now(),
            vantage=vantage or here(),
            version=importlib.metadata.version("pytest-opscheck"),
            results=tuple(replace(each, vantage=vantage) for each in results) if vantage else results,
            exit_status=status or (FAULT if self.problems else 0),
            checks_status=status,
            narrowed=self.session.is_narrowed() or not_run > 0,
            not_run=not_run,
            notices=tuple(map(inventory.redactor.text, self._notices())),
            shard=shard,
            digest=inventory.fingerprint if shard else None,
        )

    def _notices(self) -> Iterator[str]:
        """Yield what is to be looked at: what plugins have left out, and waivers that end soon."""
        inventory = self.session.inventory
        yield from (f"left out by a plugin: {name}: {why}" for name, why in inventory.left_out.items())
        yield from inventory.notes
        if inventory.waivers:
            from ..inventory.waivers import ending

            yield from ending(inventory.waivers, self.started.date())

    def pytest_unconfigure(self) -> None:
        """Give the name of the run's reports free, and see that nobody has made the exit status 0 since it was decided.

        Recipes for runs without tests do so in pytest_sessionfinish, after us.
        """
        self._settle()
        if self.files is not None:
            self.files.release()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Generator[None, object, object]:
        """Print, below what others print, the table of what is not ok, and where the reports are."""
        with told_elsewhere(self._in_table):
            outcome = yield
        if self.run is not None:
            publisher, lacking = self.publisher, self.session.uncovered(self.run.results)
            terminal.summary(terminalreporter, self.run, lacking, publisher.shown(), publisher.problems)
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
