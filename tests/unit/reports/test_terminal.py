from __future__ import annotations

import pytest

from pytest_opscheck.core.results import Result
from pytest_opscheck.reports.terminal import HEADINGS, next_step, rows, status, table

from .values import STARTED, blocked, measurement, ok, result, unknown

MANY = (
    result(measurements=tuple(measurement(subject=f"/srv/volume-{n}") for n in range(3))),
    unknown(id="postgres.query.stuck_jobs@main", check="postgres.query.stuck_jobs", target="main", severity="P2"),
    result(severity="P3", fails=False, measurements=(measurement(breached="P3", expected="< 70 %"),)),
)


def texts(results: tuple[Result, ...], width: int) -> list[str]:
    return [text for _, text in table(results, width, STARTED)]


@pytest.mark.parametrize("width", [20, 40, 80, 100, 120, 140, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    ids = max(len(f"P2 unknown  {one.id}") for one in MANY)
    assert max(map(len, texts(MANY, width))) < max(width, ids + 1)


@pytest.mark.parametrize("width", [40, 80, 119])
def test_a_narrow_terminal_gets_a_block_of_lines_for_each_result(width: int) -> None:
    found = texts(MANY[:1], width)
    assert found == [
        "P1 breach  host.disk@prod",
        "    /srv/volume-0 95 %, expected < 90 %"[:width],
        "    /srv/volume-1 95 %, expected < 90 %",
        "    /srv/volume-2 95 %, expected < 90 %",
        *(
            ["    next: Find what grew", "    (docs/runbook.md#disk)"]
            if width == 40
            else ["    next: Find what grew (docs/runbook.md#disk)"]
        ),
    ]


@pytest.mark.parametrize("width", [120, 140, 200])
def test_a_wide_terminal_gets_six_columns(width: int) -> None:
    found = texts(MANY, width)
    assert [found[0].index(heading) for heading in HEADINGS] == sorted(found[0].index(heading) for heading in HEADINGS)
    column = found[0].index("observed")
    assert found[1][column:].startswith("/srv/volume-0 95 %")
    assert found[2].split() == ["P1", "/srv/volume-1", "95", "%", "<", "90", "%"]


def test_the_severity_says_what_could_not_be_told_and_what_only_warns() -> None:
    assert [rows(one, STARTED)[0][0] for one in MANY] == ["P1", "P2 ?", "P3 warn"]
    assert texts(MANY[1:], 80)[0] == "P2 unknown  postgres.query.stuck_jobs@main"


def test_the_next_step_names_the_action_and_the_runbook() -> None:
    assert next_step(result()) == "Find what grew (docs/runbook.md#disk)"
    assert next_step(result(action=None)) == "see docs/runbook.md#disk"
    assert next_step(result(runbook=None)) == "Find what grew"
    assert next_step(result(runbook=None, action=None)) == ""


def test_a_link_in_the_last_column_is_never_broken() -> None:
    link = "https://runbooks.example.com/" + "x" * 60
    assert any(link in text for text in texts((result(runbook=link),), 120))


def test_each_line_knows_whether_it_is_the_first_of_its_result() -> None:
    for width in (80, 140):
        assert [one for one, _ in table(MANY, width, STARTED) if one is not None] == list(MANY)


def test_letters_and_words() -> None:
    shown = [status(one) for one in (ok(), result(), result(severity="P3", fails=False), unknown(), blocked())]
    assert [(letter, said) for _, letter, (said, _) in shown] == [
        (".", "OK"),
        ("B", "BREACH P1"),
        ("w", "WARNING P3"),
        ("U", "UNKNOWN"),
        ("b", "BLOCKED"),
    ]
