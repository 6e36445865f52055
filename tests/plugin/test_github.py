"""A run in a workflow of GitHub's shows what is not ok beside the line that expects it, once, and obeys no target."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.reports import runner

from .conftest import verdicts

Project = Callable[..., pytest.Pytester]

INVENTORY = r"""include = ["teams/*.toml"]
[suites.daily]
fail_at = "P2"
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
[host.local.command.evil]
run = 'printf "::error::forged\n##[error]forged\n100%%"'
stdout = "== fine"
action = "Mend it"
[host.local.command.warns]
run = "false"
severity = "P3"
[host.local.command.fine]
run = "true"
"""
TEAM = """
[host.other]
expect = { disk = false, memory = false, load = false, cpu = false }
[host.other.command.broken]
run = "exit 2"
"""
OWN = """
import pytest

@pytest.mark.daily
def test_mine(expect):
    expect(9, limit="< 5")

@pytest.mark.daily
def test_raises(expect):
    print("::set-output name=verdict::ok")
    raise RuntimeError("##[error]forged")
"""


@pytest.fixture
def step(project: Project, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    pytester = project(INVENTORY)
    (pytester.mkdir("teams") / "a.toml").write_text(TEAM, encoding="utf-8")
    pytester.makepyfile(test_own=OWN)
    files = {"GITHUB_STEP_SUMMARY": "summary", "GITHUB_OUTPUT": "outputs", "GITHUB_WORKSPACE": ""}
    for name, file in {**files, "GITHUB_ACTIONS": "true"}.items():
        monkeypatch.setenv(name, file if name == "GITHUB_ACTIONS" else str(pytester.path / file))
    return pytester


def shown(outcome: pytest.RunResult) -> list[tuple[str, str, str, str]]:
    """Return the annotations of a run: their level, what they are of, their file and their line."""
    found = runner.commands(outcome.stdout.str()) + runner.commands(outcome.stderr.str())
    return [
        (level, said["title"].partition(":")[0], said.get("file", ""), said.get("line", "")) for level, said, _ in found
    ]


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_what_is_not_ok_is_shown_beside_its_line(step: pytest.Pytester, workers: tuple[str, ...]) -> None:
    outcome = step.runpytest_subprocess("-m", "daily", *workers)
    assert sorted(shown(outcome)) == [
        ("error", "host.command.broken@other", "teams/a.toml", "4"),
        ("error", "host.command.evil@local", "opscheck.toml", "6"),
        ("error", "own.mine@-", "test_own.py", "3"),
        ("error", "own.raises@-", "test_own.py", "7"),
        ("warning", "host.command.warns@local", "opscheck.toml", "10"),
    ]
    summary = Path("summary").read_text(encoding="utf-8")
    assert summary.count("- **BREACH P2** `host.command.evil@local`") == 1
    assert "Next: Mend it" in summary
    said = runner.outputs(Path("outputs").read_text(encoding="utf-8"))
    report = max(Path("reports/daily").glob("2*.html"))
    assert {
        "verdict": "failed",
        "exit_status": "1",
        "breach": "4",
        "unknown": "1",
        "report": str(report.resolve()),
    } == {name: said[name] for name in ("verdict", "exit_status", "breach", "unknown", "report")}


def test_a_look_of_a_gate_a_shard_and_a_run_that_only_collects_show_nothing(step: pytest.Pytester) -> None:
    """The gate tells its decision, and `opscheck merge` the run of all shards."""
    look: dict[str, object] = {"only": None, "params": {}, "counters": {}, "since": None}
    (step.path / "look").write_text(json.dumps(look), encoding="utf-8")
    for option in ("--opscheck-look=look", "--opscheck-shard=1/1", "--collect-only"):
        assert shown(step.runpytest_subprocess("-m", "daily", option)) == [], option
    assert not Path("summary").exists()
    assert not Path("outputs").exists()
    merge = "from pytest_opscheck.cli import main; main()"
    merged = step.run(sys.executable, "-c", merge, "merge", "daily")
    assert ("error", "host.command.broken@other", "teams/a.toml", "4") in shown(merged)
    assert Path("summary").read_text(encoding="utf-8").count("host.command.broken@other") == 1


def test_errors_of_an_inventory_are_shown_beside_their_lines(step: pytest.Pytester) -> None:
    (step.path / "opscheck.toml").write_text(INVENTORY.replace("severity =", "severty ="), encoding="utf-8")
    outcome = step.runpytest_subprocess("-m", "daily")
    assert (outcome.ret, shown(outcome)) == (
        4,
        [("error", "host.local.command.warns.severty", "opscheck.toml", "12")],
    )


def test_a_summary_that_can_not_be_written_is_a_fault_of_the_checker(
    step: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step.path / "opscheck.toml" / "summary"))
    outcome = step.runpytest_subprocess("-m", "daily", "-k", "fine")
    assert outcome.ret == 3
    outcome.stdout.fnmatch_lines(["could not write the reports: *summary: Not a directory"])
    assert verdicts(step)["host.command.fine@local"] == "ok"
    assert runner.outputs(Path("outputs").read_text(encoding="utf-8"))["verdict"] == "checker failed"
