"""What one run knows of those before it: opened where the first check asks, given up where it does not answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from ..core.humanize import duration_text
from ..core.pending import MOST_RUNS, Lasting
from ..core.results import Counted, Result, Run, Verdict
from . import _announced, _notified, _record
from ._announced import Announced
from ._changes import LOOKED_BACK, compared, pending, worse
from ._document import document
from ._maintenance import ManualMaintenance
from ._notified import Notification
from ._place import History
from ._queries import Point, Records, Sample
from ._schema import migrate, version_of
from ._store import HistoryError, Store, bounded, connected, told
from ._story import Story, stories

T = TypeVar("T")
_MOST_SAMPLES = 2000


@contextmanager
def opened(history: History, *, create: bool = False) -> Iterator[Store | None]:
    """Open a history, and bring it to this version; None where there is none and none is to be made.

    Raises HistoryError.
    """
    with told(history):
        store = _ready(history, create=create)
        try:
            yield store
        finally:
            if store is not None:
                store.close()


@contextmanager
def reading(history: History) -> Iterator[Records | None]:
    """Open a history to ask it; None where there is none yet. Raises HistoryError."""
    with opened(history) as store:
        yield Records(store, history.inventory) if store is not None else None


def _ready(history: History, *, create: bool) -> Store | None:
    store = connected(history, create=create)
    if store is None:
        return None
    try:
        if not create and version_of(store) == 0:
            store.close()
            return None
        migrate(store)
    except BaseException:
        store.close()
        raise
    return store


@dataclass(frozen=True, slots=True)
class CounterGrowth:
    """By how much counters have grown, and since when, as messages say it; None where no past run tells."""

    by: Mapping[str, float]
    since: str | None = None


class Past:
    """The past of one run. Whatever it is asked has an end; after a first fault it is not asked again."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.fault: HistoryError | None = None
        self.worse: Mapping[str, str] = {}
        """What is worse than the last time, by id, with the severity that it had then; of a run that was compared."""
        self._store: Store | None = None
        self._records: Records | None = None
        self._is_open = False

    def compared(self, results: Iterable[Result], now: dt.datetime) -> tuple[Result, ...]:
        """Return results that say how they stand to those before them."""
        results = tuple(results)
        past = self._ask(lambda records: records.outcomes(LOOKED_BACK))
        if self.fault is not None:
            return results
        self.worse = worse(results, past or {})
        return compared(results, past or {}, now)

    def settled(self, result: Result, limit: Lasting | None, now: dt.datetime) -> Result:
        """Return a result whose breach, where it has not lasted as long as is said, does not fail the run yet."""
        if limit is None or result.verdict is not Verdict.BREACH:
            return result
        past = self._ask(lambda records: records.outcomes(MOST_RUNS, result.id)) or {}
        if self.fault is not None:
            note = f"; it counts at once, because the history can't tell how long it has lasted: {self.fault}"
            return replace(result, message=result.message + note)
        why = pending(limit, past.get(result.id, ()), now)
        if why is None:
            return result
        return replace(result, message=f"{result.message}; {why}", pending=why, fails=False)

    def begun(self, now: dt.datetime) -> list[ManualMaintenance]:
        """Return the maintenance that somebody began by hand and that is under way."""
        return self._ask(lambda records: records.begun(now)) or []

    def newest(self, suite: str | None = None) -> Run | None:
        """Return the newest run, of a suite or of any; None where there is none."""

        def found(records: Records) -> Run | None:
            runs = records.runs(suite, newest=1)
            return records.run(runs[0].seq) if runs else None

        return self._ask(found)

    def announced(self, suite: str) -> Announced | None:
        """Return the run of a suite that was announced last; None where none was, or where it has been merged."""
        found = self._ask(lambda records: records.announced()) or []
        return next((each for each in found if each.suite == suite and each.merged is None), None)

    def told(self) -> dict[tuple[str, str], Notification]:
        """Return what was told last, by channel and result id."""
        return self._ask(lambda records: records.told()) or {}

    def remember(self, told: Iterable[Notification]) -> None:
        """Write down what was told. Raises HistoryError."""

        def write() -> bool:
            with opened(self.history, create=True) as store:
                assert store is not None  # noqa: S101 - it was to be made
                _notified.remember(store, self.history.inventory, told)
            return True

        bounded(write, self.history)

    def moved(
        self,
        check_id: str,
        suite: str | None,
        counted: Counted,
        *,
        now: dt.datetime,
        window_s: float | None = None,
    ) -> CounterGrowth:
        """Return by how much counters have grown since the last whole run of the suite, or within a window.

        Where one is smaller than before, or somebody else has counted, they started over, and all that they say now has
        been counted since then. Without an earlier run, what they say is of their whole life.
        """
        newest = 1 if window_s is None else _MOST_SAMPLES
        samples = self._ask(lambda records: records.samples(check_id, suite, newest)) or []
        samples = [sample for sample in samples if _same(counted, sample)]
        if window_s is not None:
            begin = now - dt.timedelta(seconds=window_s)
            inside = sum(sample.started > begin for sample in samples)
            samples = samples[: inside + 1]  # and the one by which the window begins
        return _grown(samples, counted, now, window_s) if samples else CounterGrowth(dict(counted.counts))

    def record(self, run: Run) -> str:
        """Write a run, take away what is too old, and return the run's hash. Raises HistoryError."""

        def write() -> str:
            with opened(self.history, create=True) as store:
                assert store is not None  # noqa: S101 - it was to be made
                digest = _record.append(store, document(run))
                _record.prune(store, run.finished, self.history.keep_s)
                return digest

        digest = bounded(write, self.history)
        self._is_open = self._records is not None  # the first run of all has made what there is to open
        return digest

    def note_merged(self, announced: Announced, now: dt.datetime) -> None:
        """Note that a run was merged that had been announced. Raises HistoryError."""

        def write() -> bool:
            with opened(self.history, create=True) as store:
                assert store is not None  # noqa: S101 - it was to be made
                _announced.close(store, announced, now)
            return True

        bounded(write, self.history)

    def settle(self, run: Run) -> None:
        """Note the exit status that a recorded run has got since. Raises HistoryError."""

        def write() -> bool:
            with opened(self.history, create=True) as store:
                assert store is not None  # noqa: S101 - it was to be made
                _record.settle(store, run.id, run.exit_status)
            return True

        bounded(write, self.history)

    def points(self, run: Run) -> Mapping[tuple[str, str | None], list[Point]]:
        """Return the newest values of everything that a recorded run measured, as Records.values does."""

        def values(records: Records) -> dict[tuple[str, str | None], list[Point]]:
            seq = records.seq(run.id)
            return records.values(seq) if seq is not None else {}

        return self._ask(values) or {}

    def asked(self, question: Callable[[Records], T]) -> T | None:
        """Return an answer to any question; None where there is no history yet, or none that answers."""
        return self._ask(question)

    def stories(self, ids: Iterable[str]) -> Mapping[str, Story]:
        """Return what is known of checks, by their ids."""
        wanted = tuple(ids)
        return (self._ask(lambda records: stories(records, wanted)) if wanted else None) or {}

    def changed(self, run: Run) -> bool:
        """Tell whether any verdict or severity is another than before; it is taken to be where nothing tells."""

        def differs(records: Records) -> bool:
            seq = records.seq(run.id)
            is_first = len(records.runs(newest=2)) <= 1
            return seq is None or is_first or bool(records.changes(seq=seq, newest=1))

        return self._ask(differs) is not False

    def close(self) -> None:
        """Close the connection; one that does not answer is left to its thread, which closes it after a fault."""
        if self.fault is None:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._store is not None:
            self._store.close()
        self._store = self._records = None

    def _ask(self, question: Callable[[Records], T]) -> T | None:
        """Return an answer; None where there is no history yet, or none that answers."""
        if self.fault is None:
            try:
                return bounded(lambda: self._answer(question), self.history)
            except HistoryError as error:
                self.fault = error
        return None

    def _answer(self, question: Callable[[Records], T]) -> T | None:
        if not self._is_open:
            self._store = _ready(self.history, create=False)
            self._records = Records(self._store, self.history.inventory) if self._store is not None else None
            self._is_open = True
        try:
            return question(self._records) if self._records is not None else None
        except BaseException:
            self._hang_up()
            raise


