"""Compares readings with limits: `expect` takes the measurements, `conclude` makes the result of them."""

from __future__ import annotations

import datetime as dt
import math
import re
import shlex
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from . import quantities
from .board import Reading
from .history import Moved
from .inventory import Expectation, Inventory
from .limits import (
    Ladder,
    Limit,
    LimitError,
    Rung,
    UnjudgeableError,
    dimension,
    parse_ladder,
    parse_limit,
    severity_of,
    single,
    window_s,
)
from .probes import BlockedError, UnknownError, UnreachableError
from .results import Counted, Measurement, Result, Verdict, fails
from .secrets import MASK

DEFAULT_SEVERITY = "P2"
_SHOWN_BREACHES = 5


@dataclass(frozen=True)
class Subject:
    """What is judged: an expectation of the inventory, or a test of one's own with only what it says itself."""

    id: str
    check: str
    target: str
    title: str
    suites: tuple[str, ...]
    severity: str = DEFAULT_SEVERITY
    runbook: str | None = None
    action: str | None = None
    covers: tuple[str, ...] = ()
    where: str | None = None

    @classmethod
    def of(cls, expectation: Expectation, inventory: Inventory) -> Subject:
        """Return what is judged of an expectation."""
        return cls(
            id=expectation.id,
            check=expectation.check_id,
            target=expectation.target.name,
            title=expectation.check.title,
            suites=expectation.suites,
            severity=_at_stake(expectation),
            runbook=runbook_link(inventory.runbook, expectation.runbook),
            action=expectation.action,
            covers=expectation.covers,
            where=expectation.target.keys.where(),
        )


def _at_stake(expectation: Expectation) -> str:
    """Return the severity of what might be broken where it cannot be told: the worst of the limits'."""
    if expectation.limits is None:
        return expectation.severity
    return min(ladder.rungs[0].severity for ladder in expectation.limits.ladders)


def runbook_link(base: str | None, said: str | None) -> str | None:
    """Join an expectation's runbook with the inventory's: an anchor belongs to that, anything else stands alone."""
    if said is None:
        return base
    return f"{base or ''}{said}" if said.startswith("#") else said


