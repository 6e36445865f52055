"""What a run on pytest's controller has to tell beside its results, and who takes it all when it is decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import pytest

from ..core.errors import HurriedError
from ..core.results import Run
from ..core.shards import Part
from ..delivery.destination import Destination, Finished, not_written
from ..delivery.outbox import destinations, send
from ..delivery.written import PartResults, ResultsFile, SuiteReports
from ..files import streams
from ..history import HistoryError, Point, Story
from ..reports.context import Failed, ReportContext, told_at_length
from ..reports.files import ReportFiles
from ..settings import reports_folder, setting
from .session import Session

T = TypeVar("T")
_GIVEN_UP = "the run was asked to end"


@dataclass
class Publisher:
    """Brings one run to its destinations. `problems` are what went wrong, a sentence each.

    failed: what failed and has no result; traces: where errors in a user's own checks come from, by result id;
    unjudged: the ids of what has no result, by why; spots: where a user's own tests stand, by result id.
    """

    config: pytest.Config
    session: Session
    files: ReportFiles | None = None
    problems: list[str] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    traces: dict[str, str] = field(default_factory=dict)
    unjudged: dict[str, list[str]] = field(default_factory=dict)
    spots: dict[str, tuple[Path, int | None]] = field(default_factory=dict)
    _told: HistoryError | None = None

    @cached_property
    def reports(self) -> SuiteReports:
        """The reports of the run's suites."""
        return SuiteReports(lambda: getattr(self.config.option, "xmlpath", None))

    def shown(self) -> str | None:
        """Return where the reports of the run are, as people are told; of a part, what makes a run of it."""
        if self.session.part is None:
            return self.files.shown(self.config.invocation_params.dir) if self.files else None
        suite = "+".join(self.session.suites)
        return f"{self._of_part(self.session.part).file} (opscheck merge {suite} makes one run of all parts)"

    def publish(self, run: Run) -> None:
        """Bring the run to everybody: also where the disk is full."""
        self._send(run, list(self._destinations()))

    def write(self, run: Run) -> None:
        """Bring it to those alone who keep it."""
        self._send(run, [each for each in self._destinations() if each.keeps_run])

    def settle(self, run: Run) -> None:
        """Have what keeps a run say the exit status that it has got since."""
        self.write(run)
        past = self.session.runner.past
        if run.hash is not None and past.fault is None:
            try:
                with self.session.ending.waiting():
                    past.settle(run)
            except (HistoryError, HurriedError) as error:
                self.note_history("record the exit status in", error)

    def _send(self, run: Run, to: list[Destination]) -> None:
        session = self.session
        is_chosen = run.narrowed and (session.is_narrowed() or session.due.is_narrowed())
        finished = Finished(
            run, session.inventory, session.runner.past, self._context(run), self.files, is_chosen=is_chosen
        )
        send(finished, to, self.problems, session.ending.waiting)

    def _destinations(self) -> Iterator[Destination]:
        named = self._named()
        if self.session.part is not None:
            yield from filter(None, (named, self._of_part(self.session.part)))
        elif self.session.look is None:
            yield from destinations(self.session.inventory, self.reports, named, self._uncaptured)
        elif named is not None:
            yield named

    def _of_part(self, part: Part) -> PartResults:
        """Return the results file of a part of a run, which `opscheck merge` finds."""
        return PartResults(reports_folder(self.config) / "+".join(self.session.suites), part)

    def _named(self) -> ResultsFile | None:
        """Return the results file that the command line or pytest's settings name."""
        if not (named := setting(self.config, "json")):
            return None
        base = self.config.invocation_params.dir if self.config.getoption("opscheck_json") else self.config.rootpath
        return ResultsFile(base / named, self._uncaptured)

    def _uncaptured(self) -> AbstractContextManager[None]:
        return streams.uncaptured(self.config)

    def note_spot(self, report: pytest.TestReport, name: str) -> None:
        """Note where a user's own test stands; of a shipped check the inventory tells."""
        if report.nodeid not in self.session.due.shipped and (spot := self.spot(report)) is not None:
            self.spots[name] = spot

    def spot(self, report: pytest.TestReport | pytest.CollectReport) -> tuple[Path, int | None] | None:
        """Return the file of a test or a module, and the line where pytest knows it."""
        file, line, _ = getattr(report, "location", None) or (report.nodeid.partition("::")[0], None, "")
        return (self.config.rootpath / file, None if line is None else line + 1) if file else None

    def _context(self, run: Run) -> ReportContext:
        """Return what is told beside the results, with the past of what was measured."""
        past = self.session.runner.past
        known: Mapping[tuple[str, str | None], list[Point]] = {}
        points = self.asked(lambda: past.points(run), known) if run.hash else known
        untold: Mapping[str, Story] = {}
        return ReportContext(
            self.session.uncovered(run.results),
            tuple(self.problems),
            self.failed,
            self.traces,
            points,
            self.asked(lambda: past.stories(told_at_length(run)), untold) if run.hash else untold,
            past.worse,
            self.unjudged,
            self.spots,
        )

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

    def note(self, error: OSError) -> None:
        """Note that something could not be written, with its path."""
        if (problem := not_written(error)) not in self.problems:
            self.problems.append(problem)

    def note_history(self, what: str, error: BaseException) -> None:
        """Note that the history could not be asked, or written."""
        reason = self.session.inventory.redactor.text(str(error) or _GIVEN_UP)
        self.problems.append(f"could not {what} the history (not a fault of any target): {reason}")
