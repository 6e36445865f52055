"""The `opscheck` command: what it refuses and says, and what it hands to pytest."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pytest_opscheck.cli.command import main

INVENTORY = """
[suites.nightly]

[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }

[host.local.command.broken]
run = "exit 3"
suites = ["nightly", "daily"]
"""
Command = Callable[..., Result]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Give the command in a folder with an inventory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "opscheck.toml").write_text(INVENTORY)
    return lambda *arguments: CliRunner().invoke(main, arguments)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Give `opscheck run`, which becomes pytest, as a process."""
    opscheck = "from pytest_opscheck.cli import main; main()"
    command = [sys.executable, "-c", opscheck, "run", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_plan(command: Command) -> None:
    """What is reached says so, suites stand in the inventory's order, and one of a thing is not many."""
    assert command("plan", "--suite", "nightly").output.splitlines() == [
        "host.local (local://, one script)",
        "  host.reachable@local       P0 is reached  [smoke, deploy_gate, daily, nightly]",
        "  host.command.broken@local  P2 == 0  [daily, nightly]",
        "2 checks, 2 readings, 1 contact",
    ]


def test_the_inventory_above_is_the_one_that_is_meant(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pytest finds it, so that a command means the same in each folder of a project."""
    below = tmp_path / "docs" / "ops"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert command("validate").output == f"{tmp_path}/opscheck.toml is valid: 1 target, 2 checks\n"
    assert command("plan", "--suite", "nightly").output.endswith("2 checks, 2 readings, 1 contact\n")
    assert command("plan", "nightly").output == (
        "Error: nightly is a suite, and there is no file of that name; try: opscheck plan --suite nightly\n"
    )


def test_the_plan_of_what_lasts_and_of_past_runs(command: Command) -> None:
    more = (
        INVENTORY.replace("suites =", 'for = "10m"\nsuites =') + '[availability.it]\nof = "host.command.broken@local"\n'
    )
    Path("opscheck.toml").write_text(more, encoding="utf-8")
    lines = command("plan", "--suite", "daily").output.splitlines()
    assert lines[:2] == [
        "availability.it (past runs, no contact)",
        "  availability.uptime@it     P3 >= 99.5%, P2 >= 99%, P1 >= 98%  [daily]",
    ]
    assert "  host.command.broken@local  P2 == 0, counts after 10 min  [daily, nightly]" in lines


def test_validate(command: Command) -> None:
    assert command("validate").output == "opscheck.toml is valid: 1 target, 2 checks\n"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ("plan", "nightly"),
            "nightly is a suite, and there is no file of that name; try: opscheck plan --suite nightly",
        ),
        (
            ("validate", "daily"),
            "daily is a suite, and there is no file of that name; to check the inventory: opscheck validate",
        ),
        (
            ("plan", "dialy"),
            "there is no file dialy; name the inventory: opscheck plan FILE, or write one with `opscheck init`",
        ),
    ],
)
def test_no_inventory(command: Command, arguments: tuple[str, ...], error: str) -> None:
    done = command(*arguments)
    assert (done.exit_code, done.output) == (4, f"Error: {error}\n")


@pytest.mark.usefixtures("command")
@pytest.mark.parametrize("option", [("-m", "smoke"), ("-vmsmoke",)])
def test_a_run_is_of_its_suite_alone(tmp_path: Path, option: tuple[str, ...]) -> None:
    """Another one would run under its lock."""
    done = run(tmp_path, "nightly", *option)
    said = "`opscheck run nightly` runs only that suite; leave -m out, or use `pytest -m EXPRESSION`"
    assert (done.returncode, done.stderr) == (4, f"Error: {said}\n")
    assert not (tmp_path / "reports").exists()


@pytest.mark.usefixtures("command")
@pytest.mark.parametrize("option", [("--opscheck-fail-at", "P1"), ("--opscheck-fail-at=P1",)])
def test_a_value_may_stand_alone(tmp_path: Path, option: tuple[str, ...]) -> None:
    """Else pytest takes it for a path to tests, and its root directory from there: here from the folder P1."""
    (tmp_path / "P1").mkdir()
    (tmp_path / "P1/pytest.ini").write_text("[pytest]\n")
    done = run(tmp_path, "nightly", *option)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"rootdir: {tmp_path}\n" in done.stdout
    assert "1 breach below fail_at" in done.stdout


@pytest.mark.usefixtures("command")
def test_an_inventory_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "opscheck.toml").rename(tmp_path / "prod.toml")
    done = run(tmp_path, "nightly", "--opscheck-inventory", "prod.toml")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 1 passed in" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no-such-command"], "No such command"),
        (["run"], "Missing argument 'SUITE'"),
        (["validate", "--fast"], "No such option"),
        (["history", "verify", "a", "b", "c"], "unexpected extra argument"),
        (["init", "/no-such-folder/here"], "/no-such-folder/here: no such file or directory; create the folder first"),
        (["init"], "already exists"),
    ],
)
def test_a_mistake_in_a_call_is_exit_status_4(command: Command, arguments: list[str], words: str) -> None:
    done = command(*arguments)
    assert (done.exit_code, words in done.output) == (4, True), done.output


WELL = """
[suites.daily]
fail_at = "P2"
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
"""


@pytest.mark.parametrize("heartbeat", ["", 'heartbeat = "http://127.0.0.1:1/x"'])
def test_a_quiet_run_is_silent_where_all_is_well_and_not_where_a_breach_only_warns(
    tmp_path: Path, heartbeat: str
) -> None:
    """Cron mails what is printed; the reports are written either way."""
    inventory = tmp_path / "opscheck.toml"
    inventory.write_text(WELL.replace("[host.local]", f"{heartbeat}\n[host.local]"), encoding="utf-8")
    done = run(tmp_path, "-q", "daily")
    assert (done.returncode, done.stdout) == (0, "")
    assert len(list((tmp_path / "reports" / "daily").glob("2*.json"))) == 1
    for severity, status in (("P3", 0), ("P1", 1)):
        command = f'[host.local.command.broken]\nrun = "exit 3"\nseverity = "{severity}"\n'
        inventory.write_text(WELL + command, encoding="utf-8")
        done = run(tmp_path, "-q", "daily")
        assert done.returncode == status
        assert "host.command.broken@local" in done.stdout
        assert f"1 breach (1 {severity})" in done.stdout