class Expect:
    """Records what a check measures, goes on after a breach, and lets `conclude` fail the test once, at its end."""

    def __init__(
        self,
        expectation: Expectation | None,
        now: dt.datetime,
        words: Mapping[str, str],
        moved: Callable[[Counted, float | None], Moved] | None = None,
    ) -> None:
        self._expectation = expectation
        self._now = now
        self._words = words
        self._moved = moved
        self.measurements: list[Measurement] = []
        self.counters: list[Counted] = []
        self.concluded = False

    def __call__(
        self,
        value: Any,
        unit: str = "",
        *,
        subject: str | None = None,
        limit: str | float | Limit | Ladder | Mapping[str, object] | None = None,
        severity: str | None = None,
        also: Mapping[str, Any] | None = None,
        observed: str | None = None,
        secret: bool = False,
        why: str | None = None,
        note: str | None = None,
        most: int | None = None,
    ) -> bool:
        """Judge a value, and return whether it is as expected.

        value: a number, a text or a truth; None where it could not be told, for which `why` gives the reason.
        unit: of the value: %, ms, s, m, h, d, B, kB, MB, GB, KiB, MiB, GiB, a rate such as /day, or none for a count.
        subject: what was measured, where a check measures several things.
        limit: what is expected, where the check itself does not say it: a limit, or a ladder {"P3": "< 70%", ...}.
        severity: of breaking a single `limit`: P0 to P3, or a word of the inventory; by default the check's.
        also: the same value in other units, for limits that are said in those.
        observed: how to say the value where the number alone would say too little: "no file", "97 (most are app: 60)".
        secret: whether the value itself is told nowhere, but `observed` in its place.
        note: what to say in brackets behind the value: of how many, since when.
        most: where a count is known within bounds, `value` is the least that it may be, and this the most. It is judged
            where any number between them is judged alike; else it could not be told, for which `why` gives the reason.

        Raises LimitError for a limit or a severity that does not exist, and TypeError where there is no limit at all,
        or a severity without a single limit. Nothing has been judged then, and the check is not ok.
        """
        if self.concluded:
            raise RuntimeError("the check is over: expect() measures while its test runs, not when it is torn down")
        ladder = self._ladder(limit, severity)
        if isinstance(value, Decimal):
            value = int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
        value, unit = _fitting(value, unit, also or {}, ladder)
        breached, problem = None, why
        try:
            rung = ladder.breached(value, unit)
        except UnjudgeableError as error:
            rung, problem = None, why or str(error)
        else:
            problem = None
            breached = rung.severity if rung else None
            if most is not None and any(
                ladder.breached(each, unit) is not rung for each in _between(value, most, ladder)
            ):
                value = rung = breached = None
                problem = why
            elif most is not None and most != value:
                note = f"at most {most}"
        shown = rung or ladder.rungs[-1]
        if secret and value is not None:
            value = observed = observed or MASK
            problem = problem and (why or f"its value, which is not shown, can't be judged by {shown.limit}")
        said = "" if value is None else quantities.observed(value, unit, shown.limit, _judged_as(ladder, rung))
        observed = (observed or said) + (f" ({note})" if note and value is not None else "")
        self.measurements.append(
            Measurement(
                subject=subject,
                value=_plain(value),
                unit=unit,
                limits=ladder.texts(),
                breached=breached,
                problem=problem,
                observed=observed,
                expected=shown.limit.expected,
            )
        )
        return breached is None and problem is None

    def since_last_run(
        self, subject: str | None = None, *, counted_by: str | None = None, unit: str = "", **counters: float | Decimal
    ) -> Moved:
        """Return by how much counters have grown since the last run of the suite, and remember them for the next one.

        counters: what is counted, as it stands: restarts=5. Those that are reset together are named together.
        subject: whose counters they are, where a check has several.
        counted_by: what tells the server, process or container that has counted from the one after its restart.
        unit: of the limit. Where it is a rate, growth is counted over the rate's window, as far as past runs tell.

        `by` of the answer has the growth of each, and `since` says since when. Without an earlier run `by` has what is
        counted as it stands, and `since` is None. Counters that are smaller than before, or that another one has
        counted, began anew, and all that they say has been counted since then.

        Raises UnknownError for a counter that is no number.
        """
        counts = {name: _count(name, value) for name, value in counters.items()}
        counted = Counted(subject, counts, counted_by)
        self.counters.append(counted)
        return self._moved(counted, window_s(unit)) if self._moved is not None else Moved(counts)

    @property
    def has_limit(self) -> bool:
        """Whether there is a limit for what is measured without one of its own."""
        return self._expectation is not None and self._expectation.limits is not None

    @property
    def by_default(self) -> bool:
        """Whether the limits are the check's own, and not the inventory's."""
        return self._expectation is not None and self._expectation.limits is self._expectation.check.limits

    def _ladder(self, limit: Any, severity: str | None) -> Ladder:
        """Return the limits to judge by. Raises as `expect` does."""
        own = self._expectation.severity if self._expectation else DEFAULT_SEVERITY
        breaking = own if severity is None else severity_of(severity, self._words)
        if isinstance(limit, str | int | float):
            return single(parse_limit(limit), breaking)
        if isinstance(limit, Limit):
            return single(limit, breaking)
        if severity is not None:
            raise TypeError(
                f"severity={severity!r} is of breaking a single limit, for example "
                f'expect(age, "s", limit="< 6h", severity={severity!r}); a ladder names its own severities'
            )
        if isinstance(limit, Ladder):
            return limit
        if isinstance(limit, Mapping):
            return parse_ladder(limit, self._words)
        if limit is not None:
            raise TypeError(f"limit={limit!r} is not a limit; say for example limit='< 6h'")
        if self._expectation is None or self._expectation.limits is None:
            raise TypeError('expect() needs a limit here, for example expect(age, "s", limit="< 6h")')
        return self._expectation.limits.at(self._now)


def _fitting(value: Any, unit: str, also: Mapping[str, Any], ladder: Ladder) -> tuple[Any, str]:
    """Return the form of a value whose unit the ladder's limits have."""
    wanted = ladder.rungs[0].limit.dimension
    for other, same in also.items():
        if wanted not in ("text", dimension(unit)) and dimension(other) == wanted:
            return same, other
    return value, unit


