"""Whether a container that runs is one that stays up, or one of the runs of a loop of restarts, told by one look."""

from __future__ import annotations

import pytest

from pytest_opscheck.probes.docker._containers import Container, Service

DAY = 86400.0


def container(restarts: int, created_ago: float, started_ago: float, state: str = "running") -> Container:
    """Return a healthy container as an engine whose clock says 100 days shows it."""
    now = 100 * DAY
    made = Container(
        "1",
        "shop-api-1",
        "api",
        state,
        health="healthy",
        restarts=restarts,
        created=now - created_ago,
        started=now - started_ago,
    )
    return made.at(now)


@pytest.mark.parametrize(
    ("restarts", "created_ago", "started_ago", "stays"),
    [
        (0, 5, 5, True),  # just deployed
        (1, 15.1, 0.1, False),  # ended once after 15 s, and nobody knows whether it stays this time
        (1, 22, 19, True),  # ended once at its start, before its database was there
        (3, 30, 25, True),  # likewise, three times
        (10, 20 * 60, 100, False),  # every two minutes since it was created: always seen running
        (10, 20 * 60, 5 * 60, True),  # until it runs for longer than that
        (1, 30 * DAY, 20, False),  # a month, and a crash a moment ago
        (1, 30 * DAY, 90, True),
        (9, 30 * DAY, 90, False),  # a month, and of late one crash after the other
        (9, 30 * DAY, 700, True),
        (9, 30 * DAY, -2, False),  # a clock that is a little off
    ],
)
def test_a_restarted_container_stays_up_when_it_has_shown_that(
    restarts: int, created_ago: float, started_ago: float, stays: bool
) -> None:
    """What is in a loop is neither running nor healthy; what was restarted once, or long ago, is."""
    found = container(restarts, created_ago, started_ago)
    assert found.runs
    assert (found.stays, found.healthy) == (stays, stays)
    assert (Service("api", (found,)).state == "running") is stays


def test_a_loop_is_described_by_its_restarts() -> None:
    assert container(7, 60, 4.4).described == "restarted 7 times, the last 4 s ago"
    assert container(1, 60, 0).described == "restarted 0 s ago"
    assert container(7, 60, 4.4).health_described == "restarted 7 times, the last 4 s ago"
    assert container(7, 60, 4, state="paused").described == "paused"
