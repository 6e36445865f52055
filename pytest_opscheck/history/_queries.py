"""What reports, alerts and commands ask of past runs. Each question reads few rows, however long the history is."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

from ..core.results import Counted, Run, State, Verdict
from ._announced import Announced, announced
from ._chain import link
from ._changes import Outcome
from ._document import utc, value_of
from ._maintenance import ManualMaintenance, begun
from ._notified import Notification, told
from ._record import chunks, marks
from ._store import HistoryError, Store

_PAGE = 20_000
_ENDLESS = 1_000_000_000
_APART = 1_000_000_000
"""No bound, but what keeps PostgreSQL from working out again for each row what is the same for all of a check."""
_SEEN = "s.result, r.run, n.started, r.verdict, r.severity, r.message, r.pending, r.state, r.since, r.wrong_since"
"""The columns of what was seen."""
_CHANGES = (State.NEW, State.RECOVERED, State.FLAPPING)


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run without its results. `seq` is its place in the chain."""

    seq: int
    id: str
    suite: str
    started: dt.datetime
    finished: dt.datetime
    exit_status: int
    vantage: str
    narrowed: bool
    hash: str


@dataclass(frozen=True, slots=True)
class PastResult:
    """A past result in short, and in which run it was seen.

    `pending` says why a breach did not count yet. `since` is that of its state: of one that recovered, when it began to
    be not ok. `wrong_since` is None where its check is ok.
    """

    id: str
    seq: int
    started: dt.datetime
    verdict: Verdict
    severity: str | None
    message: str
    pending: str | None
    state: State | None
    since: dt.datetime | None
    wrong_since: dt.datetime | None


class Point(NamedTuple):
    """A past value of one subject. `breached` is the severity, if any. A tuple, for a report has thousands."""

    started: dt.datetime
    value: Any
    breached: str | None


@dataclass(frozen=True, slots=True)
class Sample:
    """What a check had counted of each subject when a past run looked."""

    started: dt.datetime
    counters: Mapping[str | None, Counted]


class Judged(NamedTuple):
    """A past result at its shortest. `about` is the key of what else is known of it, see `Records.abouts`."""

    id: str
    seq: int
    verdict: Verdict
    about: int


class Standing(NamedTuple):
    """What came of a check in one run, for an overview. `about` is the key of what else is known of it."""

    id: str
    seq: int
    verdict: Verdict
    severity: str | None
    message: str
    pending: str | None
    wrong_since: dt.datetime | None
    duration_s: float
    about: int


