"""What a run does with the history: it is recorded, compared with, and a fault of the history costs it nothing else."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from pytest_opscheck.reports.json import schema

from .conftest import results

Project = Callable[..., pytest.Pytester]
INVENTORY = """
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
[host.local.command.flag]
run = "test ! -e flag"
[host.local.command.fine]
run = "true"
"""


def rows(pytester: pytest.Pytester, sql: str, place: str = "reports/history.sqlite3") -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(pytester.path / place)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def inventory(pytester: pytest.Pytester, text: str = INVENTORY) -> str:
    return text.replace("-e flag", f"-e {pytester.path}/flag")


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_run_is_recorded_and_compared(project: Project, pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    project(inventory(pytester))
    (pytester.path / "flag").touch()
    first = pytester.runpytest_subprocess("-m", "daily", *workers)
    first.stdout.fnmatch_lines(["P2 breach  host.command.flag@local  (new)"])
    pytester.runpytest_subprocess("-m", "daily", *workers).stdout.re_match_lines([r".*  \(since \d+ s\)"])
    change = results(pytester)["host.command.flag@local"]["change"]
    (pytester.path / "flag").unlink()
    last = pytester.runpytest_subprocess("-m", "daily", *workers)
    assert last.ret == 0
    last.stdout.re_match_lines([r"recovered: host\.command\.flag@local \(after \d+ s\)"])
    assert change["state"] == "ongoing"
    assert results(pytester)["host.command.flag@local"]["change"] == {"state": "recovered", "since": change["since"]}
    data = json.loads((pytester.path / "reports/daily/latest.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.FormatChecker()).validate(data)
    recorded = rows(pytester, "SELECT suite, exit_status, narrowed, hash, started FROM opscheck_run ORDER BY seq")
    assert [row[:3] for row in recorded] == [("daily", 1, 0), ("daily", 1, 0), ("daily", 0, 0)]
    assert recorded[2][3] == data["run"]["hash"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", recorded[0][4])
    page = (pytester.path / "reports/daily/latest.html").read_text(encoding="utf-8")
    again = re.search(r"<h2>Recovered <small>1</small></h2>(.*?)</section>", page, re.DOTALL)
    assert again is not None
    assert re.search(r"host\.command\.flag@local</span> <i>after \d+ s</i>", again[1])


def test_the_page_says_since_when(project: Project, pytester: pytest.Pytester) -> None:
    project(inventory(pytester))
    (pytester.path / "flag").touch()
    for section, said in (("New", ""), ("Not ok", r" <i>since \d+ s</i>")):
        pytester.runpytest_subprocess("-m", "daily", "--html=mine.html")
        page = (pytester.path / "reports/daily/latest.html").read_text(encoding="utf-8")
        assert re.search(rf"<h2>{section} <small>1</small></h2>\s*<article.*?flag@local</span>{said}</h3>", page)
        theirs = (pytester.path / "mine.html").read_text(encoding="utf-8")
        assert f"&lt;small class=change&gt;{'since' if said else 'new'}" in theirs


@pytest.mark.parametrize(
    ("arguments", "recorded"),
    [
        (("-m", "daily", "-k", "fine"), [("daily", 1)]),
        (("-m", "daily", "-x"), [("daily", 1)]),
        (("test_host.py::test_command[local-fine]",), []),
        (("-m", "daily", "--collect-only"), []),
    ],
)
def test_which_runs_are_recorded(
    project: Project, pytester: pytest.Pytester, arguments: tuple[str, ...], recorded: list[Any]
) -> None:
    """Runs of a suite, with the mark of those from which checks were left out."""
    project(inventory(pytester).replace("command.flag", "command.a"))  # which runs before the other
    (pytester.path / "flag").touch()
    pytester.runpytest_subprocess(*arguments)
    found = rows(pytester, "SELECT suite, narrowed FROM opscheck_run") if recorded else []
    assert found == recorded
    assert recorded or not (pytester.path / "reports/history.sqlite3").exists()


@pytest.mark.parametrize("way", ["option", "ini"])
def test_the_history_is_where_the_reports_are(project: Project, pytester: pytest.Pytester, way: str) -> None:
    project(inventory(pytester))
    if way == "ini":
        pytester.makeini("[pytest]\nopscheck_reports = elsewhere")
    option = () if way == "ini" else ("--opscheck-reports=elsewhere",)
    for workers in ((), ("-n", "2")):
        pytester.runpytest_subprocess("-m", "daily", *option, *workers)
    assert rows(pytester, "SELECT count(*) FROM opscheck_run", "elsewhere/history.sqlite3") == [(2,)]
    assert not (pytester.path / "reports").exists()
    shown = history(pytester, *option, "verify")
    assert shown.stdout.startswith("2 runs, all unchanged")


def history(pytester: pytest.Pytester, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from pytest_opscheck.cli import main; main()"
    command = [sys.executable, "-c", code, "history", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=pytester.path, timeout=60)


def test_nothing_secret_is_recorded(
    project: Project, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "Canary-77-Xyz"
    monkeypatch.setenv("TOKEN", secret)
    project(
        inventory(pytester) + '[host.local.command.leak]\nrun = "echo ${TOKEN}; exit 1"\nstdout = "~ ${TOKEN}-no"\n'
    )
    pytester.makepyfile(
        "import pytest\n@pytest.mark.daily\ndef test_own(expect):\n"
        f"    expect('{secret}', subject='is {secret}', limit='== {secret}!', observed='saw {secret}')\n"
        f"    expect.since_last_run('of {secret}', hits=5)\n"
    )
    pytester.runpytest_subprocess("-m", "daily")
    connection = sqlite3.connect(pytester.path / "reports/history.sqlite3")
    dump = "\n".join(connection.iterdump())
    connection.close()
    assert "saw ***" in dump
    assert "of ***" in dump
    assert secret not in dump
    assert not [
        file
        for file in (pytester.path / "reports").rglob("*")
        if file.is_file() and secret.encode() in file.read_bytes()
    ]


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_fault_of_the_history(project: Project, pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    """It is told once, with an exit status of its own, and takes neither a verdict nor a report away."""
    project(inventory(pytester))
    (pytester.path / "reports").mkdir()
    (pytester.path / "reports/history.sqlite3").write_text("no database" * 1000)
    result = pytester.runpytest_subprocess("-m", "daily", *workers)
    assert result.ret == 3
    told = [line for line in result.outlines if "history" in line and "not a fault of any target" in line]
    assert len(told) == 1
    assert told[0].startswith("could not read the history")
    result.stdout.fnmatch_lines(["opscheck daily: 3 ok *"])
    data = json.loads((pytester.path / "reports/daily/latest.json").read_text(encoding="utf-8"))
    assert data["run"]["exit_status"] == 3
    assert "hash" not in data["run"]
    assert {each["verdict"] for each in data["results"]} == {"ok"}


def test_an_unreachable_server_masks_its_password(
    project: Project, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HISTORY_URL", "postgresql://ops:Canary-88@127.0.0.1:1/db")
    project(inventory(pytester) + '[history]\nurl = "${HISTORY_URL}"\n')
    started = time.monotonic()
    result = pytester.runpytest_subprocess("-m", "daily")
    assert time.monotonic() - started < 30
    assert result.ret == 3
    result.stdout.fnmatch_lines(["could not read the history (not a fault of any target): *refused*"])
    assert "Canary" not in result.stdout.str()
    assert not (pytester.path / "reports/history.sqlite3").exists()


PENDING = INVENTORY.replace('flag"', 'flag"\nfor = "2s"')


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_breach_that_has_to_last(project: Project, pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    project(inventory(pytester, PENDING))
    assert pytester.runpytest_subprocess("-m", "daily", *workers).ret == 0
    (pytester.path / "flag").touch()
    pending = pytester.runpytest_subprocess("-m", "daily", *workers)
    assert pending.ret == 0
    pending.stdout.fnmatch_lines(
        [
            "P2 pending  host.command.flag@local  (new)",
            "    counts after 2 s, has lasted 0 s",
            "opscheck daily: 2 ok, 1 breach (1 P2), 1 of them pending *",
        ]
    )
    found = results(pytester)["host.command.flag@local"]
    assert (found["verdict"], found["fails"], found["pending"]) == ("breach", False, "counts after 2 s, has lasted 0 s")
    data = json.loads((pytester.path / "reports/daily/latest.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.FormatChecker()).validate(data)
    time.sleep(2)
    assert pytester.runpytest_subprocess("-m", "daily", *workers).ret == 1
    assert "pending" not in results(pytester)["host.command.flag@local"]


def test_a_gate_does_not_wait(project: Project, pytester: pytest.Pytester) -> None:
    """What fails a deploy has no later run that would tell."""
    project(inventory(pytester, PENDING.replace('for = "2s"', 'suites = ["daily", "deploy_gate"]\nfor = "1h"')))
    assert pytester.runpytest_subprocess("-m", "deploy_gate").ret == 0
    (pytester.path / "flag").touch()
    assert pytester.runpytest_subprocess("-m", "deploy_gate").ret == 1
    assert pytester.runpytest_subprocess("-m", "daily or deploy_gate").ret == 1
    assert pytester.runpytest_subprocess("-m", "daily").ret == 0


def test_it_counts_at_once_where_no_history_can_tell(project: Project, pytester: pytest.Pytester) -> None:
    project(inventory(pytester, PENDING))
    (pytester.path / "flag").touch()
    assert pytester.runpytest_subprocess("-m", "daily").ret == 1
    (pytester.path / "reports/history.sqlite3").write_text("no database" * 1000)
    assert pytester.runpytest_subprocess("-m", "daily").ret == 1
    message = results(pytester)["host.command.flag@local"]["message"]
    assert "it counts at once, because the history can't tell how long it has lasted" in message


COUNTERS = """
import pathlib, pytest

