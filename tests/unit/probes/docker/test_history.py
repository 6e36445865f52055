"""How long a container took to become healthy, by what the engine still remembers of its checks and events."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_opscheck.probes.docker._containers import Container
from pytest_opscheck.probes.docker._history import Event, _recovered, _told

START = 1000.0
WEB = Container("1", "web", "web", "running", health="healthy", started=START)


def event(seconds: float, action: str = "health_status: healthy") -> Event:
    return Event("1", action, START + seconds)


def log(*seconds: float, failed: int = 0) -> tuple[tuple[float, int], ...]:
    return tuple((START + at, int(number < failed)) for number, at in enumerate(seconds))


def test_the_first_success_since_the_start_counts() -> None:
    found = _recovered(replace(WEB, health_log=log(-5, 2, 4, 6, failed=2)), START + 60, [])
    assert (found.seconds, found.at_most) == (4, False)
    found = _recovered(WEB, START + 60, [event(0, "start"), event(-9), event(7)])
    assert (found.seconds, found.at_most) == (7, False)


def test_what_the_engine_has_forgotten_is_an_upper_bound() -> None:
    """It keeps five checks of a container."""
    forgot = replace(WEB, health_log=log(50, 52, 54, 56, 58))
    assert (_recovered(forgot, START + 60, []).seconds, _recovered(forgot, START + 60, []).at_most) == (50, True)
    ill = replace(forgot, health="unhealthy", health_log=log(50, 52, 54, 56, 58, failed=5))
    assert _recovered(ill, START + 60, []).seconds is None


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ({"state": "exited", "exit_status": 1}, None),
        ({"health": None}, None),
        ({"health": "starting"}, 60),
        ({"health": "unhealthy", "health_log": log(5, failed=1)}, 60),
    ],
)
def test_one_that_is_not_healthy_yet_takes_as_long_as_it_runs(changes: dict[str, object], seconds: float) -> None:
    found = _recovered(replace(WEB, **changes), START + 60, [])  # type: ignore[arg-type]
    assert found.seconds == seconds


def test_events_as_the_command_prints_them() -> None:
    lines = ["{}", "clock 1", "event 1000500000000 1 health_status: healthy", "event 2000000000000 2 start"]
    assert _told(lines) == [Event("1", "health_status: healthy", 1000.5), Event("2", "start", 2000)]
