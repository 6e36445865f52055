"""Results as frozen values, and the one place that counts verdicts and decides the exit status."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .duty import Duty
from .limits import SEVERITIES

SCHEMA = "opscheck.results/1"
NOTHING_JUDGED = 5
"""The exit status of a run in which nothing was judged, as pytest's own of one without tests."""
INTERRUPTED = 2
"""The exit status of a run that was asked to end, as pytest's own."""
FAULT = 3
"""The exit status of a run that is well but for a fault of the checker itself: pytest's own of an internal error."""


class Verdict(StrEnum):
    """What came of a check, worst first as reports sort it."""

    BREACH = "breach"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"
    MAINTENANCE = "maintenance"
    WAIVED = "waived"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One judged value. `breached` is the severity of the worst limit that it broke.

    `problem` says why it could not be judged. `observed` and `expected` are the texts of reports. `waived` says who
    answers for a breach of it. `samples` are the times that `value` was made of, in microseconds, in the order in which
    they were taken; `share` is of how many how many failed, where it is a share: failed, all.
    """

    subject: str | None
    value: Any
    unit: str
    limits: Mapping[str, str]
    breached: str | None = None
    problem: str | None = None
    observed: str = ""
    expected: str = ""
    waived: str | None = None
    samples: tuple[int, ...] = ()
    share: tuple[int, int] | None = None

    @property
    def counts(self) -> bool:
        """Whether it breaks a limit, and nobody answers for that."""
        return self.breached is not None and self.waived is None

    def to_json(self) -> dict[str, Any]:
        """Return the measurement as the results file has it."""
        data = {
            "subject": self.subject,
            "value": self.value,
            "unit": self.unit,
            "limits": dict(self.limits),
            "breached": self.breached,
        }
        texts = {"problem": self.problem, "observed": self.observed, "expected": self.expected, "waived": self.waived}
        rest = {"samples": list(self.samples), "share": None if self.share is None else list(self.share)}
        return data | {name: value for name, value in {**texts, **rest}.items() if value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Measurement:
        """Make a measurement of its plain data."""
        share = tuple(data["share"]) if data.get("share") else None
        return cls(**{**data, "samples": tuple(data.get("samples", ())), "share": share})


class State(StrEnum):
    """How a result stands to those before it."""

    NEW = "new"
    ONGOING = "ongoing"
    RECOVERED = "recovered"
    FLAPPING = "flapping"


@dataclass(frozen=True, slots=True)
class Change:
    """How a result stands to those before it, and since when it is, or was, not ok.

    Of one that flaps, `since` is the first of the changes that are counted.
    """

    state: State
    since: dt.datetime

    def to_json(self) -> dict[str, Any]:
        """Return the change as the results file has it."""
        return {"state": str(self.state), "since": _iso(self.since)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Change:
        """Make a change of its plain data."""
        return cls(State(data["state"]), dt.datetime.fromisoformat(data["since"]))


@dataclass(frozen=True, slots=True)
class Counted:
    """What a check's counters say, by name, and whose they are where it has several.

    counted_by: the server, the container or what else has counted, None where nothing tells one from another.
    """

    subject: str | None
    counts: Mapping[str, float]
    counted_by: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the counters as the results file has them."""
        by = {} if self.counted_by is None else {"counted_by": self.counted_by}
        return {"subject": self.subject, "counts": dict(self.counts), **by}

    def follows(self, before: Counted) -> bool:
        """Tell whether this goes on counting where the other one left off, and did not start over."""
        if None not in (self.counted_by, before.counted_by) and self.counted_by != before.counted_by:
            return False
        return all(count >= before.counts[name] for name, count in self.counts.items())


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why a result fails nothing and alerts nobody, and the verdict that it would have had.

    In a gate a maintenance window changes no verdict: then it only alerts nobody.

    by: the name of the maintenance window, or `waiver`.
    until: the waiver's last day, or when the window ends, in ISO 8601.
    who: the waiver's owner, or who began a maintenance that is not a rule of the inventory.
    """

    verdict: Verdict
    by: str
    why: str
    until: str | None = None
    who: str | None = None
    ticket: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as the results file has it."""
        texts = {"until": self.until, "who": self.who, "ticket": self.ticket}
        data = {"verdict": str(self.verdict), "by": self.by, "why": self.why}
        return data | {name: text for name, text in texts.items() if text}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Excuse:
        """Make it of its plain data."""
        return cls(**{**data, "verdict": Verdict(data["verdict"])})


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one check of one target. `fails` says whether it fails the run.

    `pending` says why a breach does not count yet. `change` is known when the run is compared with those before it.
    `quiet` says by what it is waived or in maintenance, `duty` who answers for a breach, `vantage` from where it was
    looked, where an inventory has several such places.
    """

    id: str
    check: str
    target: str
    title: str
    suites: tuple[str, ...]
    verdict: Verdict
    severity: str | None
    message: str
    measurements: tuple[Measurement, ...] = ()
    blocked_by: str | None = None
    runbook: str | None = None
    action: str | None = None
    covers: tuple[str, ...] = ()
    attempts: int = 1
    duration_s: float = 0.0
    fails: bool = False
    pending: str | None = None
    counters: tuple[Counted, ...] = ()
    change: Change | None = None
    quiet: Excuse | None = None
    duty: Duty | None = None
    vantage: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the result as the results file has it."""
        data = {name: getattr(self, name) for name in _RESULT_FIELDS}
        data |= {name: value for name in ("pending", "vantage") if (value := getattr(self, name)) is not None}
        if self.counters:
            data["counters"] = [counted.to_json() for counted in self.counters]
        if self.change is not None:
            data["change"] = self.change.to_json()
        if self.quiet is not None:
            data["quiet"] = self.quiet.to_json()
        if self.duty is not None:
            data["duty"] = self.duty.to_json()
        return data | {
            "suites": list(self.suites),
            "covers": list(self.covers),
            "verdict": str(self.verdict),
            "measurements": [measurement.to_json() for measurement in self.measurements],
            "duration_s": round(self.duration_s, 3),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Result:
        """Make a result of its plain data, as it comes from another process or a file."""
        measurements = tuple(map(Measurement.from_json, data["measurements"]))
        return cls(
            **{
                **data,
                "suites": tuple(data["suites"]),
                "covers": tuple(data.get("covers", ())),
                "verdict": Verdict(data["verdict"]),
                "measurements": measurements,
                "counters": tuple(Counted(**counted) for counted in data.get("counters", ())),
                "change": Change.from_json(data["change"]) if data.get("change") else None,
                "quiet": Excuse.from_json(data["quiet"]) if data.get("quiet") else None,
                "duty": Duty.from_json(data["duty"]) if data.get("duty") else None,
            }
        )

    @property
    def worst(self) -> Measurement | None:
        """The measurement that a table shows: the worst breach, else what could not be judged, else the first."""
        breached = sorted((m for m in self.measurements if m.breached), key=lambda m: (not m.counts, m.breached))
        unjudged = [m for m in self.measurements if m.problem]
        return next(iter([*breached, *unjudged, *self.measurements]), None)

    @property
    def rank(self) -> tuple[int, str, str]:
        """Sorts worst first."""
        order = {Verdict.BREACH: 0, Verdict.UNKNOWN: 0, Verdict.BLOCKED: 4, Verdict.MAINTENANCE: 5, Verdict.WAIVED: 6}
        severity = SEVERITIES.index(self.severity) / 10 if self.severity in SEVERITIES else 0.9
        return (int(10 * (order.get(self.verdict, 7) + severity)), str(self.verdict), self.id)


_SELDOM = ("pending", "counters", "change", "quiet", "duty", "vantage")
_RESULT_FIELDS = tuple(each.name for each in dataclasses.fields(Result) if each.name not in _SELDOM)
"""The fields that every result has in the results file."""


@dataclass(frozen=True)
class Run:
    """One execution of a suite, with its results.

    `checks_status` is what its checks came to, as an exit status; `exit_status`, which is that of the process, may say
    more: a fault of the checker, or an interruption after the last check. `narrowed` says whether checks of the suite
    were not run, for whatever reason, and `not_run` how many of these have no result; `hash` is the run's in the
    history, where it is recorded. `notices` are sentences on the inventory itself, which reports repeat: waivers that
    end soon or have ended, and what a plugin has left out. `shard` says which part of a run it is, `3/8`, None for a
    whole one, and `digest` then by which inventory and environment; `vantage` from where it was looked.
    """

    id: str
    suite: str | None
    inventory: str
    started: dt.datetime
    finished: dt.datetime
    vantage: str
    version: str
    results: tuple[Result, ...]
    exit_status: int
    checks_status: int | None = None
    narrowed: bool = False
    not_run: int = 0
    hash: str | None = None
    notices: tuple[str, ...] = ()
    shard: str | None = None
    digest: str | None = None

    def __post_init__(self) -> None:
        """Where nothing else is said, the run came to what its checks came to."""
        if self.checks_status is None:
            object.__setattr__(self, "checks_status", self.exit_status)

    @property
    def duration_s(self) -> float:
        """How long the run took."""
        return (self.finished - self.started).total_seconds()

    def to_json(self) -> dict[str, Any]:
        """Return the results file."""
        results = [result.to_json() for result in self.results]
        return {"schema": SCHEMA, "run": self.head(), "summary": summary(self.results), "results": results}

    def head(self) -> dict[str, Any]:
        """Return what the results file says of the run itself."""
        return {
            "id": self.id,
            "suite": self.suite,
            "inventory": self.inventory,
            "started": _iso(self.started),
            "finished": _iso(self.finished),
            "duration_s": round(self.duration_s, 3),
            "vantage": self.vantage,
            "version": self.version,
            "exit_status": self.exit_status,
            "checks_status": self.checks_status,
            "narrowed": self.narrowed,
            **({"not_run": self.not_run} if self.not_run else {}),
            **({"hash": self.hash} if self.hash else {}),
            **({"notices": list(self.notices)} if self.notices else {}),
            **({"shard": self.shard, "digest": self.digest} if self.shard else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Run:
        """Make a run of its plain data, as a results file or the history has it."""
        run = data["run"]
        names = ("id", "suite", "inventory", "vantage", "version", "exit_status")
        return cls(
            **{name: run[name] for name in names},
            started=dt.datetime.fromisoformat(run["started"]),
            finished=dt.datetime.fromisoformat(run["finished"]),
            checks_status=run.get("checks_status", run["exit_status"]),
            narrowed=run.get("narrowed", False),
            not_run=run.get("not_run", 0),
            hash=run.get("hash"),
            notices=tuple(run.get("notices", ())),
            shard=run.get("shard"),
            digest=run.get("digest"),
            results=tuple(map(Result.from_json, data["results"])),
        )


def _iso(moment: dt.datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def summary(results: Iterable[Result]) -> dict[str, Any]:
    """Count results by verdict, and breaches and unknowns by severity."""
    results = list(results)
    counts = Counter(result.verdict for result in results)
    severities = Counter(result.severity for result in results if result.verdict is Verdict.BREACH and result.severity)
    order = (Verdict.OK, Verdict.BREACH, Verdict.UNKNOWN, Verdict.BLOCKED, Verdict.WAIVED, Verdict.MAINTENANCE)
    return {str(verdict): counts[verdict] for verdict in order} | {
        "by_severity": {severity: severities[severity] for severity in SEVERITIES if severities[severity]}
    }


def with_steps(
    results: Iterable[Result],
    steps: Mapping[str, Iterable[tuple[str, str]]],
    made: Callable[[str, Result], str | None],
) -> tuple[Result, ...]:
    """Return results with the next step of the first condition that holds: that another check, by its id, is breached.

    `steps` has conditions and actions by the id of the result whose action they are; `made` makes the next step of one.
    Only a breach has one.
    """
    results = tuple(results)
    breached = {result.id for result in results if result.verdict is Verdict.BREACH}
    chosen = {
        result_id: action
        for result_id, steps_of in steps.items()
        if (action := next((action for when, action in steps_of if when in breached), None)) is not None
    }
    return tuple(
        dataclasses.replace(result, action=made(chosen[result.id], result))
        if result.id in chosen and result.verdict is Verdict.BREACH
        else result
        for result in results
    )


def fails(verdict: Verdict, severity: str | None, fail_at: str) -> bool:
    """Tell whether a result fails the run: every unknown does, and a breach from a severity on."""
    if verdict is Verdict.BREACH:
        return severity is None or severity <= fail_at
    return verdict is Verdict.UNKNOWN


def exit_status(pytest_status: int, results: Iterable[Result]) -> int:
    """Return a run's exit status: pytest's own, unless that is 0 although nothing was judged or something fails."""
    results = list(results)
    if pytest_status not in (0, 5):
        return pytest_status
    if any(result.fails for result in results):
        return 1
    judged = [result for result in results if result.verdict in (Verdict.OK, Verdict.BREACH)]
    if not judged:
        return NOTHING_JUDGED
    not_ok = (Verdict.BREACH, Verdict.UNKNOWN, Verdict.MAINTENANCE, Verdict.WAIVED)
    known = {result.id for result in results if result.verdict in not_ok}
    orphans = [
        r for r in results if r.verdict is Verdict.BLOCKED and r.blocked_by is not None and r.blocked_by not in known
    ]
    return 1 if orphans else 0