@pytest.mark.daily
def test_restarts(expect):
    total = int(pathlib.Path("total").read_text())
    moved = expect.since_last_run("web", restarts=total)
    expect(moved.by["restarts"], subject="web", limit="< 5", note=moved.since)
"""


def test_counters_of_a_check_of_ones_own(project: Project, pytester: pytest.Pytester) -> None:
    project(inventory(pytester))
    pytester.makepyfile(test_own=COUNTERS)
    seen = []
    for total in (1000, 1003, 1003, 1):
        (pytester.path / "total").write_text(str(total))
        seen.append(pytester.runpytest_subprocess("-m", "daily").ret)
    assert seen == [1, 0, 0, 0]
    last = results(pytester)["own.restarts@-"]
    assert last["counters"] == [{"subject": "web", "counts": {"restarts": 1}}]
    assert re.fullmatch(r"web is 1 \(in the last \d+ s\)", last["message"])


def test_what_changed_and_when(project: Project, pytester: pytest.Pytester) -> None:
    project(inventory(pytester))
    nothing = history(pytester)
    assert (nothing.returncode, "nothing is recorded yet" in nothing.stderr) == (3, True)
    for flag in (False, True, True, False):
        (pytester.path / "flag").touch() if flag else (pytester.path / "flag").unlink(missing_ok=True)
        pytester.runpytest_subprocess("-m", "daily")
    shown = history(pytester, "host.command.flag@local").stdout
    stamp = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  host\.command\.flag@local"
    recovered = rf"{stamp}  ok \(recovered after \d+ s\)  exit status is 0\n"
    assert re.fullmatch(rf"{stamp}  breach P2 \(new\) .*expected 0\n{recovered}", shown)
    assert history(pytester).stdout == history(pytester, "host").stdout == shown
    assert (
        history(pytester, "host.command.fine").stdout == "no changes: every result has been ok from the first run on\n"
    )
    wrong = history(pytester, "host.comand.flag@local")
    assert wrong.returncode == 4
    assert "did you mean 'host.command.flag@local'" in wrong.stderr
    lines = history(pytester, "export").stdout
    assert len(lines.splitlines()) == 4
    (pytester.path / "reports").rename(pytester.path / "old")
    (pytester.path / "lines").write_text(lines, encoding="utf-8")
    assert history(pytester, "import", "lines").stdout == "4 runs imported, 0 already recorded\n"
    assert history(pytester).stdout == shown
    digest = json.loads(lines.splitlines()[1])["hash"]
    assert history(pytester, "verify", digest).returncode == 0
    assert history(pytester, "verify", "0" * 64).stdout.startswith("no run has the hash 000")
    connection = sqlite3.connect(pytester.path / "reports/history.sqlite3")
    connection.execute("UPDATE opscheck_run SET exit_status = 0 WHERE seq = 2")
    connection.commit()
    connection.close()
    changed = history(pytester, "verify")
    assert (changed.returncode, "is not as it was written" in changed.stdout) == (1, True)


def test_what_changed_tells_when_a_breach_began_to_count(project: Project, pytester: pytest.Pytester) -> None:
    """The changes of one run stand in the order of their names."""
    project(inventory(pytester, PENDING.replace("command.fine", "command.zebra").replace('"true"', '"test ! -e flag"')))
    pytester.runpytest_subprocess("-m", "daily")
    (pytester.path / "flag").touch()
    pytester.runpytest_subprocess("-m", "daily")
    time.sleep(2)
    pytester.runpytest_subprocess("-m", "daily")
    states = [line.split()[2:6] for line in history(pytester).stdout.splitlines()]
    assert states == [
        ["host.command.flag@local", "pending", "P2", "(new)"],
        ["host.command.zebra@local", "breach", "P2", "(new)"],
        ["host.command.flag@local", "breach", "P2", "(since"],
    ]


def test_a_run_that_could_not_be_recorded_says_so_in_its_file_too(project: Project, pytester: pytest.Pytester) -> None:
    project(inventory(pytester))
    pytester.runpytest_subprocess("-m", "daily")
    connection = sqlite3.connect(pytester.path / "reports/history.sqlite3", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    result = pytester.runpytest_subprocess("-m", "daily")
    connection.close()
    assert result.ret == 3
    result.stdout.fnmatch_lines(["could not record the run in the history (not a fault of any target): *locked*"])
    data = json.loads((pytester.path / "reports/daily/latest.json").read_text(encoding="utf-8"))
    assert (data["run"]["exit_status"], data["summary"]["ok"]) == (3, 3)


def test_counters_that_are_no_numbers(project: Project, pytester: pytest.Pytester) -> None:
    """They are unknown, and cost the run nothing else; decimals, as PostgreSQL's sums are, count."""
    project(inventory(pytester))
    pytester.makepyfile(
        "import decimal, pytest\n@pytest.mark.daily\n"
        "@pytest.mark.parametrize('said', [None, float('nan'), float('inf'), '5', decimal.Decimal('7.0')])\n"
        "def test_own(expect, said):\n    expect(expect.since_last_run(sold=said).by['sold'], limit='< 100')\n"
    )
    pytester.runpytest_subprocess("-m", "daily")
    found = [each for name, each in sorted(results(pytester).items()) if "own" in name]
    assert sorted(each["verdict"] for each in found) == ["ok", *["unknown"] * 4]
    assert [each["counters"] for each in found if "counters" in each] == [[{"subject": None, "counts": {"sold": 7.0}}]]
    assert any("the counter sold is None, and only numbers can be compared" in each["message"] for each in found)
    assert history(pytester, "verify").returncode == 0


def test_nothing_is_imported_that_is_not_needed(pytester: pytest.Pytester, project: Project) -> None:
    """A pytest that asks for no suite pays for no database."""
    project(inventory(pytester))
    pytester.makeconftest(
        "import sys\ndef pytest_sessionfinish():\n"
        "    assert not {'sqlite3', 'psycopg', 'pytest_opscheck.history'} & set(sys.modules)\n"
    )
    pytester.makepyfile("def test_of_the_application(): ...")
    assert pytester.run(sys.executable, "-m", "pytest").ret == 0
