from __future__ import annotations

import dataclasses
import datetime as dt
import zoneinfo
from pathlib import Path

from pytest_opscheck.core.results import Change, State
from pytest_opscheck.reports.text import text

from .values import STARTED, blocked, ok, result, run, unknown


def test_a_line_for_each_item_and_one_status() -> None:
    told = run(
        result(covers=("TB-17",), change=Change(State.NEW, STARTED)),
        unknown(id="http.p95@api", severity="P3", runbook=None),
        blocked(id="host.load@prod"),
        ok(id="redis.hit_rate@cache", message="hit rate is at 98 %"),
    )
    assert text(told).splitlines() == [
        "shop daily, 2026-11-20 08:00:00 UTC-05:00, 3.2 s, seen from ops-1, exit status 1",
        "",
        "breach P1   host.disk@prod [TB-17]  /var is at 95 %, expected < 90 % (new)",
        "            next: Find what grew · docs/runbook.md#disk",
        "unknown P3  http.p95@api            unknown: no answer",
        "            next: Find what grew",
        "blocked     host.load@prod          blocked by host.reachable@prod: refused",
        "ok          redis.hit_rate@cache    hit rate is at 98 %",
        "",
        "opscheck daily: 1 ok, 1 breach (1 P1), 1 unknown, 1 blocked",
        "Status: 2 of 4 checks failed, worst P1",
    ]


def test_a_green_run_has_its_status_too() -> None:
    lines = text(run(ok(), exit_status=0)).splitlines()
    assert lines[-1] == "Status: All 1 check ok"
    assert text(run(exit_status=5)).splitlines()[-1] == "Status: Nothing was judged"


def test_what_a_target_says_steers_no_terminal() -> None:
    told = text(run(result(message="\x1b[2Jgone\nStatus: All 9 checks ok", action="a\u202eb")))
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert [line for line in told.splitlines() if line.startswith("Status")] == [told.splitlines()[-1]]


def test_the_example_of_the_documents() -> None:
    started = STARTED.astimezone(zoneinfo.ZoneInfo("America/New_York"))
    told = run(
        result(change=Change(State.ONGOING, started - dt.timedelta(days=2))),
        ok(id="redis.hit_rate@cache", message="hit rate is at 98.2 %"),
    )
    page = (Path(__file__).parents[3] / "docs/reports.md").read_text(encoding="utf-8")
    assert f"```text\n{text(dataclasses.replace(told, started=started))}```" in page
