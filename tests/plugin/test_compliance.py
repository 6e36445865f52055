"""`opscheck compliance`: a quarter with missing runs, waivers and a change of the clocks, counted by hand."""

from __future__ import annotations

import csv
import datetime as dt
import re
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pytest_opscheck.catalogue import checks
from pytest_opscheck.cli.command import main
from pytest_opscheck.core.results import Verdict
from pytest_opscheck.history import opened
from pytest_opscheck.history._document import document
from pytest_opscheck.history._record import append
from pytest_opscheck.inventory import Inventory, load
from tests.unit.reports import values

INVENTORY = """
[opscheck]
name = "shop"
timezone = "America/New_York"
[suites.daily]
at = ["09:00", "18:00"]
[suites.hourly]
every = "1h"
[host.prod]
expect = { memory = false, load = false, cpu = false, disk = { suites = ["daily", "deploy_gate"] } }
"""
SINCE, UNTIL = "2026-03-01", "2026-03-15"
WAIVED = {
    "verdict": "breach",
    "by": "waiver",
    "why": "replaced in May",
    "who": "ann",
    "ticket": "OPS-7",
    "until": "2026-05-31",
}
Command = Callable[..., Result]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Give the command in a folder with an inventory and a history of two weeks."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "opscheck.toml").write_text(INVENTORY)
    two_weeks(load(tmp_path / "opscheck.toml", checks()))
    return lambda *words: CliRunner().invoke(main, ["compliance", "--since", SINCE, "--until", UNTIL, *words])


