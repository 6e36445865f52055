"""Writes a run: all of it in one transaction, as the next link of the chain, and takes away what is too old."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from ._document import columns, hash_of, utc
from ._store import HistoryError, Store, transaction

RUN = ("id", "suite", "inventory", "started", "finished", "exit_status", "vantage", "version", "narrowed")
RESULT = ("verdict", "severity", "fails", "message", "blocked_by", "action", "pending", "attempts", "duration_s")
"""The keys of a result that have a column. What else it has, `about` holds: it is the same from run to run."""
MEASUREMENT = ("breached", "problem", "observed")
_OWN = ("counters", "change")
_CHUNK = 400
_MOST_REMOVED = 500
"""Runs that one run takes away at most, so that its end stays short."""


def append(store: Store, data: dict[str, Any]) -> str:
    """Write a run behind the newest one, and return its hash."""
    with transaction(store, writes=True):
        newest, before = _end(store)
        return _write(store, newest + 1, before, data)


def settle(store: Store, run_id: str, exit_status: int) -> None:
    """Note the exit status that a run has got since it was written; what was written stays."""
    with transaction(store, writes=True):
        store.rows("UPDATE opscheck_run SET settled = ? WHERE id = ?", (exit_status, run_id))


def take_over(store: Store, seq: int, before: str, digest: str, data: dict[str, Any]) -> None:
    """Write a run of another history in its place of the chain, of which an empty one may begin anywhere.

    Raises HistoryError where it does not belong there.
    """
    with transaction(store, writes=True):
        newest, end = _end(store)
        if newest == 0 and seq > 1:
            store.rows("UPDATE opscheck_chain SET removed = ?, removed_hash = ?", (seq - 1, before))
        elif seq != newest + 1:
            raise HistoryError(f"run {seq} does not follow run {newest}, the latest one here")
        elif before != end:
            raise HistoryError(f"run {seq} follows a different run {newest} from the one here")
        if _write(store, seq, before, data) != digest:
            raise HistoryError(f"run {seq} was changed: its hash does not match")


def _end(store: Store) -> tuple[int, str]:
    """Return the newest run's place and hash; nobody else writes before the transaction ends."""
    ((newest, digest),) = store.rows(f"SELECT newest, newest_hash FROM opscheck_chain{store.locked}")
    return newest, digest


def _write(store: Store, seq: int, before: str, data: dict[str, Any]) -> str:
    digest = hash_of(seq, before, data)
    _insert(store, seq, before, digest, data)
    store.rows("UPDATE opscheck_chain SET newest = ?, newest_hash = ?", (seq, digest))
    return digest


def _insert(store: Store, seq: int, before: str, digest: str, data: dict[str, Any]) -> None:
    run, results = data["run"], data["results"]
    more = {key: value for key, value in run.items() if key not in RUN}
    known = [int(run[key]) if key == "narrowed" else run[key] for key in RUN]
    store.rows(
        f"INSERT INTO opscheck_run (seq, {', '.join(RUN)}, more, before, hash) VALUES ({marks(len(RUN) + 4)})",
        (seq, *known, _json(more) if more else None, before, digest),
    )
    inventory = run["inventory"]
    series = _ids(store, "opscheck_series", ("inventory", "result"), [(inventory, each["id"]) for each in results])
    abouts = [
        _json({key: value for key, value in each.items() if key not in {*RESULT, "id", "measurements", *_OWN}})
        for each in results
    ]
    contents = [[_json(_about(m)) for m in each["measurements"]] for each in results]
    texts = _ids(store, "opscheck_text", ("content",), [(text,) for text in (*abouts, *chain.from_iterable(contents))])
    last = _last(store, series.values())
    rows = []
    for place, (each, about) in enumerate(zip(results, abouts, strict=True)):
        own = series[inventory, each["id"]]
        rows.append((own, seq, place, *_row(each, last.get(own), run["started"]), texts[about,]))
    names = (*RESULT, "counters", "state", "since", "wrong_since", "changed", "about")
    store.many(
        f"INSERT INTO opscheck_result (series, run, place, {', '.join(names)}) VALUES ({marks(len(names) + 3)})", rows
    )
    subjects = _ids(
        store,
        "opscheck_subject",
        ("series", "subject"),
        [(series[inventory, each["id"]], m["subject"]) for each in results for m in each["measurements"]],
    )
    store.many(
        "INSERT INTO opscheck_measurement (subject, run, place, number, value, exact, breached, problem, observed, "
        f"about) VALUES ({marks(10)})",
        [
            (
                subjects[series[inventory, each["id"]], m["subject"]],
                seq,
                place,
                number,
                *columns(m["value"]),
                *(m.get(key) for key in MEASUREMENT),
                texts[content,],
            )
            for place, each in enumerate(results)
            for number, (m, content) in enumerate(zip(each["measurements"], contents[place], strict=True))
        ],
    )


def _about(measurement: dict[str, Any]) -> dict[str, Any]:
    """Return what is the same of a measurement from run to run: its unit, its limits, and what was expected."""
    return {key: value for key, value in measurement.items() if key not in (*MEASUREMENT, "subject", "value")}


