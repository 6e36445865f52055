"""Whether more requests are far slower than the rest: the answers, and what does not look like a tail."""

from __future__ import annotations

import random

import pytest

from pytest_opscheck.gate.statistics import counted, tail
from pytest_opscheck.gate.values import LOOKS, Answer, Series, Setting, Tally

from .simulation import TOLERANCE, Scenario, first

BEFORE, SAME = Scenario().sides(random.Random(1))
SLOW = Scenario(slow=0.05).sides(random.Random(2))[1]
LOOKING = Setting(looks=len(LOOKS))


def with_slow(windows: list[list[int]]) -> Series:
    """Return the same requests, of which those at some places took a second each."""
    kept = [list(window) for window in SAME.windows]
    for window, places in zip(kept, windows, strict=False):
        for place in places:
            window[place] = 1_000_000
    return Series(tuple(map(tuple, kept)))


def test_each_answer_with_all_that_is_to_be_shown() -> None:
    go, roll_back = (tail(BEFORE, after, TOLERANCE, LOOKING) for after in (SAME, SLOW))
    assert (go.answer, roll_back.answer) == (Answer.GO, Answer.ROLL_BACK)
    far, near = roll_back.figures
    assert far.after == sum(time > (far.over or 0) for time in SLOW.samples) / 1000
    assert far.change == pytest.approx(far.after - far.before)
    assert (far.name, near.name) == ("requests over 2 x the baseline's p95", "requests over 1.2 x the baseline's p90")
    assert "by chance" in roll_back.why
    assert "may be unseen" in go.unseen


def test_all_requests_slower_alike_are_no_tail() -> None:
    doubled = Series(tuple(tuple(2 * time for time in window) for window in SAME.windows))
    assert tail(BEFORE, doubled, TOLERANCE, LOOKING).answer is Answer.GO
    halved = Series(tuple(tuple(time // 2 for time in window) for window in SAME.windows))
    assert tail(BEFORE, halved, TOLERANCE, LOOKING).answer is Answer.GO


def test_there_is_no_go_before_two_hundred_requests_and_what_is_needed_decides() -> None:
    few = tail(BEFORE, first(SAME, 100), TOLERANCE, LOOKING)
    assert few.answer is Answer.UNDECIDED
    assert few.needed is not None
    assert tail(BEFORE, first(SAME, 100 + few.needed), TOLERANCE, LOOKING).answer is Answer.GO


def test_two_slow_requests_are_never_a_tail() -> None:
    assert tail(BEFORE, first(with_slow([[3, 12]]), 20), TOLERANCE).answer is Answer.UNDECIDED
    assert tail(BEFORE, first(with_slow([[3, 8, 12, 17]]), 20), TOLERANCE).answer is Answer.ROLL_BACK


def test_one_pause_that_many_requests_meet_is_no_tail() -> None:
    pause, spread = list(range(40, 50)), list(range(5, 100, 10))
    assert tail(BEFORE, first(with_slow([pause]), 100), TOLERANCE, LOOKING).answer is Answer.UNDECIDED
    assert tail(BEFORE, first(with_slow([spread]), 100), TOLERANCE, LOOKING).answer is Answer.ROLL_BACK


def test_a_wider_tolerance_moves_both_thresholds() -> None:
    names = [figure.name for figure in tail(BEFORE, SAME, 1.0).figures]
    assert names == ["requests over 3 x the baseline's p95", "requests over 2 x the baseline's p90"]
    assert tail(BEFORE, SAME, 0.0).figures[0].name == "requests over 2 x the baseline's p95"


def test_what_comes_in_bursts_is_counted_as_such() -> None:
    assert counted([[False, True] * 50]) == Tally(50, 100, 1.0)
    burst = counted([[False] * 40 + [True] * 20 + [False] * 40])
    assert (burst.hits, burst.of) == (20, 100)
    assert burst.inflation > 10
    assert counted([]) == Tally(0, 0, 1.0)


def test_what_most_requests_have_gained_is_no_tail_of_the_others() -> None:
    windows = (tuple(time if place % 10 < 3 else time // 4 for place, time in enumerate(w)) for w in SAME.windows)
    assert tail(BEFORE, Series(tuple(windows)), TOLERANCE, LOOKING).answer is Answer.GO


def test_a_share_that_may_be_four_points_over_is_no_go_and_one_that_is_three_over_no_roll_back() -> None:
    few = tail(BEFORE, first(with_slow([[3, 20, 40], [10, 70]]), 200), TOLERANCE)
    assert few.answer is Answer.UNDECIDED
    assert (few.figures[0].high or 0) > 0.04
    many = tail(BEFORE, with_slow([[10, 50]] * 5 + [[10, 40, 70]] * 5), TOLERANCE, LOOKING)
    assert many.answer is Answer.GO
    assert (many.figures[0].low or 0) > 0


def test_both_thresholds_share_what_looks_share() -> None:
    slow = first(with_slow([[3, 17, 31]]), 95)  # once in 421 by chance
    assert tail(BEFORE, slow, TOLERANCE, Setting(looks=2)).answer is Answer.ROLL_BACK
    assert tail(BEFORE, slow, TOLERANCE, Setting(looks=3)).answer is Answer.UNDECIDED


def test_a_service_that_always_paused_may_do_so_after_the_deploy() -> None:
    paused = with_slow([[], [], list(range(20, 30)), [], [], [], list(range(70, 80))])
    few = first(with_slow([list(range(2, 60, 5))]), 60)
    assert tail(paused, few, TOLERANCE).answer is Answer.UNDECIDED
    assert tail(BEFORE, few, TOLERANCE).answer is Answer.ROLL_BACK


def test_a_go_takes_two_hundred_requests_however_clear_they_are() -> None:
    answers = [tail(BEFORE, first(SAME, requests), TOLERANCE).answer for requests in (199, 200)]
    assert answers == [Answer.UNDECIDED, Answer.GO]
