"""When it is of no use to wait any longer, and what that counts for."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_opscheck.core.results import Measurement, Verdict
from pytest_opscheck.gate.decision import Terms
from pytest_opscheck.gate.waiting import Life, _gave_up, _has_ended

from .test_decision import BREACH, UNKNOWN, result


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


def test_it_is_given_a_moment_to_come_up_again() -> None:
    missing = [up("exited with status 1")]
    assert _gave_up(missing, 1.0) is None
    assert _gave_up(missing, 5.0) == "it has ended, and does not come up again"
    assert _gave_up([up("x", "api is restarted 1 times, the last 2 s ago, expected running")], 0.0) is None
    assert _gave_up([up("x", "api is restarted 2 times, the last 2 s ago")], 0.0) == "it ends again and again"
    assert _gave_up([up("restarting", "systemd started it again 3 times")], 0.0) == "it ends again and again"


def test_what_did_not_come_up_counts() -> None:
    late = Life(61.0, up("exited with status 1"))
    said = "not ready after 61 s: docker.up@shop: api is exited with status 1"
    assert late.counted(Terms()).broke == said
    assert late.counted(Terms(roll_back_at="P0")) == Terms(roll_back_at="P0")
    assert (
        Life(61.0, up("x", verdict=UNKNOWN)).counted(Terms()).fault == "not ready after 61 s: docker.up@shop: api is x"
    )
    assert Life(1.0).counted(Terms()) == Terms()


def test_what_has_ended_is_named_beside_what_is_worse() -> None:
    gateway = result(BREACH, "P0", "http.status@api", message="status is 502")
    ended = up("exited with status 1", "api is exited")
    why = "it has ended, and does not come up again"
    assert _gave_up([gateway, ended], 6) == f"docker.up@shop: api is exited; {why}"
    assert _gave_up([ended, gateway], 6) == why
    assert _gave_up([ended, gateway], 1) is None
