"""One pytest session in which checks were asked for: from the inventory to a result for each check.

It lives in pytest's stash, in every process of the run. What people are told lives in the reporter, on the controller.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

from . import fixtures, shipped
from ._check import EVERY_SUITE, Check, check_of
from .gather import LOST, OVER, Gather, Reading, Request
from .inventory import Expectation, Inventory, Named, load, nearest
from .judge import Expect, Subject, breach, conclude, failed_reading, passed, unknown
from .limits import SEVERITIES
from .masking import Masking
from .plugin import home, inventory_file, only_looks, setting
from .probes import UnreachableError
from .reports.terminal import Progress
from .results import Result, Verdict
from .selection import (
    asked_suites,
    is_named,
    is_shipped,
    kind_of_file,
    names_shipped,
    narrows,
    shipped_argument,
    shipped_files,
)
from .suites import FIXTURES

EXPECT: pytest.StashKey[Expect] = pytest.StashKey()
RESULT: pytest.StashKey[Result] = pytest.StashKey()
REPORTER = "opscheck-reporter"


class Owed:
    """Stands for a reading until its test runs. It shows nothing of it: pytest prints arguments."""

    def __init__(self, expectation: Expectation) -> None:
        self.expectation = expectation

    def __repr__(self) -> str:
        return repr(self.expectation)


class Session:
    """What the processes of a run know: inventory, selection, readings."""

    def __init__(self, config: pytest.Config, inventory: Inventory, suites: tuple[str, ...]) -> None:
        self.config = config
        self.inventory = inventory
        self.suites = suites
        self.selected: dict[str, Expectation] = {}
        self._gather: Gather | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._progress = Progress(config)
        self._own: dict[Check, list[Expectation]] = {}
        self._shares = itertools.count()
        self.named: list[str] = []
        self.with_shipped = False
        self.item: pytest.Item | None = None
        self.fail_at = _fail_at(config, inventory, suites)

    @classmethod
    def open(cls, config: pytest.Config, file: Path, suites: tuple[str, ...], tables: tuple[str, ...]) -> Session:
        """Read the inventory, add the shipped checks to what is collected, and set the reports up.

        Raises InventoryError.
        """
        inventory = load(file, shipped.checks(tables))
        session = cls(config, inventory, asked_suites(config.option.markexpr or "", suites))
        session._choose_shipped()
        config.pluginmanager.register(fixtures.Fixtures(inventory, session), "opscheck-fixtures")
        config.pluginmanager.register(Masking(inventory.redactor), "opscheck-masking")
        if not hasattr(config, "workerinput"):
            from .reporter import Reporter

            config.pluginmanager.register(Reporter(config, session), REPORTER)
        return session

    def _choose_shipped(self) -> None:
        """Decide which shipped checks are collected: all of them for a suite, or those named by their node ids.

        Named files of one's own narrow a suite to these. With an inventory that is named, and nothing else, pytest
        looks for tests beside that rather than in the folder where it happens to be started.
        """
        config = self.config
        given = getattr(config, "workerinput", {})
        if "opscheck_named" in given:
            self.named, self.with_shipped = given["opscheck_named"], given["opscheck_shipped"]
            config.args[:] = [argument for argument in config.args if argument not in self.named]
            return
        source = pytest.Config.ArgsSource
        self.named = [argument for argument in config.args if shipped_argument(argument, config.invocation_params.dir)]
        rest = [argument for argument in config.args if argument not in self.named]
        narrowed = config.args_source is source.ARGS and narrows(rest)
        self.with_shipped = bool(self.named or (self.suites and not narrowed)) and not names_shipped(rest)
        if config.args_source is source.INVOCATION_DIR and setting(config, "inventory"):
            rest = [str(self.inventory.file.absolute().parent)]
        config.args[:] = rest

    def shipped_modules(self, collector: pytest.Session) -> list[pytest.Module]:
        """Return the files of shipped checks to collect, of the kinds that have targets.

        They are no argument of pytest's: it would leave them out where the environment that they are installed in lies
        inside of the project, as `.venv` often does.
        """
        files = [file for file in shipped_files() if self.with_shipped and not self.ignores(file)]
        return [pytest.Module.from_parent(collector, path=file, nodeid=file.name) for file in files]

    def require_collected(self, items: list[pytest.Item]) -> None:
        """Raise UsageError where a shipped check of the run's suites was not collected: it would not be missed."""
        if not self.suites or not self.with_shipped:
            return
        there = {owed.expectation.id for item in items if (owed := _owed(item)) is not None}
        wanted = [e.id for e in self.inventory.expectations if set(e.suites) & set(self.suites)]
        if missing := [check_id for check_id in wanted if check_id not in there]:
            shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")  # noqa: PLR2004
            raise pytest.UsageError(
                f"pytest did not collect {shown}; see python_files, python_functions and collect_ignore in its settings"
            )

    def keep_named(self, items: list[pytest.Item]) -> None:
        """Deselect shipped checks that are not named, where some are."""
        if not self.named:
            return
        ours = [item for item in items if is_shipped(item.path)]
        left_out = [i for i in ours if not is_named(f"{i.path.name}::{i.nodeid.partition('::')[2]}", self.named)]
        items[:] = [item for item in items if item not in left_out]
        self.config.hook.pytest_deselected(items=left_out)

    def ignores(self, path: Path) -> bool:
        """Tell whether a path is a file of shipped checks of whose kind there is no target."""
        kinds = {target.kind for target in self.inventory.targets}
        return (
            path.suffix == ".py"
            and is_shipped(path)
            and path.stem.startswith("test_")
            and kind_of_file(path) not in kinds
        )

    def header(self) -> str:
        """Return the one line that says what the run is about."""
        planned = [e for e in self.inventory.expectations if not self.suites or set(e.suites) & set(self.suites)]
        hosts = {e.target.keys.host() if e.target.kind != "host" else e.target.name for e in planned}
        suite = "+".join(self.suites) or "no suite, checks named one by one"
        counts = ", ".join(
            _count(number, word)
            for number, word in (
                (len({e.target for e in planned}), "target"),
                (len(planned), "check"),
                (len([host for host in hosts if host is not None]), "host"),
            )
        )
        file = inventory_file(self.config)
        shown = file.name if file is not None and file.parent == home(self.config) else file
        name = self.inventory.redactor.text(self.inventory.name)
        return f"opscheck: {name} ({shown}), suite {suite}: {counts}"

    def uncovered(self, results: Iterable[Result]) -> tuple[str, ...]:
        """Return the targets of which a run has no result."""
        judged = {(result.check.partition(".")[0], result.target) for result in results}
        return tuple(target.id for target in self.inventory.targets if (target.kind, target.name) not in judged)

    # Collection

    def has_no_target(self, function: object) -> bool:
        """Tell whether a function is a check of which the inventory has no target."""
        found = check_of(function)
        return found is not None and not self._expectations(found, function)

    def _expectations(self, check: Check, function: Any) -> list[Expectation]:
        """Return what a check expects of each target: of a shipped one as the inventory says, else as it says itself.

        Raises UsageError where a check of one's own has the name of a shipped one: their results would be one.
        """
        if is_shipped(Path(function.__code__.co_filename)):
            return list(self.inventory.of_check(check.id))
        if any(check.id == known.id for known in shipped.checks((check.kind,))):
            raise pytest.UsageError(f"{check.id} is a shipped check; give {function.__name__} another name")
        for other in self._own:
            if other.id == check.id and other is not check:
                raise pytest.UsageError(f"there are two checks {check.id}; give one {function.__name__} another name")
        for suite in check.suites:
            if suite != EVERY_SUITE and suite not in self.inventory.suites:
                hint = nearest(suite, self.inventory.suites)
                raise pytest.UsageError(f"{function.__name__}: there is no suite {suite!r}; {hint}")
        if check not in self._own:
            self._own[check] = [
                Expectation(
                    check=check,
                    target=target,
                    limits=check.limits,
                    severity=check.severity,
                    suites=check.suites,
                    params={
                        name: info.get_default(call_default_factory=True)
                        for name, info in check.probe.params.model_fields.items()
                    },
                    timeout_s=check.probe.timeout_s,
                    action=check.action,
                )
                for target in self.inventory.of_kind(check.kind)
            ]
        return self._own[check]

    @contextmanager
    def parametrized(self, metafunc: pytest.Metafunc) -> Iterator[None]:
        """Parametrize a check over its expectations, a test of one's own over the targets of the kinds it asks for."""
        found = check_of(metafunc.function)
        if found is not None:
            params = [
                pytest.param(
                    Owed(expectation),
                    id=expectation.param_id,
                    marks=[getattr(pytest.mark, suite) for suite in expectation.suites],
                )
                for expectation in self._expectations(found, metafunc.function)
            ]
            metafunc.parametrize(found.probe.name, params)
        with fixtures.parametrized(metafunc, self.inventory, skip=found.probe.name if found else None):
            yield

    def start(self, pytest_session: pytest.Session) -> None:
        """Start every probe that the selected checks need. Nothing is probed where tests are only collected."""
        expectations = [owed.expectation for item in pytest_session.items if (owed := _owed(item)) is not None]
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

    # Running

    @staticmethod
    def is_ours(item: pytest.Item) -> bool:
        """Tell whether an item is a check, or a test of one's own that takes a target or measures."""
        if not isinstance(item, pytest.Function):
            return False
        return check_of(item.function) is not None or any(name in item.fixturenames for name in FIXTURES)

    def call(self, item: pytest.Function) -> Generator[None, object, object]:
        """Run one test of ours: hand over its reading, let it measure, conclude."""
        __tracebackhide__ = True
        owed = _owed(item)
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
        except (AssertionError, pytest.fail.Exception) as error:
            first = (str(error).splitlines() or ["an assertion failed"])[0]
            self._note(item, breach(subject, first, self.fail_at, duration_s=time.monotonic() - started))
            raise
        except Exception as error:
            first = (str(error).splitlines() or [""])[0]
            self._note(item, unknown(subject, f"{type(error).__name__}: {first}", self.fail_at))
            raise
        expect = item.stash.get(EXPECT, None)
        duration_s = reading.seconds if owed is not None else time.monotonic() - started
        if expect is None:
            self._note(item, passed(subject, "its own assertions hold", self.fail_at, duration_s=duration_s))
            return outcome
        expect.concluded = True
        result = conclude(
            subject, expect.measurements, fail_at=self.fail_at, attempts=reading.attempts, duration_s=duration_s
        )
        self._end(item, result)
        return outcome

    def _reading(self, item: pytest.Function, owed: Owed, subject: Subject) -> Reading:
        """Wait for a test's reading and put it in the place of its argument; end the test where there is none."""
        __tracebackhide__ = True
        if self._gather is None:
            raise RuntimeError("readings were not gathered")
        gather = self._gather
        try:
            reading = gather.wait(Request.of(owed.expectation), lambda: self._progress.show(gather.progress))
        finally:
            self._progress.clear()
        if reading.error is not None:
            self._end(
                item,
                failed_reading(
                    subject, reading, target=owed.expectation.target.id, blocks=self._blocks, fail_at=self.fail_at
                ),
            )
        item.funcargs[owed.expectation.check.probe.name] = reading.value
        return reading

    def _blocks(self, check_id: str) -> bool:
        """Tell whether a check is part of this run and has no good reading itself: then it is the one that fails."""
        expectation = self.selected.get(check_id)
        if expectation is None or self._gather is None:
            return False
        reading = self._gather.wait(Request.of(expectation))
        return expectation.check.name != "reachable" or isinstance(reading.error, UnreachableError)

    def _end(self, item: pytest.Item, result: Result) -> None:
        """Note a result and end its test with pytest's outcome for it."""
        __tracebackhide__ = True
        result = self._note(item, result)
        if result.verdict in (Verdict.BLOCKED, Verdict.MAINTENANCE):
            pytest.skip(result.message)
        if result.fails:
            pytest.fail(f"{result.severity or ''} {result.verdict}: {result.message}".lstrip(), pytrace=False)

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
        owed = _owed(self.item)
        expectation = owed.expectation if owed else None
        made = self.item.stash[EXPECT] = Expect(expectation, self.inventory.now(), self.inventory.severities)
        return made

    def reported(self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> pytest.TestReport:
        """Attach the result of a test of ours to pytest's report, and mask secrets in all of that report."""
        result = item.stash.get(RESULT, None)
        if result is None and not report.passed and isinstance(item, pytest.Function) and self.is_ours(item):
            why = call.excinfo.exconly().splitlines()[0] if call.excinfo is not None else "its set-up failed"
            if report.skipped:
                why = f"it was skipped: {report.longrepr[2] if isinstance(report.longrepr, tuple) else why}"
            result = self._note(item, unknown(self._subject(item, _owed(item)), why, self.fail_at))
        if result is not None and (report.when == "call" or (report.when == "setup" and report.outcome != "passed")):
            report.opscheck = result.to_json()  # type: ignore[attr-defined]
            report.opscheck_raised = _raised(call)  # type: ignore[attr-defined]
            if report.skipped and isinstance(report.longrepr, tuple):
                path, line, _name = item.location
                report.longrepr = (path, (line or 0) + 1, report.longrepr[2])
        return redacted(report, self.inventory)

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

    # The end

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
        if self._folder is not None:
            self._folder.cleanup()


def _raised(call: pytest.CallInfo[None]) -> bool:
    """Tell whether a test ended in an error of its own code, of which pytest shows the traceback."""
    return call.excinfo is not None and not isinstance(
        call.excinfo.value, pytest.fail.Exception | pytest.skip.Exception
    )


def _owed(item: pytest.Item) -> Owed | None:
    callspec = getattr(item, "callspec", None)
    return next((value for value in callspec.params.values() if isinstance(value, Owed)), None) if callspec else None


def _fail_at(config: pytest.Config, inventory: Inventory, suites: tuple[str, ...]) -> str:
    """Return from which severity a breach fails the run: the option's, else the mildest of the suites that run."""
    if said := setting(config, "fail_at"):
        severity = inventory.severities.get(said, said)
        if severity not in SEVERITIES:
            words = ", ".join([*SEVERITIES, *inventory.severities])
            raise pytest.UsageError(f"--opscheck-fail-at {said}: no such severity; use one of {words}")
        return severity
    return max((inventory.suites[suite].fail_at for suite in suites), default="P3")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def redacted(report: pytest.TestReport, inventory: Inventory) -> pytest.TestReport:
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
