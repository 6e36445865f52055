"""Decides on a deploy, of nothing but what the looks saw before and after it: go, roll back or undecided."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..core.results import Result, Run, Verdict
from .baseline import Baseline
from .blind import without_blindness
from .comparing import Judged, Seen, compared_limits, judged
from .finding import Finding, Sort
from .sides import Looks, results_by_id
from .values import LOOKS, Answer, Setting

MOST_MISSED = 0.2
"""The share of looks without an answer above which the others are not enough."""
_FLAPS = 3
"""A check that was broken in this many separate stretches is flapping."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What counts for what: the severities from which on a new breach rolls back, and an unknown is not a go.

    incomparable: why values can't be compared with the baseline, by result id, "" for all.
    cannot_roll_back: why going back would not help, None where it may.
    broke: what is wrong beside the checks, such as another version that answers; None where nothing is.
    fault: what kept the gate from seeing all that it should have: then there is no go.
    own_of: in how many of how many looks a check has to be broken, by result id, where the inventory says that.
    levels: how fast each series of times was in earlier gates, in microseconds, by result id.
    is_interleaved: whether both sides were measured in turn.
    elsewhere, observers: the targets on other machines, and those that only tell of others, by their ids.
    """

    roll_back_at: str = "P1"
    undecided_at: str = "P1"
    counts_already_broken: bool = False
    incomparable: dict[str, str] | None = None
    cannot_roll_back: str | None = None
    broke: str | None = None
    fault: str | None = None
    own_of: Mapping[str, Sequence[int]] = field(default_factory=dict)
    levels: Mapping[str, Sequence[float]] = field(default_factory=dict)
    is_interleaved: bool = False
    elsewhere: tuple[str, ...] = ()
    observers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What a gate says: one word, and why."""

    answer: Answer
    why: str
    findings: tuple[Finding, ...] = ()
    judged: int = 0

    def ended_early(self) -> Decision:
        """Return what may be said of it where somebody ended the gate: no go, for it has not seen all."""
        if self.answer is Answer.ROLL_BACK:
            return self
        return replace(self, answer=Answer.UNDECIDED, why=f"it was ended early; until then {self.why}")

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        findings = [finding.to_json() for finding in self.findings]
        return {"verdict": str(self.answer), "why": self.why, "judged": self.judged, "findings": findings}


def decide(before: Baseline | None, after: Sequence[Run], terms: Terms) -> Decision:
    """Decide on a deploy. Whatever is missing never makes it a go.

    Any counted breach rolls back, even where others are unknown; else anything unknown leaves it undecided.
    """
    after = [without_blindness(look, terms.elsewhere, terms.observers) for look in after]
    looks = results_by_id(after)
    earlier = results_by_id(before.looks if before is not None else ())
    shares = frozenset(map(_target_of_share, itertools.chain.from_iterable(looks.values())))
    limits = sum(compared_limits(seen[-1]) for seen in looks.values())
    setting = Setting(looks=len(LOOKS), limits=max(1, limits), interleaved=terms.is_interleaved)
    found = [
        finding
        for name in sorted(looks)
        for past in (tuple(terms.levels.get(name, ())),)
        for finding in _findings(before, earlier, looks, name, terms, shares, replace(setting, past=past))
    ]
    ended_early = not after or terms.broke is not None or any(each.rolls_back for each in found)
    found += () if ended_early else _gone(before, looks)  # what was not looked at may be there all the same
    found.sort(key=lambda each: (not each.rolls_back, not each.leaves_undecided, list(Sort).index(each.sort), each.id))
    count = sum(any(r.verdict in (Verdict.OK, Verdict.BREACH) for r in seen) for seen in looks.values())
    answer, why = _answer(found, count, terms)
    return Decision(answer, why, tuple(found), count)


def _answer(found: Sequence[Finding], count: int, terms: Terms) -> tuple[Answer, str]:
    broken = [each for each in found if each.rolls_back]
    open_ = [each for each in found if each.leaves_undecided]
    why = terms.broke or (_named(broken) if broken else None)
    if why is not None and terms.cannot_roll_back is not None:
        return Answer.UNDECIDED, f"{why}, and {terms.cannot_roll_back}: a person decides"
    if why is not None:
        return Answer.ROLL_BACK, why
    if terms.fault is not None:
        return Answer.UNDECIDED, terms.fault
    if open_:
        return Answer.UNDECIDED, _named(open_)
    if not count:
        return Answer.UNDECIDED, "nothing was judged"
    return Answer.GO, f"{count} checks judged, nothing new is broken"


def _named(found: Sequence[Finding]) -> str:
    first = found[0]
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return f"{first.id}: {first.message}{more}"


def _gone(before: Baseline | None, ids: Collection[str]) -> Iterator[Finding]:
    for name, result in before.results.items() if before is not None else ():
        if name not in ids and result.verdict in (Verdict.OK, Verdict.BREACH):
            yield Finding(name, Sort.GONE, None, "was judged before the deploy, and is not any more", False, True)


