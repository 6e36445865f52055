"""How often a deploy is looked at while it is watched, and what ends that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_opscheck.core.look import Look
from pytest_opscheck.core.results import Measurement, Run
from pytest_opscheck.gate import waiting, watching
from pytest_opscheck.gate.decision import Terms
from pytest_opscheck.gate.watching import Watch
from pytest_opscheck.inventory.gate import Gate

from .test_decision import BREACH, OK, UNKNOWN, baseline, result, run

LOOK_S = 2.0


class Clock:
    """Time that passes where somebody waits for it."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(watching, "time", made)
    monkeypatch.setattr(waiting, "time", made)
    return made


def watch(clock: Clock, dies_at: float) -> tuple[Watch, list[float]]:
    """Return a watch over one server that dies, and the moments at which all of the suite was looked at."""
    whole: list[float] = []

    def look(wanted: Look) -> Run:
        if wanted.only is None:
            whole.append(clock.now)
        is_up = clock.now < dies_at
        clock.sleep(LOOK_S)
        return run(result(OK if is_up else BREACH, None if is_up else "P0", "http.status@api"))

    check = SimpleNamespace(name="status")
    expectation: Any = SimpleNamespace(id="http.status@api", suites=("deploy_gate",), check=check)
    counting: Callable[[object], dict[str, Any]] = lambda _: {}  # noqa: E731
    looker: Any = SimpleNamespace(
        look=look,
        suite="deploy_gate",
        inventory=SimpleNamespace(expectations=(expectation,), targets=()),
        with_requests=counting,
        counting_from=counting,
    )
    return Watch(looker, None, Terms(), lambda _: None), whole


@pytest.mark.parametrize("dies_at", [1.0, 14.0, 16.0, 29.0, 31.0, 119.0])
def test_what_dies_is_found_within_35_s(clock: Clock, dies_at: float) -> None:
    made, _ = watch(clock, dies_at)
    made._go_on(300, 30)
    assert made.decision.answer == "roll back"
    assert clock.now - dies_at < 35


@pytest.mark.parametrize("dies_at", [1.0, 14.0, 16.0, 29.0, 31.0, 119.0])
def test_what_dies_behind_a_proxy_that_hangs_is_found_within_35_s(clock: Clock, dies_at: float) -> None:
    """The engine says at once that the container has ended; whether its address answers takes the time that it may."""
    made, _ = watch(clock, 1e9)
    ended = Measurement("api", "exited with status 1", "", {"P1": "== running"}, "P1", observed="exited")

    def look(wanted: Look) -> Run:
        is_up = clock.now < dies_at
        clock.sleep(LOOK_S)
        found = [result(OK if is_up else BREACH, None if is_up else "P1", "docker.up@shop")]
        found = [replace(each, measurements=() if is_up else (ended,)) for each in found]
        if wanted.only is None or "http.status@api" in wanted.only:
            clock.sleep(0 if is_up else min(10.0, wanted.patience_s or 10.0))
            found.append(result(OK if is_up else UNKNOWN, None if is_up else "P1", "http.status@api"))
        return run(*found)

    made.looker.look = look  # type: ignore[method-assign, assignment]
    made._go_on(300, 30)
    assert made.decision.answer == "roll back"
    assert clock.now - dies_at < 35


def test_whole_looks_begin_as_often_as_is_said(clock: Clock) -> None:
    made, whole = watch(clock, dies_at=1e9)
    made._go_on(90, 30)
    assert whole == [30, 60, 90]
    assert made.decision.answer == "go"


def test_what_never_came_up_is_no_reason_to_look_at_all_the_rest(clock: Clock) -> None:
    """Each request to what is not there may take seconds; what was seen while it was waited for is enough."""
    made, whole = watch(clock, dies_at=0)
    decision = made.run(Gate(), wait_s=10, watch_s=0, every_s=30, version=None)
    assert (decision.answer, whole) == ("roll back", [])
    assert [(each.id, each.sort) for each in decision.findings] == [("http.status@api", "broke")]


def test_all_is_looked_at_while_requests_are_made(clock: Clock) -> None:
    """A thousand requests may take minutes, and wear out what no request shows: a pool, a disk."""
    made, whole = watch(clock, dies_at=40)
    made.before = baseline(run(result(OK, None, "http.status@api")))
    made.looker.compared = frozenset({"http.p95@api"})  # type: ignore[misc]
    timed = made.looker.look

    def look(wanted: Look) -> Run:
        clock.sleep(18 if wanted.only == made.looker.compared else 0)
        return timed(wanted)

    made.looker.look = look  # type: ignore[assignment, method-assign]
    made._decide_once(Gate(warm_up=0), 30)
    assert made.decision.answer == "roll back"
    assert len(whole) > 1
    assert clock.now < 40 + 30 + 18 + 10
