"""`opscheck runbook verify` and `coverage`: what they print and write, and how they end."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pytest_opscheck.cli.command import main

PAGE = "# Shop\n\n## Every morning\n\n```bash\ndf -h\n# Expected: < 70%\n```\n"
Project = Callable[..., pytest.Pytester]


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["runbook", *args])


def everything(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runbook with the draft that was made of it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "RUNBOOK.md").write_text(PAGE, encoding="utf-8")
    assert run("import", "RUNBOOK.md").exit_code == 0
    return tmp_path


def test_a_draft_is_green_at_once_and_nothing_is_written(folder: Path) -> None:
    before = everything(folder)
    for args in (["verify"], ["coverage"], ["verify", "--json"], ["coverage", "--html"], ["coverage", "--markdown"]):
        done = run(*args)
        assert done.exit_code == 0, done.output
    assert everything(folder) == before


def test_what_drifted_is_accepted_by_its_id_and_with_a_reason(folder: Path) -> None:
    (folder / "RUNBOOK.md").write_text(PAGE.replace("70", "75"), encoding="utf-8")
    before = everything(folder)
    done = run("verify")
    assert done.exit_code == 1
    assert 'RUNBOOK.md:7 "Expected: < 75%" / opscheck.toml:17: host.disk@main: the runbook says < 75%' in done.output
    (drift,) = json.loads(run("verify", "--json").output)["drift"]
    assert (drift["id"], drift["drift"], drift["line"]) == ("every-morning/host.disk", "limit", 7)
    assert run("verify", "--accept", "every-morning/host.disk", " ").exit_code == 4
    wrong = run("verify", "--accept", "every-morning/host.dsk", "x")
    assert (wrong.exit_code, "did you mean 'every-morning/host.disk'?" in wrong.output) == (4, True)
    assert everything(folder) == before
    done = run("verify", "--accept", "every-morning/host.disk", "the new disk is slower to fill")
    assert (done.exit_code, "no difference, 1 accepted" in done.output) == (0, True)
    assert set(everything(folder)) - set(before) == {"opscheck.lock"}
    assert run("verify").exit_code == 0


def test_a_section_is_accepted_by_its_anchor(folder: Path) -> None:
    (folder / "RUNBOOK.md").write_text(PAGE + "\nRedis hit rate > 90%\n\nMemory usage < 80%\n", encoding="utf-8")
    assert run("verify").exit_code == 1
    assert run("verify", "--accept", "every-morning", "later").exit_code == 0


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["verify", "none.md"], 4, "none.md can't be read"),
        (["verify", "--opscheck-inventory", "none.toml"], 4, "none.toml"),
        (["coverage", "none.md"], 4, "none.md can't be read"),
        (["coverage", "empty.md"], 5, "the runbook states nothing that could be checked"),
        (["coverage", "--fail-under", "100"], 0, "100 % of 1 statement checked"),
        (["coverage", "other.md", "--fail-under", "50.1"], 1, "50 % of the runbook is checked, and at least 50.1 %"),
        (["coverage", "other.md", "--fail-under", "50"], 0, "50 % of 2 statements checked"),
        (["coverage", "--badge", "no/folder/badge.svg"], 4, "no such file or directory; name another file"),
    ],
)
def test_how_they_end(folder: Path, args: list[str], code: int, says: str) -> None:
    (folder / "empty.md").write_text("# Shop\n\nWelcome.\n", encoding="utf-8")
    (folder / "other.md").write_text(f"{PAGE}\nRedis hit rate > 90%\n", encoding="utf-8")
    done = run(*args)
    assert (done.exit_code, says in done.output) == (code, True), done.output


def test_an_inventory_without_a_runbook_says_what_to_do(folder: Path) -> None:
    (folder / "opscheck.toml").write_text("[host.main]\n", encoding="utf-8")
    done = run("verify")
    assert (done.exit_code, "set runbook in [opscheck]" in done.output) == (4, True)
    assert run("verify", "RUNBOOK.md").exit_code == 0


def test_a_badge_is_written_where_it_is_asked_for(folder: Path) -> None:
    assert run("coverage", "--badge", "badge.svg").exit_code == 0
    assert "runbook: 100 %" in (folder / "badge.svg").read_text(encoding="utf-8")


def test_a_verdict_of_a_run_stands_beside_its_statement(project: Project) -> None:
    """With its age; and the page of the run leads to the step."""
    page = "# Shop\n\n## Every morning\n\nMemory usage < 99.9%\n"
    inventory = (
        '[opscheck]\nrunbook = "runbook.md"\n[host.main.expect]\ndisk = false\nload = false\ncpu = false\n'
        'memory = { P2 = "< 99.9%", runbook = "#every-morning" }\n'
    )
    made = project(inventory)
    (made.path / "runbook.md").write_text(page, encoding="utf-8")
    made.runpytest_subprocess("-m", "daily")
    done = run("coverage")
    assert re.search(
        r"^ok +runbook.md:5  Memory usage < 99.9%  <- host.memory@main \(ok, .* ago\)$", done.output, re.MULTILINE
    )
    assert "100 % of 1 statement checked: 1 ok" in done.output
    shown = (made.path / "reports" / "daily" / "latest.html").read_text(encoding="utf-8")
    assert 'runbook.md#every-morning">runbook</a>' in shown


def test_variables_of_targets_may_be_missing_and_those_of_the_history_not(folder: Path) -> None:
    """Nobody is asked by an address of a target; without the history every verdict would be missing."""
    file = folder / "opscheck.toml"
    text = (
        file.read_text(encoding="utf-8") + '[redis.cache]\nurl = "${NO_SUCH_URL}"\n[notify.x]\nwebhook = "${NO_HOOK}"\n'
    )
    file.write_text(text, encoding="utf-8")
    assert (run("verify").exit_code, run("coverage").exit_code) == (0, 0)
    file.write_text(f'{text}[history]\nurl = "${{NO_HISTORY}}"\n', encoding="utf-8")
    done = run("coverage")
    assert (done.exit_code, "its url has ${NO_HISTORY}; set it" in done.output) == (4, True)
    assert run("verify").exit_code == 0
