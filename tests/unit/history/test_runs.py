"""A run is recorded whole, compared with those before it, and asked for in few words."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace

import pytest

from pytest_opscheck.core.pending import parse_for, parse_of
from pytest_opscheck.core.results import Counted, Result, Run, State, Verdict
from pytest_opscheck.core.units import LimitError
from pytest_opscheck.history import CounterGrowth, History, Past, reading
from pytest_opscheck.judge.expect import Expect
from tests.unit.reports.values import blocked, measurement, ok, result, unknown

from .conftest import MORNING, Ran

MINUTE = dt.timedelta(minutes=1)


def test_a_run_comes_back_as_it_was(history: History, ran: Ran) -> None:
    values = [75.0, 0.1, 7, 2**60, -0.0, True, False, None, "75.0", "", "nan", "\ud800 half", "zero \0 byte", 1e300]
    odd = [measurement(subject=f"/{number}", value=value) for number, value in enumerate(values)]
    twice = [measurement(subject=None, value=1), measurement(subject=None, value=2)]
    first = result(
        measurements=(*odd, *twice),
        covers=("IF-03",),
        message="x" * 5000,
        pending="counts after 10 min",
        fails=False,
        counters=(Counted(None, {"hits": 5, "misses": 0.5}),),
    )
    run = ran(first, first, unknown(id="host.load@prod"), blocked(id="é.b@prod"), ok(id="host.cpu@prod"), narrowed=True)
    with reading(history) as records:
        assert records is not None
        found = records.run(1)
        assert records.run(2) is None
    assert found is not None
    texts = {12: "zero \\x00 byte", 11: "\\ud800 half"}
    expected = [replace(each, value=texts.get(place, each.value)) for place, each in enumerate(odd)]
    assert found.results[0].measurements == (*expected, *twice)
    assert found.results[1:] == (replace(run.results[1], measurements=found.results[0].measurements), *run.results[2:])
    assert replace(found, results=()) == replace(run, results=())
    assert math.copysign(1, found.results[0].measurements[4].value) == 1


def states(run: Run) -> list[tuple[State, dt.datetime] | None]:
    return [(each.change.state, each.change.since) if each.change else None for each in run.results]


def test_new_ongoing_recovered_and_ok_as_before(ran: Ran) -> None:
    assert states(ran(result(), ok(id="a@b"))) == [(State.NEW, MORNING), None]
    assert states(ran(result(), ok(id="a@b"), minutes=5)) == [(State.ONGOING, MORNING), None]
    assert states(ran(unknown(), minutes=10)) == [(State.ONGOING, MORNING)]
    assert states(ran(blocked(), minutes=15)) == [None], "what is blocked says nothing"
    assert states(ran(result(), minutes=20)) == [(State.ONGOING, MORNING)]
    assert states(ran(ok(), minutes=25)) == [(State.RECOVERED, MORNING)]
    assert states(ran(ok(), minutes=30)) == [None]
    assert states(ran(result(), minutes=35)) == [(State.NEW, MORNING + 35 * MINUTE)]


def test_what_changes_again_and_again_flaps(ran: Ran) -> None:
    for minute in range(3):
        ran(ok() if minute % 2 else result(), minutes=minute)
    assert states(ran(ok(), minutes=3)) == [(State.FLAPPING, MORNING)], "the fourth change"
    assert states(ran(ok(), minutes=4)) == [None]
    for minute in range(5, 15):
        ran(ok(), minutes=minute)
    assert states(ran(result(), minutes=15)) == [(State.NEW, MORNING + 15 * MINUTE)], "it was quiet long enough"


def test_runs_are_compared_within_their_inventory_and_across_suites(history: History, ran: Ran) -> None:
    ran(result(), suite="smoke")
    assert states(ran(result(), suite="daily", minutes=1)) == [(State.ONGOING, MORNING)]
    other = Past(replace(history, inventory="another"))
    assert [each.change and each.change.state for each in other.compared([result()], MORNING)] == [State.NEW]
    other.close()


@pytest.mark.parametrize(
    ("said", "minutes", "counts"),
    [("10m", [0, 5], False), ("10m", [0, 5, 9.99], False), ("10m", [0, 10], True), ("600", [0, 11], True)],
)
def test_a_breach_counts_when_it_has_lasted(
    history: History, ran: Ran, said: str, minutes: list[float], *, counts: bool
) -> None:
    """Between two runs it is taken to go on; a run that found the check ok begins the time anew."""
    ran(result(), minutes=-60)
    ran(ok(), minutes=-30)
    for minute in minutes[:-1]:
        ran(result(), minutes=minute)
    past = Past(history)
    settled = past.settled(result(), parse_for(float(said) if said.isdigit() else said), MORNING + minutes[-1] * MINUTE)
    past.close()
    assert settled.fails is counts
    assert settled.verdict is Verdict.BREACH
    assert (settled.pending is None) is counts
    if not counts:
        assert settled.message.endswith(f"; counts after 10 min, has lasted {int(minutes[-1])} min")


@pytest.mark.parametrize(
    ("before", "counts"),
    [
        ("", True),
        ("o", False),
        ("bb", True),
        ("bobo", True),
        ("bboooo", False),
        ("buu", True),
        ("uou", True),
        ("uoo", False),
    ],
)
def test_a_breach_counts_in_so_many_of_the_last_runs(history: History, ran: Ran, before: str, *, counts: bool) -> None:
    """`b` is a breach, `o` ok, `u` unknown. Where nothing is known of before it counts at once."""
    for minute, letter in enumerate(before):
        ran({"b": result, "o": ok, "u": unknown}[letter](id=result().id), minutes=minute)
        ran(blocked(), minutes=minute + 0.5)
    past = Past(history)
    assert past.settled(result(), parse_of("3 of 5"), MORNING + 60 * MINUTE).fails is counts
    past.close()


@pytest.mark.parametrize("said", ["3", "3 of", "1 of 5", "5 of 3", "3 of 51", "0 of 0", 3, True, "three of five"])
def test_what_is_no_number_of_runs(said: object) -> None:
    with pytest.raises(LimitError):
        parse_of(said)


def counted(
    past: Past, now: dt.datetime, restarts: int, unit: str = "", by: str | None = None
) -> tuple[Result, float, str | None]:
    def moved(counted: Counted, window_s: float | None) -> CounterGrowth:
        return past.moved("host.disk@prod", "daily", counted, now=now, window_s=window_s)

    expect = Expect(None, now, {}, moved)
    found = expect.since_last_run("web", counted_by=by, unit=unit, restarts=restarts)
    return result(counters=tuple(expect.counters)), found.by["restarts"], found.since


def test_counters_are_taken_since_the_last_whole_run_of_the_suite(history: History, ran: Ran) -> None:
    totals = [(100, 100), (130, 30), (130, 0), (20, 20), (21, 1)]  # before it was 20 it was reset
    for minute, (total, expected) in enumerate(totals):
        past = Past(history)
        seen, by, since = counted(past, MORNING + minute * MINUTE, total)
        past.close()
        assert (by, since) == (expected, "in the last 1 min" if minute else None)
        ran(seen, minutes=minute)
        ran(replace(seen, counters=(Counted("web", {"restarts": 5000}),)), minutes=minute + 0.1, narrowed=True)
        ran(replace(seen, counters=(Counted("web", {"restarts": 5000}),)), minutes=minute + 0.2, suite="smoke")
    past = Past(history)
    rates = [
        counted(past, MORNING + minute * MINUTE, 25, unit)[1:] for minute, unit in ((5, "/h"), (5, "/min"), (6, "/min"))
    ]
    past.close()
    assert rates == [(30 + 20 + 1 + 4, "in the last 5 min"), (4, "in the last 1 min"), (4 / 2, "in the last 2 min")]


def test_counters_of_another_process_began_anew_though_they_are_larger(history: History, ran: Ran) -> None:
    for minute, (by, total, expected) in enumerate([("a", 10, 10), ("a", 12, 2), ("b", 40, 40), ("b", 41, 1)]):
        past = Past(history)
        seen, grown, _ = counted(past, MORNING + minute * MINUTE, total, by=by)
        past.close()
        assert grown == expected
        ran(seen, minutes=minute)
    past = Past(history)
    assert counted(past, MORNING + 4 * MINUTE, 41, "/h", by="b")[1:] == (2 + 40 + 1, "in the last 4 min")
    past.close()


def test_what_reports_ask(history: History, ran: Ran) -> None:
    for minute in range(40):
        wide = measurement(subject="/", value=minute, breached="P1" if minute == 39 else None)
        disk = (result if minute == 39 else ok)(measurements=(wide, measurement(subject="/var", value=True)))
        ran(disk, ok(id="host.load@prod"), minutes=minute, suite="smoke" if minute % 4 else "daily")
    with reading(history) as records:
        assert records is not None
        latest = records.latest()
        points = records.values(40)
        changes = records.changes()
        daily = records.runs("daily", MORNING + 4 * MINUTE, MORNING + 12 * MINUTE)
        counts = records.counts(MORNING + 30 * MINUTE)
        assert records.changes("host.load") == []
        assert records.changes("host.disk@prod", seq=40) == records.changes("host") == changes
        assert records.changes(seq=39) == []
        assert [run.seq for run in records.runs(newest=2)] == [40, 39]
    assert (latest["host.disk@prod"].seq, latest["host.disk@prod"].verdict) == (40, Verdict.BREACH)
    assert latest["host.disk@prod"].wrong_since == MORNING + 39 * MINUTE
    assert latest["host.load@prod"].wrong_since is None
    assert [point.value for point in points["host.disk@prod", "/"]] == list(range(39, 9, -1))
    assert points["host.disk@prod", "/"][0].breached == "P1"
    assert points["host.disk@prod", "/var"][0].value is True
    assert [(seen.id, seen.state) for seen in changes] == [("host.disk@prod", State.NEW)]
    assert [run.started for run in daily] == [MORNING + 8 * MINUTE, MORNING + 4 * MINUTE]
    assert counts["host.disk@prod"] == {Verdict.OK: 9, Verdict.BREACH: 1}
