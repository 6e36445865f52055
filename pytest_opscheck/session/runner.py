"""Runs what was collected: starts the gathering, hands each test its reading, and makes a result of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import pytest

from ..core.lengths import bounded
from ..core.look import Look
from ..core.results import Counted, Result, Verdict
from ..core.shards import Part
from ..core.suites import GATE
from ..gather.dispatcher import Gather
from ..gather.readings import Reading
from ..history import CounterGrowth, Past, Sample, grown_since
from ..inventory import Expectation, Inventory, InventoryTarget
from ..judge.conclude import Judge
from ..judge.excuses import Excuses, begun_by_hand
from ..judge.expect import Against, Expect
from ..judge.subject import Subject
from ..plan import Plan, Request
from ..probes import UnknownError, UnreachableError
from ..settings import only_looks
from . import workers
from .deadline import TimeOverError
from .items import Called, Case, bound, case_of, left_out, stand_in
from .outcomes import OUR_ERRORS, as_failure, attach, first_line, raised, skip_quiet, why_not_judged
from .waiting import Waiting
from .workers import Workers

if TYPE_CHECKING:
    from ..inventory.windows import Open

_SHOWN_PARTS = 5


class Runner:
    """The tests of one process, from the first reading that is started to the last result."""

    def __init__(
        self,
        config: pytest.Config,
        inventory: Inventory,
        fail_at: str,
        suite: str | None,
        longest_s: float | None = None,
        *,
        look: Look | None = None,
        part: Part | None = None,
    ) -> None:
        self.config = config
        self._look = look
        self.inventory = inventory
        self.judge = Judge(fail_at)
        self.suite = suite
        self._is_gate = look is not None or (suite is not None and GATE in suite.split("+"))
        self._counts_at_once = self._is_gate or part is not None  # of a part the merged run tells what lasts
        self._against = Against.LATER if look else Against.REFUSED if self._is_gate else Against.NOTHING
        self._selected: dict[str, Expectation] = {}
        self.case: Case | None = None
        self._blockers: dict[str, Result | None] = {}
        self._called: Case | None = None
        self.waiting = Waiting(config, longest_s)
        self.workers = Workers()
        self._refusal = workers.refusal(config, inventory.digest)
        self.started = inventory.now()
        self.past = Past(inventory.history)
        waivers = () if getattr(config.option, "runxfail", False) else inventory.waivers
        # Who asks for one check by its name, while a window is open, wants to know.
        windows = inventory.windows if suite is not None else ()
        self._quieting = Excuses(waivers, windows, self._begun, inventory.timezone, self.judge, is_gate=self._is_gate)

    def _begun(self) -> Iterator[Open]:
        """Yield the maintenance windows that somebody began by hand."""
        if self.suite is not None:
            yield from begun_by_hand(self.past.begun(self.inventory.now()), self.inventory)

    def start(self, pytest_session: pytest.Session) -> None:
        """Start every probe that the selected checks need. Nothing is probed where tests are only collected."""
        cases = [case for item in pytest_session.items if (case := case_of(item)) is not None]
        expectations = [case.expectation for case in cases if case.expectation is not None]
        self._selected = {expectation.id: expectation for expectation in expectations}
        stops = pytest_session.testsfailed and not self.config.option.continue_on_collection_errors
        if only_looks(self.config) or self._refusal or (stops and not hasattr(self.config, "workerinput")):
            return  # a worker's tests run, whatever of its files could not be imported
        share, folder = workers.share(self.config)
        plan = Plan.of(map(Request.of, expectations), self.inventory.hosts)
        self.waiting.start(plan, share, folder)

    @property
    def left_s(self) -> float:
        """How long the run may still take."""
        return self.waiting.left_s

    def begins(self, item: pytest.Item) -> None:
        """Remember which test is being set up; once the run's deadline is over, none that has to wait for something.

        Raises UnknownError. A check whose reading is there is still judged.
        """
        self.case = case_of(item)
        if self.case is None:
            return
        self.case.begin()
        if self._refusal is not None:
            raise UnknownError(self._refusal)
        if self.case.expectation is None:
            self.waiting.require_time()

    def call(self, case: Case) -> Generator[None, object, object]:
        """Run one test of ours: hand over its reading, let it measure, conclude."""
        __tracebackhide__ = True
        item, expectation = case.item, case.expectation
        started = time.monotonic()
        reading, values = Reading(), dict[str, object]()
        if expectation is not None:
            reading = self._reading(case, expectation)
            if reading.error is not None:  # which has ended the test, but for one whose breach does not count
                with left_out(item):
                    return (yield)
            # Whatever fixture stands in their place: only what was read is measured, and only with ours.
            values = {
                **expectation.options,
                expectation.check.probe.name: reading.value,
                "expect": self._measuring(case),
            }
        elif (place := stand_in(item)) is not None:
            stands_in = f"`expect` is overridden by a fixture of {place}, which judges nothing; rename that fixture"
            self._end(case, self.judge.unknown(case.subject(self.inventory), stands_in))
        with bound(item, values) as called, self._calling(case), self._raising(case):
            outcome = yield
        duration_s = reading.seconds if expectation is not None else time.monotonic() - started
        self._end(case, self._concluded(case, called, attempts=reading.attempts, duration_s=duration_s))
        return outcome

    def _concluded(self, case: Case, called: Called, *, attempts: int, duration_s: float) -> Result:
        """Make the result of a test whose function has returned: a breach is one, whatever else may be doubted."""
        subject = case.subject(self.inventory)
        result = self._measured(case, attempts=attempts, duration_s=duration_s)
        if result.verdict is not Verdict.BREACH and (why := called.doubt) is not None:
            result = self.judge.unknown(subject, why, duration_s=duration_s)
        if result.verdict is not Verdict.BREACH and case.failed_parts:
            result = self.judge.breach(subject, "; ".join(case.failed_parts[:_SHOWN_PARTS]), duration_s=duration_s)
        return result

    def _measured(self, case: Case, *, attempts: int, duration_s: float) -> Result:
        """Make a result of what a test has measured; one that has not asserts for itself."""
        expect = case.expect
        if expect is None:
            return self.judge.passed(case.subject(self.inventory), "its assertions hold", duration_s=duration_s)
        expect.concluded = True
        return self.judge.conclude(
            case.subject(self.inventory),
            expect.measurements,
            attempts=attempts,
            duration_s=duration_s,
            counters=expect.counters,
            unkept=expect.unkept,
        )

    @contextmanager
    def _raising(self, case: Case) -> Iterator[None]:
        """Make a result of what a test raises."""
        __tracebackhide__ = True
        judge, subject = self.judge, case.subject(self.inventory)
        started = time.monotonic()
        try:
            yield
        except pytest.skip.Exception:
            expect = case.expect
            if expect is not None and any(measurement.breached for measurement in expect.measurements):
                self._end(case, judge.conclude(subject, expect.measurements, unkept=expect.unkept))
            raise
        except TimeOverError as error:
            self._end(case, judge.unknown(subject, str(error), duration_s=time.monotonic() - started))
            raise
        except (AssertionError, pytest.fail.Exception) as error:
            first = (str(error).splitlines() or ["an assertion failed"])[0]
            self._excuse(case, judge.breach(subject, first, duration_s=time.monotonic() - started))
            raise
        except OUR_ERRORS as error:
            self._excuse(case, judge.unknown(subject, str(error), duration_s=time.monotonic() - started))
            raise
        except Exception as error:
            first = (str(error).splitlines() or [""])[0]
            self._excuse(case, judge.unknown(subject, f"{type(error).__name__}: {first}"))
            raise

    @contextmanager
    def _calling(self, case: Case) -> Iterator[None]:
        """Know, while a test's function runs, that what is reported of it then is only a part of it."""
        self._called = case
        try:
            yield
        finally:
            self._called = None

    def _reading(self, case: Case, expectation: Expectation) -> Reading:
        """Wait for a test's reading; where there is none, note what that means, and end the test where it fails."""
        __tracebackhide__ = True
        subject = case.subject(self.inventory)
        try:
            reading = self.waiting.reading(Request.of(expectation), self._gather_for(case, expectation))
            if reading.error is None:
                return reading
            failed = self.judge.failed_reading(
                subject, reading, target=expectation.target.id, result_of=self._result_of
            )
        except UnknownError as error:
            reading, failed = Reading(error=error), self.judge.unknown(subject, str(error))
        finally:
            self.waiting.clear()
        self._end(case, failed)
        return reading

    def _gather_for(self, case: Case, expectation: Expectation) -> Gather:
        """Return who gathers a test's reading: the run's, or one of its own where the test is run again."""
        if self.waiting.gather is None:
            raise RuntimeError("its readings were not gathered")
        if case.attempt == 1:
            return self.waiting.gather
        return self.waiting.again(Plan.of([Request.of(expectation)], self.inventory.hosts))

    def _result_of(self, check_id: str) -> Result | None:
        """Return what comes of another check of this run, whoever runs its test; None where it is not part of it."""
        expectation, gather = self._selected.get(check_id), self.waiting.gather
        if expectation is None or gather is None:
            return None
        if check_id not in self._blockers:
            self._blockers[check_id] = None  # no check is blocked by itself, over however many others
            self._blockers[check_id] = self._judged(expectation, self.waiting.reading(Request.of(expectation), gather))
        return self._blockers[check_id]

    def _judged(self, expectation: Expectation, reading: Reading) -> Result:
        """Judge a reading without its test."""
        subject = Subject.of(expectation, self.inventory)
        if reading.error is not None:
            result = self.judge.failed_reading(
                subject, reading, target=expectation.target.id, result_of=self._result_of
            )
        else:
            expect = self._made(expectation, self._growth(lambda: subject.id))
            check = expectation.check
            try:
                check.function(**{**expectation.options, check.probe.name: reading.value, "expect": expect})
            except Exception as error:  # noqa: BLE001 - its own test tells of it
                result = self.judge.unknown(subject, str(error))
            else:
                result = self.judge.conclude(subject, expect.measurements, unkept=expect.unkept)
        return self._settled(expectation, self._quieting.applied(result, subject, self.inventory.now()))

    def _settled(self, expectation: Expectation, result: Result) -> Result:
        """Return a result as it counts where a breach has to last; in a gate it counts at once."""
        return result if self._counts_at_once else self.past.settled(result, expectation.lasting, self.started)

    def _end(self, case: Case, result: Result) -> None:
        """Note a result and end its test with pytest's outcome for it."""
        __tracebackhide__ = True
        result = self._excused(case, result)
        if case.expectation is not None:
            result = self._settled(case.expectation, result)
        result = self._note(case, result)
        skip_quiet(result)
        if result.fails:
            pytest.fail(as_failure(result), pytrace=False)

    def _excuse(self, case: Case, result: Result) -> None:
        """Note the result of a test that has failed; where it is excused, the test does not fail."""
        __tracebackhide__ = True
        skip_quiet(self._note(case, self._excused(case, result)))

    def _excused(self, case: Case, result: Result) -> Result:
        """Return a result as waivers and maintenance windows make it."""
        return self._quieting.applied(result, case.subject(self.inventory), self.inventory.now())

    def _note(self, case: Case, result: Result) -> Result:
        if case.attempt > 1:
            message = f"{result.message} (at attempt {case.attempt} of the test)"
            result = replace(result, attempts=result.attempts + case.attempt - 1, message=message)
        unmasked = result.to_json()
        data = self.inventory.redactor.data({**bounded(unmasked, self.inventory.redactor.text), "id": result.id})
        case.result = result if data == unmasked else Result.from_json(data)
        return case.result

    def unreachable(self, item: pytest.Item, target: InventoryTarget, error: UnreachableError) -> NoReturn:
        """End a user-defined test whose target cannot be reached: blocked by `reachable`, or unknown."""
        __tracebackhide__ = True
        case = case_of(item)
        assert case is not None  # noqa: S101 - it has asked for a target
        reading = Reading(error=error, blocker=f"{target.kind}.reachable@{target.name}")
        subject = case.subject(self.inventory)
        self._end(case, self.judge.failed_reading(subject, reading, target=target.id, result_of=self._result_of))
        raise AssertionError("a failed reading ends its test")

    def expect(self) -> Expect:
        """Return what the test that is being set up measures with."""
        assert self.case is not None  # noqa: S101 - fixtures exist while a test is set up
        return self._measuring(self.case)

    def _measuring(self, case: Case) -> Expect:
        """Return what a test measures with, the same one at each call."""
        if case.expect is None:
            case.expect = self._made(case.expectation, self._growth(lambda: case.id(self.inventory)))
        return case.expect

    def _made(
        self, expectation: Expectation | None, growth: Callable[[Counted, float | None], CounterGrowth]
    ) -> Expect:
        now, words, clean = self.inventory.now(), self.inventory.severities, self.inventory.redactor.text
        return Expect(expectation, now, words, growth, clean, against=self._against)

    def _growth(self, name: Callable[[], str]) -> Callable[[Counted, float | None], CounterGrowth]:
        """Return what tells by how much a check's counters have grown. It is asked for its id where it has any."""

        def moved(counted: Counted, window_s: float | None) -> CounterGrowth:
            result_id = name()
            if self._look is not None and (noted := self._look.noted(result_id)) is not None:
                sample = Sample(noted[0], {each.subject: each for each in noted[1]})
                grown = grown_since(sample, counted, now=self.started, window_s=window_s)
                if grown is not None:
                    return grown
            return self.past.moved(result_id, self.suite, counted, now=self.started, window_s=window_s)

        return moved

    def reported(self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> pytest.TestReport:
        """Attach the result of a test of ours to pytest's report."""
        case = case_of(item)
        if case is None:
            return report
        if self._called is case:  # a subtest: whoever called the function goes on
            if report.failed:
                case.failed_parts.append(first_line(report))
        else:
            self._attach(case, call, report)
        if report.when == "teardown":
            case.forget()
        return report

    def _attach(self, case: Case, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
        ours = call.excinfo is not None and isinstance(call.excinfo.value, OUR_ERRORS)
        result = case.result
        if result is None and not report.passed:
            unknown_yet = self.judge.unknown(case.subject(self.inventory), why_not_judged(call, report))
            result = self._note(case, self._excused(case, unknown_yet))
            if result.verdict is Verdict.MAINTENANCE:
                report.outcome, report.longrepr = "skipped", ("", 0, result.message)
                ours = False
        elif result is not None and result.verdict is Verdict.OK and report.when == "call" and report.failed:
            # Another plugin knows better: one that collects assertions which do not end the test.
            result = self._note(case, self.judge.breach(case.subject(self.inventory), first_line(report)))
        if result is not None and (report.when == "call" or (report.when == "setup" and report.outcome != "passed")):
            attach(report, result, case.item, raised=raised(call) and not ours and not report.skipped)
            if ours:
                report.longrepr = as_failure(result)

    def lost(self, subject: Subject, why: str) -> Result:
        """Return the result of a check that nobody judged, for its process ended."""
        result = self._quieting.applied(self.judge.unknown(subject, why), subject, self.inventory.now())
        return Result.from_json(self.inventory.redactor.data(result.to_json()))

    def close(self) -> None:
        """End what still runs, and leave nothing behind."""
        self.waiting.close()
        self.past.close()
        self.workers.close()
