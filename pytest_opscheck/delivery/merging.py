"""Makes one run of the parts of a run. What is due comes from the inventory: what brought no result is unknown."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import json
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.results import FAULT, SCHEMA, Measurement, Result, Run, Verdict, exit_status
from ..core.shards import Part, Shard, parse_shard
from ..core.suites import GATE
from ..core.vantage import DEFAULT, here
from ..files.reading import content
from ..history import Announced, HistoryError, Past
from ..inventory import Expectation, Inventory
from ..judge.conclude import Judge
from ..judge.duties import with_duties
from ..judge.subject import Subject
from ..plan import contact_names

_LONGEST = 64_000_000
"""Bytes of a results file that is read."""
SHARD_REPORTS, VANTAGE_REPORTS = "shard.reports", "vantage.reports"
"""The checks that a part of a run brought its results."""
_ACTION = "See its process: it did not start, was killed, or could not deliver its file"


class MergeError(Exception):
    """What keeps shards from being one run; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What one part of a run brought, and the file that it stands in; None where it came otherwise."""

    file: Path | None
    run: Run
    part: Part


def parts_in(places: Iterable[Path], vantages: Collection[str]) -> list[Brought]:
    """Return the parts' results in some files, and in all of some folders. Raises MergeError.

    vantages: the inventory's.
    """
    found = []
    for place in places:
        files = sorted(place.rglob("*.json")) if place.is_dir() else [place]
        read = (_brought(file, vantages, is_named=not place.is_dir()) for file in files)
        found += [each for each in read if each is not None]
    return found


def _brought(file: Path, vantages: Collection[str], *, is_named: bool) -> Brought | None:
    """Return what a part brought; None for a file that is none, and that nobody has named."""
    try:
        run = _run(json.loads(content(file, _LONGEST)))
        return Brought(file, run, Part(run.vantage if vantages else None, parse_shard(run.shard or "")))
    except OSError as error:
        raise MergeError(f"{file}: {(error.strerror or str(error)).lower()}") from None
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        if not is_named and not isinstance(error, json.JSONDecodeError):
            return None
        raise MergeError(f"{file} is not the results of a shard: {error}") from None


def _run(data: object) -> Run:
    """Return the run of a results file. Raises ValueError for one that is of no shard."""
    if not isinstance(data, Mapping) or data.get("schema") != SCHEMA:
        raise ValueError(f"its schema is not {SCHEMA!r}")
    run = Run.from_json(data)
    if run.shard is None:
        raise ValueError("it is of a whole run, and not of a shard")
    return run


def merged(
    inventory: Inventory,
    suite: str,
    parts: Collection[Brought],
    wanted: Mapping[str | None, int],
    past: Past,
    *,
    reasons: Mapping[Part, str] | None = None,
) -> Run:
    """Return one run of the parts of a suite's run. Raises MergeError for those that do not belong together.

    wanted: of how many shards each vantage point has, as far as that is known otherwise than by what came.
    reasons: why parts have brought nothing, where that is known.
    """
    counts = _counts(parts, wanted)
    for each in parts:
        _require_same(each, inventory, suite)
    now = inventory.now()
    due = _Due(inventory, suite, counts, frozenset(each.part for each in parts), reasons or {})
    lasting = {each.id: each.lasting for each in inventory.expectations if each.lasting and suite != GATE}
    found = (past.settled(each, lasting.get(each.id), now) for each in due.completed(_worst(parts)))
    results = past.compared(sorted(found, key=lambda result: result.rank), now)
    results = with_duties(results, inventory.duties, now)
    return Run(
        id=uuid.uuid4().hex,
        suite=suite,
        inventory=inventory.redactor.text(inventory.name),
        started=min((each.run.started for each in parts), default=now),
        finished=max((each.run.finished for each in parts), default=now),
        vantage=", ".join(dict.fromkeys(each.run.vantage for each in parts)) or here(),
        version=_version(),
        results=results,
        exit_status=_status(results),
        narrowed=any(each.run.narrowed for each in parts),
        notices=tuple(dict.fromkeys(notice for each in parts for notice in each.run.notices)),
    )


def _status(results: Collection[Result]) -> int:
    """Return the exit status of a merged run: that every part has come is no verdict on any target."""
    of_targets = [each for each in results if each.check not in (SHARD_REPORTS, VANTAGE_REPORTS)]
    return exit_status(0, results) or exit_status(0, of_targets)


def merged_until(past: Past, suite: str) -> dt.datetime:
    """Return when the last run ended that was merged: what had ended by then is not of the next one."""
    newest = past.newest(suite)
    if newest is not None and any(result.check in (SHARD_REPORTS, VANTAGE_REPORTS) for result in newest.results):
        return newest.finished
    return dt.datetime.min.replace(tzinfo=dt.UTC)


def recorded(run: Run, past: Past, announced: Announced | None) -> tuple[Run, str | None]:
    """Record a run, and return it with its hash, and what went wrong with that; one that was announced is no more."""
    if past.fault is not None:
        return run, f"could not read the history: {past.fault}"
    try:
        run = replace(run, hash=past.record(run))
        if announced is not None:
            past.note_merged(announced, run.finished)
    except HistoryError as error:
        return replace(run, exit_status=run.exit_status or FAULT), f"could not record the run in the history: {error}"
    return run, None


def _require_same(brought: Brought, inventory: Inventory, suite: str) -> None:
    run = brought.run
    name = inventory.redactor.text(inventory.name)
    differing = [
        ("inventory", run.inventory, name),
        ("suite", run.suite, suite),
        ("version of pytest-opscheck", run.version, _version()),
        ("digest of the inventory", run.digest, inventory.fingerprint),
    ]
    for what, theirs, ours in differing:
        if theirs != ours:
            raise MergeError(
                f"{brought.file or brought.part}: its {what} is {theirs}, and here it is {ours}; "
                "merge shards of one run, with the inventory that they ran with"
            )
    if brought.part.vantage not in (None, DEFAULT, *inventory.vantages):
        where = brought.file or brought.part
        raise MergeError(f"{where}: it is of {brought.part.vantage!r}, which is none of the vantage points here")


def wanted_by(inventory: Inventory, announced: Announced | None, shards: int | None) -> dict[str | None, int]:
    """Return of how many shards each vantage point has: as the run was announced, or as somebody says."""
    found: dict[str | None, int] = {}
    if announced is not None:
        found = {name or None: of for name, of in announced.parts.items()}
    if shards is not None:
        found[DEFAULT if inventory.vantages else None] = shards
    return found


def _counts(parts: Iterable[Brought], wanted: Mapping[str | None, int]) -> dict[str | None, int]:
    """Return how many shards there are of each vantage point. Raises MergeError where the parts do not agree."""
    found: dict[str | None, set[int]] = {}
    for each in parts:
        found.setdefault(each.part.vantage, set()).add(each.part.shard.of)
    for vantage, parts_of in found.items():
        of = wanted.get(vantage, min(parts_of))
        if len(parts_of | {of}) > 1:
            several = " and some one of ".join(map(str, sorted(parts_of)))
            told = "" if of in parts_of else f", and there are to be {of}"
            raise MergeError(f"some are one of {several} shards{told}; merge shards of one run")
    return {**wanted, **{vantage: min(parts_of) for vantage, parts_of in found.items()}}


def _worst(parts: Iterable[Brought]) -> dict[str, Result]:
    """Return the results by id; of one that several shards brought the worst."""
    found: dict[str, Result] = {}
    for part in parts:
        for result in part.run.results:
            found[result.id] = min(found.get(result.id, result), result, key=lambda each: each.rank)
    return found


@dataclass(frozen=True, slots=True)
class _Due:
    """What a suite owes: of how many shards each vantage point has, which parts brought anything, or why not."""

    inventory: Inventory
    suite: str
    counts: Mapping[str | None, int]
    there: frozenset[Part]
    reasons: Mapping[Part, str]

    def completed(self, results: Mapping[str, Result]) -> Iterator[Result]:
        """Yield all that is due: unknown where no part brought it, and of each part whether it brought anything."""
        yield from results.values()
        due = [each for each in self._owed if each.id not in results]
        judge, contacts = Judge(self.inventory.suites[self.suite].fail_at), contact_names(self.inventory)
        for each in due:
            vantage = each.target.vantage if self.inventory.vantages else None
            why = self._why(vantage, contacts[each.id])
            yield replace(judge.unknown(Subject.of(each, self.inventory), why), vantage=vantage)
        yield from self._reports()

    @property
    def _owed(self) -> list[Expectation]:
        return [each for each in self.inventory.expectations if self.suite in each.suites]

    def _reports(self) -> Iterator[Result]:
        """Yield whether each vantage point and each shard brought anything."""
        if not self.inventory.vantages:
            yield from (self._of_shard(part) for part in self._parts(None))
            return
        owed = {each.target.vantage for each in self._owed}.union(filter(None, self.counts))
        came = {part.vantage for part in self.there if part.vantage is not None}
        for vantage in sorted(owed | came):
            why = None if vantage in came else self._why_not(self._parts(vantage))
            yield _reports(
                VANTAGE_REPORTS, vantage, f"vantage {vantage}", self.suite, is_there=vantage in came, why=why
            )
            if vantage in came and self.counts.get(vantage, 1) > 1:
                yield from (self._of_shard(part) for part in self._parts(vantage))

    def _of_shard(self, part: Part) -> Result:
        name = f"{part.shard}#{part.vantage}" if part.vantage not in (None, DEFAULT) else str(part.shard)
        return _reports(
            SHARD_REPORTS, name, str(part), self.suite, is_there=part in self.there, why=self._why_not([part])
        )

    def _parts(self, vantage: str | None) -> list[Part]:
        of = self.counts.get(vantage, 1)
        return [Part(vantage, Shard(number, of)) for number in range(1, of + 1)]

    def _why(self, vantage: str | None, contact: str) -> str:
        if vantage is not None and all(part.vantage != vantage for part in self.there):
            why = self._why_not(self._parts(vantage)) or "see why its run did not start, or did not end"
            return f"its vantage {vantage} brought no result; {why}"
        part = next(part for part in self._parts(vantage) if part.shard.holds(contact))
        if part not in self.there:
            why = self._why_not([part]) or "see why it did not run, or did not end"
            return f"its {part.within} brought no result; {why}"
        return f"its {part.within} ended without a result of it"

    def _why_not(self, parts: Iterable[Part]) -> str | None:
        """Return why some parts have brought nothing, as far as it is known."""
        found = dict.fromkeys(self.reasons[part] for part in parts if part in self.reasons)
        return self.inventory.redactor.text("; ".join(found)) or None


def _reports(check: str, name: str, part: str, suite: str, *, is_there: bool, why: str | None) -> Result:
    verdict, severity = (Verdict.OK, None) if is_there else (Verdict.BREACH, "P0")
    which = "results" if is_there else "no results"
    measured = Measurement(part, which, "", {"P0": "== results"}, severity, None, which, "results")
    return Result(
        id=f"{check}@{name}",
        check=check,
        target=name,
        title="Every part of a run brings its results.",
        suites=(suite,),
        verdict=verdict,
        severity=severity,
        message=f"{part} brought {which}{f': {why}' if why and not is_there else ''}",
        measurements=(measured,),
        action=None if is_there or why else _ACTION,
        fails=not is_there,
    )


def _version() -> str:
    return importlib.metadata.version("pytest-opscheck")
