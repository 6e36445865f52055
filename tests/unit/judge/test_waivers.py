"""Waivers: what they take out of a breach, and what they leave in it."""

from __future__ import annotations

import datetime as dt

from pytest_opscheck.core.results import Measurement, Result, Verdict, exit_status
from pytest_opscheck.inventory.waivers import Waiver, ending
from pytest_opscheck.judge.conclude import Judge
from pytest_opscheck.judge.excuses import waived
from pytest_opscheck.judge.subject import Subject

from ..reports import values

DISK = Subject("host.disk@prod", "host.disk", "prod", "", ("daily",), severity="P1", action="du -xh {subject}")
UNTIL = dt.date(2026, 12, 31)


def measured(subject: str, breached: str | None, problem: str | None = None) -> Measurement:
    seen = {"observed": "95 %", "expected": "< 70 %", "value": 95.0, "unit": "%", "limits": {"P3": "< 70%"}}
    return Measurement(subject=subject, breached=breached, problem=problem, **seen)  # type: ignore[arg-type]


def judged(*measurements: Measurement, subject: str | None = None) -> Result:
    waiver = Waiver("host.disk@prod", "Kim", "a new disk is ordered", UNTIL, subject, "OPS-12")
    other = Waiver("host.disk@other", "Kim", "not this one", UNTIL)
    found = Judge("P3").conclude(DISK, measurements)
    return waived(found, (other, waiver), DISK, Judge("P3"))


def test_a_waived_breach_keeps_what_it_would_have_been() -> None:
    result = judged(measured("/var", "P2"), measured("/", None))
    assert (result.verdict, result.severity, result.fails) == (Verdict.WAIVED, "P2", False)
    assert result.quiet is not None
    assert (result.quiet.verdict, result.quiet.who, result.quiet.ticket) == (Verdict.BREACH, "Kim", "OPS-12")
    assert "/var is at 95 %" in result.message
    assert result.message.endswith("waived until 2026-12-31 by Kim: a new disk is ordered (OPS-12)")
    assert [m.waived is not None for m in result.measurements] == [True, False]
    assert Result.from_json(result.to_json()) == result


def test_of_a_subject_only_that_is_waived() -> None:
    """Another subject's breach still fails, with its own severity and its own next step."""
    result = judged(measured("/var", "P1"), measured("/srv", "P3"), subject="/var")
    assert (result.verdict, result.severity, result.fails) == (Verdict.BREACH, "P3", True)
    assert result.message.startswith("/srv is at 95 %, expected < 70 %; /var: waived until")
    assert result.action == "du -xh /srv"
    assert result.worst is not None
    assert result.worst.subject == "/srv"
    assert judged(measured("/var", "P1"), subject="/var").verdict is Verdict.WAIVED
    assert judged(measured("/srv", "P3"), subject="/var").verdict is Verdict.BREACH


def test_unknown_is_never_waived() -> None:
    assert judged(measured("/var", None, "hangs")).verdict is Verdict.UNKNOWN
    result = judged(measured("/srv", "P3"), measured("/var", None, "hangs"))
    assert (result.verdict, result.severity, result.fails) == (Verdict.UNKNOWN, "P1", True)
    assert judged().verdict is Verdict.UNKNOWN


def test_of_one_that_is_ok_nothing_changes() -> None:
    assert judged(measured("/", None)).verdict is Verdict.OK


def test_those_that_end_soon_are_announced() -> None:
    today = dt.date(2026, 12, 17)
    far = Waiver("host.load@prod", "Kim", "later", UNTIL + dt.timedelta(days=1))
    near = Waiver("host.disk@prod", "Kim", "a new disk is ordered", UNTIL, "/var")
    last = Waiver("host.cpu@prod", "Kim", "batch", today)
    assert [text.partition(" (Kim")[0] for text in ending((far, near, last), today)] == [
        "the waiver of host.cpu@prod ends today, on 2026-12-17",
        "the waiver of host.disk@prod /var ends in 14 days, on 2026-12-31",
    ]


def test_blocked_by_what_is_waived_stays_blocked_and_fails_nothing() -> None:
    reachable = values.result(id="host.reachable@prod", verdict=Verdict.WAIVED, fails=False)
    assert exit_status(0, [reachable, values.blocked(), values.ok()]) == 0
    assert exit_status(0, [values.blocked(), values.ok()]) == 1


def test_where_all_is_quiet_nothing_was_judged() -> None:
    quiet = [values.result(verdict=verdict, fails=False) for verdict in (Verdict.WAIVED, Verdict.MAINTENANCE)]
    assert exit_status(0, quiet) == 5
