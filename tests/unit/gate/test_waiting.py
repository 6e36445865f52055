"""What is waited for, and what is plain before the time is over."""

from __future__ import annotations

from pytest_opscheck.core.results import Measurement, Result
from pytest_opscheck.gate.waiting import _gave_up

from .test_decision import BREACH, result

ENDED = "exited with status 1"


def broken(name: str, value: object, message: str) -> Result:
    said = Measurement("api", value, "", {"P1": "== running"}, breached="P1")
    return result(BREACH, "P1", name, measurements=(said,), message=message)


def test_what_has_ended_is_named_beside_what_is_worse() -> None:
    gateway, ended = broken("http.status@api", 502, "status is 502"), broken("docker.up@stack", ENDED, "api is exited")
    why = "it has ended, and does not come up again"
    assert _gave_up([gateway, ended], 6) == f"docker.up@stack: api is exited; {why}"
    assert _gave_up([ended, gateway], 6) == why
    assert _gave_up([ended, gateway], 1) is None
