"""What commands print with `--json` is one document that its schema allows, also where they can't do what was asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from pytest_opscheck.cli.as_json import schema
from pytest_opscheck.cli.command import main

INVENTORY = """
[opscheck]
name = "shop"
timezone = "UTC"
[suites.daily]
at = "09:00"
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
[host.local.command.bad]
run = "exit 3"
for = "1h"
[postgres.main]
dsn = "${DSN}"
"""
COMMANDS = ("validate", "plan", "status", "history", "compliance", "checks")
SINCE = ("--since", "2026-01-01", "--until", "2026-01-03")
FORMATS = jsonschema.FormatChecker(["date-time"])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DSN", raising=False)
    (tmp_path / "opscheck.toml").write_text(INVENTORY, encoding="utf-8")


def asked(command: str, *arguments: str, status: int = 0) -> dict[str, Any]:
    """Return a command's document, which its schema allows, without the errors of one that has none."""
    ended = CliRunner().invoke(main, [command, "--json", *(SINCE if command == "compliance" else ()), *arguments])
    assert ended.exit_code == status, ended.output
    found: dict[str, Any] = json.loads(ended.stdout)
    jsonschema.Draft202012Validator(schema(command), format_checker=FORMATS).validate(found)
    assert found.pop("schema") == f"opscheck.{command}/1"
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_a_schema_is_one_and_refuses_what_is_not_said(command: str) -> None:
    known = schema(command)
    jsonschema.Draft202012Validator.check_schema(known)
    allows = jsonschema.Draft202012Validator(known).is_valid
    error = {"file": None, "line": None, "key": None, "message": "x"}
    said = {"schema": f"opscheck.{command}/1", "errors": [error]}
    assert allows(said)
    for other in ({**said, "errors": []}, {**said, "more": 1}, {**said, "schema": "opscheck.results/1"}):
        assert not allows(other), other


def test_a_valid_inventory_and_its_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSN", "postgresql://shop:hunter2-Canary@db.example.com/shop")
    said = asked("validate")
    assert (said["errors"], said["file"], said["targets"], said["assumed"]) == ([], "opscheck.toml", 2, [])
    assert "postgres.main: " in said["notices"][0]
    plan = asked("plan", "--suite", "daily")
    assert "hunter2" not in json.dumps(plan)
    (host,) = [each for each in plan["contacts"] if each["name"] == "host.local"]
    bad = next(each for each in host["checks"] if each["id"] == "host.command.bad@local")
    assert (bad["limits"], bad["counts"], bad["suites"]) == ([{"P2": "== 0"}], "after 1 h", ["daily"])
    assert plan["checks"] == sum(len(each["checks"]) for each in plan["contacts"])


def test_what_is_taken_as_present_is_named() -> None:
    said = asked("validate", "--no-env")
    assert (said["errors"], said["targets"], said["assumed"]) == ([], 2, ["${DSN}"])
    assert asked("plan", "--no-env")["assumed"] == ["${DSN}"]


def test_errors_of_an_inventory_have_their_places() -> None:
    missing = "the environment variable DSN is not set; set it, or write ${DSN:-default}"
    error = {"file": "opscheck.toml", "line": 13, "key": "postgres.main.dsn", "message": missing}
    for command in ("validate", "plan", "compliance"):
        assert asked(command, status=4) == {"errors": [error]}, command
    assert asked("status", status=1)["errors"] == [error], "what is recorded is shown all the same"
    Path("opscheck.toml").write_text("[host.local\n", encoding="utf-8")
    (error,) = asked("validate", status=4)["errors"]
    assert (error["file"], error["line"]) == ("opscheck.toml", 1)


@pytest.mark.parametrize(
    ("command", "arguments", "status", "said"),
    [
        ("validate", ("nowhere.toml",), 4, "there is no file nowhere.toml"),
        ("plan", ("nowhere.toml",), 4, "there is no file nowhere.toml"),
        ("plan", ("--no-env", "--suite", "dayly"), 4, "there is no suite 'dayly'"),
        ("plan", ("--no-env", "--notify"), 4, "--json shows the plan"),
        ("status", ("--opscheck-inventory", "nowhere.toml"), 4, "nowhere.toml: No such file or directory"),
        ("checks", ("disc",), 4, "there is no kind 'disc'"),
        ("history", ("verify",), 4, "--json shows what changed"),
    ],
)
def test_what_can_not_be_answered_is_an_error(command: str, arguments: tuple[str, ...], status: int, said: str) -> None:
    (error,) = asked(command, *arguments, status=status)["errors"]
    assert error["message"].startswith(said)


def test_what_is_recorded(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pytester.path)
    inventory = INVENTORY.partition("[postgres")[0].replace('for = "1h"\n', "")
    (pytester.path / "opscheck.toml").write_text(inventory, encoding="utf-8")
    (error,) = asked("history", status=3)["errors"]
    assert "nothing is recorded yet" in error["message"]
    assert asked("status", status=1) == {"errors": [], **asked("status", status=1)}
    pytester.runpytest_subprocess("-m", "daily")
    (suite,) = asked("status")["suites"]
    assert (suite["state"], suite["last"]["exit_status"], suite["last"]["summary"]["breach"]) == ("on time", 1, 1)
    (change,) = asked("history")["changes"]
    assert (change["id"], change["verdict"], change["state"]) == ("host.command.bad@local", "breach", "new")
    assert asked("history", "host.command.bad")["changes"] == [change]
    assert asked("history", "--deploys")["deploys"] == []
    (error,) = asked("history", "host.disc", status=4)["errors"]
    assert error["message"].startswith("no result of 'host.disc' is recorded")
    audited = asked("compliance")
    assert (audited["chain"]["holds"], audited["chain"]["runs"]) == (True, 1)
    (check,) = [each for each in audited["checks"] if each["id"] == "host.command.bad@local"]
    assert (check["due"], check["missing"]) == (2, 2)


def test_what_can_be_expected() -> None:
    assert {each["kind"] for each in asked("checks")["kinds"]} >= {"host", "http", "postgres"}
    (host,) = asked("checks", "host.disk")["kinds"]
    assert [each["id"] for each in host["entries"]] == ["host.disk"]