def two_weeks(inventory: Inventory) -> None:
    """Record 28 runs that were due, but for five: of three evenings in a row, a morning, and one that was narrowed."""
    with opened(inventory.history, create=True) as store:
        assert store is not None
        day = dt.datetime(2026, 3, 1, tzinfo=inventory.timezone)
        for number in range(28):
            started = (day + dt.timedelta(days=number // 2)).replace(hour=9 + 9 * (number % 2), second=40)
            if number in (3, 4, 5, 20):
                continue
            made = values.ok() if number % 7 else values.result()
            waived = number in (8, 9)
            if waived:
                made = values.result(verdict=Verdict.WAIVED, fails=False)
            one = replace(values.run(made), id=f"r{number}", started=started, finished=started, narrowed=number == 25)
            data = document(one)
            if waived:
                data["results"][0]["quiet"] = WAIVED
            append(store, data)


def rows(file: Path) -> dict[str, dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened_file:
        return {row["check"]: row for row in csv.DictReader(opened_file)}


def test_two_weeks(command: Command, tmp_path: Path) -> None:
    result = command("--suite", "daily", "--csv", "out.csv")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0] == "shop, 2026-03-01 00:00 EST to before 2026-03-15 00:00 EDT"
    assert re.fullmatch(r"The chain of 24 recorded runs holds: the latest has the hash [0-9a-f]{64}\.", lines[1])
    assert "daily: 23 complete runs (1 partial run besides); due 28, 5 missing" in lines
    assert lines[-3:] == [
        "  daily  2026-03-02 18:00 EST to 2026-03-03 18:00 EST (3 runs)",
        "  daily  2026-03-11 09:00 EDT",
        "  daily  2026-03-13 18:00 EDT",
    ]
    assert "    waived 2 times: ann: replaced in May (OPS-7), until 2026-05-31" in lines
    disk = rows(tmp_path / "out.csv")["host.disk@prod"]
    assert {name: disk[name] for name in ("due", "ran", "passed", "breached", "waived", "missing")} == {
        "due": "28",
        "ran": "23",
        "passed": "17",
        "breached": "4",
        "waived": "2",
        "missing": "5",
    }
    assert (
        disk["reasons for waivers and maintenance"] == "waived 2 times: ann: replaced in May (OPS-7), until 2026-05-31"
    )
    assert (disk["first result"], disk["last result"]) == ("2026-03-01 09:00 EST", "2026-03-14 18:00 EDT")


def test_what_nobody_can_know(command: Command) -> None:
    """Without a schedule nothing tells what was due; and a suite that never ran has missed all of it."""
    lines = command().output.splitlines()
    assert "hourly: 0 complete runs; due 335, 335 missing" in lines
    Path("opscheck.toml").write_text(INVENTORY.replace('at = ["09:00", "18:00"]', "").replace('every = "1h"', ""))
    lines = command().output.splitlines()
    assert "daily: 23 complete runs (1 partial run besides); due unknown, the suite has no schedule" in lines
    disk = next(line.split() for line in lines if line.startswith("host.disk@prod"))
    assert (disk[1], disk[-1]) == ("unknown", "unknown")
    assert lines[-1] == "missing runs: none"


def test_a_check_that_came_later(command: Command, tmp_path: Path) -> None:
    """Of one that the inventory has now and that never ran, every time is missing; one that it had is still told."""
    more = INVENTORY.replace("memory = false", 'memory = { suites = ["daily"] }').replace(
        "disk = {", "disk = false, x = {"
    )
    Path("opscheck.toml").write_text(re.sub(r", x = \{[^}]*\}", "", more))
    command("--suite", "daily", "--csv", "out.csv")
    found = rows(tmp_path / "out.csv")
    assert (found["host.memory@prod"]["due"], found["host.memory@prod"]["missing"]) == ("28", "28")
    assert (found["host.disk@prod"]["ran"], found["host.disk@prod"]["in the inventory"]) == ("23", "no")


def test_a_changed_record(command: Command) -> None:
    connection = sqlite3.connect("reports/history.sqlite3")
    connection.execute(
        "UPDATE opscheck_result SET verdict = 'ok', message = 'fine' WHERE verdict = 'breach' AND run = 1"
    )
    connection.commit()
    connection.close()
    result = command()
    assert result.exit_code == 1
    assert "THE RECORD HAS BEEN ALTERED: run 1 (r0, 2026-03-01T14:00:40.000Z) is not as it was written" in result.output


class Page(HTMLParser):
    """Reads a page: its text, and what it would load or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:  # noqa: ARG002 - the parser's name
        self.tags.append(tag)
        self.open += [tag] if tag != "meta" else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_and_the_table_hold_no_traps(command: Command, tmp_path: Path) -> None:
    """A reason with markup stays text, and one that a spreadsheet would work out stays a reason."""
    bad = '=HYPERLINK("x") <script>alert(1)</script>'
    inventory = load(Path("opscheck.toml"), checks())
    with opened(inventory.history) as store:
        assert store is not None
        started = dt.datetime(2026, 3, 14, 23, tzinfo=inventory.timezone)
        data = document(replace(values.run(values.ok()), id="bad", started=started, finished=started))
        data["results"][0] |= {"id": "=cmd()@prod", "verdict": "waived", "quiet": {"by": "waiver", "why": bad}}
        append(store, data)
    assert command("--html", "out.html", "--csv", "out.csv").exit_code == 0
    page = Page((tmp_path / "out.html").read_text(encoding="utf-8"))
    assert page.open == []
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert any(bad in text for text in page.texts)
    assert "'=cmd()@prod" in rows(tmp_path / "out.csv")


def test_what_can_not_be_meant(command: Command) -> None:
    for words, said in (
        (("--since", "March"), "--since March: not a day; write it as 2026-07-01, for example"),
        (("--since", "2026-03-15"), "--until 2026-03-15 is not after --since 2026-03-15"),
        (("--since", "2126-03-15", "--until", "2127-01-01"), "--since 2126-03-15 is in the future"),
        (("--suite", "dayly"), "there is no suite 'dayly'; did you mean 'daily'?"),
    ):
        result = command(*words)
        assert (result.exit_code, result.output.strip()) == (4, said)


def test_no_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("opscheck.toml").write_text(INVENTORY)
    result = CliRunner().invoke(main, ["compliance", "--since", SINCE, "--until", UNTIL])
    assert result.exit_code == 3
    assert "nothing is recorded yet" in result.output