class Records:
    """The past runs of one inventory, to ask. Every moment is in UTC; the newest come first."""

    def __init__(self, store: Store, inventory: str) -> None:
        self._store = store
        self._inventory = inventory

    def runs(
        self,
        suite: str | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        newest: int | None = None,
    ) -> list[PastRun]:
        """Return the runs of a suite, or of all; those that started at `since` or later, and before `until`."""
        asked: list[tuple[str, Any]] = [("inventory = ?", self._inventory)]
        asked += [("suite = ?", suite)] if suite is not None else []
        asked += [("started >= ?", utc(since))] if since is not None else []
        asked += [("started < ?", utc(until))] if until is not None else []
        sql = (
            "SELECT seq, id, suite, started, finished, coalesce(settled, exit_status), vantage, narrowed, hash "
            "FROM opscheck_run "
            f"WHERE {' AND '.join(sql for sql, _ in asked)} ORDER BY started DESC, seq DESC"
        )
        return [
            PastRun(seq, name, suite_of, _moment(start), _moment(end), status, vantage, bool(narrowed), digest)
            for seq, name, suite_of, start, end, status, vantage, narrowed, digest in self._pages(
                sql, [value for _, value in asked], newest
            )
        ]

    def _pages(self, sql: str, asked: Sequence[Any], newest: int | None) -> Iterator[tuple[Any, ...]]:
        """Yield rows a page at a time, each once: an answer of a server is bounded."""
        seen: set[Any] = set()
        for start in range(0, newest or _ENDLESS, _PAGE):
            wanted = min(_PAGE, (newest or _ENDLESS) - start)
            rows = self._store.rows(f"{sql} LIMIT {wanted} OFFSET {start}", asked)
            yield from (row for row in rows if row[0] not in seen)
            seen.update(row[0] for row in rows)
            if len(rows) < wanted:
                return

    def seq(self, run_id: str) -> int | None:
        """Return a run's place in the chain, None where it is not recorded."""
        return next((seq for (seq,) in self._store.rows("SELECT seq FROM opscheck_run WHERE id = ?", (run_id,))), None)

    def run(self, seq: int) -> Run | None:
        """Return a whole run, None where it is not there."""
        found = link(self._store, seq)
        if found is None:
            return None
        ((status,),) = self._store.rows("SELECT coalesce(settled, exit_status) FROM opscheck_run WHERE seq = ?", (seq,))
        return Run.from_json({**found.data, "run": found.data["run"] | {"hash": found.hash, "exit_status": status}})

    def latest(self) -> dict[str, PastResult]:
        """Return the newest result of every check, by id: also of those that the inventory does not have any more."""
        sql = f"""
            SELECT {_SEEN}
            FROM (SELECT s.id, s.result, (SELECT max(run) FROM opscheck_result WHERE series = s.id) AS newest
                  FROM opscheck_series s WHERE s.inventory = ? LIMIT {_APART}) s
            JOIN opscheck_result r ON r.series = s.id AND r.run = s.newest
            JOIN opscheck_run n ON n.seq = r.run
        """
        return {row[0]: _seen(row) for row in self._store.rows(sql, (self._inventory,))}

    def outcomes(self, newest: int, *ids: str) -> dict[str, list[Outcome]]:
        """Return the newest results of every check, or of those that are named, by id: at most `count` of each."""
        some = f" AND s.result IN ({marks(len(ids))})" if ids else ""
        sql = f"""
            SELECT s.result, r.run, r.verdict, r.severity, r.state, r.wrong_since
            FROM opscheck_series s {self._store.newest("opscheck_result r", "series", "s.id", newest)}
            WHERE s.inventory = ?{some}
        """
        rows = self._store.rows(sql, [self._inventory, *ids])
        started = self._started({row[1] for row in rows})
        found: dict[str, list[Outcome]] = defaultdict(list)
        for name, run, verdict, severity, state, wrong_since in sorted(rows, key=lambda row: -int(row[1])):
            outcome = Outcome(started[run], Verdict(verdict), severity, state in _CHANGES, _optional(wrong_since))
            found[name].append(outcome)
        return found

    def changes(
        self, check: str | Collection[str] | None = None, seq: int | None = None, newest: int | None = None
    ) -> list[PastResult]:
        """Return the results whose verdict or severity was another than the one before, or that began to count.

        check: only of this check, as `host.disk@prod` or `host.disk` for every target, or of a kind, as `host`; or of
            results by their ids.
        seq: only those of this run.
        newest: how many at most.
        """
        names = self.names(check) if isinstance(check, str) else sorted(check or ())
        if check is not None and not names:
            return []
        asked: list[Any] = [self._inventory]
        sql = f"""
            SELECT {_SEEN}
            FROM opscheck_result r
            JOIN opscheck_series s ON s.id = r.series
            JOIN opscheck_run n ON n.seq = r.run
            WHERE r.changed = 1 AND s.inventory = ?
        """
        if names:
            sql += f" AND s.result IN ({', '.join('?' * len(names))})"
            asked += names
        if seq is not None:
            sql += " AND r.run = ?"
            asked.append(seq)
        sql += " ORDER BY r.run DESC, s.result" + (f" LIMIT {int(newest)}" if newest is not None else "")
        return [_seen(row) for row in self._store.rows(sql, asked)]

    def names(self, check: str | None = None) -> list[str]:
        """Return the ids that the history knows, all or those of a check or a kind."""
        rows = self._store.rows(
            "SELECT result FROM opscheck_series WHERE inventory = ? ORDER BY result", (self._inventory,)
        )
        known = [name for (name,) in rows]
        return [name for name in known if check is None or name == check or name.startswith((f"{check}@", f"{check}."))]

    def values(self, seq: int, newest: int = 30) -> dict[tuple[str, str | None], list[Point]]:
        """Return the newest values of everything that a run measured, by result id and subject."""
        sql = f"""
            SELECT m.subject, m.run, m.value, m.exact, m.breached
            FROM (SELECT DISTINCT subject FROM opscheck_measurement WHERE run = ?) c
            {self._store.newest("opscheck_measurement m", "subject", "c.subject", newest)}
        """
        rows = self._store.rows(sql, (seq,))
        named = self._store.rows(
            "SELECT j.id, s.result, j.subject FROM opscheck_subject j JOIN opscheck_series s ON s.id = j.series "
            "WHERE j.id IN (SELECT subject FROM opscheck_measurement WHERE run = ?)",
            (seq,),
        )
        started = self._started({row[1] for row in rows})
        by_subject: dict[int, list[Point]] = defaultdict(list)
        for own, run, value, exact, breached in sorted(rows, key=itemgetter(1), reverse=True):
            told = value if exact is None else value_of(value, exact)
            by_subject[own].append(Point(started[run], told, breached))
        return {(name, subject): by_subject[own] for own, name, subject in named}

    def counts(
        self, since: dt.datetime | None = None, until: dt.datetime | None = None, check_id: str | None = None
    ) -> dict[str, dict[Verdict, int]]:
        """Return how often each check had each verdict, by id, in runs that started within a time."""
        sql = """
            SELECT s.result, r.verdict, count(*) FROM opscheck_series s
            JOIN opscheck_result r ON r.series = s.id
            JOIN opscheck_run n ON n.seq = r.run AND n.started >= ? AND n.started < ?
            WHERE s.inventory = ?
        """
        asked = [utc(since) if since else "", utc(until) if until else "9999", self._inventory]
        if check_id is not None:
            sql += " AND s.result = ?"
            asked.append(check_id)
        found: dict[str, dict[Verdict, int]] = defaultdict(dict)
        for name, verdict, number in self._store.rows(sql + " GROUP BY s.result, r.verdict", asked):
            found[name][Verdict(verdict)] = number
        return found

    def judged(self, seqs: Sequence[int]) -> Iterator[Judged]:
        """Yield every result of some runs, in no order."""
        for chunk in chunks(seqs, 100):
            sql = f"""
                SELECT s.result, r.run, r.verdict, r.about FROM opscheck_result r
                JOIN opscheck_series s ON s.id = r.series WHERE r.run IN ({marks(len(chunk))})
            """
            for name, run, verdict, about in self._store.rows(sql, chunk):
                yield Judged(name, run, Verdict(verdict), about)

    def standings(self, seqs: Sequence[int]) -> Iterator[Standing]:
        """Yield what came of every check of some runs, in no order."""
        for chunk in chunks(seqs, 20):
            sql = f"""
                SELECT s.result, r.run, r.verdict, r.severity, r.message, r.pending, r.wrong_since, r.duration_s,
                       r.about
                FROM opscheck_result r JOIN opscheck_series s ON s.id = r.series WHERE r.run IN ({marks(len(chunk))})
            """
            for name, run, verdict, severity, message, pending, since, took_s, about in self._store.rows(sql, chunk):
                yield Standing(name, run, Verdict(verdict), severity, message, pending, _optional(since), took_s, about)

    def worst(self, seqs: Sequence[int]) -> dict[int, str]:
        """Return the worst severity of what was not ok and counted, by run."""
        found: dict[int, str] = {}
        for chunk in chunks(seqs):
            sql = f"""
                SELECT run, min(severity) FROM opscheck_result
                WHERE run IN ({marks(len(chunk))}) AND fails = 1 AND severity IS NOT NULL GROUP BY run
            """
            found |= dict(self._store.rows(sql, chunk))
        return found

    def abouts(self, keys: Iterable[int]) -> dict[int, dict[str, Any]]:
        """Return what results have in common from run to run, by the `about` of those that were judged."""
        found: dict[int, dict[str, Any]] = {}
        for chunk in chunks(sorted(set(keys))):
            sql = f"SELECT id, content FROM opscheck_text WHERE id IN ({marks(len(chunk))})"
            found |= {key: json.loads(content) for key, content in self._store.rows(sql, chunk)}
        return found

    def samples(self, check_id: str, suite: str | None, newest: int) -> list[Sample]:
        """Return what a check had counted in whole runs of a suite, or of any: the newest first."""
        sql = """
            SELECT n.started, r.counters FROM opscheck_series s
            JOIN opscheck_result r ON r.series = s.id
            JOIN opscheck_run n ON n.seq = r.run
            WHERE s.inventory = ? AND s.result = ? AND r.counters IS NOT NULL AND n.narrowed = 0
        """
        asked: list[Any] = [self._inventory, check_id]
        if suite is not None:
            sql += " AND n.suite = ?"
            asked.append(suite)
        rows = self._store.rows(f"{sql} ORDER BY r.series, r.run DESC LIMIT {int(newest)}", asked)
        return [
            Sample(_moment(started), {each["subject"]: Counted(**each) for each in json.loads(counters)})
            for started, counters in rows
        ]

    def begun(self, now: dt.datetime) -> list[ManualMaintenance]:
        """Return the maintenance that somebody began by hand and that is under way, the oldest first."""
        return begun(self._store, self._inventory, now)

    def announced(self, since: dt.datetime | None = None) -> list[Announced]:
        """Return the runs that were announced, the newest first: since a moment, or the newest of each suite."""
        return announced(self._store, self._inventory, since)

    def told(self) -> dict[tuple[str, str], Notification]:
        """Return what was told last, by channel and result id."""
        return told(self._store, self._inventory)

    def _started(self, seqs: Iterable[int]) -> Mapping[int, dt.datetime]:
        """Return when runs started."""
        wanted = set(seqs)
        found: dict[int, dt.datetime] = {}
        for chunk in chunks(sorted(wanted)):
            rows = self._store.rows(f"SELECT seq, started FROM opscheck_run WHERE seq IN ({marks(len(chunk))})", chunk)
            found |= {seq: _moment(started) for seq, started in rows}
        if len(found) < len(wanted):
            raise HistoryError("some results belong to runs that are missing; see `opscheck history verify`")
        return found


def _seen(row: tuple[Any, ...]) -> PastResult:
    name, run, started, verdict, severity, message, pending, state, since, wrong_since = row
    return PastResult(
        name,
        run,
        _moment(started),
        Verdict(verdict),
        severity,
        message,
        pending,
        State(state) if state else None,
        _optional(since),
        _optional(wrong_since),
    )


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _optional(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None
