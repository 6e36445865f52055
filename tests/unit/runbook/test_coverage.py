"""Coverage says of each statement what checks it and what came of it, and counts nothing that is not checked."""

from __future__ import annotations

import datetime as dt
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from pytest_opscheck.catalogue import checks
from pytest_opscheck.core.results import Verdict
from pytest_opscheck.history import PastResult
from pytest_opscheck.inventory import load
from pytest_opscheck.runbook import coverage_words
from pytest_opscheck.runbook.compared import Compared, compared
from pytest_opscheck.runbook.coverage import Coverage, State, coverage
from pytest_opscheck.runbook.coverage_page import page
from pytest_opscheck.runbook.drift import verified

NOW = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)
PAGE = """\
# Shop

## Daily

- Disk usage < 70%
- Memory usage < 80%
- Response time (p95) < 500 ms
- There are below 3 elephants.

```bash
kubectl get pods
docker compose restart web
```

## Provider

<!-- opscheck: none "the provider looks after it" -->
- Redis memory < 75%
"""
INVENTORY = """\
[opscheck]
runbook = "runbook.md"
timezone = "UTC"
[suites.daily]
at = "08:00"
[host.main.expect]
disk = { P2 = "< 70%", runbook = "#daily" }
memory = "< 80%"
load = false
cpu = false
[http.web]
url = "http://127.0.0.1"
# runbook.md:7 "Response time (p95) < 500 ms"
# expect.p95 = "< 500ms"
"""


def read(folder: Path, page: str = PAGE, inventory: str = INVENTORY) -> Compared:
    (folder / "runbook.md").write_text(page, encoding="utf-8")
    (folder / "opscheck.toml").write_text(inventory, encoding="utf-8")
    return compared(load(folder / "opscheck.toml", checks(), {}), (), NOW.date())


def past(
    name: str, verdict: Verdict = Verdict.OK, hours: float = 3, pending: str | None = None
) -> dict[str, PastResult]:
    started = NOW - dt.timedelta(hours=hours)
    severity = "P2" if verdict is Verdict.BREACH else None
    return {name: PastResult(name, 1, started, verdict, severity, f"{name} is so", pending, None, None, None)}


def states(found: Coverage) -> dict[str, State]:
    return {each.stated.text: each.state for each in found.statements}


def test_every_statement_stands_somehow(tmp_path: Path) -> None:
    both = read(tmp_path)
    found = coverage(both, past("host.disk@main") | past("host.memory@main", Verdict.BREACH), NOW)
    assert states(found) == {
        "Disk usage < 70%": State.OK,
        "Memory usage < 80%": State.BROKEN,
        "Response time (p95) < 500 ms": State.DRAFTED,
        "There are below 3 elephants.": State.NOT_CHECKED,
        "kubectl get pods": State.NOT_CHECKED,
        "docker compose restart web": State.PROCEDURE,
        "Redis memory < 75%": State.EXEMPT,
    }
    assert (found.checked, found.asked, found.shown) == (2, 5, "40 %")
    assert found.unasked == ("host.reachable@main", "http.reachable@web", "http.status@web")


@pytest.mark.parametrize(
    ("result", "state"),
    [
        ({}, State.STALE),
        (past("host.disk@main", hours=3), State.OK),
        (past("host.disk@main", hours=30), State.STALE),
        (past("host.disk@main", Verdict.UNKNOWN), State.UNKNOWN),
        (past("host.disk@main", Verdict.BLOCKED), State.UNKNOWN),
        (past("host.disk@main", Verdict.MAINTENANCE), State.UNKNOWN),
        (past("host.disk@main", Verdict.WAIVED), State.BROKEN),
        (past("host.disk@main", Verdict.BREACH, pending="since 5 min, of 10"), State.OK),
        (past("host.disk@main", Verdict.BREACH, hours=30), State.STALE),
    ],
)
def test_a_check_without_a_verdict_in_its_time_is_stale(
    tmp_path: Path, result: dict[str, PastResult], state: State
) -> None:
    """And it counts as checked all the same: what came of it stands beside it."""
    found = coverage(read(tmp_path), result, NOW)
    assert states(found)["Disk usage < 70%"] is state
    assert found.checked == 2


def test_a_link_alone_is_not_a_check(tmp_path: Path) -> None:
    inventory = INVENTORY.replace('disk = { P2 = "< 70%", runbook = "#daily" }', "disk = false").replace(
        'memory = "< 80%"', 'memory = { P2 = "< 80%", runbook = "#daily" }'
    )
    assert states(coverage(read(tmp_path, inventory=inventory), {}, NOW))["Disk usage < 70%"] is State.NOT_CHECKED


def test_a_statement_with_the_id_of_a_check_is_checked_by_it(tmp_path: Path) -> None:
    """Also one that import can't read."""
    inventory = INVENTORY.replace('memory = "< 80%"', 'memory = { P2 = "< 80%", id = "Q-7" }')
    found = coverage(read(tmp_path, PAGE.replace("elephants", "elephants (Q-7)"), inventory), {}, NOW)
    (elephants,) = [each for each in found.statements if "elephants" in each.stated.text]
    assert [check.id for check in elephants.checks] == ["host.memory@main"]


def test_numbers_that_a_check_of_the_section_has_are_checked_by_it(tmp_path: Path) -> None:
    more = '[metrics.a]\nurl = "http://127.0.0.1/m"\n[metrics.a.value.elephants]\nmetric = "elephants"\n'
    more += 'expect = "< 3"\nrunbook = "#daily"\n'
    found = coverage(read(tmp_path, inventory=INVENTORY + more), {}, NOW)
    assert states(found)["There are below 3 elephants."] is State.STALE


