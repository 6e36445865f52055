"""What comparisons say is plain, and says both values, what may be chance, and what comes next."""

from __future__ import annotations

import random

import pytest

from pytest_opscheck.gate.sentences import lines, ratio, time
from pytest_opscheck.gate.statistics import errors, shift, tail
from pytest_opscheck.gate.values import LOOKS, Comparison, Setting, Tally

from .simulation import TOLERANCE, Scenario, first

LOOKING = Setting(looks=len(LOOKS))
BEFORE, SAME = Scenario().sides(random.Random(1))
SLOWER = Scenario(slower=1.4).sides(random.Random(2))[1]
SLOW = Scenario(slow=0.05).sides(random.Random(2))[1]


@pytest.mark.parametrize(
    ("comparison", "why"),
    [
        (
            shift(BEFORE, SLOWER, TOLERANCE, LOOKING),
            (
                "typical time 136 ms, 99.9 ms before: all in all +35 % (at least +10 %, so it is not chance), "
                "more than the allowed 20 %"
            ),
        ),
        (
            shift(BEFORE, SAME, TOLERANCE, LOOKING),
            (
                "typical time 101 ms, 99.9 ms before: all in all -1 %, at most +13 %, "
                "which is under twice the allowed 20 %"
            ),
        ),
        (
            shift(BEFORE, first(SAME, 50), TOLERANCE, LOOKING),
            (
                "typical time 91.3 ms, 99.9 ms before: all in all -10 %, but it may be -35 % to +14 %; "
                "about 50 more requests decide it, if they are like these"
            ),
        ),
        (
            tail(BEFORE, SLOW, TOLERANCE, LOOKING),
            (
                "requests over 2 x the baseline's p95 (here 558 ms): 5.2 %, 0.1 % before: +5.1 points; "
                "by chance less often than once in a million"
            ),
        ),
        (
            errors(Tally(1, 1000), Tally(12, 1000), 0.01),
            (
                "12 of 1,000 requests failed (1.2 %), 0.1 % before: +1.1 points, allowed +1.0 points; "
                "by chance once in 602"
            ),
        ),
        (
            errors(Tally(1, 1000), Tally(0, 100), 0.01),
            (
                "failed requests: 0.0 %, 0.1 % before; the difference may be -0.7 points to +2.5 points; "
                "about 27 more requests decide it, if they are like these"
            ),
        ),
    ],
    ids=["slower", "as fast", "perhaps slower", "tail", "errors", "perhaps errors"],
)
def test_the_reason_of_an_answer(comparison: Comparison, why: str) -> None:
    assert comparison.why == why


def test_all_that_is_to_be_shown_a_line_each() -> None:
    assert list(lines(shift(BEFORE, SLOWER, TOLERANCE, LOOKING)))[1:] == [
        "1,000 requests before, 1,000 after",
        "typical time: 99.9 ms before, 136 ms after, +35 % (+10 % to +54 %)",
        "p95: 274 ms before, 355 ms after, +30 %",
        "the interval's width comes from single requests 15 %, windows of the baseline 1 %, different moments 85 %",
        (
            "a slowdown under 39 % may be unseen; compared with one moment, 7 % of drift assumed: "
            "fewer than 8 earlier runs are known"
        ),
    ]
    assert list(lines(shift(BEFORE, first(SAME, 5), TOLERANCE))) == [
        "shift: undecided: 5 requests after the deploy are too few: the first look is at 20",
        "1,000 requests before, 5 after",
    ]


def test_numbers_are_said_in_the_unit_that_fits() -> None:
    said = [time(microseconds) for microseconds in (1, 340, 12_345, 99_950, 1_234_567, 75_000_000)]
    assert said == ["0.001 ms", "0.34 ms", "12.3 ms", "100 ms", "1.23 s", "75 s"]
    assert [ratio(value) for value in (0.5, 0.999, 1.0, 1.204, 3.0, 12.34)] == [
        "-50 %",
        "0 %",
        "0 %",
        "+20 %",
        "3 times",
        "12.3 times",
    ]
