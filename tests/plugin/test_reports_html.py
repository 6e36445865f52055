"""pytest-html's page, where people ask for it: our columns and words, the worst first, its own filters still work."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Project = Callable[..., pytest.Pytester]

INVENTORY = """
[opscheck]
name = "<shop>"
runbook = "docs/runbook.md"

[suites.daily]
fail_at = "P2"

[host.local]
expect = { disk = false, memory = { P3 = "< 0.001%" }, load = false, cpu = false }
[host.local.command.broken]
run = "echo '<script>alert(1)</script>'; exit 3"
stdout = "~ ^fine$"
"""
OWN = """
import pytest

@pytest.mark.daily
def test_prints(expect):
    print("<i>captured</i>")
    expect(5, "%", subject="a", limit="< 70%")
    expect(6, "%", subject="b", limit="< 70%")

@pytest.mark.daily
def test_many(expect):
    expect(5, "%", subject="/a", limit={"P3": "< 2%", "P1": "< 9%"})
    expect(50, "%", subject="/b", limit={"P3": "< 2%", "P1": "< 9%"})

@pytest.mark.daily
def test_own_fault(expect):
    raise KeyError("<no such key>")

@pytest.mark.daily
def test_other():
    assert "mine" == "yours"
"""
MANY = """
import pytest

@pytest.mark.daily
@pytest.mark.parametrize("n", range(1000))
def test_volume(n, expect):
    "Every volume of the fleet has room for the week to come."
    for part in range(5):
        expect(40 + n % 50, "%", subject=f"/srv/volumes/data-{n}-{part}", limit={"P3": "< 60%", "P1": "< 85%"})
"""


HTML = "--html=out/pages/mine.html"


def page(folder: Path) -> tuple[str, dict[str, Any]]:
    """Return the page, and the data of which its script makes the rows."""
    text = (folder / "out/pages/mine.html").read_text(encoding="utf-8")
    blob = re.search(r'data-jsonblob="(.*?)"', text)
    assert blob is not None
    return text, json.loads(html.unescape(blob[1]))


def words(cell: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", cell)).strip()


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_page(project: Project, workers: tuple[str, ...]) -> None:
    pytester = project(INVENTORY)
    (pytester.mkdir("docs") / "runbook.md").write_text("# Runbook")
    pytester.makepyfile(test_own=OWN)
    assert pytester.runpytest_subprocess("-m", "daily", *workers, HTML).ret == 1
    text, data = page(pytester.path)
    rows = [(entry["result"], [words(cell) for cell in entry["resultsTableRow"]]) for [entry] in data["tests"].values()]

    heads = re.findall(r'<th[^>]*data-column-type="(\w+)"', text)
    assert heads == ["result", "severity", "testId", "target", "observed", "expected", "next"]
    # The worst first: what crashed outside of a check, breaches and unknowns by severity, warnings, what is ok.
    assert [(outcome, cells[0], cells[1], cells[2].split(" ")[0]) for outcome, cells in rows] == [
        ("Failed", "Failed", "", "test_own.py::test_other"),
        ("Failed", "BREACH", "P1", "own.many"),
        ("Failed", "BREACH", "P2", "host.command.broken"),
        ("Failed", "UNKNOWN", "P2", "own.own_fault"),
        ("Passed", "WARNING", "P3", "host.memory"),
        ("Passed", "OK", "", "host.reachable"),
        ("Passed", "OK", "", "own.prints"),
    ]
    assert [entry["testId"] for [entry] in data["tests"].values()][2] == "host.command.broken@local"
    assert " ".join(rows[1][1][4].split()) == "new P1 /b 50 % < 9 % P3 /a 5 % < 2 %"
    breach = rows[2][1]
    assert " ".join(breach[4].split()) == "new exit status 3 0 output <script>alert(1)</script> to match /^fine$/"
    assert breach[5].endswith("docs/runbook.md")
    assert '<a href="../../docs/runbook.md">' in list(data["tests"].values())[2][0]["resultsTableRow"][5]

    assert [cells[5] for outcome, cells in rows if cells[0] == "OK"] == ["", ""]
    assert re.search(r'<th[^>]*data-column-type="next">Next step</th>', text)

    # The comma behind each label of pytest-html's filters, the last one too, is hidden.
    labels = re.findall(r'<span class="(?:failed|passed)">(.*?)</span>', text)
    assert labels == ["4 Failed<data hidden>,", "3 Passed<data hidden>,"]

    logs = {entry["testId"]: entry["log"] for [entry] in data["tests"].values()}
    assert "ok a 5 %, expected &lt; 70 %\nok b 6 %" in logs["own.prints@-"]
    assert "&lt;i&gt;captured&lt;/i&gt;" in logs["own.prints@-"]
    assert "raise KeyError" in logs["own.own_fault@-"]
    assert not any("No log output" in log for log in logs.values())

    assert "<script>alert" not in text
    assert '<title id="head-title">&lt;shop&gt;: daily</title>' in text
    assert '<meta name="viewport"' in text
    assert 'rel="stylesheet"' not in text
    assert re.search(r'src="[^"]', text) is None


def test_a_thousand_checks_stay_under_two_megabytes(project: Project) -> None:
    pytester = project()
    pytester.makepyfile(MANY)
    pytester.runpytest_subprocess("-m", "daily", "-q", "test_a_thousand_checks_stay_under_two_megabytes.py", HTML)
    text, data = page(pytester.path)
    assert len(data["tests"]) == 1000
    assert len(text.encode()) < 2_000_000


def test_it_has_our_style_and_stands_beside_our_own_page(project: Project) -> None:
    pytester = project()
    pytester.runpytest_subprocess("-m", "daily", HTML)
    text, _ = page(pytester.path)
    assert "prefers-color-scheme" in text
    assert 'data-jsonblob="' not in (pytester.path / "reports/daily/latest.html").read_text(encoding="utf-8")


def test_it_is_made_where_it_is_asked_for_alone(project: Project) -> None:
    pytester = project()
    result = pytester.runpytest_subprocess("-m", "daily")
    result.stdout.no_fnmatch_line("*Generated html report*")
    assert [file.name for file in pytester.path.rglob("*.html") if "data-jsonblob" in file.read_text()] == []
