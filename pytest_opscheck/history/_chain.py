"""Reads whole runs back, and sees whether each is as it was written, and behind the one that it was written behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ._document import hash_of, number, value_of
from ._record import MEASUREMENT, RESULT, RUN
from ._store import Store, transaction


@dataclass(frozen=True, slots=True)
class Link:
    """A run in its place of the chain, as plain data."""

    seq: int
    before: str
    hash: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of following the chain from its beginning to its end.

    `problems` are sentences, none where each link holds. `removed` is the last run that was taken away because of its
    age, and `removed_at` when. `newest` is the hash of the newest run, by which all of them can be known.
    """

    runs: int
    problems: tuple[str, ...]
    newest: str
    removed: int
    removed_at: str | None
    found: bool
    """Whether a run of the hash that was asked for is there."""


def links(store: Store) -> Iterator[Link]:
    """Yield every run, the oldest first. They are read one by one, within the caller's transaction."""
    seqs = [seq for (seq,) in store.rows("SELECT seq FROM opscheck_run ORDER BY seq")]
    texts: dict[int, str] = {}
    for seq in seqs:
        found = link(store, seq, texts)
        if found is not None:
            yield found


def link(store: Store, seq: int, texts: dict[int, str] | None = None) -> Link | None:
    """Return one run; `texts` are those known already."""
    rows = store.rows(f"SELECT {', '.join(RUN)}, more, before, hash FROM opscheck_run WHERE seq = ?", (seq,))
    if not rows:
        return None
    *head, more, before, digest = rows[0]
    run = dict(zip(RUN, head, strict=True)) | (json.loads(more) if more else {})
    run["narrowed"] = bool(run["narrowed"])
    results = _results(store, seq, texts if texts is not None else {})
    return Link(seq, before, digest, {"run": run, "results": results})


def _results(store: Store, seq: int, texts: dict[int, str]) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    sql = f"""
        SELECT r.place, s.result, r.about, r.counters, r.state, r.since, {", ".join(f"r.{key}" for key in RESULT)}
        FROM opscheck_result r LEFT JOIN opscheck_series s ON s.id = r.series WHERE r.run = ? ORDER BY r.place
    """
    for place, name, about, counters, state, since, *values in store.rows(sql, (seq,)):
        known = dict(zip(RESULT, values, strict=True))
        known |= {"fails": bool(known["fails"]), "duration_s": number(known["duration_s"])}
        if known["pending"] is None:
            del known["pending"]
        if counters is not None:
            known["counters"] = json.loads(counters)
        if state is not None:
            known["change"] = {"state": state, "since": since}
        found[place] = {**_text(store, about, texts), **known, "id": name, "measurements": []}
    sql = f"""
        SELECT m.place, s.subject, m.value, m.exact, m.about, {", ".join(f"m.{key}" for key in MEASUREMENT)}
        FROM opscheck_measurement m LEFT JOIN opscheck_subject s ON s.id = m.subject
        WHERE m.run = ? ORDER BY m.place, m.number
    """
    for place, subject, value, exact, about, *values in store.rows(sql, (seq,)):
        texts_of = {key: text for key, text in zip(MEASUREMENT, values, strict=True) if text is not None}
        measured = {"subject": subject, "value": value_of(value, exact), "breached": None, **texts_of}
        found.setdefault(place, {"measurements": []})["measurements"].append(_text(store, about, texts) | measured)
    return list(found.values())


def _text(store: Store, key: int, texts: dict[int, str]) -> dict[str, Any]:
    """Return what a shared text says; one that somebody took away says nothing, and then the hash is another."""
    if key not in texts:
        ((content,),) = store.rows("SELECT content FROM opscheck_text WHERE id = ?", (key,)) or (("{}",),)
        texts[key] = content
    data = json.loads(texts[key])
    return data if isinstance(data, dict) else {}


def verified(store: Store, digest: str | None = None) -> Verified:
    """Follow the chain from its beginning to its end; `digest` is the hash of a run to look for."""
    problems: list[str] = []
    with transaction(store, writes=False):
        sql = "SELECT newest, newest_hash, removed, removed_hash, removed_at FROM opscheck_chain"
        ((newest, newest_hash, removed, before, removed_at),) = store.rows(sql)
        expected, runs, found = removed + 1, 0, digest in (None, before)
        for each in links(store):
            named = f"run {each.seq} ({each.data['run']['id']}, {each.data['run']['started']})"
            if each.seq != expected:
                missing = f"run {expected}" if each.seq == expected + 1 else f"runs {expected} to {each.seq - 1}"
                problems.append(f"{missing} of the chain {'is' if each.seq == expected + 1 else 'are'} missing")
            elif each.before != before:
                problems.append(f"{named} was not written behind the run that is before it now")
            if hash_of(each.seq, each.before, each.data) != each.hash:
                problems.append(f"{named} is not as it was written")
            runs, expected, before, found = runs + 1, each.seq + 1, each.hash, found or each.hash == digest
        if (expected - 1, before) != (newest, newest_hash):
            problems.append(f"the newest run is not the one that was written last, which was run {newest}")
    return Verified(runs, tuple(problems), before, removed, removed_at, found)