def _between(least: int, most: int, ladder: Ladder) -> list[int]:
    """Return the counts within bounds at which a ladder may begin to judge otherwise."""
    near = {round(rung.limit.number or 0) + step for rung in ladder.rungs for step in (-1, 0, 1)}
    return [most, *(each for each in near if least < each < most)]


def _judged_as(ladder: Ladder, rung: Rung | None) -> Callable[[float, str], bool]:
    """Return what tells whether a number is judged as the one is that breaks a rung, or none."""

    def same(number: float, unit: str) -> bool:
        try:
            return ladder.breached(number, unit) is rung
        except UnjudgeableError:
            return rung is None  # as the value itself: its unit is not that of the limit

    return same


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it: NaN and infinities become text, anything unknown its text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _count(name: str, value: object) -> float:
    """Return a counter as the history keeps it: PostgreSQL's sums are decimals, and of nothing NULL."""
    if isinstance(value, int) and abs(value) < sys.float_info.max:
        return int(value)
    if isinstance(value, float | Decimal) and math.isfinite(value):
        return float(value)
    raise UnknownError(f"the counter {name} is {value!r}, and only numbers can be compared with those of the last run")


def conclude(
    subject: Subject,
    measurements: Collection[Measurement],
    *,
    fail_at: str,
    attempts: int = 1,
    duration_s: float = 0.0,
    counters: Collection[Counted] = (),
) -> Result:
    """Make a result of what was measured. Nothing measured, or anything that could not be judged, is not ok."""
    breached = _breached(measurements)
    unjudged = [m for m in measurements if m.problem]
    if breached:
        verdict, severity = Verdict.BREACH, breached[0].breached
    elif unjudged or not measurements:
        verdict, severity = Verdict.UNKNOWN, subject.severity
    else:
        verdict, severity = Verdict.OK, None
    return _result(
        subject,
        verdict,
        severity,
        _message(breached, unjudged, measurements, attempts),
        fail_at,
        measurements=tuple(measurements),
        attempts=attempts,
        duration_s=duration_s,
        counters=counters,
    )


def failed_reading(
    subject: Subject, reading: Reading, *, target: str, result_of: Callable[[str], Result | None], fail_at: str
) -> Result:
    """Make a result of a reading that failed: a breach of `reachable`, blocked by a check of this run, or unknown.

    `target` is the target's id; `result_of` returns what comes of another check, by its id, None where it is not part
    of the run.
    """
    error, message, blocker = reading.error, str(reading.error), reading.blocker
    if isinstance(error, UnreachableError) and blocker == subject.id:
        expected = {subject.severity: "== reachable"}
        measurement = Measurement(None, "unreachable", "", expected, subject.severity, None, message, "reachable")
        return _result(
            subject,
            Verdict.BREACH,
            subject.severity,
            f"{target} {error.verb}: {message}",
            fail_at,
            measurements=(measurement,),
            duration_s=reading.seconds,
        )
    if isinstance(error, BlockedError):
        kind, _, name = target.partition(".")
        blocker = f"{kind}.{error.by}@{name}"
    if blocker is not None and blocker != subject.id:
        by = result_of(blocker)
        if by is not None and (_answers(by) or (by.verdict is not Verdict.OK and not _would_fail(subject, fail_at))):
            return _result(
                subject,
                Verdict.BLOCKED,
                None,
                f"blocked by {blocker}: {message}",
                fail_at,
                blocked_by=blocker,
                duration_s=reading.seconds,
            )
        if by is not None and by.verdict is Verdict.BREACH:
            message += f" ({blocker} is a breach of {by.severity} and fails nothing, so this check fails itself)"
    return unknown(subject, message, fail_at, attempts=reading.attempts, duration_s=reading.seconds)


def _answers(result: Result) -> bool:
    """Tell whether a result answers for what it blocks: it fails the run, or will if it lasts, or somebody excuses it.

    A breach that only warns does not: what it blocks may be more severe.
    """
    return result.fails or result.pending is not None or result.verdict not in (Verdict.OK, Verdict.BREACH)


def _would_fail(subject: Subject, fail_at: str) -> bool:
    """Tell whether a breach of the worst that a check may find would fail the run."""
    return fails(Verdict.BREACH, subject.severity, fail_at)


