"""`opscheck validate` says which links to the runbook lead nowhere; a run goes on without them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_opscheck.cli.command import main

Project = Callable[..., pytest.Pytester]
PAGE = "# What to do\n\n## Disk is full\n\nFull memory\n-----------\n"


def inventory(*links: str, base: str = 'runbook = "docs/runbook.md"') -> str:
    """Return an inventory with a command for each link."""
    commands = (f'[host.l.command.c{place}]\nrun = "true"\nrunbook = "{link}"\n' for place, link in enumerate(links))
    off = "expect = { disk = false, memory = false, load = false, cpu = false }"
    return f"[opscheck]\n{base}\n[host.l]\n{off}\n" + "".join(commands)


def said(tmp_path: Path, text: str, *, page: str | None = PAGE) -> list[str]:
    """Return what validate says of an inventory beside a runbook."""
    (tmp_path / "opscheck.toml").write_text(text)
    (tmp_path / "docs").mkdir(exist_ok=True)
    if page is not None:
        (tmp_path / "docs" / "runbook.md").write_text(page)
    (tmp_path / "docs" / "a page.html").write_text('<h2 id="queue">The queue</h2>')
    (tmp_path / "docs" / "runbook.pdf").write_bytes(b"%PDF")
    done = CliRunner().invoke(main, ["validate", str(tmp_path / "opscheck.toml")])
    lines = done.output.strip().splitlines()
    assert done.exit_code == (0 if " is valid: " in lines[-1] else 4), done.output
    return [] if done.exit_code == 0 else [re.sub(r"^.*opscheck\.toml:", "", line) for line in lines]


def test_links_that_lead_somewhere(tmp_path: Path) -> None:
    good = (
        *("#disk-is-full", "#full-memory", "#what-to-do", "#top", "docs/runbook.md", "docs/runbook.md#disk-is-full"),
        *("docs/a%20page.html#queue", "docs/a page.html", "docs/runbook.pdf#page=3", "docs"),
        *("https://wiki.example.com/nothing#here", f"{tmp_path}/docs/runbook.md#full-memory"),
    )
    assert said(tmp_path, inventory(*good)) == []


def test_links_that_lead_nowhere(tmp_path: Path) -> None:
    """Every one is said, with its line, what is wrong, and what is near."""
    bad = {
        "#disk-full": "docs/runbook.md has no heading whose anchor is '#disk-full'; did you mean '#disk-is-full'?",
        "#Disk is full": "docs/runbook.md has no heading whose anchor is '#Disk is full'; did you mean '#disk-is-fu",
        "docs/runbok.md": f"there is no file docs/runbok.md in the inventory's folder, {tmp_path}; did you mean 'run",
        "runbook.md#top": f"there is no file runbook.md in the inventory's folder, {tmp_path}; create it, or",
        "docs/a page.html#ques": "docs/a page.html has no heading whose anchor is '#ques'; did you mean '#queue'?",
        "docs/runbook.md#xyz": "docs/runbook.md has no heading whose anchor is '#xyz'; it can be: #disk-is-full, #f",
    }
    found = said(tmp_path, inventory(*bad))
    for place, (line, message) in enumerate(zip(found, bad.values(), strict=True)):
        assert line.startswith(f"{7 + 3 * place}: host.l.command.c{place}.runbook: {message}")


def test_a_runbook_that_is_not_there_is_said_once(tmp_path: Path) -> None:
    [line] = said(tmp_path, inventory("#disk-is-full", "#full-memory"), page=None)
    assert line.startswith("2: opscheck.runbook: there is no file docs/runbook.md in the inventory's folder")


def test_a_heading_of_no_runbook(tmp_path: Path) -> None:
    [line] = said(tmp_path, inventory("#disk-is-full", base='name = "x"'))
    assert line.endswith("but there is none: add runbook = 'FILE' to [opscheck]")


def test_a_run_goes_on(project: Project) -> None:
    """At three in the morning a check counts, though its page was renamed."""
    pytester = project(inventory("#nothing"))
    assert pytester.runpytest_subprocess("-m", "daily").ret == 0
