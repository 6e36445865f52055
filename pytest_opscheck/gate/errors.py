"""Whether more requests fail than before."""

from __future__ import annotations

from . import sentences
from .growth import Growth, chance
from .needed import needed
from .sufficiency import FEWEST_TO_GO, why_no_shares
from .values import ONCE, Answer, Comparison, Figure, Setting, Tally

ALPHA = 0.01
"""How often more errors are found by chance, over all looks at all limits of a gate."""
GO_ALPHA = 0.05
_MOST = 100_000
"""Requests beyond which nobody waits for an answer."""
_MEASURE = "errors"


def errors(before: Tally, after: Tally, tolerance: float, setting: Setting = ONCE) -> Comparison:
    """Judge whether more requests fail, by more than a share of all: 0.01 is one percentage point."""
    why = why_no_shares(before, after, tolerance)
    if why is not None:
        return Comparison(_MEASURE, Answer.UNDECIDED, why, before.of, after.of)
    rule = _rule(tolerance, setting)
    answer = rule.answer(before, after)
    lacks = _needed(rule, before, after) if answer is Answer.UNDECIDED else None
    finds_from = rule.finds_from(before, after)
    failed = _figure(rule, before, after)
    why = _why(answer, failed, (before, after), tolerance, lacks)
    unseen = sentences.unseen_errors(finds_from)
    return Comparison(_MEASURE, answer, why, before.of, after.of, (failed,), (), finds_from, unseen, lacks)


def _rule(tolerance: float, setting: Setting) -> Growth:
    go_alpha = setting.shared_by_looks(GO_ALPHA)
    return Growth(setting.shared(ALPHA), go_alpha, tolerance, 2 * tolerance, FEWEST_TO_GO)


def _figure(rule: Growth, before: Tally, after: Tally) -> Figure:
    shares = (before.hits / before.of, after.hits / after.of)
    return Figure("failed requests", "share", *shares, shares[1] - shares[0], *rule.bounds(before, after))


def _needed(rule: Growth, before: Tally, after: Tally) -> int | None:
    def decided(number: int) -> bool:
        return rule.foretold(before, after, number) is not Answer.UNDECIDED

    return needed(after.of, FEWEST_TO_GO, _MOST, decided)


def _why(answer: Answer, failed: Figure, sides: tuple[Tally, Tally], tolerance: float, lacks: int | None) -> str:
    if answer is Answer.ROLL_BACK:
        return sentences.more_errors(failed, sides[1], chance(*sides), tolerance)
    return sentences.shares_alike(failed) if answer is Answer.GO else sentences.perhaps_more(failed, lacks)
