"""Whether all requests have become slower: the answers, and what is told beside them."""

from __future__ import annotations

import itertools
import json
import math
import random
import statistics

import pytest

from pytest_opscheck.gate.statistics import shift, tail, typical
from pytest_opscheck.gate.values import LOOKS, Answer, Comparison, Series, Setting, Source

from .simulation import TOLERANCE, Scenario, first

BEFORE, SAME = Scenario().sides(random.Random(1))
SLOWER = Scenario(slower=1.4).sides(random.Random(2))[1]
LOOKING = Setting(looks=len(LOOKS))


def scaled(series: Series, factor: int) -> Series:
    return Series(tuple(tuple(time * factor for time in window) for window in series.windows))


def bounds(comparison: Comparison) -> tuple[float, float]:
    low, high = comparison.figures[0].low, comparison.figures[0].high
    assert low is not None
    assert high is not None
    return low, high


def test_each_answer_with_all_that_is_to_be_shown() -> None:
    go, roll_back = (shift(BEFORE, after, TOLERANCE, LOOKING) for after in (SAME, SLOWER))
    assert (go.answer, roll_back.answer) == (Answer.GO, Answer.ROLL_BACK)
    for found, after in ((go, SAME), (roll_back, SLOWER)):
        time, p95 = found.figures
        assert (found.before_n, found.after_n) == (1000, 1000)
        assert (time.before, time.after) == (typical(BEFORE), typical(after))
        assert p95.before == sorted(BEFORE.samples)[949]
        low, high = bounds(found)
        assert low < time.change < high
        assert sum(share for _, share in found.spread) == pytest.approx(1)
        assert found.needed is None
    assert bounds(go)[1] < 1 + 2 * TOLERANCE
    assert bounds(roll_back)[0] > 1
    assert "compared with one moment" in go.unseen
    json.dumps(go.to_json())


def test_the_ratio_is_the_median_of_all_pairs() -> None:
    after = first(SLOWER, 100)
    ratios = statistics.median(math.log(other / time) for time in BEFORE.samples for other in after.samples)
    assert shift(BEFORE, after, TOLERANCE).figures[0].change == pytest.approx(math.exp(ratios))


def test_it_is_the_same_in_every_unit_and_each_time() -> None:
    for after in (first(SAME, 50), SAME, SLOWER):
        for compare in (shift, tail):
            found = compare(BEFORE, after, TOLERANCE, LOOKING)
            assert compare(BEFORE, after, TOLERANCE, LOOKING) == found
            other = compare(scaled(BEFORE, 1000), scaled(after, 1000), TOLERANCE, LOOKING)
            assert (other.answer, other.needed) == (found.answer, found.needed)
            assert [figure.change for figure in other.figures] == pytest.approx(
                [figure.change for figure in found.figures]
            )
            assert other.finds_from == pytest.approx(found.finds_from)


def test_after_and_before_are_mirrored() -> None:
    there, back = (shift(*sides, TOLERANCE) for sides in ((BEFORE, SLOWER), (SLOWER, BEFORE)))
    assert there.figures[0].change == pytest.approx(1 / back.figures[0].change)
    assert back.answer is Answer.GO


@pytest.mark.parametrize(("requests", "lacking"), [(1, 19), (19, 1)])
def test_before_the_first_look_it_says_how_many_are_missing(requests: int, lacking: int) -> None:
    found = shift(BEFORE, first(SAME, requests), TOLERANCE)
    assert (found.answer, found.needed) == (Answer.UNDECIDED, lacking)
    assert "the first look is at 20" in found.why


def test_there_is_no_go_before_a_hundred_requests_and_what_is_needed_decides() -> None:
    few = shift(BEFORE, first(SAME, 50), TOLERANCE, LOOKING)
    assert few.answer is Answer.UNDECIDED
    assert few.needed == 50
    assert "50 more requests" in few.why
    assert shift(BEFORE, first(SAME, 100), TOLERANCE, LOOKING).answer is Answer.GO


