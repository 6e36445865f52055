"""Whatever a runbook looks like: verify, coverage and its page end in a result or in one clear error."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_opscheck.catalogue import checks
from pytest_opscheck.core.visible import has_controls
from pytest_opscheck.inventory import Inventory, load
from pytest_opscheck.runbook import coverage_words
from pytest_opscheck.runbook.compared import compared
from pytest_opscheck.runbook.coverage import coverage
from pytest_opscheck.runbook.coverage_page import page
from pytest_opscheck.runbook.drift import known_of, verified
from pytest_opscheck.runbook.page import UnreadableError

NOW = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)
INVENTORY = """\
[opscheck]
runbook = "runbook.md"
[host.main.expect]
# runbook.md:5 "Disk usage < 70%"
disk = { P2 = "< 70%", runbook = "#disk", runbook_says = "< 75%" }
memory = { P2 = "< 80%", runbook = ["#disk-1", "#", "#top"] }
[[runbook.exempt]]
quote = "free -h"
why = "w"
"""
PIECES = st.sampled_from(
    [
        *(
            "# Disk\n",
            "## Disk\n",
            "## Disk\n\n## Disk\n",
            "Disk\n====\n",
            "<h2>Disk</h2>\n",
            "- [ ] ",
            "1. ",
            "> ",
            "    ",
            "\t",
        ),
        *(
            "Disk usage < 70%\n",
            "Memory > 1e999 %\n",
            "Expected: < 0.0000001 ms\n",
            "p95 < 500 ms | > 1 s",
            "| a | b |\n|---|---|\n",
        ),
        *(
            "| Disk | < 70% |\n",
            "```bash\ndf -h\n```\n",
            "```\n",
            "~~~\n",
            "`df -h`",
            "`free -h`",
            "<!-- opscheck: none",
            ' "why" -->\n',
        ),
        *(
            '<!-- opscheck: none "why" until=2026-02-30 -->\n',
            '<!-- opscheck: none "why" until=2020-01-01 -->\n',
            "---\n",
            "\r",
            "\r\n",
        ),
        *(
            "**",
            "*",
            "_",
            "[x](#disk)",
            "![i](x)",
            "<script>",
            "&lt;",
            "\\",
            "\x00",
            "\x1b[2J",
            "\u202e",
            "\ud7ff",
            "\ufeff",
            "\u2028",
            "\n\n",
        ),
        *(
            "curl http://[::1",
            "http://x:99999/",
            "{{x}}",
            "{% y %}",
            "${A}",
            "$" * 9,
            "9" * 400 + " %\n",
            "[" * 60,
            "(" * 60,
            "- " * 60,
        ),
    ]
)


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    file = tmp_path_factory.mktemp("odd") / "opscheck.toml"
    file.write_text(INVENTORY, encoding="utf-8")
    return load(file, checks(), {})


def read_all(inventory: Inventory, content: bytes) -> None:
    """Have everything read a page."""
    inventory.file.with_name("runbook.md").write_bytes(content)
    try:
        both = compared(inventory, (), NOW.date())
    except UnreadableError:
        return
    found = verified(both, [])
    assert all(each.id and not has_controls(str(each)) for each in found.drifts)
    accepted = [each.because("w") for _, each in known_of(found)]
    assert [each.id for each in verified(both, accepted).drifts] == []
    covered = coverage(both, {}, NOW)
    assert sum(covered.counts.values()) == len(covered.statements)
    assert not any(map(has_controls, coverage_words.lines(covered)))
    coverage_words.document(covered)
    assert "<script" not in page(covered, list(both.pages.values()))


@given(st.lists(PIECES, max_size=30).map("".join))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pieces_of_markdown_in_any_order(inventory: Inventory, text: str) -> None:
    read_all(inventory, text.encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=60))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes_of_any_kind(inventory: Inventory, content: bytes) -> None:
    read_all(inventory, b"# Disk\n\nDisk usage < 70%\n" + content)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    ["#" * 20_000, "- " * 5_000 + "x", "> " * 5_000, "`" * 20_000, "| a " * 5_000, "<!--" * 5_000, "## Disk\n\n" * 300],
    ids=["hashes", "lists", "quotes", "ticks", "cells", "comments", "headings"],
)
def test_a_page_that_repeats_itself_ends(inventory: Inventory, text: str) -> None:
    read_all(inventory, text.encode("utf-8", "surrogatepass"))
