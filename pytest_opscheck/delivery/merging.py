"""Makes one run of the shards of a run. What is due comes from the inventory: what brought no result is unknown."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import json
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.results import FAULT, SCHEMA, Measurement, Result, Run, Verdict, exit_status
from ..core.shards import Shard, parse_shard
from ..core.suites import GATE
from ..core.vantage import here
from ..files.reading import content
from ..history import HistoryError, Past
from ..inventory import Inventory
from ..judge.conclude import Judge
from ..judge.duties import with_duties
from ..judge.subject import Subject
from ..plan import contact_names

_LONGEST = 64_000_000
"""Bytes of a results file that is read."""
REPORTS = "shard.reports"
"""The check that a shard brought its results."""


class MergeError(Exception):
    """What keeps shards from being one run; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one shard brought, and the file that it stands in."""

    file: Path
    run: Run
    shard: Shard


def parts_in(places: Iterable[Path]) -> list[Part]:
    """Return the shards' results in some files, and in all of some folders. Raises MergeError."""
    found = []
    for place in places:
        files = sorted(place.rglob("*.json")) if place.is_dir() else [place]
        found += [part for file in files if (part := _part(file, is_named=not place.is_dir())) is not None]
    return found


def _part(file: Path, *, is_named: bool) -> Part | None:
    """Return what a shard brought; None for a file that is none, and that nobody has named."""
    try:
        run = _run(json.loads(content(file, _LONGEST)))
        return Part(file, run, parse_shard(run.shard or ""))
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


def merged(inventory: Inventory, suite: str, parts: Collection[Part], of: int, past: Past) -> Run:
    """Return one run of the shards of a suite's run. Raises MergeError for those that do not belong together.

    of: how many shards there are.
    """
    for part in parts:
        _require_same(part, inventory, suite, of)
    now = inventory.now()
    due = _Due(inventory, suite, of, frozenset(part.shard.number for part in parts))
    lasting = {each.id: each.lasting for each in inventory.expectations if each.lasting and suite != GATE}
    found = (past.settled(each, lasting.get(each.id), now) for each in due.completed(_worst(parts)))
    results = past.compared(sorted(found, key=lambda result: result.rank), now)
    results = with_duties(results, inventory.duties, now)
    return Run(
        id=uuid.uuid4().hex,
        suite=suite,
        inventory=inventory.redactor.text(inventory.name),
        started=min((part.run.started for part in parts), default=now),
        finished=max((part.run.finished for part in parts), default=now),
        vantage=", ".join(dict.fromkeys(part.run.vantage for part in parts)) or here(),
        version=_version(),
        results=results,
        exit_status=exit_status(0, results),
        narrowed=any(part.run.narrowed for part in parts),
        notices=tuple(dict.fromkeys(notice for part in parts for notice in part.run.notices)),
    )


def merged_until(past: Past, suite: str) -> dt.datetime:
    """Return when the last run ended that was merged: what had ended by then is not of the next one."""
    newest = past.newest(suite)
    if newest is not None and any(result.check == REPORTS for result in newest.results):
        return newest.finished
    return dt.datetime.min.replace(tzinfo=dt.UTC)


def recorded(run: Run, past: Past) -> tuple[Run, str | None]:
    """Record a run, and return it with its hash, and what went wrong with that."""
    if past.fault is not None:
        return run, f"could not read the history: {past.fault}"
    try:
        return replace(run, hash=past.record(run)), None
    except HistoryError as error:
        return replace(run, exit_status=run.exit_status or FAULT), f"could not record the run in the history: {error}"


def _require_same(part: Part, inventory: Inventory, suite: str, of: int) -> None:
    run = part.run
    name = inventory.redactor.text(inventory.name)
    differing = [
        ("inventory", run.inventory, name),
        ("suite", run.suite, suite),
        ("number of shards", part.shard.of, of),
        ("version of pytest-opscheck", run.version, _version()),
        ("digest of the inventory", run.digest, inventory.fingerprint),
    ]
    for what, theirs, ours in differing:
        if theirs != ours:
            raise MergeError(
                f"{part.file}: its {what} is {theirs}, and here it is {ours}; "
                "merge shards of one run, with the inventory that they ran with"
            )


def _worst(parts: Iterable[Part]) -> dict[str, Result]:
    """Return the results by id; of one that several shards brought the worst."""
    found: dict[str, Result] = {}
    for part in parts:
        for result in part.run.results:
            found[result.id] = min(found.get(result.id, result), result, key=lambda each: each.rank)
    return found


@dataclass(frozen=True, slots=True)
class _Due:
    """What a suite owes, and the numbers of the shards that brought anything."""

    inventory: Inventory
    suite: str
    of: int
    there: frozenset[int]

    def completed(self, results: Mapping[str, Result]) -> Iterator[Result]:
        """Yield all that is due: unknown where no shard brought it, and of each shard whether it brought anything."""
        yield from results.values()
        due = [each for each in self.inventory.expectations if self.suite in each.suites and each.id not in results]
        judge, contacts = Judge(self.inventory.suites[self.suite].fail_at), contact_names(self.inventory)
        for each in due:
            yield judge.unknown(Subject.of(each, self.inventory), self._why(contacts[each.id]))
        yield from (_reports(shard, self.suite, is_there=shard.number in self.there) for shard in self._shards)

    @property
    def _shards(self) -> list[Shard]:
        return [Shard(number, self.of) for number in range(1, self.of + 1)]

    def _why(self, contact: str) -> str:
        shard = next(shard for shard in self._shards if shard.holds(contact))
        if shard.number not in self.there:
            return f"its shard {shard} brought no result; see why it did not run, or did not end"
        return f"its shard {shard} ended without a result of it"


def _reports(shard: Shard, suite: str, *, is_there: bool) -> Result:
    verdict, severity = (Verdict.OK, None) if is_there else (Verdict.BREACH, "P0")
    said = "results" if is_there else "no results"
    message = f"shard {shard} brought {said}"
    measured = Measurement(f"shard {shard}", said, "", {"P0": "== results"}, severity, None, said, "results")
    return Result(
        id=f"{REPORTS}@{shard}",
        check=REPORTS,
        target=str(shard),
        title="Every shard of a run brings its results.",
        suites=(suite,),
        verdict=verdict,
        severity=severity,
        message=message,
        measurements=(measured,),
        action=None if is_there else "See its process: it did not start, was killed, or could not deliver its file",
        fails=not is_there,
    )


def shards_of(parts: Iterable[Part]) -> Iterator[int]:
    """Yield of how many shards the parts say that there are."""
    yield from dict.fromkeys(part.shard.of for part in parts)


def _version() -> str:
    return importlib.metadata.version("pytest-opscheck")
