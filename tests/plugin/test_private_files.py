"""Who may read what runs leave: its owner and his group, whatever the umask, and nobody else."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

Project = Callable[..., pytest.Pytester]

INVENTORY = """
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
[host.local.command.broken]
run = "exit 3"
[notify.told]
file = "told/alerts.jsonl"
severities = ["P0", "P1", "P2", "P3"]
"""


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    return {path.name: f"{path.stat().st_mode & 0o7777:04o}" for path in sorted(folder.rglob("*"))}


def run(pytester: pytest.Pytester, *arguments: str) -> None:
    assert pytester.runpytest_subprocess("-m", "daily", "--opscheck-json", "own/mine.json", *arguments).ret == 1


def command_of(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.run(sys.executable, "-c", "from pytest_opscheck.cli import main; main()", *arguments)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_what_a_run_leaves_is_closed_to_others_whatever_the_umask(project: Project, mask: int) -> None:
    """Reports, history with its journals, alerts and the results file that somebody named."""
    pytester = project(INVENTORY)
    with umask(mask):
        run(pytester)
        with sqlite3.connect(pytester.path / "reports" / "history.sqlite3") as reader:
            assert reader.execute("SELECT count(*) FROM opscheck_run").fetchone() == (1,)
            found = {name: modes(pytester.path / name) for name in ("reports", "told", "own")}
    assert {"history.sqlite3-wal", "daily", "latest.xml", "latest.html", "latest.json"} <= found["reports"].keys()
    assert found["reports"].pop("daily") == "0750"
    assert {mode for folder in found.values() for mode in folder.values()} == {"0640"}, found
    folders = [pytester.path / name for name in ("reports", "told", "own")]
    assert [folder.stat().st_mode & 0o7777 for folder in folders] == [0o750] * 3


def test_what_people_have_set_stays_and_others_lose_what_an_earlier_version_gave_them(project: Project) -> None:
    """A stricter mode of a file stays, and so does a folder; the group that a folder hands down goes on down."""
    pytester = project(INVENTORY)
    reports, told = pytester.path / "reports", pytester.path / "told"
    for folder, mode in ((reports, 0o2755), (told, 0o755)):
        folder.mkdir()
        folder.chmod(mode)
    run(pytester)
    pytester.makefile(".toml", opscheck=INVENTORY.replace("broken", "broken_too"))  # which is told again
    latest, alerts, history = reports / "daily" / "latest.json", told / "alerts.jsonl", reports / "history.sqlite3"
    for file, mode in ((latest, 0o600), (alerts, 0o666), (history, 0o664)):
        file.chmod(mode)
    with sqlite3.connect(history) as another:
        another.execute("SELECT count(*) FROM opscheck_run").fetchone()
        (reports / "history.sqlite3-wal").chmod(0o644)
        run(pytester)
        assert modes(reports)["history.sqlite3-wal"].endswith("0")
    assert [folder.stat().st_mode & 0o7777 for folder in (reports, told, reports / "daily")] == [0o2755, 0o755, 0o2750]
    assert modes(reports)["latest.json"] == "0600"
    assert modes(told) == {"alerts.jsonl": "0660"}
    assert modes(reports)["history.sqlite3"] == "0660"


@pytest.mark.parametrize("command", ["run", "compliance"])
def test_what_the_command_writes_is_closed_to_others(project: Project, command: str) -> None:
    pytester = project(INVENTORY)
    with umask(0):
        if command == "run":
            assert command_of(pytester, "run", "daily").ret == 1
            assert modes(pytester.path / "reports")[".lock"] == "0640"
        else:
            run(pytester)
            asked = ("--since", "2026-01-01", "--until", "2026-02-01", "--html", "audit.html", "--csv", "audit.csv")
            assert command_of(pytester, "compliance", *asked).ret in (0, 1)
            found = modes(pytester.path)
            assert (found["audit.html"], found["audit.csv"]) == ("0640", "0640")
