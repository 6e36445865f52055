"""The status page: what of the history stands on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_opscheck.core.duty import Duty
from pytest_opscheck.core.results import Verdict
from pytest_opscheck.reports.status import MARK, page

from ..nasty import PIECES, maker, steers
from .overviews import SHOP, Shop
from .test_injection import Form
from .values import ok, result, unknown


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_a_suite_with_its_newest_verdict_when_it_ran_and_when_it_is_due(shop: Shop) -> None:
    shop.ran(ok(id="a@x"), days=2)
    shop.ran(result(id="a@x"), ok(id="b@x"))
    shop.left("daily", [0])
    (daily,) = shop.status().suites
    assert (daily.name, daily.verdict, daily.tone) == ("daily", "failed", "P1")
    assert (daily.ran, daily.counts) == ("2026-11-20 08:00, 1 h ago, in 3.0 s, on ops-1", "1 breach, 1 ok")
    assert (daily.due, daily.late, daily.link) == ("2026-11-21 08:00", "", "daily/2026-11-20T080000.html")
    assert daily.availability == "50.0 % of 2 runs ok"


def test_a_suite_that_is_overdue_or_never_ran(tmp_path: Path) -> None:
    shop = Shop(tmp_path, SHOP + '[suites.weekly]\nat = "06:00"\ndays = ["mon"]\n')
    shop.ran(ok(id="a@x"), days=2)
    status = shop.status(hours=10)
    daily, weekly = status.suites
    assert (daily.tone, daily.late) == ("late", "2026-11-20 08:00")
    assert (weekly.tone, weekly.verdict, weekly.due) == ("late", "never ran", "2026-11-23 06:00")
    assert (status.tone, status.headline) == ("red", "overdue: daily, weekly")


def test_a_page_that_nobody_writes_again_tells_from_when_on_it_is_old(shop: Shop) -> None:
    shop.ran(ok(id="a@x"))
    (daily,) = shop.status().suites
    assert int(daily.late_at) == 1795269660  # 2026-11-21 08:00 in New York, an hour for the run, and a minute
    assert f'data-late="{daily.late_at}"' in page(shop.status())


def test_a_day_is_a_cell_with_its_worst_run(shop: Shop) -> None:
    shop.ran(ok(id="a@x"), days=4)
    shop.ran(result(id="a@x", severity="P3"), days=2.2)
    shop.ran(result(id="a@x", severity="P0"), days=2.1)
    shop.ran(ok(id="a@x"), days=2)
    shop.ran(ok(id="a@x"), days=1, status=3)
    shop.ran(ok(id="a@x"))
    shop.left("daily", [0])
    (daily,) = shop.status().suites
    assert [(cell.classes, cell.mark, cell.label) for cell in daily.cells] == [
        ("ok", "", "2026-11-16: 1 run, none failed"),
        ("none", "", "2026-11-17: no run"),
        ("P0", "0", "2026-11-18: 3 runs, 2 failed, worst P0"),
        ("fault", "?", "2026-11-19: 1 run, none failed"),
        ("ok", "", "2026-11-20: 1 run, none failed"),
    ]
    assert [cell.link for cell in daily.cells][-2:] == [None, "daily/2026-11-20T080000.html"]


def test_a_suite_without_a_schedule_has_a_cell_a_run(shop: Shop) -> None:
    for hours in (3, 2, 1):
        shop.ran(ok(id="a@x"), days=hours / 24, suite="deploy_gate")
    gate = next(suite for suite in shop.status().suites if suite.name == "deploy_gate")
    assert [cell.label for cell in gate.cells] == [f"2026-11-20 0{hour}:00: ok" for hour in (5, 6, 7)]
    assert (gate.schedule, gate.availability) == ("", "100 % of 3 runs ok")


def test_what_is_not_ok_and_since_when_the_worst_first(shop: Shop) -> None:
    duty = Duty("ops on call", 3600.0)
    kinds = {"check": "host.disk", "target": "a"}
    shop.ran(result(id="host.disk@a", duty=duty, **kinds), ok(id="redis.hit_rate@b"), days=2)
    shop.ran(
        result(id="host.disk@a", duty=duty, **kinds),
        unknown(id="redis.hit_rate@b", severity="P0"),
        result(id="host.load@a", severity="P3", fails=False, pending="counts later"),
        result(id="own.waived@-", verdict=Verdict.WAIVED, fails=False),
    )
    shop.left("daily", [0])
    status = shop.status()
    assert [(each.severity, each.word, each.id, each.since) for each in status.broken] == [
        ("P0", "unknown", "redis.hit_rate@b", "2026-11-20 08:00"),
        ("P1", "breach", "host.disk@a", "2026-11-18 08:00"),
        ("P3", "pending", "host.load@a", "2026-11-20 08:00"),
    ]
    assert status.broken[1].duty == "ops on call, within 1 h: overdue since 2026-11-18 09:00 EST"
    assert status.broken[1].link == "daily/2026-11-20T080000.html#host.disk%40a"
    assert [(target.name, target.counts, target.since) for target in status.targets] == [
        ("redis.b", (1, 0, 0, 0), "2026-11-20 08:00"),
        ("host.a", (0, 1, 0, 1), "2026-11-18 08:00"),
    ]
    assert status.headline == "3 checks not ok, worst P0"


def test_the_newest_word_of_a_check_counts_whatever_suite_it_is_of(shop: Shop) -> None:
    """And what a check said that is not there any more, or a run of a part of its suite, does not."""
    shop.ran(result(id="gone@x"), days=3)
    shop.ran(result(id="a@x"), result(id="b@x"), days=1)
    shop.ran(ok(id="a@x"), days=0.5, suite="smoke+deploy_gate")
    shop.ran(result(id="c@x"), days=0.1, narrowed=True)
    status = shop.status()
    assert [each.id for each in status.broken] == ["b@x"]
    assert [suite.name for suite in status.suites] == ["smoke", "deploy_gate", "daily"]


def test_a_run_has_the_exit_status_that_it_ended_with(shop: Shop) -> None:
    ended = shop.ran(ok(id="a@x"))
    assert shop.status().tone == "green"
    status = shop.status(ended=replace(ended, exit_status=3))
    assert (status.tone, status.suites[0].verdict) == ("red", "the checker itself failed")


def test_the_slowest_targets(shop: Shop) -> None:
    shop.ran(*(ok(id=f"host.disk@h{n}", duration_s=n) for n in range(12)), ok(id="host.load@h3", duration_s=99.0))
    slow = shop.status().slow
    assert [target.name for target in slow[:3]] == ["host.h3", "host.h11", "host.h10"]
    assert (slow[0].took, slow[0].check, len(slow)) == ("99.00 s", "host.load", 10)


def test_nothing_that_a_target_says_is_more_than_text(tmp_path: Path) -> None:
    def made(folder: str, text: list[str]) -> str:
        (tmp_path / folder).mkdir()
        shop, give = Shop(tmp_path / folder), maker(text)
        results = [
            result(id=f"{give()}@{give()}", message=give(), duty=Duty(give(), 60.0), duration_s=1.0 + n)
            for n in range(len(PIECES))
        ]
        shop.ran(*results, vantage=give())
        return page(replace(shop.status(), name=give(), problems=(give(),)))

    nasty, usual = made("nasty", PIECES), made("usual", ["word"])
    assert Form(nasty).tags == Form(usual).tags
    assert steers(Form(nasty).text) == []


@pytest.mark.slow
def test_five_thousand_results_stay_under_five_megabytes(shop: Shop) -> None:
    shop.ran(*(result(id=f"host.disk@host-{n}", message="word " * 100) for n in range(5000)))
    status = shop.status()
    assert (len(status.broken), status.wrong, status.headline) == (500, 5000, "5000 checks not ok, worst P1")
    assert (len(status.targets), status.hit) == (200, 5000)
    made = page(status).encode()
    assert len(made) < 5_000_000
    assert MARK in made[:2000]
