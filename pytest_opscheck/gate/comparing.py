"""What each look saw of one check, with its limits relative to the baseline judged too."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..core.judgeable import UnjudgeableError
from ..core.relative import RelativeLimit
from ..core.results import Measurement, Result, Verdict
from ..core.units import quantity
from . import sentences
from .sides import Level, level, relative_limits, sampled, series, tally
from .statistics import errors, shift, tail
from .values import Answer, Comparison, Setting, worst

FAILED_TOLERANCE = 0.01
"""By how much the share of failed requests may grow where nothing else is said: one percentage point."""
_MEASURES_BY, _OTHERS_BY = (2, 3), (2, 2)
"""In how many of how many looks a measured value has to break its limit, and what is up or down."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look, or all of them together, say of a check; `is_comparison`: of how it stands to the baseline."""

    verdict: Verdict
    severity: str | None
    message: str
    is_comparison: bool = False
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """All looks at one check, the oldest first, and what they say together of times and shares."""

    each: tuple[Seen, ...]
    together: tuple[Seen, ...]
    last: Result
    confirmed_by: tuple[int, int]

    @property
    def is_confirmed(self) -> bool:
        """Whether a breach was seen as often as counts: in M of N looks in a row."""
        if any(seen.verdict is Verdict.BREACH for seen in self.together):
            return True
        times, span = self.confirmed_by
        broken = [seen.verdict is Verdict.BREACH for seen in self.each]
        return any(sum(broken[place : place + span]) >= times for place in range(len(broken)))

    @property
    def stretches(self) -> int:
        """In how many separate stretches of looks it was broken."""
        broken = (seen.verdict is Verdict.BREACH for seen in self.each)
        return sum(is_broken for is_broken, _ in itertools.groupby(broken))


def compared_limits(result: Result) -> int:
    """Return by how many limits the times or the shares of a result are compared with a baseline."""
    found = sampled(result)
    return sum(1 for _ in relative_limits(found)) if found is not None else 0


def judged(
    earlier: Sequence[Result],
    after: Sequence[Result],
    why_not: str | None,
    setting: Setting,
    *,
    counts_failures: bool = True,
    own_of: tuple[int, int] | None = None,
) -> Judged:
    """Return what looks after a deploy say of a check, given those before it.

    own_of: in how many of how many looks it has to be broken, where the inventory says that: `of = "3 of 5"`.
    why_not: why nothing can be compared with the earlier ones, None where it can. counts_failures: whether the failed
    ones among timed requests are this check's own business, and not that of another one beside it.
    """
    together = tuple(_together(earlier, after, why_not, setting, counts_failures=counts_failures))
    each = tuple(_of_look(result, earlier, why_not) for result in after)
    is_measure = any(_is_number(result) for result in after)
    return Judged(each, together, after[-1], own_of or (_MEASURES_BY if is_measure else _OTHERS_BY))


def _is_number(result: Result) -> bool:
    measured = result.worst
    return measured is not None and isinstance(measured.value, int | float) and not isinstance(measured.value, bool)


def _of_look(result: Result, earlier: Sequence[Result], why_not: str | None) -> Seen:
    """Return what one look says: the worst breach, else what can't be told, else that all is as expected."""
    own = Seen(result.verdict, result.severity, result.message)
    if result.verdict not in (Verdict.OK, Verdict.BREACH, Verdict.UNKNOWN):
        return own
    if result.verdict is Verdict.UNKNOWN and _only_failed_requests(result, earlier):
        own = Seen(Verdict.OK, None, result.message)
    compared = [
        seen for m in result.measurements for seen in _compared(m, earlier, why_not) if m is not sampled(result)
    ]
    found = [seen for seen in (own, *compared) if seen.verdict is not Verdict.OK]
    order = {Verdict.BREACH: 0, Verdict.UNKNOWN: 1}
    return min(found, key=lambda seen: (order.get(seen.verdict, 2), seen.severity or ""), default=own)


def _only_failed_requests(result: Result, earlier: Sequence[Result]) -> bool:
    """Tell whether all that can't be judged is that some requests failed: their share is compared."""
    problems = [m for m in result.measurements if m.problem]
    return bool(problems) and all(m.share is not None for m in problems) and tally(earlier).of > 0


def _compared(of: Measurement, earlier: Sequence[Result], why_not: str | None) -> Iterator[Seen]:
    """Yield what the relative limits of a single value say of it."""
    for severity, limit in relative_limits(of):
        before = level(earlier, of)
        subject = of.subject or "it"
        if why_not is not None or before is None:
            why = why_not or "the baseline has no value of it"
            yield Seen(Verdict.UNKNOWN, severity, f"{subject} can't be compared with the baseline: {why}", True)
        elif of.problem is None:
            yield _held(of, limit, before, severity)


