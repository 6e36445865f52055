"""As many contacts that start a process as the processors here can serve; others that keep them busy do not count."""

from __future__ import annotations

import pytest

from pytest_opscheck.gather.pace import MOST, Pace, idle_part, processors


@pytest.mark.parametrize(
    ("idle", "mine", "step"),
    [(0.5, 0.1, 2), (0.5, 0.9, 2), (0.1, 0.9, 0), (0.0, 0.9, -1), (0.0, 0.1, 0), (None, 0.9, 0)],
)
def test_it_follows_what_is_idle(idle: float | None, mine: float, step: int) -> None:
    pace = Pace()
    before = pace.limit
    assert pace._changed(idle, mine) in (before + step, before)
    assert (pace._changed(idle, mine) - before > 0) is (step > 0)
    assert (pace._changed(idle, mine) - before < 0) is (step < 0)


def test_it_has_bounds_and_shares_the_machine() -> None:
    pace = Pace()
    for _ in range(200):
        pace.limit = pace._changed(0.9, 0.1)
    assert pace.limit == MOST
    for _ in range(200):
        pace.limit = pace._changed(0.0, 0.9)
    assert pace.limit == processors()
    assert 1 <= Pace(8).limit <= Pace().limit


def test_how_much_is_idle() -> None:
    assert idle_part((100, 400), (150, 500)) == 0.5
    assert idle_part(None, (1, 1)) is None
    assert idle_part((1, 5), (1, 5)) is None