def _findings(  # noqa: PLR0917 - what was seen of all, and of this one
    before: Baseline | None,
    earlier: Looks,
    after: Looks,
    name: str,
    terms: Terms,
    shares: Collection[str | None],
    setting: Setting,
) -> Iterator[Finding]:
    """Yield what is not as before of one check. `shares` are the targets of which one is about failed requests."""
    seen = after[name]
    known = before.results.get(name) if before is not None else None
    reasons = terms.incomparable or {}
    why_not = reasons.get("") or reasons.get(name) or (None if before is not None else "there is no baseline")
    last = seen[-1]
    own_of = terms.own_of.get(name)
    looks = judged(
        earlier.get(name, []),
        seen,
        why_not,
        setting,
        counts_failures=last.target not in shares,
        own_of=(own_of[0], own_of[1]) if own_of is not None else None,
    )
    if last.verdict is Verdict.WAIVED:
        yield Finding(name, Sort.WAIVED, last.severity, last.message)
        return
    if all(each.verdict is Verdict.BLOCKED for each in looks.each):
        yield from _blocked(name, last, after)
        return
    yield from _broken(name, looks, known, terms)
    yield from _unknown(name, looks, terms)
    if known is not None and known.verdict is Verdict.BREACH and looks.each[-1].verdict is Verdict.OK:
        yield Finding(name, Sort.MENDED, known.severity, "is as expected since the deploy")


def _target_of_share(result: Result) -> str | None:
    """Return the target of a result that is about the share of failed requests itself; None for others."""
    is_share = any(m.share is not None and not m.samples and not m.problem for m in result.measurements)
    return result.target if is_share else None


def _blocked(name: str, last: Result, after: Looks) -> Iterator[Finding]:
    """Yield that a check is blocked by one that nobody judged; else that one says it."""
    blockers = after.get(last.blocked_by or "")
    if not blockers or blockers[-1].verdict not in (Verdict.BREACH, Verdict.UNKNOWN):
        yield Finding(name, Sort.UNKNOWN, last.severity, last.message, False, True)


def _broken(name: str, looks: Judged, known: Result | None, terms: Terms) -> Iterator[Finding]:
    breaches = [each for each in (*looks.each, *looks.together) if each.verdict is Verdict.BREACH]
    if not breaches:
        return
    worst = min(breaches, key=lambda each: each.severity or "")
    if not looks.is_confirmed:
        stretches = looks.stretches
        if stretches >= _FLAPS:
            message = f"{worst.message}; it was broken {stretches} times, and in between it was not"
            yield _counted(Finding(name, Sort.FLAPPING, worst.severity, message), terms, looks)
        elif looks.each[-1].verdict is Verdict.BREACH:
            message = f"{worst.message}; it was not seen often enough to count"
            counts = (worst.severity or "P0") <= terms.undecided_at
            yield Finding(name, Sort.UNKNOWN, worst.severity, message, leaves_undecided=counts)
        else:
            yield Finding(name, Sort.BLIP, worst.severity, worst.message)
        return
    worst = _seen_twice(looks)
    was = known.severity if known is not None and known.verdict is Verdict.BREACH else None
    if was is not None and (worst.severity or "") >= was:
        finding = Finding(name, Sort.ALREADY, worst.severity, worst.message)
        yield _counted(finding, terms, looks) if terms.counts_already_broken else finding
        return
    sort = Sort.WORSE if was is not None else Sort.BROKE
    yield _counted(Finding(name, sort, worst.severity, worst.message, details=worst.details), terms, looks)


def _seen_twice(looks: Judged) -> Seen:
    """Return the worst of a confirmed breach: of single looks the second worst, for the worst may be a blip."""
    single = sorted(
        (each for each in looks.each if each.verdict is Verdict.BREACH), key=lambda each: each.severity or ""
    )
    together = (each for each in looks.together if each.verdict is Verdict.BREACH)
    return min((*together, *single[1:2]), key=lambda each: each.severity or "")


def _counted(finding: Finding, terms: Terms, looks: Judged) -> Finding:
    counts = (finding.severity or "P0") <= terms.roll_back_at
    return Finding(
        finding.id,
        finding.sort if counts else Sort.MILD,
        finding.severity,
        finding.message,
        rolls_back=counts,
        details=finding.details,
        runbook=looks.last.runbook,
        action=looks.last.action,
    )


def _unknown(name: str, looks: Judged, terms: Terms) -> Iterator[Finding]:
    missed = [each for each in looks.each if each.verdict in (Verdict.UNKNOWN, Verdict.MAINTENANCE)]
    is_missed = bool(missed) and (looks.each[-1] is missed[-1] or len(missed) > MOST_MISSED * len(looks.each))
    undecided = [each for each in looks.together if each.verdict is Verdict.UNKNOWN]
    for last in (*(missed[-1:] if is_missed else ()), *undecided):
        counts = (last.severity or "P0") <= terms.undecided_at
        sort = Sort.INCOMPARABLE if last.is_comparison else Sort.UNKNOWN
        yield Finding(name, sort, last.severity, last.message, False, counts, last.details, looks.last.runbook)