def unknown(subject: Subject, message: str, fail_at: str, *, attempts: int = 1, duration_s: float = 0.0) -> Result:
    """Make the result of a check that could not tell."""
    return _result(
        subject,
        Verdict.UNKNOWN,
        subject.severity,
        f"could not tell: {message}",
        fail_at,
        attempts=attempts,
        duration_s=duration_s,
    )


def breach(subject: Subject, message: str, fail_at: str, *, duration_s: float = 0.0) -> Result:
    """Make the result of a test whose own assertion failed."""
    return _result(subject, Verdict.BREACH, subject.severity, message, fail_at, duration_s=duration_s)


def passed(subject: Subject, message: str, fail_at: str, *, duration_s: float = 0.0) -> Result:
    """Make the result of a test of one's own that asserts for itself and has passed."""
    return _result(subject, Verdict.OK, None, message, fail_at, duration_s=duration_s)


def _result(
    subject: Subject,
    verdict: Verdict,
    severity: str | None,
    message: str,
    fail_at: str,
    *,
    measurements: tuple[Measurement, ...] = (),
    blocked_by: str | None = None,
    attempts: int = 1,
    duration_s: float = 0.0,
    counters: Collection[Counted] = (),
) -> Result:
    return Result(
        id=subject.id,
        check=subject.check,
        target=subject.target,
        title=subject.title,
        suites=subject.suites,
        verdict=verdict,
        severity=severity,
        message=message,
        measurements=measurements,
        blocked_by=blocked_by,
        runbook=subject.runbook,
        action=next_step(subject, subject.action, measurements) if verdict is Verdict.BREACH else None,
        covers=subject.covers,
        attempts=attempts,
        duration_s=duration_s,
        fails=fails(verdict, severity, fail_at),
        counters=tuple(counters),
    )


def next_step(subject: Subject, action: str | None, measurements: Collection[Measurement]) -> str | None:
    """Return what to do about a breach. What could not be told says itself what to do about that.

    `{target}` in it becomes the target's address, or its name; `{subject}` what is worst, or else the target.
    """
    if action is None:
        return None
    target = subject.where or subject.target
    breached = _breached(measurements)
    worst = breached[0].subject if breached else None
    words = {"{target}": target, "{subject}": worst or target}
    # In quotes of its own a quote is written in pieces, in which a secret would not be known.
    typed = {key: shlex.quote(word if "'" not in word else subject.target) for key, word in words.items()}
    return re.sub(r"\{(?:target|subject)\}", lambda found: typed[found[0]], action)


def _breached(measurements: Collection[Measurement]) -> list[Measurement]:
    """Return what broke a limit and is not waived, the worst first."""
    return sorted((m for m in measurements if m.counts), key=lambda m: m.breached or "")


def _message(
    breached: list[Measurement], unjudged: list[Measurement], measurements: Collection[Measurement], attempts: int
) -> str:
    if breached or unjudged:
        sentences = [sentence(m) for m in (*breached, *unjudged)]
        more = len(sentences) - _SHOWN_BREACHES
        text = "; ".join(sentences[:_SHOWN_BREACHES]) + (f"; and {more} more" if more > 0 else "")
    elif not measurements:
        text = "nothing was measured, so nothing can be said"
    else:
        first = next(iter(measurements))
        text = sentence(first) if len(measurements) == 1 else f"all {len(measurements)} as expected"
    return text + (f" (at attempt {attempts})" if attempts > 1 else "")


def sentence(measurement: Measurement) -> str:
    """Return a measurement as a sentence: `/var is at 75.2 %, expected < 70 %`."""
    about = measurement.subject or ""
    if measurement.problem:
        return f"{about}: {measurement.problem}" if about else measurement.problem
    number = isinstance(measurement.value, int | float) and not isinstance(measurement.value, bool)
    verb = "is at" if number and measurement.unit == "%" else "is"
    observed = f"{about} {verb} {measurement.observed}" if about else measurement.observed
    return f"{observed}, expected {measurement.expected}" if measurement.breached else observed


__all__ = [
    "Expect",
    "LimitError",
    "Subject",
    "breach",
    "conclude",
    "failed_reading",
    "next_step",
    "passed",
    "runbook_link",
    "unknown",
]
