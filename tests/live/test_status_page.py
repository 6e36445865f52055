"""The status page in a real browser: on a phone, in the dark, without scripts, on paper, with thousands of checks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_opscheck.core.duty import Duty
from pytest_opscheck.reports.page import write
from pytest_opscheck.reports.status import page

from ..unit.reports.overviews import Shop
from ..unit.reports.values import ok, result, unknown
from .browser import Browser

LONG = "a-name-without-a-place-to-break-it/" * 8
ROOM_LEFT = "document.documentElement.clientWidth - document.documentElement.scrollWidth"


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the status page of a shop in which something was wrong now and then."""
    shop = Shop(tmp_path_factory.mktemp("shop"))
    for day in range(100, 0, -1):
        shop.ran(result(id="a@x", severity=f"P{day % 4}") if day % 9 == 0 else ok(id="a@x"), days=day, status=None)
    shop.ran(
        result(id=f"a@{LONG}", message=LONG, duty=Duty("ops on call", 60.0)),
        unknown(id="b@x", severity="P2"),
        ok(id="c@x", duration_s=3.0),
    )
    shop.ran(ok(id="a@y"), suite="deploy_gate")
    shop.left("daily", range(90))
    write(page(shop.status()), shop.reports / "index.html")
    return shop.reports / "index.html"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_keeps_people_from_reading_it(
    chromium: Browser, axe: Path, shown: Path, width: int, dark: bool
) -> None:
    """Nothing is fetched or scrolled sideways, and the console has nothing to say."""
    chromium.size(width)
    chromium.dark(dark=dark)
    chromium.asked.clear()
    chromium.said.clear()
    try:
        chromium.open(shown)
        chromium.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert chromium.faults(axe) == []
    finally:
        chromium.dark(dark=False)
    assert chromium.evaluate(ROOM_LEFT) == 0
    assert chromium.asked == [shown.as_uri()]
    assert chromium.said == []


def test_with_scripts_off_all_is_there_and_with_them_also_that_it_is_old(chromium: Browser, shown: Path) -> None:
    chromium.size(1280)
    chromium.scripts(on=False)
    try:
        chromium.open(shown)
        cells = "document.querySelectorAll('.strip')[1].querySelectorAll('a.cell')"
        assert chromium.evaluate(f"{cells}.length") == 90
        assert chromium.evaluate(f"{cells}[89].title") == "2026-11-20: 1 run, 1 failed, worst P1"
        assert chromium.evaluate("document.querySelectorAll('#broken tr').length") == 3
        assert chromium.evaluate("document.querySelectorAll('.badge.overdue').length") == 0
    finally:
        chromium.scripts(on=True)
    old = shown.with_name("old.html")
    old.write_text(re.sub(r'data-late="\d+"', "data-late=1", shown.read_text(encoding="utf-8")), encoding="utf-8")
    chromium.open(old)
    assert chromium.evaluate("document.querySelector('.badge.overdue').textContent").startswith("overdue by now")


def test_a_cell_leads_to_the_page_of_its_day(chromium: Browser, shown: Path) -> None:
    chromium.open(shown)
    chromium.evaluate("document.querySelectorAll('.strip')[1].querySelectorAll('a.cell')[89].click()")
    assert "the page of 2026-11-20 08:00" in chromium.settled(
        "document.readyState + document.body?.textContent", "completethe page of"
    )


def test_it_prints(chromium: Browser, shown: Path) -> None:
    chromium.open(shown)
    assert 1 <= chromium.pdf().count(b"/Type /Page\n") <= 4


def test_five_thousand_checks_open_in_two_seconds(chromium: Browser, tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.ran(*(result(id=f"host.disk@h{n}") for n in range(5000)))
    file = tmp_path / "large.html"
    write(page(shop.status()), file)
    assert file.stat().st_size < 5_000_000
    chromium.size(390)
    assert chromium.open(file) < 2
