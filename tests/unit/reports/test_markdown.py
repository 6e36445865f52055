from __future__ import annotations

import datetime as dt

import pytest

from pytest_opscheck.core.results import Change, State
from pytest_opscheck.reports.markdown import code, escaped, markdown

from .values import STARTED, blocked, ok, result, run, unknown

WHEN = "2026-11-20 08:00:00 UTC-05:00, 3.2 s, seen from ops-1, exit status 1"


def test_what_is_not_ok_and_what_is_again() -> None:
    told = run(
        result(change=Change(State.NEW, STARTED), runbook="https://runbook.example/disk_full#now"),
        unknown(id="http.p95@api", severity="P3", action=None),
        blocked(),
        ok(id="redis.keys@cache", change=Change(State.RECOVERED, STARTED - dt.timedelta(hours=3))),
        ok(),
    )
    assert markdown(told).splitlines() == [
        "**shop daily: 2 of 5 checks failed, worst P1**",
        "",
        "- **BREACH P1** `host.disk@prod` (new): `/var is at 95 %, expected < 90 %`  ",
        "  Next: Find what grew · <https://runbook.example/disk_full#now>",
        "- **UNKNOWN P3** `http.p95@api`: unknown: no answer  ",
        "  Next: `docs/runbook.md#disk`",
        "- recovered: `redis.keys@cache` (after 3 h)",
        "- 1 blocked by other checks",
        "",
        f"opscheck daily: 2 ok, 1 breach (1 P1), 1 unknown, 1 blocked; {WHEN}",
    ]


def test_a_green_run_is_two_lines() -> None:
    assert len(markdown(run(ok(), exit_status=0)).split("\n\n")) == 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('91.5 %, 3 of 5 (it\'s "old")', '91.5 %, 3 of 5 (it\'s "old")'),
        ("*a* [b](c) ~~d~~", "`*a* [b](c) ~~d~~`"),
        ("@channel", "`@channel`"),
        ("<!here>", "`<!here>`"),
        ("my_table_name", "`my_table_name`"),
        ("http://a.example", "`http://a.example`"),
        ("a `b` c", "``a `b` c``"),
        ("``", "``` `` ```"),
        ("#1\n- x", "`#1 - x`"),
    ],
)
def test_nothing_that_a_target_says_is_a_mark(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_code_is_in_one_line() -> None:
    assert code("a\n\n\x1b") == "`a \\x1b`"


@pytest.mark.parametrize("runbook", ["javascript:alert(1)", "https://a.example/> <b>", "docs/x.md", "https://a b"])
def test_only_an_address_on_the_web_is_a_link(runbook: str) -> None:
    assert "<" not in markdown(run(result(runbook=runbook, message="x"))).replace(code(runbook), "")


def test_a_run_with_everything_broken_stays_short() -> None:
    told = markdown(run(*(result(id=f"a@{number}", message="x" * 9999) for number in range(5000))))
    assert len(told) < 30_000
    assert "- and 4950 more" in told
