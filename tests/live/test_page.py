"""The page in a real browser: on a phone, in the dark, with scripts off, on paper, and with thousands of results."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pytest_opscheck.compliance import render as compliance
from pytest_opscheck.core.results import Change, State
from pytest_opscheck.history import Point
from pytest_opscheck.reports.context import ReportContext
from pytest_opscheck.reports.links import Links
from pytest_opscheck.reports.mail import bodies
from pytest_opscheck.reports.page import page, write

from ..unit.nasty import PIECES, maker, nasty_run
from ..unit.reports.test_injection import audited
from ..unit.reports.values import STARTED, blocked, measurement, ok, result, run
from .browser import Browser
from .conftest import Run

Points = dict[tuple[str, str | None], list[Point]]
LONG = "a-name-without-a-place-to-break-it/" * 8
ROOM_LEFT = "document.documentElement.clientWidth - document.documentElement.scrollWidth"
IN_SIGHT = "[...document.querySelectorAll('main .r')].filter(each => each.checkVisibility()).length"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a page with a result of each kind."""
    new = Change(State.NEW, STARTED)
    told = run(
        result(id="a@x", change=new, action=LONG, runbook=f"https://runbook.example/{LONG}"),
        result(id=f"b@{LONG}", measurements=(measurement(subject=LONG, observed=LONG, expected=LONG),)),
        blocked(id="c@x"),
        ok(id="d@x", change=Change(State.RECOVERED, STARTED - dt.timedelta(hours=2))),
        ok(id="e@x", measurements=(measurement(subject=LONG, breached=None),)),
        ok(id="f@y", target="y"),
    )
    points: Points = {("a@x", "/var"): [Point(STARTED - dt.timedelta(hours=n), 90.0 - n, None) for n in range(30)]}
    write(
        page(told, Links(tmp_path, tmp_path), ReportContext(points=points, traces={"a@x": LONG})),
        tmp_path / "page.html",
    )
    return tmp_path / "page.html"


def test_five_thousand_results_open_in_two_seconds(chromium: Browser, tmp_path: Path) -> None:
    """Nothing is fetched, and the console has nothing to say."""
    results = [
        (result if number < 1000 else ok)(id=f"host.disk@h{number}", target=f"h{number % 40}") for number in range(5000)
    ]
    days = [STARTED - dt.timedelta(hours=25 * n) for n in range(30)]
    points: Points = {
        (each.id, "/var"): [Point(day, 40.0 + n % 9, None) for n, day in enumerate(days)] for each in results
    }
    file = tmp_path / "large.html"
    write(page(run(*results), Links(tmp_path, tmp_path), ReportContext(points=points)), file)
    assert file.stat().st_size < 5_000_000
    chromium.asked.clear()
    chromium.said.clear()
    chromium.size(390)
    assert chromium.open(file) < 2
    assert chromium.evaluate("document.querySelectorAll('main .r').length") == 5000
    assert chromium.asked == [file.as_uri()]
    assert chromium.said == []


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("opened", [False, True])
def test_nothing_is_scrolled_sideways(chromium: Browser, small: Path, width: int, opened: bool) -> None:
    chromium.size(width)
    chromium.open(small)
    if opened:
        chromium.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert chromium.evaluate(ROOM_LEFT) == 0


def test_with_scripts_off_every_result_is_shown(chromium: Browser, small: Path) -> None:
    """What is not ok at once, the rest where its group is clicked on; and nothing is offered that needs scripts."""
    chromium.size(1280, 3000)
    chromium.scripts(on=False)
    try:
        chromium.open(small)
        assert chromium.evaluate(IN_SIGHT) == 3
        for number in range(chromium.evaluate("document.querySelectorAll('section > details').length")):
            place = chromium.evaluate(
                f"(({{x, y}}) => [x + 20, y + 10])(document.querySelectorAll('section > details > summary')[{number}]"
                ".getBoundingClientRect())"
            )
            chromium.click(*place)
        assert chromium.evaluate(IN_SIGHT) == 6
        assert not chromium.evaluate("document.getElementById('find').checkVisibility()")
    finally:
        chromium.scripts(on=True)


def test_the_keyboard(chromium: Browser, small: Path) -> None:
    chromium.size(1280)
    chromium.open(small)
    visited = []
    for key in "jjjk":
        chromium.press(key)
        visited.append(chromium.evaluate("document.activeElement.id")[:3])
    assert visited == ["a@x", "b@a", "d@x", "b@a"]
    chromium.press("/")
    assert chromium.evaluate("document.activeElement.type") == "search"
    for key in "F@Y":
        chromium.press(key)
    assert chromium.evaluate(IN_SIGHT) == 1
    assert chromium.evaluate("document.querySelector('output').textContent") == "1 of 6"
    chromium.press("Escape")
    assert chromium.evaluate(IN_SIGHT) == 3
    chromium.press("o")
    assert chromium.evaluate(IN_SIGHT) == 6


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_keeps_people_from_reading_it(
    chromium: Browser, axe: Path, small: Path, width: int, dark: bool
) -> None:
    chromium.size(width)
    chromium.dark(dark=dark)
    try:
        chromium.open(small)
        chromium.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert chromium.faults(axe) == []
    finally:
        chromium.dark(dark=False)


