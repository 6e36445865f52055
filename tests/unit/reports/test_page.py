from __future__ import annotations

import dataclasses
import datetime as dt
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pytest_opscheck.core.results import Change, Result, Run, State, Verdict
from pytest_opscheck.history import Point
from pytest_opscheck.reports.context import Failed, ReportContext
from pytest_opscheck.reports.links import Links
from pytest_opscheck.reports.page import page
from pytest_opscheck.reports.spark import spark

from .values import STARTED, blocked, measurement, ok, result, run, unknown

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


def test_new_and_recovered_come_first_then_the_worst() -> None:
    told = run(
        changed(State.ONGOING, 2, id="a@old"),
        changed(State.NEW, 0, id="b@new"),
        unknown(id="c@flapping", change=Change(State.FLAPPING, STARTED)),
        blocked(id="d@blocked"),
        result(id="e@waived", verdict=Verdict.WAIVED, fails=False),
        changed(State.RECOVERED, 3, id="f@again"),
        ok(id="g@ok"),
    )
    text = body(shown(told))
    heads = re.findall(r"<h2>(.*?) <small>(\d+)</small></h2>", text)
    assert heads == [("New", "2"), ("Recovered", "1"), ("Still not ok", "1")] + [
        (title, "1") for title in ("Blocked", "Waived", "Ok")
    ]
    assert re.findall(r' id="(\w)@', text) == list("bcfadeg")
    assert "after 3 d" in text
    assert "since 2 d" in text


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


def test_ten_thousand_words_of_a_target_do_not_fill_the_page() -> None:
    long = "word " * 100_000
    bad = measurement(observed=long, subject=long)
    told = run(result(id="a@x", measurements=(bad,) * 50, message=long), ok(id="b@x", measurements=(bad,) * 50))
    assert len(shown(told, traces={"a@x": long}).encode()) < 60_000


@pytest.mark.parametrize("bad", [50, 5000])
def test_five_thousand_results_stay_under_five_megabytes(bad: int) -> None:
    results, points = [], {}
    for number in range(5000):
        values = tuple(measurement(subject=f"/srv/volumes/data-{number}-{part}") for part in range(5))
        made = result if number < bad else ok
        results.append(made(id=f"host.disk@host-{number}", target=f"host-{number}", measurements=values))
        for each in values:
            points[results[-1].id, each.subject] = [Point(STARTED, 40.0 + n % 7, None) for n in range(30)]
    text = shown(run(*results), points=points)
    assert len(text.encode()) < 5_000_000
    assert len(set(re.findall(r' id="(host.disk@.*?)"', text))) == 5000
    assert text.count("<svg") == 4000


@pytest.mark.parametrize(
    ("unit", "limits", "values", "drawn"),
    [
        ("%", {"P3": "< 70%", "P1": "< 90%"}, [80, 50], ["M0 24h200", "M0 5h200", "M5 43 195 14"]),
        ("s", {"P2": "< 500ms"}, [1.0, 0.0], ["M0 24h200", "M5 43 195 5"]),
        ("", {"P2": "== 0"}, [0, 0, 0], ["M0 24h200", "M5 24 100 24 195 24"]),
        ("", {"P2": "~ ready", "P3": "== yes"}, [2, 1], ["M5 43 195 5"]),
        ("parsecs", {"P2": "< 5"}, [1, 2], ["M5 5 195 43"]),
        ("", {}, [3, None, 1, 2], ["M5 24 68 43M195 5"]),
    ],
)
def test_a_plot_has_the_limits_and_gaps(
    unit: str, limits: dict[str, str], values: list[float | None], drawn: list[str]
) -> None:
    """The newest value comes first, and is drawn last."""
    made = spark(measurement(unit=unit, limits=limits), [Point(STARTED, value, None) for value in values])
    assert re.findall(r' d="(.*?)"', made) == drawn


@pytest.mark.parametrize(
    "values", [[], [5], [None, 5, 6], ["a", "b"], [True, False], [float("nan"), 1], [1e308, -1e308], [10**400, 1]]
)
def test_what_has_no_past_to_show_is_not_drawn(values: list[object]) -> None:
    assert spark(measurement(), [Point(STARTED, value, None) for value in values]) == ""
