from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import math
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pytest_opscheck.core.results import Change, Result, Run, State, Verdict
from pytest_opscheck.history import Outcome, Point, Spell, Story
from pytest_opscheck.reports import template
from pytest_opscheck.reports.context import Failed, ReportContext
from pytest_opscheck.reports.links import Links
from pytest_opscheck.reports.page import page

from .values import STARTED, blocked, measurement, ok, result, run, unknown

Points = dict[tuple[str, str | None], list[Point]]
HERE = Links(Path(), Path())
EVIL = "<script>alert('1')</script>\"&\x1b]0;x\x07\u202e"


def shown(told: Run, **beside: object) -> str:
    return page(told, HERE, ReportContext(**beside))  # type: ignore[arg-type]


def body(text: str) -> str:
    return text.partition("<main>")[2].partition("</main>")[0]


def changed(state: State, days: float, **fields: object) -> Result:
    made = ok if state is State.RECOVERED else result
    return made(**fields, change=Change(state, STARTED - dt.timedelta(days=days)))


class Tags(HTMLParser):
    """The tags and attributes of a page, as a browser would find them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_new_and_worse_come_first_and_what_is_well_again_last() -> None:
    told = run(
        changed(State.ONGOING, 2, id="a@old"),
        changed(State.NEW, 0, id="b@new"),
        unknown(id="c@flapping", change=Change(State.FLAPPING, STARTED)),
        blocked(id="d@blocked"),
        result(id="e@waived", verdict=Verdict.WAIVED, fails=False),
        changed(State.RECOVERED, 3, id="f@again"),
        ok(id="g@ok"),
        changed(State.ONGOING, 2, id="h@worse"),
    )
    text = body(shown(told, worse={"h@worse": "P3"}))
    heads = re.findall(r"<h2>(.*?) <small>(\d+)</small></h2>", text)
    assert heads == [("New", "2")] + [
        (title, "1") for title in ("Worse", "Still not ok", "Blocked", "Waived", "Ok", "Recovered")
    ]
    assert re.findall(r' id="(\w)@', text) == list("bchadegf")
    assert "after 3 d" in text
    assert "it was P3, since 2 d" in text


def test_each_result_is_there_once_and_only_what_is_ok_is_folded() -> None:
    told = run(result(id="a@x"), unknown(id="b@x"), blocked(id="c@x"), ok(id="d@x"), ok(id="e@y"))
    text = body(shown(told))
    assert re.findall(r' id="(\w)@', text) == list("abcde")
    folded = "".join(re.findall(r"<details>.*?</details>", text, re.DOTALL))
    assert re.findall(r' id="(\w)@', folded) == list("cde")


def test_everything_is_escaped() -> None:
    fields = dict.fromkeys(("check", "target", "title", "message", "runbook", "action"), EVIL)
    bad = measurement(subject=EVIL, observed=EVIL, expected=EVIL)
    told = run(
        result(id=f"{EVIL}@x", measurements=(bad,), pending=EVIL, covers=(EVIL,), **fields),
        unknown(**fields),
        blocked(blocked_by=EVIL, **fields),
        ok(id=f"{EVIL}@y", measurements=(bad,), **fields),
    )
    told = dataclasses.replace(told, inventory=EVIL, suite=EVIL, vantage=EVIL, version=EVIL, id=EVIL, hash=EVIL)
    points = {(f"{EVIL}@x", EVIL): [Point(STARTED, 1.0, None), Point(STARTED, 2.0, EVIL)]}
    text = shown(
        told,
        uncovered=[EVIL],
        problems=[EVIL],
        failed=[Failed(EVIL, EVIL)],
        traces={f"{EVIL}@x": EVIL},
        points=points,
    )
    tags = Tags(text).found
    assert [tag for tag, _ in tags].count("script") == 1
    assert "svg" in {tag for tag, _ in tags}
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on") or name == "alert"]
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert {attributes.get("href", "#")[0] for tag, attributes in tags if tag == "a"} == {"#"}  # type: ignore[index]


@pytest.mark.slow
def test_ten_thousand_words_of_a_target_do_not_fill_the_page() -> None:
    long = "word " * 100_000
    bad = measurement(observed=long, subject=long)
    told = run(result(id="a@x", measurements=(bad,) * 50, message=long), ok(id="b@x", measurements=(bad,) * 50))
    assert len(shown(told, traces={"a@x": long}).encode()) < 60_000


@pytest.mark.slow
@pytest.mark.parametrize("bad", [50, 5000])
def test_five_thousand_results_stay_under_five_megabytes(bad: int) -> None:
    results, points = [], {}
    days = [STARTED - dt.timedelta(hours=25 * n) for n in range(30)]
    for number in range(5000):
        values = tuple(measurement(subject=f"/srv/volumes/data-{number}-{part}") for part in range(5))
        made = result if number < bad else ok
        results.append(made(id=f"host.disk@host-{number}", target=f"host-{number}", measurements=values))
        for each in values:
            points[results[-1].id, each.subject] = [Point(day, 40.0 + n % 7, None) for n, day in enumerate(days)]
    text = shown(run(*results), points=points)
    assert len(text.encode()) < 5_000_000
    assert len(set(re.findall(r' id="(host.disk@.*?)"', text))) == 5000
    assert text.count("<svg") == 3000


def test_it_says_what_did_not_run_and_what_took_long() -> None:
    told = run(
        ok(id="host.disk@a", target="a", duration_s=3.14),
        ok(id="host.load@a", check="host.load", target="a", duration_s=0.2),
        ok(id="host.disk@b", target="b", duration_s=0.01),
        blocked(id="c@x"),
        blocked(id="d@x"),
    )
    text = shown(told, unjudged={"not selected": [f"{n}@x" for n in range(7)]})
    assert "7 checks did not run: not selected: 0@x, 1@x, 2@x, 3@x, 4@x and 2 more" in text
    assert "2 checks blocked by host.reachable@prod" in text
    assert "Slowest targets: host.a 3.1 s (disk)</p>" in text


def test_a_result_opens_to_its_past() -> None:
    """Every time that it was not ok, and each run with what it saw, which is what its plot shows."""
    days = [STARTED - dt.timedelta(days=n) for n in range(3)]
    seen = [Outcome(days[0], Verdict.BREACH, "P1", True, days[0]), Outcome(days[2], Verdict.OK, None, False, None)]
    spell = Spell(STARTED - dt.timedelta(days=400), STARTED - dt.timedelta(days=398), "P0", EVIL)
    points = {("a@x", "/var"): [Point(day, 95.0 - n, "P1" if n == 0 else None) for n, day in enumerate(days)]}
    text = body(shown(run(result(id="a@x")), stories={"a@x": Story(tuple(seen), (spell,))}, points=points))
    assert "History: not ok in 1 of the last 2 runs" in text
    cells = [re.split("<t[dh].*?>", row)[1:] for row in re.findall(r"<tr[^>]*>(<td.*?)\n", text)]
    assert cells[0][:4] == ["2025-10-16 08:00", "2025-10-18 08:00", "2 d", "P0"]
    assert cells[1:] == [
        ["2026-11-20 08:00", "breach P1", "95 % (P1)"],
        ["2026-11-19 08:00", "", "94 %"],
        ["2026-11-18 08:00", "ok", "93 %"],
    ]


def test_a_run_in_the_past_leads_to_its_page(tmp_path: Path) -> None:
    """Of whatever suite it was: where the page is there still."""
    for name in ("daily/2026-11-19T080000.html", "a b/2026-11-18T080000.html", "a b/latest.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    points: Points = {("a@x", "/var"): [Point(STARTED - dt.timedelta(days=n), 95.0, None) for n in range(4)]}
    text = page(run(result(id="a@x")), Links(tmp_path, tmp_path / "daily"), ReportContext(points=points))
    assert re.findall(r'<td><a href="(.*?)">(.*?)</a>', text) == [
        ("2026-11-19T080000.html", "2026-11-19 08:00"),
        ("../a%20b/2026-11-18T080000.html", "2026-11-18 08:00"),
    ]


def seen_by(colour: str, matrix: tuple[tuple[float, ...], ...]) -> list[float]:
    """Return a colour as somebody sees it who lacks cones, by Machado, Oliveira and Fernandes (2009), in CIE L*a*b*."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    red, green, blue = (sum(part * each for part, each in zip(row, linear, strict=True)) for row in matrix)
    whole = (
        (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505,
        0.2126 * red + 0.7152 * green + 0.0722 * blue,
        (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089,
    )
    x, y, z = (max(each, 0) ** (1 / 3) if each > 0.008856 else 7.787 * each + 16 / 116 for each in whole)
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)]


@pytest.mark.parametrize(
    "matrix",
    [
        ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
        ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
        ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
        ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
    ],
    ids=["all", "protanopia", "deuteranopia", "tritanopia"],
)
def test_severities_are_told_apart_by_colour_and_by_shape(matrix: tuple[tuple[float, ...], ...]) -> None:
    look = (Path(template.__file__).parent / "templates/look.css").read_text(encoding="utf-8")
    for start in (0, look.index("prefers-color-scheme: dark")):
        colours = [re.compile(rf"--p{n}: (#\w{{6}})").search(look, start) for n in range(4)]
        seen = [seen_by(found[1], matrix) for found in colours if found is not None]
        assert min(math.dist(one, other) for one, other in itertools.combinations(seen, 2)) > 20
    assert len(set(re.findall(r"^\.P\d .*--shape: (.*?);", look, re.MULTILINE))) == 4


def test_a_run_that_writes_no_page_does_not_wait_for_what_makes_them() -> None:
    code = "import sys, pytest_opscheck.delivery.outbox; print('jinja2' in sys.modules, 'markupsafe' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["False", "False"]
