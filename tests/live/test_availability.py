"""Availability out of past runs, which are really made: fast runs of a command that fails now and then."""

from __future__ import annotations

import re
from pathlib import Path

from .conftest import Run

INVENTORY = """
[opscheck]
name = "shop"
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
[host.local.command.flag]
run = "test ! -e %s"

[availability.api]
of = "host.command.flag@local"
over = "1d"
expect = { uptime = { P3 = ">= 95%%", P1 = ">= 80%%" } }
"""
NAME = "availability.uptime@api"


def test_too_few_runs_are_unknown_then_green_then_red(run: Run, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    inventory = INVENTORY % flag
    first = run(inventory)
    assert first.verdict(NAME) == "unknown P1"
    assert "0 past runs of host.command.flag@local are recorded in that time, and it takes 10" in first.message(NAME)
    for number in range(9):
        outcome = run(inventory)
        assert outcome.verdict(NAME) == "unknown P1", number
    outcome = run(inventory)
    assert outcome.verdict(NAME) == "ok"
    assert outcome.message(NAME) == "host.command.flag@local is at 100 % (of 10 runs)"
    flag.touch()
    assert run(inventory).verdict(NAME) == "ok", "the run itself is not among the past ones"
    flag.unlink()
    outcome = run(inventory)
    assert outcome.verdict(NAME) == "breach P3"
    assert re.fullmatch(
        r"host\.command\.flag@local is at 91\.7 % \(of 12 runs: 1 breach\), expected >= 95 %", outcome.message(NAME)
    )
    assert run(inventory, "-n", "2").verdict(NAME) == "breach P3"


def test_a_damaged_history_is_unknown(run: Run, tmp_path: Path) -> None:
    (tmp_path / "project/reports").mkdir(parents=True)
    (tmp_path / "project/reports/history.sqlite3").write_text("no database" * 1000)
    outcome = run(INVENTORY % (tmp_path / "flag"))
    assert outcome.verdict(NAME) == "unknown P1"
    assert "it is damaged: move it away" in outcome.message(NAME)
