"""Makes a result of what a check measured, or of why it could not."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..core.results import Counted, Measurement, Result, Verdict, fails
from ..gather.readings import Reading
from ..inventory import Expectation, Inventory
from ..probes import BlockedError, UnreachableError
from .expect import DEFAULT_SEVERITY, UNJUDGED

_SHOWN_BREACHES = 5
_NONE: Mapping[str | None, int] = MappingProxyType({})


@dataclass(frozen=True)
class Subject:
    """What is judged: an expectation of the inventory, or a user-defined test with only what it says itself."""

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


def conclude(
    subject: Subject,
    measurements: Collection[Measurement],
    *,
    fail_at: str,
    attempts: int = 1,
    duration_s: float = 0.0,
    counters: Collection[Counted] = (),
    unkept: Mapping[str | None, int] = _NONE,
) -> Result:
    """Make a result of what was measured. Nothing measured, or anything that could not be judged, is not ok.

    unkept: how many more values were measured: as expected (None), not judged, or breached, by severity.
    """
    measurements = [*measurements, *_standing_in(unkept)]
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
        _message(breached, unjudged, measurements, attempts, unkept),
        fail_at,
        measurements=tuple(measurements),
        attempts=attempts,
        duration_s=duration_s,
        counters=counters,
    )


def _standing_in(unkept: Mapping[str | None, int]) -> Iterator[Measurement]:
    """Yield a measurement for all of a sort that are not kept: one that no waiver of some subject is for."""
    for sort, count in unkept.items():
        said = f"{count:,} more values"
        if sort == UNJUDGED:
            yield Measurement(None, None, "", {}, problem=f"{said} could not be judged")
        elif sort:
            yield Measurement(None, said, "", {}, breached=sort, observed=said, expected="as in those that are shown")


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
            message += (
                f" ({blocker} is a breach of {by.severity} and does not fail the run, so this check fails instead)"
            )
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
        f"unknown: {message}",
        fail_at,
        attempts=attempts,
        duration_s=duration_s,
    )


def breach(subject: Subject, message: str, fail_at: str, *, duration_s: float = 0.0) -> Result:
    """Make the result of a test whose own assertion failed."""
    return _result(subject, Verdict.BREACH, subject.severity, message, fail_at, duration_s=duration_s)


def passed(subject: Subject, message: str, fail_at: str, *, duration_s: float = 0.0) -> Result:
    """Make the result of a user-defined test that asserts for itself and has passed."""
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
    fit = {key: word if "'" not in word else subject.target for key, word in words.items()}
    return re.sub(r"\{(?:target|subject)\}", lambda found: _typed(fit[found[0]], action[: found.start()]), action)


def _typed(word: str, before: str) -> str:
    """Return a word as a shell takes it, behind what stands before it: inside of quotes it is another shell's word.

    There the quotes end before it, and begin again behind it. An apostrophe within a word of prose is not a quote.
    """
    typed = shlex.quote(word)
    if typed == word:
        return word
    quotes = _open_quotes(re.sub(r"(?<=[a-z])'(?=[a-z])", "", before))
    if quotes and before.endswith(quotes[-1]):  # they are around the word alone
        typed = f"{quotes[-1]}{typed}{quotes.pop()}"
    for quote in reversed(quotes):
        typed = f"{quote}{shlex.quote(typed)}{quote}"
    return typed


def _open_quotes(text: str) -> list[str]:
    """Return the quotes that text leaves open, the outermost first."""
    opened: list[str] = []
    for quote in re.findall("['\"]", text):
        opened[:] = opened[: opened.index(quote)] if quote in opened else [*opened, quote]
    return opened


def _breached(measurements: Collection[Measurement]) -> list[Measurement]:
    """Return what broke a limit and is not waived, the worst first."""
    return sorted((m for m in measurements if m.counts), key=lambda m: m.breached or "")


def _message(
    breached: list[Measurement],
    unjudged: list[Measurement],
    measurements: Collection[Measurement],
    attempts: int,
    unkept: Mapping[str | None, int],
) -> str:
    if breached or unjudged:
        sentences = [sentence(m) for m in (*breached, *unjudged)]
        more = len(sentences) - _SHOWN_BREACHES + sum(count - 1 for sort, count in unkept.items() if sort)
        text = "; ".join(sentences[:_SHOWN_BREACHES]) + (f"; and {more} more" if more > 0 else "")
    elif not measurements:
        text = "the check measured nothing"
    else:
        first = next(iter(measurements))
        text = (
            sentence(first) if len(measurements) == 1 else f"all {len(measurements) + unkept.get(None, 0)} as expected"
        )
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
