from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_opscheck.core.results import Result, Verdict
from pytest_opscheck.core.secrets import Redactor
from pytest_opscheck.reports.html import Page

from .values import blocked, measurement, ok, result, run, unknown


class Report:
    """What pytest-html keeps of a page in the making."""

    def __init__(self) -> None:
        self.title = ""
        self.data: dict[str, Any] = {"environment": {"CI_URL": "<b>", "Plugins": {}}, "renderCollapsed": ["passed"]}

    def set_data(self, key: str, value: Any) -> None:
        self.data[key] = value


@pytest.fixture
def page(tmp_path: Path) -> Page:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "run book.md").write_text("# Disk")
    inventory: Any = SimpleNamespace(file=tmp_path / "opscheck.toml", name="shop", redactor=Redactor.of(["s3cret!"]))
    made = Page()
    made.open(Report(), inventory, ("daily",), tmp_path / "reports" / "daily" / "now.html")
    return made


def cells(page: Page, found: Result | None, **report: Any) -> str:
    row = ["<td class='col-result'>Failed</td>", "<td></td>", "<td></td>", "<td></td>"]
    page.row(
        SimpleNamespace(**{"nodeid": "t.py::t", "when": "call", "outcome": "failed", "longrepr": None, **report}),
        found,
        row,
    )
    return "".join(row)


@pytest.mark.parametrize(
    ("runbook", "link"),
    [
        ("docs/run book.md", "../../docs/run%20book.md"),
        ("docs/run book.md#stuck-jobs", "../../docs/run%20book.md#stuck-jobs"),
        ('docs/run book.md#"><script>', "../../docs/run%20book.md#%22%3E%3Cscript%3E"),
        ("https://example.com/a?b=1&c=<2>#d", "https://example.com/a?b=1&amp;c=&lt;2&gt;#d"),
        ("docs/gone.md#x", None),
        ("docs", None),
        ("#x", None),
        ("javascript:alert(1)", None),
        ("JavaScript:alert(1)", None),
        ("data:text/html,<script>alert(1)</script>", None),
        ("//example.com/x", None),
        ("http:docs/run book.md", None),
        ("http://[broken", None),
        ("docs/\x00", None),
        ("x" * 5000, None),
    ],
)
def test_a_runbook_is_a_link_where_it_leads_somewhere(page: Page, runbook: str, link: str | None) -> None:
    found = re.findall(r'<a href="(.*?)">', cells(page, result(runbook=runbook)))
    assert found == ([link] if link else [])


def test_only_what_is_not_ok_has_a_next_step(page: Page) -> None:
    link = '<a href="../../docs/run%20book.md">docs/run book.md</a>'
    step = "<td class=col-next>{}</td>"
    assert step.format(f"Find what grew<br>{link}") in cells(page, result(runbook="docs/run book.md"))
    assert step.format(link) in cells(page, unknown(runbook="docs/run book.md", action=None))
    for one in (ok(runbook="docs/run book.md"), blocked(runbook="docs/run book.md")):
        assert step.format("") in cells(page, one)


def test_everything_is_escaped(page: Page) -> None:
    evil = "<script>alert('1')</script>\"&"
    fields = dict.fromkeys(("check", "target", "title", "message", "runbook", "action"), evil)
    bad = measurement(subject=evil, observed=evil, expected=evil)
    for one in (
        result(id=f"{evil}@x", measurements=(bad,), **fields),
        unknown(**fields),
        blocked(blocked_by=evil, **fields),
    ):
        shown = cells(page, one) + page.top(run(one), [evil])
        assert "<script" not in shown
        assert "'1'" not in shown


def test_a_test_that_is_none_of_ours_shows_its_error_without_secrets(page: Page) -> None:
    crash = SimpleNamespace(reprcrash=SimpleNamespace(message="<b> s3cret!"))
    shown = cells(page, None, nodeid="t.py::t[<i>]", when="setup", longrepr=crash)
    assert "t.py::t[&lt;i&gt;]::setup" in shown
    assert "&lt;b&gt; ***" in shown


def test_the_page_starts_folded_with_little_about_the_machine(page: Page) -> None:
    report = page._report
    assert report.title == "shop: daily"
    assert report.data["environment"] == {"CI_URL": "&lt;b&gt;"}
    assert report.data["renderCollapsed"] == ["all"]


def test_every_breach_is_visible_with_its_severity_where_they_differ(page: Page) -> None:
    shown = cells(page, result(measurements=(measurement(), measurement(subject="/a", breached="P3"))))
    assert "<p>P1 /var 95 %<i>&lt; 90 %</i><p>P3 /a 95 %" in shown
    many = cells(page, result(measurements=tuple(measurement(subject=f"/{n}") for n in range(9))))
    assert many.count("<p>") == 6
    assert "and 4 more" in many


def test_a_later_attempt_is_said(page: Page) -> None:
    assert "at attempt 3" in cells(page, ok(attempts=3))
    assert "attempt" not in cells(page, ok())


WARNING = result(severity="P3", fails=False)


@pytest.mark.parametrize(
    ("results", "status", "tone", "headline"),
    [
        ((ok(), ok()), 0, "green", "All 2 checks ok"),
        ((ok(),), 0, "green", "All 1 check ok"),
        ((ok(), WARNING), 0, "yellow", "1 of 2 checks not ok, but none of them fails the run"),
        ((ok(), result(), unknown(severity="P0"), blocked()), 1, "red", "2 of 4 checks failed, worst P0"),
        ((ok(), result()), 2, "red", "The run was interrupted. 1 of 2 checks failed, worst P1"),
        ((ok(),), 1, "red", "The run failed"),
        ((ok(),), 2, "red", "The run was interrupted"),
        ((), 5, "red", "Nothing was judged"),
        ((ok(),), 77, "red", "The run failed"),
    ],
)
def test_green_is_for_exit_status_0_alone(
    page: Page, results: tuple[Result, ...], status: int, tone: str, headline: str
) -> None:
    top = page.top(run(*results, exit_status=status), [])
    assert f"<p class=headline data-tone={tone}>{headline}</p>" in top


def test_the_top_has_counts_time_place_and_what_nobody_looked_at(page: Page) -> None:
    top = page.top(run(result(), ok(), blocked()), ["redis.cache"])
    assert re.findall(r"data-verdict=(\w+)>(.*?)</b>", top)[:3] == [
        ("breach", "1 breach (1 P1)"),
        ("blocked", "1 blocked"),
        ("ok", "1 ok"),
    ]
    assert "2026-11-20 08:00:00 UTC-05:00, 3.2 s, seen from ops-1, exit status 1" in top
    assert "Targets without a result: redis.cache" in top


def test_without_scripts_the_page_still_says_what_is_not_ok(page: Page) -> None:
    """Mail programs run none, and pytest-html's rows need them."""
    found = re.search("<noscript>.*</noscript>", page.top(run(result(), ok(id="host.cpu@prod")), []))
    assert found is not None
    assert "host.disk@prod" in found[0]
    assert "<p class=next>Find what grew" in found[0]
    assert "host.cpu" not in found[0]
    assert "<noscript>" not in page.top(run(ok(), result(verdict=Verdict.WAIVED, fails=False)), [])
