"""The page of a run: all of its results, what failed beside them, their past, and nothing of it unescaped or secret."""

from __future__ import annotations

import re
from collections.abc import Callable

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
[host.local.command.count]
run = "cat count"
value = { P3 = "< 20", P1 = "< 40" }
"""
OWN = """
import pytest

@pytest.mark.daily
def test_many(expect):
    expect(5, "%", subject="/a", limit={"P3": "< 2%", "P1": "< 9%"})
    expect(50, "%", subject="/b", limit={"P3": "< 2%", "P1": "< 9%"})

@pytest.mark.daily
def test_own_fault(expect):
    raise KeyError("<no such key>")

@pytest.mark.daily
def test_other():
    assert "<mine>" == "yours"

@pytest.fixture
def broken():
    yield
    raise RuntimeError("<left over>")

@pytest.mark.daily
def test_tears_down(broken, expect):
    expect(1, limit="< 5")
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


def page(pytester: pytest.Pytester) -> str:
    file = max((pytester.path / "reports" / "daily").glob("2*.html"), key=lambda file: file.stat().st_mtime_ns)
    return file.read_text(encoding="utf-8")


def ids(text: str) -> list[str]:
    """Return the results of a page, in its order."""
    return re.findall(r'class=(?:r|"r [\w ]+") id="(.*?)"', text)


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_every_result_the_worst_first(project: Project, workers: tuple[str, ...]) -> None:
    pytester = project(INVENTORY.replace("cat count", "echo 5"))
    (pytester.mkdir("docs") / "runbook.md").write_text("# Runbook")
    pytester.makepyfile(test_own=OWN, test_broken="import no_such_module_of_ours")
    arguments = ("-m", "daily", "--continue-on-collection-errors", *workers)
    assert pytester.runpytest_subprocess(*arguments).ret == 1
    text = page(pytester)
    assert text == (pytester.path / "reports/daily/latest.html").read_text(encoding="utf-8")
    assert ids(text) == [
        "own.many@-",
        "host.command.broken@local",
        "own.own_fault@-",
        "host.memory@local",
        "host.command.count@local",
        "host.reachable@local",
        "own.tears_down@-",
    ]
    # What failed and is not a check has no result, and stands before all others.
    failed = re.findall(r"FAILED</b> <span>(.*?)</span></h3><ul><li>(.*?)</ul>", text)
    assert sorted(failed) == [
        ("test_broken.py (collection)", "ModuleNotFoundError: No module named &#39;no_such_module_of_ours&#39;"),
        ("test_own.py::test_other", failed_assert(text)),
        ("test_own.py::test_tears_down (teardown)", "RuntimeError: &lt;left over&gt;"),
    ]
    assert text.index("FAILED") < text.index("own.many@-")
    assert "<li><b>P1</b> /b 50 % <i>&lt; 9 %</i><li><b>P3</b> /a 5 % <i>&lt; 2 %</i>" in text
    assert "raise KeyError(&#34;&lt;no such key&gt;&#34;)" in text
    assert 'WARNING</b> <b class="severity P3">P3</b> <span>host.memory@local' in text
    assert '<a href="../../docs/runbook.md">docs/runbook.md</a>' in text
    assert "<title>&lt;shop&gt;: daily: 3 of 7 checks failed, worst P1</title>" in text
    assert "output &lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script>alert" not in text


def failed_assert(text: str) -> str:
    """Return the words of pytest for the assertion: they are its own, but escaped."""
    found = re.search(r"<li>(AssertionError: assert &#39;&lt;mine&gt;&#39; ==.*?)</ul>", text)
    assert found is not None
    return found[1]


def test_a_value_is_drawn_over_past_runs(project: Project) -> None:
    pytester = project(INVENTORY)
    count = pytester.path / "count"
    inventory = (pytester.path / "opscheck.toml").read_text()
    (pytester.path / "opscheck.toml").write_text(inventory.replace("cat count", f"cat {count}"))
    for number in (0, 20, 40):
        count.write_text(f"{number}\n")
        pytester.runpytest_subprocess("-m", "daily")
        if number == 0:
            assert "<svg" not in page(pytester)
    found = re.search(r'id="host\.command\.count@local".*?(<svg.*?</svg>)', page(pytester), re.DOTALL)
    assert found is not None
    assert "<title>value in 3 runs</title><desc>0 to 40, from " in found[1]
    # The limits of 20 and 40, the values, and the last of them, which broke one; and what opens below them.
    assert re.findall(r"<path class=(P\d) d=\"M52 (\d+)h244\"/><text x=300 y=\d+>(.*?)</text>", found[1]) == [
        ("P1", "10", "P1 &lt; 40"),
        ("P3", "38", "P3 &lt; 20"),
    ]
    assert re.findall(r"<circle(.*?) cx=\d+ cy=(\d+) r=(\d).*?: (.*?)</title>", found[1]) == [
        ("", "66", "2", "0"),
        (" class=P3", "38", "2", "20, P3"),
        (" class=P1", "10", "4", "40, P1"),
    ]
    past = page(pytester).partition('id="host.command.count@local"')[2].partition("</details>")[0]
    assert "History: not ok in 2 of the last 3 runs" in past
    assert re.search(r"<td>now<td>\d+ s<td>P1<td>value is 20, expected &lt; 20\n", past)
    runs = past.partition("<caption>Runs</caption>")[2]
    rows = re.findall(r"<tr.*?><td>(<a href=)?.*?<td>([a-z]+ ?P?\d?)<td>(.*?)\n", runs)
    assert [row[1:] for row in rows] == [("breach P1", "40 (P1)"), ("breach P3", "20 (P3)"), ("ok", "0")]
    # The page of the run before is there, and that of this run is being written.
    assert [bool(row[0]) for row in rows] == [False, True, True]
    assert '<h3><b class=badge>BREACH</b> <b class="severity P1">P1</b> <span>host.command.count@local' in page(
        pytester
    )
    assert "<i>it was P3, since " in page(pytester)


def test_a_fault_of_the_history_stands_on_it(project: Project) -> None:
    pytester = project()
    (pytester.path / "reports").mkdir()
    (pytester.path / "reports/history.sqlite3").write_text("no database" * 1000)
    pytester.runpytest_subprocess("-m", "daily")
    assert re.search(r"<p class=problem>could not read the history", page(pytester))


def test_targets_that_nobody_looked_at_stand_on_it(project: Project) -> None:
    pytester = project('[host.a]\n[host.b]\nexpect = { load = { P1 = "< 1000", suites = ["weekly"] }, cpu = false }\n')
    pytester.runpytest_subprocess("-m", "daily", "-k", "a-")
    pytester.runpytest_subprocess("-m", "daily", "-k", "[a]")
    assert "Targets without a result: host.b" in page(pytester)
    assert "3 checks did not run: not selected: host.disk@b, host.memory@b, host.reachable@b" in page(pytester)


def test_a_thousand_checks_stay_under_two_megabytes(project: Project) -> None:
    pytester = project()
    pytester.makepyfile(MANY)
    pytester.runpytest_subprocess("-m", "daily", "-q", "test_a_thousand_checks_stay_under_two_megabytes.py")
    text = page(pytester)
    assert len(set(ids(text))) == 1000
    assert len(text.encode()) < 2_000_000


def test_nothing_is_asked_of_the_network(project: Project) -> None:
    pytester = project()
    pytester.runpytest_subprocess("-m", "daily")
    text = page(pytester)
    assert "default-src 'none'" in text
    assert re.search(r"\bsrc=|<link|@import|url\(", text) is None