def grown_since(
    sample: Sample, counted: Counted, *, now: dt.datetime, window_s: float | None = None
) -> CounterGrowth | None:
    """Return by how much counters have grown since a sample; None where that has others, or of another subject."""
    return _grown([sample], counted, now, window_s) if _same(counted, sample) else None


def _same(counted: Counted, sample: Sample) -> bool:
    """Tell whether a sample has the same counters of the same subject."""
    before = sample.counters.get(counted.subject)
    return before is not None and before.counts.keys() == counted.counts.keys()


def _grown(samples: list[Sample], counted: Counted, now: dt.datetime, window_s: float | None) -> CounterGrowth:
    """Return by how much counters have grown from the oldest of these samples on, over all resets between them.

    Where that is longer ago than the window, it is the window's share.
    """
    by = dict.fromkeys(counted.counts, 0.0 if window_s else 0)
    after = counted
    for sample in samples:
        before = sample.counters[counted.subject]
        goes_on = after.follows(before)
        for name, count in after.counts.items():
            by[name] += count - (before.counts[name] if goes_on else 0)
        after = before
    time = now - samples[-1].started
    if window_s is not None and time.total_seconds() > window_s:
        by = {name: grown * window_s / time.total_seconds() for name, grown in by.items()}
    return CounterGrowth(by, f"in the last {duration_text(time)}")
