from __future__ import annotations

import pytest

from pytest_opscheck.core.results import Verdict
from pytest_opscheck.core.visible import plain
from pytest_opscheck.reports.phrases import MOST_LINES, counts, lines, short, word

from .values import blocked, measurement, ok, result, run, unknown


def test_a_breach_that_does_not_fail_the_run_is_a_warning() -> None:
    assert [word(result()), word(result(fails=False)), word(ok()), word(blocked())] == [
        "BREACH",
        "WARNING",
        "OK",
        "BLOCKED",
    ]


def test_lines_are_the_worst_first_and_leave_out_what_is_well() -> None:
    found = lines(
        result(
            measurements=(
                measurement(subject="/", breached=None),
                measurement(subject="/a", breached="P3", expected="< 70 %"),
                measurement(subject="/nfs", breached=None, problem="no answer", observed=""),
                measurement(subject="/b"),
            )
        )
    )
    assert [(line.severity, line.observed, line.unsure) for line in found] == [
        ("P1", "/b 95 %", False),
        ("P3", "/a 95 %", False),
        ("P1", "/nfs: no answer", True),
    ]


def test_many_lines_end_in_how_many_more() -> None:
    found = lines(result(measurements=tuple(measurement(subject=f"/{n}") for n in range(MOST_LINES + 2))))
    assert len(found) == MOST_LINES + 1
    assert found[-1].observed == "and 2 more"
    assert len(lines(result(measurements=tuple(measurement() for _ in range(MOST_LINES))))) == MOST_LINES


def test_without_measurements_the_message_stands_for_them() -> None:
    assert [(line.observed, line.unsure) for line in lines(unknown())] == [("unknown: no answer", True)]


def test_counts_name_every_verdict_there_is_and_how_severe_the_breaches_are() -> None:
    several = run(ok(), ok(), result(), result(severity="P3", fails=False), unknown(), blocked())
    assert counts(several) == "opscheck daily: 2 ok, 2 breach (1 P1, 1 P3), 1 unknown, 1 blocked"
    assert counts(run(suite=None)) == "opscheck checks: nothing was judged"
    assert counts(run(result(verdict=Verdict.WAIVED, fails=False))) == "opscheck daily: 1 waived, nothing was judged"
    assert counts(run(blocked(), blocked())) == "opscheck daily: 2 blocked, nothing was judged"
    assert "nothing was judged" not in counts(run(unknown(), blocked()))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\n  lines\t\r\n", "two lines"),
        ("\x1b[2Jgone", r"\x1b[2Jgone"),
        ("back\bspace\x00", r"back\x08space\x00"),
        ("\u202edesrever", r"\u202edesrever"),
        ("no utf-8 \udcff", r"no utf-8 \udcff"),
        ("größer als 5 µs · ✓", "größer als 5 µs · ✓"),
    ],
)
def test_what_would_steer_a_terminal_becomes_visible(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_long_text_keeps_both_ends() -> None:
    text = short("start " + "x" * 1000 + " the cause", 100)
    assert len(text) < 110
    assert text.startswith("start ")
    assert text.endswith("the cause")
    assert short("x" * 100, 100) == "x" * 100