def test_more_requests_are_not_asked_for_where_they_would_not_decide() -> None:
    past = tuple(typical(Scenario(drift=0.3).sides(random.Random(seed))[0]) or 0.0 for seed in range(8))
    found = shift(BEFORE, SAME, TOLERANCE, Setting(past=past))
    assert (found.answer, found.needed) == (Answer.UNDECIDED, None)
    assert "measure both sides in turn" in found.why


@pytest.mark.parametrize(
    ("windows", "a_window", "said"), [(4, 100, "in 4 windows"), (10, 19, "190 requests"), (200, 1, "in 0 windows")]
)
def test_a_small_baseline_decides_nothing(windows: int, a_window: int, said: str) -> None:
    small = Series(tuple(SAME.samples[place * 5 : place * 5 + a_window] for place in range(windows)))
    found = shift(small, SLOWER, TOLERANCE)
    assert (found.answer, found.needed) == (Answer.UNDECIDED, None)
    assert said in found.why
    assert "it takes 200 in 5" in found.why


def test_sides_that_were_measured_in_turn_need_no_windows_but_each_other() -> None:
    in_turn = Setting(interleaved=True)
    found = shift(first(BEFORE, 500), first(SLOWER, 500), TOLERANCE, in_turn)
    assert found.answer is Answer.ROLL_BACK
    assert dict(found.spread) == {Source.REQUESTS: 1.0, Source.WINDOWS: 0.0, Source.PAST: 0.0}
    assert "one moment" not in found.unseen
    assert "not measured in turn" in shift(BEFORE, first(SLOWER, 100), TOLERANCE, in_turn).why


def test_what_is_surely_slower_and_within_the_tolerance_goes() -> None:
    sides = Scenario(slower=1.1, sigma=0.05, interleaved=True).sides(random.Random(1))
    found = shift(*sides, TOLERANCE, Setting(interleaved=True))
    assert bounds(found)[0] > 1.05
    assert found.answer is Answer.GO
    assert shift(*sides, 0.05, Setting(interleaved=True)).answer is Answer.ROLL_BACK


def test_each_source_of_spread_widens_the_interval_and_is_named() -> None:
    uneven = Scenario(windows=0.2).sides(random.Random(1))[0]
    past = tuple(typical(Scenario(drift=0.1).sides(random.Random(seed))[0]) or 0.0 for seed in range(20))
    plain = shift(uneven, SAME, TOLERANCE, Setting(interleaved=True))
    windows = shift(uneven, SAME, TOLERANCE)
    moments = shift(uneven, SAME, TOLERANCE, Setting(past=past))
    widths = [bounds(found)[1] / bounds(found)[0] for found in (plain, windows, moments)]
    assert all(narrower < wider for narrower, wider in itertools.pairwise(widths))
    assert dict(windows.spread)[Source.WINDOWS] > 0.5
    assert dict(moments.spread)[Source.PAST] > 0.2


def test_looks_and_limits_share_alpha() -> None:
    shares = ((1, 1), (6, 1), (6, 5), (360, 5))
    settings = [Setting(looks=looks, limits=limits, interleaved=True) for looks, limits in shares]
    lows = [bounds(shift(BEFORE, SLOWER, TOLERANCE, setting))[0] for setting in settings]
    assert all(fewer > more for fewer, more in itertools.pairwise(lows))
    assert bounds(shift(BEFORE, SLOWER, TOLERANCE, settings[1]))[1] == pytest.approx(
        bounds(shift(BEFORE, SLOWER, TOLERANCE, settings[2]))[1]  # all limits have to say go
    )


def test_what_it_finds_from_is_found() -> None:
    finds_from = shift(BEFORE, first(SAME, 100), TOLERANCE, LOOKING).finds_from
    assert finds_from is not None
    dice, found = random.Random(5), 0
    for _ in range(60):
        before, after = Scenario(slower=finds_from).sides(dice)
        found += shift(before, first(after, 100), TOLERANCE, LOOKING).answer is Answer.ROLL_BACK
    assert found / 60 >= 0.85
