"""When a mail is due, and what its subject says; tests/live/test_mail.py sends them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_opscheck.core.results import Change, Result, State, Verdict
from pytest_opscheck.delivery.mail import due, message
from pytest_opscheck.inventory.report import Address, Mail
from pytest_opscheck.reports.context import Failed, ReportContext
from pytest_opscheck.reports.mail import bodies

from ..reports.values import STARTED, blocked, ok, result, run, unknown

MAIL = Mail((Address("a@x"),), Address("b@x"), "mail", 25, "none", {"": "always"})


@pytest.mark.parametrize(
    ("when", "results", "status", "sent"),
    [
        ("P1", [result(severity="P1")], 1, True),
        ("P1", [result(severity="P0")], 1, True),
        ("P1", [result(severity="P2")], 1, False),
        ("P2", [unknown(severity="P2")], 1, True),
        ("P2", [result(severity="P1", pending="counts later", fails=False)], 0, False),
        ("P3", [result(severity="P3", fails=False)], 0, True),
        ("P3", [ok(), blocked(), result(verdict=Verdict.WAIVED)], 0, False),
        ("P0", [ok()], 3, True),
        ("P0", [], 5, True),
        ("change", [ok()], 2, True),
        ("change", [result()], 1, False),
        ("always", [ok()], 0, True),
    ],
)
def test_due(when: str, results: list[Result], status: int, sent: bool) -> None:
    mail = replace(MAIL, when={"": when})
    assert due(mail, run(*results, exit_status=status), ReportContext(), lambda: False) is sent


def test_due_where_something_changed_or_failed_without_a_verdict() -> None:
    mail = replace(MAIL, when={"": "change"})
    assert due(mail, run(ok(), exit_status=0), ReportContext(), lambda: True)
    mail = replace(MAIL, when={"": "P0"})
    assert not due(mail, run(ok(), exit_status=1), ReportContext(), lambda: True)
    assert due(mail, run(ok(), exit_status=1), ReportContext(failed=[Failed("t.py", "no such module")]), lambda: False)
    assert due(mail, run(ok(), exit_status=0), ReportContext(problems=["the history is locked"]), lambda: False)


def test_due_by_suite() -> None:
    mail = replace(MAIL, when={"daily": "P1", "weekly": "always"})
    assert not due(mail, run(ok(), suite="smoke"), ReportContext(), lambda: True)
    assert not due(mail, run(ok(), suite="daily"), ReportContext(), lambda: True)
    assert due(mail, run(ok(), suite="daily+weekly"), ReportContext(), lambda: True)


@pytest.mark.parametrize(
    ("results", "status", "subject"),
    [
        ([ok(), ok()], 0, "[ok] shop daily: 2 ok"),
        ([ok(), result(severity="P3"), unknown()], 1, "[P1] shop daily: 1 ok, 1 breach (1 P3), 1 unknown"),
        ([ok()], 3, "[failed] shop daily: 1 ok"),
        ([], 5, "[failed] shop daily: nothing was judged"),
    ],
)
def test_the_subject(results: list[Result], status: int, subject: str) -> None:
    assert message(MAIL, run(*results, exit_status=status), ReportContext(), "")["Subject"] == subject


def test_both_parts_say_the_same() -> None:
    told = run(
        result(id="a@x", change=Change(State.NEW, STARTED), runbook="https://runbook.example/x#y"),
        unknown(id="b@x", change=Change(State.ONGOING, STARTED.replace(day=18))),
        blocked(),
        ok(id="c@x", change=Change(State.RECOVERED, STARTED.replace(day=19))),
    )
    text, html = bodies(told, ReportContext(uncovered=["redis.cache"], problems=["the history is locked"]))
    assert text.splitlines() == [
        "shop: daily: 2 of 4 checks failed, worst P1",
        "opscheck daily: 1 ok, 1 breach (1 P1), 1 unknown, 1 blocked",
        "2026-11-20 08:00:00 UTC-05:00, 3.2 s, seen from ops-1, exit status 1",
        "",
        "the history is locked",
        "",
        "New (1)",
        "BREACH P1 a@x",
        "    /var 95 %, expected < 90 %",
        "    next: Find what grew · https://runbook.example/x#y",
        "",
        "Still not ok (1)",
        "UNKNOWN P1 b@x (since 2 d)",
        "    unknown: no answer",
        "    next: Find what grew · docs/runbook.md#disk",
        "",
        "Recovered (1)",
        "OK c@x (after 1 d)",
        "    /var is at 5 %",
        "1 check blocked by host.reachable@prod",
        "targets without a result: redis.cache",
        "",
        "The attached report has all 4 results.",
    ]
    for said in ("a@x", "after 1 d", "since 2 d", "redis.cache", "the history is locked", "expected &lt; 90 %"):
        assert said in html
    assert 'Find what grew &#183; <a href="https://runbook.example/x#y"' in html
    assert html.isascii()
    assert max(map(len, html.splitlines())) < 998