def test_one_target_is_not_all_servers_of_the_runbook(tmp_path: Path) -> None:
    """It stands for the one that it is; where it is none of them, for the first: the runbook may say localhost."""
    asked = "".join(
        f"curl {url}/health\n" for url in ("localhost:8000", "http://b.example.com", "http://c.example.com")
    )
    asked += "".join(f"openssl s_client -connect {name}.example.com:443\n" for name in "de")
    page = f"# Shop\n\n## Daily\n\n```bash\n{asked}```\n"
    inventory = (
        '[opscheck]\nrunbook = "runbook.md"\n[http.a]\nurl = "URL"\n'
        'expect.status = { P1 = "== 200", runbook = "#daily" }\n'
        '[tls.x]\naddress = "e.example.com:443"\nexpect.days_left = { P1 = "> 7d", runbook = "#daily" }\n'
    )

    def checked(url: str) -> list[str]:
        found = coverage(read(tmp_path, page, inventory.replace("URL", url)), {}, NOW)
        return [each.stated.text.split()[-1] for each in found.statements if each.checks]

    assert checked("http://b.example.com/health") == ["http://b.example.com/health", "e.example.com:443"]
    assert checked("https://shop.example.com/health") == ["localhost:8000/health", "e.example.com:443"]


def test_nothing_to_check_is_no_percentage(tmp_path: Path) -> None:
    found = coverage(read(tmp_path, "# Shop\n\nWelcome.\n"), {}, NOW)
    assert (found.percent, found.shown) == (None, "nothing to check")
    assert list(coverage_words.lines(found))[-1] == "nothing to check: no statement was found that could be"


def test_a_percentage_is_never_rounded_up(tmp_path: Path) -> None:
    lines = "\n".join(f"- Disk usage of /srv/{place} < 70%\n\n## S{place}\n" for place in range(3))
    found = coverage(read(tmp_path, f"# A\n\n## B\n\n{lines}\nkubectl\n\n```bash\nkubectl get pods\n```\n"), {}, NOW)
    assert found.percent is not None
    assert int(found.percent) == int(found.shown.split()[0])


def test_what_is_not_checked_stands_last_on_the_terminal(tmp_path: Path) -> None:
    found = coverage(read(tmp_path), past("host.disk@main") | past("host.memory@main", Verdict.BREACH), NOW)
    lines = [line.replace(f"{tmp_path}/", "") for line in coverage_words.lines(found)]
    assert lines[0] == "ok           runbook.md:5  Disk usage < 70%  <- host.disk@main (ok, 3 h ago)"
    assert lines[1] == "broken       runbook.md:6  Memory usage < 80%  <- host.memory@main (breach P2, 3 h ago)"
    assert [line.split()[0] for line in lines] == ["ok", "broken", "exempt", "drafted", "not", "not", "3", "40"]
    assert lines[-1].startswith("40 % of 5 statements checked: 1 ok, 1 broken, 1 drafted, 2 not checked; beside them")


def test_markdown_json_and_badge_say_the_same(tmp_path: Path) -> None:
    found = coverage(read(tmp_path, PAGE.replace("kubectl get pods", "kubectl get pods | grep <b>")), {}, NOW)
    assert "kubectl get pods \\| grep &lt;b&gt;" in coverage_words.markdown(found)
    document = coverage_words.document(found)
    assert json.loads(json.dumps(document))["percent"] == 40.0
    assert document["summary"] == {str(state): number for state, number in found.counts.items()}
    svg = ET.fromstring(coverage_words.badge(found))
    assert svg.attrib["aria-label"] == "runbook: 40 %"


def test_the_page_shows_the_runbook_with_verdicts_and_nothing_of_it_is_run(tmp_path: Path) -> None:
    nasty = (
        '\n<script>alert(1)</script>\n\n<img src=x onerror=alert(1)>\n\n[a](javascript:alert(1)) <b onclick="x">b</b>\n'
        "\nToken: API_KEY=s3cretPw12\n\n| Metric | Limit |\n|---|---|\n| Disk usage | < 70% |\n"
    )
    both = read(tmp_path, PAGE + nasty)
    shown = page(coverage(both, past("host.disk@main", Verdict.BREACH), NOW), list(both.pages.values()))
    assert '<h2 id="daily">Daily</h2>' in shown
    assert '<li class="broken"><b>broken</b> host.disk@main (breach P2, 3 h ago); host.disk@main is so</li>' in shown
    assert "&lt;script&gt;alert(1)" in shown
    for part in ("<script", "<img", 'javascript:alert(1)"', "<b onclick", "s3cretPw12"):
        assert part not in shown
    assert shown.count('class="broken"') == 3  # in the list on top, beside the line, and in the first cell of the row
    assert '<meta name=viewport content="width=device-width' in shown


def test_a_fleet_is_told_in_a_few_words(tmp_path: Path) -> None:
    """What a group says is one difference, and one statement is not followed by a page of names."""
    inventory = (
        '[opscheck]\nrunbook = "runbook.md"\n[template.web]\nkind = "host"\n[template.web.expect]\n'
        '# runbook.md:9 "Gone since"\ndisk = { P2 = "< 60%", runbook = "#nowhere" }\n'
        '[group.webs]\ntemplate = "web"\nnames = ["web[001:050]"]\n'
    )
    both = read(tmp_path, "# Shop\n\n## Disk\n\nDisk usage < 70%\n", inventory)
    assert sorted(each.sort for each in verified(both, []).drifts) == ["anchor", "limit"]
    told, unasked, last = coverage_words.lines(coverage(both, {}, NOW))
    assert told.endswith("host.disk@web004 (never run), and 46 more")
    assert unasked.startswith("200 checks that no statement asks for: host.cpu of 50 targets, host.load of 50 targets")
    assert last == "100 % of 1 statement checked: 1 stale"
