"""Whether more requests fail than before: the answers, and what is told beside them."""

from __future__ import annotations

import pytest

from pytest_opscheck.gate.statistics import counted, errors
from pytest_opscheck.gate.values import Answer, Setting, Tally

BEFORE = Tally(1, 1000)
TOLERANCE = 0.01


@pytest.mark.parametrize(
    ("before", "after", "answer"),
    [
        (BEFORE, Tally(0, 1000), Answer.GO),
        (BEFORE, Tally(5, 1000), Answer.GO),
        (BEFORE, Tally(50, 1000), Answer.ROLL_BACK),
        (BEFORE, Tally(10, 200), Answer.ROLL_BACK),
        (BEFORE, Tally(2, 20), Answer.UNDECIDED),  # two may be chance
        (BEFORE, Tally(0, 50), Answer.UNDECIDED),  # a few say nothing of one in a hundred
        (Tally(100, 1000), Tally(105, 1000), Answer.UNDECIDED),
        (Tally(10_000, 100_000), Tally(10_100, 100_000), Answer.GO),
        (Tally(500, 1000), Tally(10, 1000), Answer.GO),  # mended
        (Tally(10, 10_000), Tally(90, 10_000), Answer.GO),  # surely more, and within the tolerance
        (Tally(0, 5), Tally(0, 1000), Answer.GO),  # so few that it does not matter what was before
        (Tally(0, 5), Tally(20, 1000), Answer.UNDECIDED),
    ],
    ids=str,
)
def test_each_answer(before: Tally, after: Tally, answer: Answer) -> None:
    assert errors(before, after, TOLERANCE).answer is answer


def test_tripled_traffic_with_the_same_share_is_the_same() -> None:
    assert errors(Tally(20, 10_000), Tally(60, 30_000), TOLERANCE).answer is Answer.GO


def test_all_that_is_to_be_shown() -> None:
    found = errors(BEFORE, Tally(30, 600), TOLERANCE, Setting(looks=6))
    failed = found.figures[0]
    assert (found.before_n, found.after_n) == (1000, 600)
    assert (failed.before, failed.after) == (0.001, 0.05)
    assert failed.low is not None
    assert failed.high is not None
    assert failed.low < failed.change < failed.high
    assert "30 of 600 requests failed (5.0 %), 0.1 % before" in found.why
    assert "less often than once in a million" in found.why
    assert "may be unseen" in found.unseen


def test_what_is_needed_decides() -> None:
    few = errors(BEFORE, Tally(0, 100), TOLERANCE)
    assert few.answer is Answer.UNDECIDED
    assert few.needed is not None
    assert errors(BEFORE, Tally(0, 100 + few.needed), TOLERANCE).answer is Answer.GO
    half = errors(BEFORE, Tally(0, 100 + few.needed // 2), TOLERANCE)
    assert half.answer is Answer.UNDECIDED


def test_what_it_finds_from_breaks_the_limit() -> None:
    found = errors(BEFORE, Tally(0, 1000), TOLERANCE)
    assert found.finds_from is not None
    assert 0.01 < found.finds_from < 0.03
    hits = round((found.finds_from + 0.001) * 1000)
    assert errors(BEFORE, Tally(hits, 1000), TOLERANCE).answer is Answer.ROLL_BACK


def test_one_burst_of_failures_is_not_proof_where_the_order_is_known_and_an_outage_is() -> None:
    blip = counted([[False] * 500 + [True] * 25 + [False] * 475])
    assert errors(BEFORE, Tally(25, 1000), TOLERANCE).answer is Answer.ROLL_BACK
    assert errors(BEFORE, blip, TOLERANCE).answer is Answer.UNDECIDED
    assert errors(BEFORE, counted([[False] * 20 + [True] * 200]), TOLERANCE).answer is Answer.ROLL_BACK
    assert errors(BEFORE, counted([[True] * 20]), TOLERANCE).answer is Answer.ROLL_BACK
