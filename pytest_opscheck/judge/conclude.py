"""Makes a result of what a check measured, or of why it could not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..core.results import Counted, Measurement, Result, Verdict, fails
from ..gather.readings import Reading
from ..probes import BlockedError, UnreachableError
from .expect import UNJUDGED
from .next_step import breached as breached_of
from .next_step import next_step
from .sentence import message as message_of
from .subject import Subject

_NONE: Mapping[str | None, int] = MappingProxyType({})


@dataclass(frozen=True)
class Judge:
    """Makes the results of one run.

    fail_at: from which severity on a breach fails the run.
    """

    fail_at: str

    def conclude(
        self,
        subject: Subject,
        measurements: Collection[Measurement],
        *,
        attempts: int = 1,
        duration_s: float = 0.0,
        counters: Collection[Counted] = (),
        unkept: Mapping[str | None, int] = _NONE,
    ) -> Result:
        """Make a result of what was measured. Nothing measured, or anything that could not be judged, is not ok.

        unkept: how many more values were measured: as expected (None), not judged, or breached, by severity.
        """
        measurements = [*measurements, *_standing_in(unkept)]
        breached = breached_of(measurements)
        unjudged = [m for m in measurements if m.problem]
        if breached:
            verdict, severity = Verdict.BREACH, breached[0].breached
        elif unjudged or not measurements:
            verdict, severity = Verdict.UNKNOWN, subject.severity
        else:
            verdict, severity = Verdict.OK, None
        return self._result(
            subject,
            verdict,
            severity,
            message_of(breached, unjudged, measurements, attempts, unkept),
            measurements=tuple(measurements),
            attempts=attempts,
            duration_s=duration_s,
            counters=counters,
        )

    def failed_reading(
        self, subject: Subject, reading: Reading, *, target: str, result_of: Callable[[str], Result | None]
    ) -> Result:
        """Make a result of a reading that failed: a breach of `reachable`, blocked by a check of this run, or unknown.

        `target` is the target's id; `result_of` returns what comes of another check, by its id, None where it is not
        part of the run.
        """
        error, message, blocker = reading.error, str(reading.error), reading.blocker
        if isinstance(error, UnreachableError) and blocker == subject.id:
            expected = {subject.severity: "== reachable"}
            measurement = Measurement(None, "unreachable", "", expected, subject.severity, None, message, "reachable")
            return self._result(
                subject,
                Verdict.BREACH,
                subject.severity,
                f"{target} {error.verb}: {message}",
                measurements=(measurement,),
                duration_s=reading.seconds,
            )
        if isinstance(error, BlockedError):
            kind, _, name = target.partition(".")
            blocker = f"{kind}.{error.by}@{name}"
        if blocker is not None and blocker != subject.id:
            by = result_of(blocker)
            if by is not None and (_answers(by) or (by.verdict is not Verdict.OK and not self._would_fail(subject))):
                return self._result(
                    subject,
                    Verdict.BLOCKED,
                    None,
                    f"blocked by {blocker}: {message}",
                    blocked_by=blocker,
                    duration_s=reading.seconds,
                )
            if by is not None and by.verdict is Verdict.BREACH:
                message += (
                    f" ({blocker} is a breach of {by.severity} and does not fail the run, so this check fails instead)"
                )
        return self.unknown(subject, message, attempts=reading.attempts, duration_s=reading.seconds)

    def _would_fail(self, subject: Subject) -> bool:
        """Tell whether a breach of the worst that a check may find would fail the run."""
        return fails(Verdict.BREACH, subject.severity, self.fail_at)

    def unknown(self, subject: Subject, message: str, *, attempts: int = 1, duration_s: float = 0.0) -> Result:
        """Make the result of a check whose value is unknown."""
        return self._result(
            subject,
            Verdict.UNKNOWN,
            subject.severity,
            f"unknown: {message}",
            attempts=attempts,
            duration_s=duration_s,
        )

    def breach(self, subject: Subject, message: str, *, duration_s: float = 0.0) -> Result:
        """Make the result of a test whose own assertion failed."""
        return self._result(subject, Verdict.BREACH, subject.severity, message, duration_s=duration_s)

    def passed(self, subject: Subject, message: str, *, duration_s: float = 0.0) -> Result:
        """Make the result of a user-defined test that asserts for itself and has passed."""
        return self._result(subject, Verdict.OK, None, message, duration_s=duration_s)

    def _result(
        self,
        subject: Subject,
        verdict: Verdict,
        severity: str | None,
        message: str,
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
            fails=fails(verdict, severity, self.fail_at),
            counters=tuple(counters),
        )


def _standing_in(unkept: Mapping[str | None, int]) -> Iterator[Measurement]:
    """Yield a measurement for all of a sort that are not kept: one that no waiver of some subject is for."""
    for sort, count in unkept.items():
        text = f"{count:,} more values"
        if sort == UNJUDGED:
            yield Measurement(None, None, "", {}, problem=f"{text} could not be judged")
        elif sort:
            yield Measurement(None, text, "", {}, breached=sort, observed=text, expected="as in those that are shown")


def _answers(result: Result) -> bool:
    """Tell whether a result answers for what it blocks: it fails the run, or will if it lasts, or somebody excuses it.

    A breach that only warns does not: what it blocks may be more severe.
    """
    return result.fails or result.pending is not None or result.verdict not in (Verdict.OK, Verdict.BREACH)