def test_a_plot_is_as_large_as_people_can_read(chromium: Browser, small: Path) -> None:
    """What is pointed at says its value; the limit is over the line of the values, however equal they are."""
    chromium.size(1280)
    chromium.open(small)
    axis = chromium.evaluate(
        "(({width, height}) => [width, height])(document.querySelector('svg').getBoundingClientRect())"
    )
    assert axis[0] >= 240 * 380 / 244
    assert axis[1] >= 60 * 88 / 64
    place = chromium.evaluate(
        "(({x, y, width}) => [x + width / 2, y + width / 2])"
        "(document.querySelectorAll('svg circle')[3].getBoundingClientRect())"
    )
    under = f"document.elementFromPoint({place[0]}, {place[1]}).querySelector('title').textContent"
    assert chromium.evaluate(under) == "2026-11-19 06:00: 64 %"
    order = chromium.evaluate("[...document.querySelector('svg').children].map(each => each.getAttribute('class'))")
    assert order.index("line") < order.index("P1")


def test_a_link_to_a_folded_result_unfolds_it(chromium: Browser, small: Path) -> None:
    chromium.open(small)
    chromium.evaluate("location.hash = '#f@y'")
    assert chromium.evaluate("document.getElementById('f@y').checkVisibility()")


def test_the_dark(chromium: Browser, small: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    chromium.open(small)
    light = chromium.evaluate(ground)
    chromium.dark(dark=True)
    try:
        assert (light, chromium.evaluate(ground)) == ("rgb(255, 255, 255)", "rgb(20, 23, 27)")
    finally:
        chromium.dark(dark=False)


OWN = """
import pytest

PIECES = {pieces}
EVIL = "".join(PIECES)

@pytest.mark.daily
@pytest.mark.parametrize("place", range(len(PIECES)))
def test_measures(expect, place):
    said = PIECES[place]
    print(said)
    expect(said, subject=said, limit="== fine")

@pytest.mark.daily
def test_raises(expect):
    raise KeyError(EVIL)

@pytest.mark.daily
@pytest.mark.parametrize("said", [pytest.param(1, id=EVIL)])
def test_other(said):
    assert EVIL == ""
"""
INVENTORY = """
[opscheck]
name = "<script>ran = 1</script>"
runbook = "javascript:ran=1"
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
"""
ELEMENTS = "script, img:not(.media-container img), svg, iframe, object, embed, link, base, form"


def test_nothing_that_a_target_says_is_more_than_text(chromium: Browser, tmp_path: Path, run: Run) -> None:
    """No script of it runs, no element of it is there, nothing is fetched: on our page, pytest-html's, in a mail."""
    told, beside = nasty_run(maker(PIECES))
    files = [tmp_path / name for name in ("page.html", "mail.html", "audit.html", "project/mine.html")]
    write(page(told, Links(tmp_path, tmp_path), beside), files[0])
    write(bodies(told, beside)[1], files[1])
    write(compliance.page(audited(maker(PIECES)), "<script>ran = 1</script>", STARTED), files[2])
    (tmp_path / "project").mkdir()
    (tmp_path / "project/test_own.py").write_text(OWN.format(pieces=ascii(PIECES)), encoding="utf-8")
    assert run(INVENTORY, "--html=mine.html").exit_status == 1
    usual = {"page.html": 2, "mail.html": 0, "audit.html": 0, "mine.html": 1}  # our script and our form; pytest-html's
    for file in files:
        chromium.asked.clear()
        chromium.said.clear()
        chromium.open(file)
        chromium.evaluate("document.querySelectorAll('*').forEach(each => each.open = true)")
        chromium.evaluate("document.querySelectorAll('a[href^=\"#\"]').forEach(each => each.click())")
        assert chromium.evaluate("typeof ran") == "undefined", file
        assert chromium.evaluate(f"document.querySelectorAll('{ELEMENTS}').length") == usual[file.name], file
        links = chromium.evaluate("[...document.links].map(each => each.href)")  # pytest-html has one to itself
        assert [each for each in links if not each.startswith(("file:", "https://pypi.python.org/"))] == [], file
        assert "<script>ran = 1</script>" in chromium.evaluate("document.body.innerText"), file
        assert chromium.said == [], file
        assert {each.partition("#")[0] for each in chromium.asked} == {file.as_uri()}


@pytest.mark.parametrize("scripts", [True, False])
def test_on_paper_everything_is_unfolded(chromium: Browser, tmp_path: Path, scripts: bool) -> None:
    """A hundred results that are folded on the screen fill pages."""
    write(
        page(run(*(ok(id=f"a{n}@x") for n in range(200))), Links(tmp_path, tmp_path), ReportContext()),
        tmp_path / "page.html",
    )
    chromium.scripts(on=scripts)
    try:
        chromium.open(tmp_path / "page.html")
        pages = chromium.pdf().count(b"/Type /Page\n")
    finally:
        chromium.scripts(on=True)
    assert pages >= 3
