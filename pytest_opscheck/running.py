"""Runs what was collected: starts the gathering, hands each test its reading, and makes a result of each."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from .board import LOST, OVER, Reading
from .collection import Owed, is_ours, owed_by
from .deadline import TimeOverError
from .gather import Gather, Request
from .history import Moved, Past
from .inventory import Expectation, Inventory, Named
from .inventory.quiet import at_targets
from .judge import Expect, Subject, breach, conclude, failed_reading, passed, unknown
from .lasting import lasting
from .plugin import only_looks
from .probes import BlockedError, UnknownError, UnreachableError
from .quiet.applied import Quieting
from .quiet.windows import Open
from .reports.terminal import Progress
from .results import Counted, Result, Verdict
from .suites import GATE

EXPECT: pytest.StashKey[Expect] = pytest.StashKey()
RESULT: pytest.StashKey[Result] = pytest.StashKey()
_OUR_ERRORS = (UnknownError, UnreachableError, BlockedError)
"""What probes and connections raise: the message says it all, and a traceback nothing more."""


class Runner:
    """The tests of one process, from the first reading that is started to the last result."""

    def __init__(
        self,
        config: pytest.Config,
        inventory: Inventory,
        fail_at: str,
        suite: str | None,
        longest_s: float | None = None,
    ) -> None:
        self.config = config
        self.inventory = inventory
        self.fail_at = fail_at
        self.suite = suite
        self._is_gate = suite is not None and GATE in suite.split("+")
        self.selected: dict[str, Expectation] = {}
        self.item: pytest.Item | None = None
        self._gather: Gather | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._progress = Progress(config)
        self._shares = itertools.count()
        self.started = inventory.now()
        self.past = Past(inventory.history)
        self._longest_s = longest_s
        self._until = time.monotonic() + longest_s if longest_s is not None else math.inf
        waivers = () if getattr(config.option, "runxfail", False) else inventory.waivers
        # Who asks for one check by its name, while a window is open, wants to know.
        windows = inventory.windows if suite is not None else ()
        self._quieting = Quieting(waivers, windows, self._begun, inventory.timezone, fail_at)

    def _begun(self) -> Iterator[Open]:
        """Yield the maintenance windows that somebody began by hand."""
        for each in self.past.begun(self.inventory.now()) if self.suite is not None else ():
            results = at_targets(each.targets, self.inventory.expectations) if each.targets else None
            until = each.ends.astimezone(self.inventory.timezone)
            yield Open(f"maintenance {each.number}", until, each.why, each.who, results)

    def start(self, pytest_session: pytest.Session) -> None:
        """Start every probe that the selected checks need. Nothing is probed where tests are only collected."""
        expectations = [owed.expectation for item in pytest_session.items if (owed := owed_by(item)) is not None]
        self.selected = {expectation.id: expectation for expectation in expectations}
        stops = pytest_session.testsfailed and not self.config.option.continue_on_collection_errors
        if only_looks(self.config) or stops:
            return
        given = getattr(self.config, "workerinput", None)
        share, folder = (0, 1), None
        if given is not None and "opscheck_folder" in given:
            share = (given["opscheck_share"] % given["workercount"], given["workercount"])
            folder = Path(given["opscheck_folder"])
        hosts = {target.name: target.keys.connect for target in self.inventory.of_kind("host")}  # type: ignore[attr-defined]
        self._gather = Gather((Request.of(e) for e in expectations), hosts, share=share, folder=folder)
        self._gather.start()

    @property
    def left_s(self) -> float:
        """How long the run may still take."""
        return self._until - time.monotonic()

    def begins(self, item: pytest.Item) -> None:
        """Remember which test is being set up; once the run's deadline is over, none that has to wait for something.

        Raises UnknownError. A check whose reading is there is still judged.
        """
        self.item = item
        if isinstance(item, pytest.Function) and is_ours(item) and owed_by(item) is None:
            self._require_time()

    def _require_time(self) -> None:
        if self.left_s <= 0:
            said = lasting(dt.timedelta(seconds=self._longest_s or 0))
            raise UnknownError(f"the run's deadline of {said} was over")

    def _waited(self, request: Request) -> Reading:
        """Return a reading; raises UnknownError where the run's deadline is over before it is there."""
        assert self._gather is not None  # noqa: S101 - whoever waits has started it
        gather = self._gather

        def tick() -> None:
            self._require_time()
            self._progress.show(gather.progress)

        return gather.wait(request, tick)

    def call(self, item: pytest.Function) -> Generator[None, object, object]:
        """Run one test of ours: hand over its reading, let it measure, conclude."""
        __tracebackhide__ = True
        owed = owed_by(item)
        subject = self._subject(item, owed)
        reading = Reading()
        started = time.monotonic()
        if owed is not None:
            reading = self._reading(item, owed, subject)
        try:
            outcome = yield
        except pytest.skip.Exception:
            measured = item.stash[EXPECT].measurements if EXPECT in item.stash else []
            if any(measurement.breached for measurement in measured):
                self._end(item, conclude(subject, measured, fail_at=self.fail_at))
            raise
        except TimeOverError as error:
            self._end(item, unknown(subject, str(error), self.fail_at, duration_s=time.monotonic() - started))
            raise
        except (AssertionError, pytest.fail.Exception) as error:
            first = (str(error).splitlines() or ["an assertion failed"])[0]
            self._excuse(item, breach(subject, first, self.fail_at, duration_s=time.monotonic() - started))
            raise
        except _OUR_ERRORS as error:
            duration_s = time.monotonic() - started
            self._excuse(item, unknown(subject, str(error), self.fail_at, duration_s=duration_s))
            raise
        except Exception as error:
            first = (str(error).splitlines() or [""])[0]
            self._excuse(item, unknown(subject, f"{type(error).__name__}: {first}", self.fail_at))
            raise
        expect = item.stash.get(EXPECT, None)
        duration_s = reading.seconds if owed is not None else time.monotonic() - started
        if expect is None:
            self._note(item, passed(subject, "its own assertions hold", self.fail_at, duration_s=duration_s))
            return outcome
        expect.concluded = True
        result = conclude(
            subject,
            expect.measurements,
            fail_at=self.fail_at,
            attempts=reading.attempts,
            duration_s=duration_s,
            counters=expect.counters,
        )
        self._end(item, result)
        return outcome

    def _reading(self, item: pytest.Function, owed: Owed, subject: Subject) -> Reading:
        """Wait for a test's reading and put it in the place of its argument; end the test where there is none."""
        __tracebackhide__ = True
        if self._gather is None:
            raise RuntimeError("readings were not gathered")
        try:
            reading = self._waited(Request.of(owed.expectation))
            failed = None
            if reading.error is not None:
                failed = failed_reading(
                    subject, reading, target=owed.expectation.target.id, blocks=self._blocks, fail_at=self.fail_at
                )
        except UnknownError as error:
            reading, failed = Reading(error=error), unknown(subject, str(error), self.fail_at)
        finally:
            self._progress.clear()
        if failed is not None:
            self._end(item, failed)
        item.funcargs[owed.expectation.check.probe.name] = reading.value
        return reading

    def _blocks(self, check_id: str) -> bool:
        """Tell whether a check is part of this run and has no good reading itself: then it is the one that fails."""
        expectation = self.selected.get(check_id)
        if expectation is None or self._gather is None:
            return False
        reading = self._waited(Request.of(expectation))
        return expectation.check.name != "reachable" or isinstance(reading.error, UnreachableError)

    def _end(self, item: pytest.Item, result: Result) -> None:
        """Note a result and end its test with pytest's outcome for it."""
        __tracebackhide__ = True
        owed = owed_by(item)
        result = self._quieted(item, result)
        if owed is not None and not self._is_gate:
            result = self.past.settled(result, owed.expectation.lasting, self.started)
        result = self._note(item, result)
        _skip_quiet(result)
        if result.fails:
            pytest.fail(_told(result), pytrace=False)

    def _excuse(self, item: pytest.Item, result: Result) -> None:
        """Note the result of a test that has failed; where it is quiet, end the test otherwise than by its failure."""
        __tracebackhide__ = True
        _skip_quiet(self._note(item, self._quieted(item, result)))

    def _quieted(self, item: pytest.Item, result: Result) -> Result:
        """Return a result as waivers and maintenance windows make it."""
        assert isinstance(item, pytest.Function)  # noqa: S101 - only functions are ours
        return self._quieting.applied(result, self._subject(item, owed_by(item)), self.inventory.now())

    def _note(self, item: pytest.Item, result: Result) -> Result:
        clean = Result.from_json(self.inventory.redactor.data(result.to_json()))
        item.stash[RESULT] = clean
        return clean

    def unreachable(self, item: pytest.Function, target: Named, error: UnreachableError) -> NoReturn:
        """End a test of one's own whose target cannot be reached: blocked by `reachable`, or unknown."""
        __tracebackhide__ = True
        subject = self._subject(item, None)
        reading = Reading(error=error, blocker=f"{target.kind}.reachable@{target.name}")
        self._end(item, failed_reading(subject, reading, target=target.id, blocks=self._blocks, fail_at=self.fail_at))
        raise AssertionError("a failed reading ends its test")

    def expect(self) -> Expect:
        """Return what the test that is being set up measures with."""
        assert self.item is not None  # noqa: S101 - fixtures exist while a test is set up
        owed = owed_by(self.item)
        expectation = owed.expectation if owed else None
        item = self.item

        def moved(counted: Counted, window_s: float | None) -> Moved:
            name = owed.expectation.id if owed is not None else self._subject(item, None).id  # type: ignore[arg-type]
            return self.past.moved(name, self.suite, counted, now=self.started, window_s=window_s)

        made = Expect(expectation, self.inventory.now(), self.inventory.severities, moved)
        self.item.stash[EXPECT] = made
        return made

    def reported(self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> pytest.TestReport:
        """Attach the result of a test of ours to pytest's report, and mask secrets in all of that report."""
        result = item.stash.get(RESULT, None)
        ours = call.excinfo is not None and isinstance(call.excinfo.value, _OUR_ERRORS)
        if result is None and not report.passed and isinstance(item, pytest.Function) and is_ours(item):
            why = "its set-up failed"
            if call.excinfo is not None:
                why = str(call.excinfo.value) if ours else call.excinfo.exconly().splitlines()[0]
            if report.skipped:
                why = f"it was skipped: {report.longrepr[2] if isinstance(report.longrepr, tuple) else why}"
            subject = self._subject(item, owed_by(item))
            result = self._note(item, self._quieted(item, unknown(subject, why, self.fail_at)))
            if result.verdict is Verdict.MAINTENANCE:
                report.outcome, report.longrepr = "skipped", ("", 0, result.message)
                ours = False
        if result is not None and (report.when == "call" or (report.when == "setup" and report.outcome != "passed")):
            report.opscheck = result.to_json()  # type: ignore[attr-defined]
            report.opscheck_raised = _raised(call) and not ours and not report.skipped  # type: ignore[attr-defined]
            if ours:
                report.longrepr = _told(result)
            if report.skipped and isinstance(report.longrepr, tuple):
                path, line, _name = item.location
                report.longrepr = (path, (line or 0) + 1, report.longrepr[2])
        return _redacted(report, self.inventory)

    def _subject(self, item: pytest.Function, owed: Owed | None) -> Subject:
        if owed is not None:
            return Subject.of(owed.expectation, self.inventory)
        name = item.originalname.removeprefix("test_")
        target = item.callspec.id if hasattr(item, "callspec") else "-"
        title = (item.function.__doc__ or name.replace("_", " ")).strip().splitlines()[0].rstrip(".")
        suites = tuple(suite for suite in self.inventory.suites if item.get_closest_marker(suite))
        check = ".".join([*self._place(item), name])
        return Subject(f"{check}@{target}", check, target, title, suites, runbook=self.inventory.runbook)

    def _place(self, item: pytest.Function) -> Iterator[str]:
        """Yield where a test of one's own stands: folders, file, class. No other test has the same place and name."""
        folder = item.path.parent
        if folder.is_relative_to(self.config.rootpath):
            yield from folder.relative_to(self.config.rootpath).parts
        yield item.path.stem.removeprefix("test_")
        if item.cls is not None:
            yield item.cls.__name__

    # Under pytest-xdist, and the end

    def next_share(self) -> int:
        """Return which share of the contacts the next worker has; one that takes a dead one's place has a share too."""
        return next(self._shares)

    def lost_worker(self) -> None:
        """Let nobody wait for the readings of a worker that died."""
        Path(self.folder(), LOST).touch()

    def folder(self) -> str:
        """Return the folder in which the processes of this run put their readings; only this user can read it."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="opscheck-", ignore_cleanup_errors=True)
        return self._folder.name

    def over(self) -> None:
        """Tell the workers that all tests have ended."""
        if self._folder is not None:
            Path(self._folder.name, OVER).touch()

    def close(self) -> None:
        """End what still runs, and leave nothing behind."""
        if self._gather is not None:
            self._gather.finish()
            self._gather.close()
        self.past.close()
        if self._folder is not None:
            self._folder.cleanup()


def _skip_quiet(result: Result) -> None:
    """End the test of a result that says nothing of its check, or of which somebody answers."""
    __tracebackhide__ = True
    if result.verdict in (Verdict.BLOCKED, Verdict.MAINTENANCE):
        pytest.skip(result.message)
    if result.verdict is Verdict.WAIVED:
        pytest.xfail(result.message)


def _told(result: Result) -> str:
    """Return how pytest says that a test of ours failed."""
    return f"{result.severity or ''} {result.verdict}: {result.message}".lstrip()


def _raised(call: pytest.CallInfo[None]) -> bool:
    """Tell whether a test ended in an error of its own code, of which pytest shows the traceback."""
    return call.excinfo is not None and not isinstance(
        call.excinfo.value, pytest.fail.Exception | pytest.skip.Exception
    )


def _redacted(report: pytest.TestReport, inventory: Inventory) -> pytest.TestReport:
    """Mask secrets in everything that a report prints."""
    clean = inventory.redactor.text
    if report.longrepr is not None:
        said = str(report.longrepr)
        if isinstance(report.longrepr, tuple):
            path, line, reason = report.longrepr
            report.longrepr = (path, line, clean(reason))
        elif clean(said) != said:
            report.longrepr = clean(said)
    report.sections = [(title, clean(text)) for title, text in report.sections]
    report.user_properties = [(name, clean(str(value))) for name, value in report.user_properties]
    return report