def _held(of: Measurement, limit: RelativeLimit, before: Level, severity: str) -> Seen:
    """Judge a value by the median of the baseline; one that keeps it by another of its looks is not told apart."""
    was = quantity(f"{before.median:g}", of.unit)
    text = f"{of.subject or 'it'} is {of.observed or of.value}, expected {limit.expected} (it was {was})"
    try:
        if limit.holds(of.value, before.median, of.unit):
            return Seen(Verdict.OK, None, text)
        by_another = any(limit.holds(of.value, each, of.unit) for each in (before.least, before.most))
    except UnjudgeableError as error:
        return Seen(Verdict.UNKNOWN, severity, str(error), True)
    if by_another:
        spread = f"{before.least:g} to {quantity(f'{before.most:g}', of.unit)}"
        return Seen(Verdict.UNKNOWN, severity, f"{text}; the baseline's own looks saw {spread}", True)
    return Seen(Verdict.BREACH, severity, text)


def _together(
    earlier: Sequence[Result], after: Sequence[Result], why_not: str | None, setting: Setting, *, counts_failures: bool
) -> Iterator[Seen]:
    """Yield what times and shares of all looks say against those of the baseline."""
    found = next((m for result in reversed(after) if (m := sampled(result)) is not None), None)
    if found is None:
        return
    limits = list(relative_limits(found))
    for severity, limit in limits:
        if (why := why_not or _not_upward(limit)) is not None:
            yield Seen(Verdict.UNKNOWN, severity, f"it can't be compared with the baseline: {why}", True)
        else:
            yield _said(_by(found, limit, earlier, after, setting), severity)
    failed = tally(after)
    if failed.hits and found.samples and counts_failures and why_not is None:
        severity = next((severity for severity, _ in limits), after[-1].severity or "P2")
        yield _said((errors(tally(earlier), failed, FAILED_TOLERANCE, setting),), severity)


def _not_upward(limit: RelativeLimit) -> str | None:
    """Return why times and shares are not compared by a limit: they are for whether it has become worse."""
    if limit.operator in ("<", "<=") and (limit.sign > 0 or not limit.margin):
        return None
    return f"'{limit}' is not for times and shares of requests; use '<= baseline + 20%' or '<= baseline + 1pp'"


def _by(
    found: Measurement, limit: RelativeLimit, earlier: Sequence[Result], after: Sequence[Result], setting: Setting
) -> tuple[Comparison, ...]:
    """Compare times by their shift and their tail, and what failed by its share."""
    if found.samples:
        before, later = series(earlier), series(after)
        tolerance = limit.margin / 100 if limit.is_ratio else _part_of(limit, before.samples)
        return (shift(before, later, tolerance, setting), tail(before, later, tolerance, setting))
    before_share, after_share = tally(earlier), tally(after)
    share = before_share.hits / before_share.of if before_share.of else 0.0
    tolerance = share * limit.margin / 100 if limit.is_ratio else limit.margin / 100
    if not limit.unit:  # a count, among as many requests as were made
        tolerance = limit.margin / after_share.of if after_share.of else 0.0
    return (errors(before_share, after_share, tolerance, setting),)


def _part_of(limit: RelativeLimit, samples: Sequence[int]) -> float:
    """Return an amount of time, as `+ 50ms`, as a part of the baseline's p95, which the limit is about."""
    p95 = sorted(samples)[int(0.95 * (len(samples) - 1))] / 1e6 if samples else 0.0
    return (limit.bound(p95, "s") - p95) / p95 if p95 else 0.0


def _said(comparisons: Sequence[Comparison], severity: str) -> Seen:
    answer = worst(comparison.answer for comparison in comparisons)
    decisive = next(comparison for comparison in comparisons if comparison.answer is answer)
    verdicts = {Answer.ROLL_BACK: Verdict.BREACH, Answer.UNDECIDED: Verdict.UNKNOWN, Answer.GO: Verdict.OK}
    details = tuple(line for each in comparisons for line in _shown(each, is_shown=each is decisive))
    return Seen(verdicts[answer], severity, f"{decisive.measure}: {decisive.why}", True, details)


def _shown(comparison: Comparison, *, is_shown: bool) -> Iterator[str]:
    """Yield what is to be shown of a comparison, without the reason that stands above it already."""
    first, *rest = sentences.lines(comparison)
    yield from rest if is_shown else (first, *rest)