def _row(result: dict[str, Any], last: _Last | None, started: str) -> Sequence[Any]:
    """Return the columns of a result; `last` is of the one before."""
    wrong_since = last.wrong_since if last else None
    change = result.get("change") or {}
    if result["verdict"] in ("breach", "unknown"):
        wrong_since = wrong_since or started
    elif result["verdict"] == "ok":
        wrong_since = None  # what is blocked, waived or in maintenance says nothing of it
    now = (result["verdict"], result["severity"], result.get("pending") is not None)
    changed = now != last.judged if last else result["verdict"] != "ok"
    counters = result.get("counters")
    return (
        *(int(result[key]) if key == "fails" else result.get(key) for key in RESULT),
        _json(counters) if counters is not None else None,
        change.get("state"),
        change.get("since"),
        wrong_since,
        int(changed),
    )


@dataclass(frozen=True, slots=True)
class _Last:
    """What the next result of a check is compared with: verdict, severity and whether it counted; since when wrong."""

    judged: tuple[str, str | None, bool]
    wrong_since: str | None


def _last(store: Store, series: Iterable[int]) -> dict[int, _Last]:
    """Return the newest result of each series."""
    found: dict[int, _Last] = {}
    for chunk in chunks(sorted(series)):
        sql = f"""
            SELECT r.series, r.verdict, r.severity, r.pending, r.wrong_since FROM opscheck_result r
            JOIN (SELECT series, max(run) AS run FROM opscheck_result WHERE series IN ({marks(len(chunk))})
                  GROUP BY series) newest ON newest.series = r.series AND newest.run = r.run
            ORDER BY r.series, r.place
        """
        for own, verdict, severity, pending, wrong_since in store.rows(sql, chunk):
            found[own] = _Last((verdict, severity, pending is not None), wrong_since)
    return found


def _ids(
    store: Store, table: str, names: tuple[str, ...], wanted: Iterable[tuple[Any, ...]]
) -> dict[tuple[Any, ...], int]:
    """Return the ids of rows of a table that holds each once; those that are not there yet are added."""
    digests = {key: hashlib.sha256(_json(key).encode()).hexdigest()[:32] for key in wanted}
    known: dict[str, int] = {}
    for chunk in chunks(sorted(digests.values())):
        known |= dict(store.rows(f"SELECT digest, id FROM {table} WHERE digest IN ({marks(len(chunk))})", chunk))
    fresh = {key: digest for key, digest in digests.items() if digest not in known}
    if fresh:
        ((newest,),) = store.rows(f"SELECT coalesce(max(id), 0) FROM {table}")
        known |= {digest: newest + number for number, digest in enumerate(fresh.values(), start=1)}
        store.many(
            f"INSERT INTO {table} (id, digest, {', '.join(names)}) VALUES ({marks(len(names) + 2)})",
            [(known[digest], digest, *key) for key, digest in fresh.items()],
        )
    return {key: known[digest] for key, digest in digests.items()}


def prune(store: Store, now: dt.datetime, keep_s: float) -> int:
    """Take away the oldest runs that ended longer ago than that, and return how many.

    Only from the chain's beginning: of a run with a wrong date in the middle nothing is torn out.
    """
    before = utc(now - dt.timedelta(seconds=keep_s))
    with transaction(store, writes=True):
        ((removed,),) = store.rows(f"SELECT removed FROM opscheck_chain{store.locked}")
        ((kept,),) = store.rows("SELECT min(seq) FROM opscheck_run WHERE finished >= ?", (before,))
        ((newest,),) = store.rows("SELECT newest FROM opscheck_chain")
        last = min(removed + _MOST_REMOVED, (kept or newest + 1) - 1)
        if last <= removed:
            return 0
        ((digest,),) = store.rows("SELECT hash FROM opscheck_run WHERE seq = ?", (last,)) or (("",),)
        for table, column in (("measurement", "run"), ("result", "run"), ("run", "seq")):
            store.rows(f"DELETE FROM opscheck_{table} WHERE {column} <= ?", (last,))
        for table, user, column in (("subject", "measurement", "subject"), ("series", "result", "series")):
            store.rows(
                f"DELETE FROM opscheck_{table} WHERE NOT EXISTS "
                f"(SELECT 1 FROM opscheck_{user} u WHERE u.{column} = opscheck_{table}.id)"
            )
        store.rows("DELETE FROM opscheck_maintenance WHERE ends < ?", (before,))
        store.rows("DELETE FROM opscheck_told WHERE at < ?", (before,))
        store.rows("DELETE FROM opscheck_gate WHERE at < ?", (before,))
        store.rows("UPDATE opscheck_chain SET removed = ?, removed_hash = ?, removed_at = ?", (last, digest, utc(now)))
    return int(last - removed)


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def marks(count: int) -> str:
    """Return the question marks of a statement's parameters."""
    return ", ".join("?" * count)


def chunks(values: Sequence[Any], size: int = _CHUNK) -> Iterable[Sequence[Any]]:
    """Yield values in parts that fit a statement, and its answer."""
    return (values[start : start + size] for start in range(0, len(values), size))
