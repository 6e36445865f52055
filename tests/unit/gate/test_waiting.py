"""When it is of no use to wait any longer, and what that counts for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_opscheck.core.look import Look
from pytest_opscheck.core.results import Measurement, Result, Run, Verdict
from pytest_opscheck.gate import waiting
from pytest_opscheck.gate.decision import Terms
from pytest_opscheck.gate.waiting import Life, _has_ended, awaited

from .test_decision import BREACH, OK, UNKNOWN, result, run
from .test_watching import Clock


def up(state: str, message: str = "", verdict: Verdict = BREACH) -> Any:
    measured = Measurement("api", state, "", {"P1": "== running"}, "P1", observed=state)
    return result(verdict, "P1", "docker.up@shop", measurements=(measured,), message=message or f"api is {state}")


@pytest.mark.parametrize(
    ("state", "is_over"),
    [
        ("exited with status 1", True),
        ("restarting after exit status 1, killed", True),
        ("failed", True),
        ("starting", False),
        ("activating (start)", False),
        ("missing", False),
    ],
)
def test_what_has_ended_is_not_waited_for(state: str, is_over: bool) -> None:
    assert _has_ended(up(state)) is is_over


GATEWAY = result(BREACH, "P0", "http.status@api", message="status is 502")
ENDED = up("exited with status 1", "api is exited")


def life(monkeypatch: pytest.MonkeyPatch, *seen: tuple[float, list[Result]]) -> tuple[Life, list[Look]]:
    """Return what waiting comes to where the looks take so long and see that, and what was looked at."""
    clock, asked, rest = Clock(), list[Look](), iter(seen)
    monkeypatch.setattr(waiting, "time", clock)

    def look(wanted: Look) -> Run:
        asked.append(wanted)
        took_s, found = next(rest)
        clock.sleep(took_s)
        return run(*(each for each in found if wanted.only is None or each.id in wanted.only))

    checks = [("http.status@api", "status"), ("docker.up@shop", "up")]
    expected: Any = [SimpleNamespace(id=i, suites=("gate",), check=SimpleNamespace(name=n)) for i, n in checks]
    looker: Any = SimpleNamespace(look=look, suite="gate", inventory=SimpleNamespace(expectations=expected, targets=()))
    return awaited(looker, (), Terms(), 60.0, lambda _: None), asked


def test_what_has_ended_is_given_a_moment_to_come_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second look is at nothing else: an answer that never comes would hold it up."""
    found, asked = life(monkeypatch, (2, [GATEWAY, ENDED]), (2, [GATEWAY, ENDED]))
    assert found.gave_up == "docker.up@shop: api is exited; it has ended, and does not come up again"
    assert found.missing is GATEWAY
    assert found.seconds == 7.0
    assert asked[1].only == frozenset(["docker.up@shop"])
    ok = [result(OK, None, "http.status@api"), result(OK, None, "docker.up@shop")]
    found, _ = life(monkeypatch, (2, [ENDED]), (2, ok), (2, ok))
    assert (found.missing, found.gave_up, found.seconds) == (None, None, 10.0)


def test_an_answer_that_never_comes_holds_up_the_first_looks_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [(3.0, [GATEWAY])] * 3
    _, asked = life(monkeypatch, *looks, (2, [result(OK, None, "http.status@api")]))
    assert [each.patience_s for each in asked] == [3.0, 5.0, None, None]


@pytest.mark.parametrize(
    ("again", "is_over"),
    [
        (up("x", "api is restarted 1 times, the last 2 s ago, expected running"), False),
        (up("x", "api is restarted 2 times, the last 2 s ago"), True),
        (up("restarting", "systemd started it again 3 times"), True),
    ],
)
def test_what_ends_again_and_again_is_not_waited_for(
    again: Result, is_over: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, _ = life(monkeypatch, (2, [again]), (2, [result(OK, None, "docker.up@shop")]))
    assert (found.gave_up == "it ends again and again") is is_over


def test_what_did_not_come_up_counts() -> None:
    late = Life(61.0, up("exited with status 1"))
    said = "not ready after 61 s: docker.up@shop: api is exited with status 1"
    assert late.counted(Terms()).broke == said
    assert late.counted(Terms(roll_back_at="P0")) == Terms(roll_back_at="P0")
    assert (
        Life(61.0, up("x", verdict=UNKNOWN)).counted(Terms()).fault == "not ready after 61 s: docker.up@shop: api is x"
    )
    assert Life(1.0).counted(Terms()) == Terms()
