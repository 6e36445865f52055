"""The decision on a deploy: what each pair of before and after counts for, and that nothing missing is ever a go."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from pytest_opscheck.core.results import Measurement, Result, Run, Verdict
from pytest_opscheck.gate.baseline import Baseline
from pytest_opscheck.gate.decision import Terms, decide
from pytest_opscheck.gate.finding import Sort
from pytest_opscheck.gate.values import Answer

NOW = dt.datetime(2026, 11, 28, 6, 0, tzinfo=dt.UTC)
OK, BREACH, UNKNOWN = Verdict.OK, Verdict.BREACH, Verdict.UNKNOWN


def result(verdict: Verdict = OK, severity: str | None = None, name: str = "host.disk@a", **more: Any) -> Result:
    check, _, target = name.partition("@")
    kept: dict[str, Any] = {"message": str(verdict), "measurements": (), **more}
    return Result(name, check, target, check, ("deploy_gate",), verdict, severity, **kept)


def of(value: object, limits: dict[str, str], *, subject: str = "rows", unit: str = "", **more: Any) -> Result:
    return result(measurements=(Measurement(subject, value, unit, limits, observed=str(value), **more),))


def run(*results: Result) -> Run:
    return Run("id", "deploy_gate", "shop", NOW, NOW, "here", "0", results, 0)


def baseline(*looks: Run) -> Baseline:
    return Baseline("shop", "deploy_gate", "here", NOW, looks)


def twice(*results: Result) -> list[Run]:
    return [run(*results), run(*results)]


def sorts(before: Baseline | None, after: Sequence[Run], **terms: Any) -> tuple[Answer, list[Sort]]:
    decision = decide(before, after, Terms(**terms))
    return decision.answer, [finding.sort for finding in decision.findings]


@pytest.mark.parametrize(
    ("before", "after", "answer", "found"),
    [
        (result(), result(), Answer.GO, []),
        (result(), result(BREACH, "P1"), Answer.ROLL_BACK, [Sort.BROKE]),
        (result(UNKNOWN, "P1"), result(BREACH, "P0"), Answer.ROLL_BACK, [Sort.BROKE]),
        (result(), result(BREACH, "P2"), Answer.GO, [Sort.MILD]),
        (result(BREACH, "P1"), result(BREACH, "P1"), Answer.GO, [Sort.ALREADY]),
        (result(BREACH, "P1"), result(BREACH, "P2"), Answer.GO, [Sort.ALREADY]),
        (result(BREACH, "P1"), result(BREACH, "P0"), Answer.ROLL_BACK, [Sort.WORSE]),
        (result(), result(UNKNOWN, "P1"), Answer.UNDECIDED, [Sort.UNKNOWN]),
        (result(UNKNOWN, "P1"), result(UNKNOWN, "P1"), Answer.UNDECIDED, [Sort.UNKNOWN]),
        (result(BREACH, "P1"), result(), Answer.GO, [Sort.MENDED]),
        (result(), result(Verdict.WAIVED, "P0"), Answer.UNDECIDED, [Sort.WAIVED]),
    ],
)
def test_what_counts_for_what(before: Result, after: Result, answer: Answer, found: list[Sort]) -> None:
    assert sorts(baseline(run(before)), twice(after)) == (answer, found)


def test_a_mild_unknown_is_named_and_does_not_count() -> None:
    after = twice(result(UNKNOWN, "P3"), result(name="http.status@api"))
    assert sorts(baseline(run(result())), after) == (Answer.GO, [Sort.UNKNOWN])


def test_without_a_baseline_absolute_limits_are_judged() -> None:
    assert sorts(None, twice(result())) == (Answer.GO, [])
    assert sorts(None, twice(result(BREACH, "P0"))) == (Answer.ROLL_BACK, [Sort.BROKE])


def test_what_was_judged_before_and_is_not_any_more() -> None:
    before = baseline(run(result(), result(name="http.status@api")))
    assert sorts(before, twice(result())) == (Answer.UNDECIDED, [Sort.GONE])


def test_a_breach_rolls_back_even_where_others_are_unknown() -> None:
    after = twice(result(UNKNOWN, "P0", "http.json@api"), result(BREACH, "P1"))
    assert sorts(baseline(run(result())), after) == (Answer.ROLL_BACK, [Sort.BROKE, Sort.UNKNOWN])


def test_what_is_blocked_follows_its_blocker() -> None:
    blocked = result(Verdict.BLOCKED, None, "http.json@api", blocked_by="http.reachable@api")
    broken = result(BREACH, "P0", "http.reachable@api")
    assert sorts(None, twice(blocked, broken)) == (Answer.ROLL_BACK, [Sort.BROKE])
    assert sorts(None, twice(result(), blocked)) == (Answer.UNDECIDED, [Sort.UNKNOWN])


def test_one_blip_is_no_breach_and_several_are() -> None:
    ok, broken = run(result()), run(result(BREACH, "P1"))
    assert sorts(None, [broken, ok, ok]) == (Answer.GO, [Sort.BLIP])
    assert sorts(None, [broken]) == (Answer.UNDECIDED, [Sort.UNKNOWN])
    assert sorts(None, [broken, ok, ok, broken, ok, ok, broken, ok]) == (Answer.ROLL_BACK, [Sort.FLAPPING])


def test_a_measured_value_is_broken_in_two_of_three_looks() -> None:
    measured = (Measurement("load", 9.0, "", {"P1": "< 5"}, breached="P1"),)
    ok, broken = run(of(1, {"P1": "< 5"})), run(result(BREACH, "P1", measurements=measured))
    assert sorts(None, [broken, ok, broken])[0] is Answer.ROLL_BACK


def test_the_severity_that_counts_was_seen_twice() -> None:
    mild, severe = run(result(BREACH, "P2")), run(result(BREACH, "P0"))
    assert sorts(None, [mild, severe, mild]) == (Answer.GO, [Sort.MILD])
    assert sorts(None, [mild, severe, severe]) == (Answer.ROLL_BACK, [Sort.BROKE])


def test_missed_looks_leave_it_undecided() -> None:
    ok, missed = run(result()), run(result(UNKNOWN, "P1"))
    assert sorts(None, [missed, missed, *[ok] * 5])[0] is Answer.UNDECIDED
    assert sorts(None, [missed, *[ok] * 9])[0] is Answer.GO


def test_roll_back_is_not_said_where_it_can_not_help() -> None:
    decision = decide(None, twice(result(BREACH, "P0")), Terms(cannot_roll_back="no version is known to be good"))
    assert decision.answer is Answer.UNDECIDED
    assert decision.why.endswith("no version is known to be good: a person decides")


def test_what_was_broken_before_counts_where_that_is_said() -> None:
    broken = result(BREACH, "P1")
    assert sorts(baseline(run(broken)), twice(broken), counts_already_broken=True)[0] is Answer.ROLL_BACK


ROWS = {"P0": ">= baseline"}


def test_a_value_is_compared_with_the_median_of_the_baseline() -> None:
    before = baseline(run(of(100, ROWS)), run(of(100, ROWS)), run(of(100, ROWS)))
    assert sorts(before, twice(of(100, ROWS))) == (Answer.GO, [])
    assert sorts(before, twice(of(99, ROWS))) == (Answer.ROLL_BACK, [Sort.BROKE])


def test_what_lies_between_the_baselines_own_looks_decides_nothing() -> None:
    before = baseline(run(of(90, ROWS)), run(of(100, ROWS)), run(of(110, ROWS)))
    assert sorts(before, twice(of(95, ROWS))) == (Answer.UNDECIDED, [Sort.INCOMPARABLE])
    assert sorts(before, twice(of(89, ROWS))) == (Answer.ROLL_BACK, [Sort.BROKE])
    assert sorts(before, twice(of(100, ROWS))) == (Answer.GO, [])


@pytest.mark.parametrize("why", ["", "host.disk@a"])
def test_what_can_not_be_compared_is_undecided(why: str) -> None:
    before = baseline(run(of(100, ROWS)))
    found = sorts(before, twice(of(100, ROWS)), incomparable={why: "the baseline is too old"})
    assert found == (Answer.UNDECIDED, [Sort.INCOMPARABLE])
    assert sorts(None, twice(of(100, ROWS))) == (Answer.UNDECIDED, [Sort.INCOMPARABLE])
    assert sorts(baseline(run(result())), twice(of(100, ROWS))) == (Answer.UNDECIDED, [Sort.INCOMPARABLE])


def times(limit: str) -> Result:
    return of(10.0, {"P1": limit}, subject="p95", unit="ms", samples=tuple(range(9000, 9100)), share=(0, 100))


@pytest.mark.parametrize("limit", ["<= baseline - 10%", ">= baseline", "== baseline"])
def test_times_are_compared_by_limits_for_worse_alone(limit: str) -> None:
    before = baseline(*[run(times(limit))] * 10)
    assert sorts(before, [run(times(limit))] * 10) == (Answer.UNDECIDED, [Sort.INCOMPARABLE])


def test_a_broke_and_a_fault_of_the_gate() -> None:
    after = twice(result())
    assert decide(None, after, Terms(fault="a look failed")).answer is Answer.UNDECIDED
    assert decide(None, after, Terms(broke="1 of 2 answers came from 1.4")).answer is Answer.ROLL_BACK
    terms = Terms(broke="1 of 2 answers came from 1.4", cannot_roll_back="no version is known to be good")
    assert decide(None, after, terms).answer is Answer.UNDECIDED


def test_nothing_missing_is_ever_a_go() -> None:
    """No looks, no results, no values, NaN, an exception, nothing but what was left out: none of it says go."""
    nothing = [result(verdict, "P1") for verdict in (UNKNOWN, Verdict.BLOCKED, Verdict.WAIVED, Verdict.MAINTENANCE)]
    nan = of("nan", ROWS, problem="there was no value")
    for before, after in itertools.product(
        [None, baseline(run()), baseline(run(result(UNKNOWN, "P1"))), baseline(run(of("nan", ROWS)))],
        [[], [run()], [run(), run()], *(twice(each) for each in (*nothing, nan))],
    ):
        assert decide(before, after, Terms()).answer is not Answer.GO, (before, after)


def test_what_nobody_has_looked_at_is_not_gone() -> None:
    """A wrong version ends a gate before its first look; then no check is said to be judged no more."""
    before = baseline(run(result(), result(name="host.memory@a")))
    assert sorts(before, [], broke="2 of 4 answers came from 1.4") == (Answer.ROLL_BACK, [])
    assert sorts(before, []) == (Answer.UNDECIDED, [])
    assert sorts(before, [run(result())]) == (Answer.UNDECIDED, [Sort.GONE])


def test_how_often_it_has_to_be_broken_is_the_inventorys_own_word() -> None:
    looks = [run(result(BREACH, "P1")) for _ in range(3)]
    own = {"host.disk@a": (3, 5)}
    assert sorts(None, looks[:2], own_of=own) == (Answer.UNDECIDED, [Sort.UNKNOWN])
    assert sorts(None, looks, own_of=own) == (Answer.ROLL_BACK, [Sort.BROKE])
    assert sorts(None, looks[:2]) == (Answer.ROLL_BACK, [Sort.BROKE])


def test_a_mild_breach_that_was_seen_once_leaves_nothing_open() -> None:
    assert sorts(None, [run(result(BREACH, "P3"), result(name="http.status@api"))])[0] is Answer.GO
    assert sorts(None, [run(result(BREACH, "P1"), result(name="http.status@api"))])[0] is Answer.UNDECIDED
