from __future__ import annotations

import datetime as dt
import itertools
import re

import pytest

from pytest_opscheck.history import Point
from pytest_opscheck.reports.plot import HEIGHT, LEFT, TOP, WIDTH, Plot, plot

from .values import STARTED, measurement


def drawn(values: list[object], *, hours: list[float] | None = None, **fields: object) -> Plot | None:
    """Return the plot of values, of which the newest comes first, an hour each or so many ago."""
    ago = hours or [float(n) for n in range(len(values))]
    points = [Point(STARTED - dt.timedelta(hours=each), value, None) for each, value in zip(ago, values, strict=True)]
    return plot(measurement(**fields), points, STARTED.tzinfo)


def lines(shown: Plot | None) -> list[list[tuple[int, int]]]:
    """Return the lines that are drawn, as places."""
    assert shown is not None
    found = []
    for part in re.findall(r"M([^M]+)", shown.line):
        numbers = [int(number) for number in re.findall(r"-?\d+", part)]
        steps = zip(numbers[::2], numbers[1::2], strict=True)
        found.append(list(itertools.accumulate(steps, lambda at, step: (at[0] + step[0], at[1] + step[1]))))
    return [part[:-1] if part[-1] == part[-2] and len(part) == 2 else part for part in found]


@pytest.mark.parametrize(
    ("unit", "limits", "values", "named"),
    [
        ("%", {"P3": "< 70%", "P1": "< 90%"}, [80, 50], ["P1 < 90%", "P3 < 70%"]),
        ("s", {"P2": "< 500ms"}, [1.0, 0.0], ["P2 < 500ms"]),
        ("", {"P2": "~ ready", "P3": "== yes"}, [2, 1], []),
        ("parsecs", {"P2": "< 5"}, [1, 2], []),
    ],
)
def test_each_limit_that_is_a_number_is_drawn_and_named(
    unit: str, limits: dict[str, str], values: list[object], named: list[str]
) -> None:
    shown = drawn(values, unit=unit, limits=limits)
    assert shown is not None
    assert [limit.label for limit in shown.limits] == named
    assert len(lines(shown)) == 1


def test_limits_stand_where_they_are_and_their_names_apart() -> None:
    shown = drawn([50, 0], unit="%", limits={"P0": "< 100%", "P1": "< 99%", "P2": "< 98%", "P3": "< 97%"})
    assert shown is not None
    assert [limit.severity for limit in shown.limits] == ["P0", "P1", "P2", "P3"]
    heights = [limit.y for limit in shown.limits]
    names = [limit.name_y for limit in shown.limits]
    assert heights == sorted(heights)
    assert heights[0] == TOP + 4
    assert min(after - before for before, after in itertools.pairwise(names)) >= 11
    assert max(names) <= TOP + HEIGHT + 3


def test_a_value_that_is_its_limit_is_drawn_at_the_same_height() -> None:
    """The line of the limit is drawn over it, thinner: both are seen."""
    shown = drawn([0, 0, 0], unit="", limits={"P2": "== 0"})
    assert shown is not None
    assert {y for part in lines(shown) for _, y in part} == {shown.limits[0].y}


def test_a_pause_of_three_days_is_as_wide_as_it_was_long_and_nothing_is_drawn_in_it() -> None:
    shown = drawn([1, 2, 1, 2, 1, 2], hours=[0, 12, 24, 96, 108, 120], unit="", limits={})
    before, after = lines(shown)
    assert shown is not None
    assert (before[-1][0], after[0][0]) == (LEFT + 4 + (WIDTH - 8) // 5, round(LEFT + 4 + (WIDTH - 8) * 0.8))
    assert (shown.first, shown.last) == ("2026-11-15", "2026-11-20")


def test_a_run_without_a_value_leaves_a_gap() -> None:
    assert [len(part) for part in lines(drawn([3, None, 1, 2], unit="", limits={}))] == [2, 1]


def test_each_value_can_be_pointed_at_and_the_newest_one_stands_out() -> None:
    shown = drawn([95, 80], unit="%", limits={"P1": "< 90%"})
    assert shown is not None
    assert [dot.label for dot in shown.dots] == ["2026-11-20 07:00: 80 %", "2026-11-20 08:00: 95 %"]
    assert shown.about == "80 % to 95 %, from 11-20 07:00 to 11-20 08:00; limits P1 < 90%"
    assert (shown.low, shown.high) == ("80 %", "95 %")


def test_it_is_as_large_as_people_can_read() -> None:
    assert (WIDTH, HEIGHT) >= (240, 60)


@pytest.mark.parametrize("hours", [[0, 0, 0], [0, 1, 2], [0, 100_000, 900_000], [5, 0, 7]])
def test_whatever_the_clocks_say_it_stays_on_its_sheet(hours: list[float]) -> None:
    """Also of a clock that was set back, and of runs of years."""
    shown = drawn([1, 2, 3], hours=hours)
    assert all(LEFT <= x <= LEFT + WIDTH and TOP <= y <= TOP + HEIGHT for part in lines(shown) for x, y in part)
    assert shown is not None
    assert shown.ticks.count("M") <= 14


@pytest.mark.parametrize(
    "values", [[], [5], [None, 5, 6], ["a", "b"], [True, False], [float("nan"), 1], [1e308, -1e308], [10**400, 1]]
)
def test_what_has_no_past_to_show_is_not_drawn(values: list[object]) -> None:
    assert drawn(values) is None
