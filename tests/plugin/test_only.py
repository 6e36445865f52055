"""`--opscheck-only`: a run of some targets alone, which counts as narrowed just as one with -k does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_opscheck.cli.command import main

from .conftest import verdicts

Project = Callable[..., pytest.Pytester]
FLEET = """
[template.local]
kind = "host"
expect = { disk = false, memory = false, load = false, cpu = false }
command.fine = { run = "test {name} != b2" }
[group.a]
template = "local"
names = ["a[1:2]"]
tags = ["dc1"]
[group.b]
template = "local"
names = ["b[1:2]"]
tags = ["dc2"]
[logs.app]
on = "a2"
path = "/etc/hostname"
[logs.app.count.x]
pattern = "x{{9}}"
expect = "== 0"
""".replace("{{", "{").replace("}}", "}")
OWN = """
    import pytest

    @pytest.mark.daily
    def test_file(host, expect):
        expect(host.file("/").is_directory, limit=True)

    @pytest.mark.daily
    def test_nowhere(expect):
        expect(1, limit=1)
"""


@pytest.fixture
def fleet(project: Project) -> pytest.Pytester:
    pytester = project(FLEET)
    pytester.makepyfile(test_own=OWN)
    return pytester


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_run_of_a_tag_is_narrowed(fleet: pytest.Pytester, workers: str) -> None:
    """With it are those that are reached through its hosts, and a user's own tests of them."""
    done = fleet.runpytest("-m", "daily", "--opscheck-only", "tag:dc1", "-n", workers)
    assert done.ret == 0
    found = verdicts(fleet)
    assert {name.rpartition("@")[2] for name in found} == {"a1", "a2", "app"}
    assert "own.file@a1" in found
    assert not (Path(fleet.path) / "reports" / "daily" / "latest.json").exists()
    done.stdout.fnmatch_lines(["opscheck: *, suite daily, only tag:dc1: 3 targets, 5 checks, 2 hosts"])


def test_names_of_targets_and_of_none(fleet: pytest.Pytester) -> None:
    assert fleet.runpytest("-m", "daily", "--opscheck-only", "host.b2, logs.app").ret == 1
    assert {name.rpartition("@")[2] for name in verdicts(fleet)} == {"b2", "app"}
    done = fleet.runpytest("-m", "daily", "--opscheck-only=tag:dc3")
    assert done.ret == 4
    done.stderr.fnmatch_lines(["*--opscheck-only tag:dc3: no target has the tag 'dc3'; did you mean 'tag:dc2'?"])


def test_commands_that_list_targets(fleet: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet.runpytest("-m", "daily")
    monkeypatch.chdir(fleet.path)
    monkeypatch.setattr("pytest_opscheck.cli.history._NEWEST", 100)

    def said(*arguments: str, status: int = 0) -> str:
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == status, done.output
        return done.output

    assert said("plan", "--only", "tag:dc1").splitlines()[-1] == "5 checks, 5 readings, 2 contacts"
    assert "did you mean 'tag:dc2'?" in said("plan", "--only", "tag:dc3", status=4)
    assert said("plan", "--explain", "host.a1").startswith("host.a1\n")
    assert "there is no target 'a1'; did you mean 'host.a1'?" in said("plan", "--explain", "a1", status=4)
    assert "host.command.fine@b2  breach" in said("history", "tag:dc2")
    assert "no changes" in said("history", "tag:dc1")
    assert "did you mean 'tag:dc2'?" in said("history", "tag:dc3", status=4)
    assert "of tag:dc1" in said("maintenance", "start", "2h", "--why", "x", "--target", "tag:dc1")
    assert "did you mean 'tag:dc2'?" in said(
        "maintenance", "start", "2h", "--why", "x", "--target", "tag:dc3", status=4
    )
    days = ("--since", "2020-01-01", "--until", "2100-01-01")
    table = said("compliance", *days, "--only", "tag:dc2")
    assert "host.command.fine@b2" in table
    assert "@a1" not in table


def test_maintenance_of_a_tag_holds_for_what_is_reached_through_it(fleet: pytest.Pytester) -> None:
    runner = CliRunner()
    options = [
        "--opscheck-inventory",
        str(fleet.path / "opscheck.toml"),
        "--opscheck-reports",
        str(fleet.path / "reports"),
    ]
    done = runner.invoke(main, ["maintenance", *options, "start", "2h", "--why", "x", "--target", "tag:dc2"])
    assert done.exit_code == 0, done.output
    assert fleet.runpytest("-m", "daily").ret == 0
    assert verdicts(fleet)["host.command.fine@b2"] == "maintenance"


def test_a_worker_reads_what_is_included(fleet: pytest.Pytester) -> None:
    """A kind that only an included file has is judged, and the plan of its checks is that of the controller."""
    text = (Path(fleet.path) / "opscheck.toml").read_text(encoding="utf-8")
    (Path(fleet.path) / "teams").mkdir()
    place = text.index("[logs.app]")
    (Path(fleet.path) / "teams" / "logs.toml").write_text(text[place:], encoding="utf-8")
    fleet.makefile(".toml", opscheck=f"include = ['teams/*.toml']\n{text[:place]}")
    done = fleet.runpytest("-m", "daily", "-n", "2", "--opscheck-json", "run.json")
    assert done.ret == 1
    results = json.loads((Path(fleet.path) / "run.json").read_text(encoding="utf-8"))["results"]
    assert {each["id"]: each["verdict"] for each in results}["logs.count.x@app"] == "ok"


def test_alerts_and_waivers_of_a_tag(fleet: pytest.Pytester) -> None:
    """Who looks after one room is told of that room, and a waiver of its targets holds for each of them."""
    file = Path(fleet.path) / "opscheck.toml"
    channels = "".join(f"[notify.{tag}]\nfile = '{tag}.jsonl'\ntargets = ['tag:{tag}']\n" for tag in ("dc1", "dc2"))
    file.write_text(FLEET + channels, encoding="utf-8")
    assert fleet.runpytest("-m", "daily").ret == 1
    told = [json.loads(line)["result"]["id"] for line in (Path(fleet.path) / "dc2.jsonl").read_text().splitlines()]
    assert told == ["host.command.fine@b2"]
    assert not (Path(fleet.path) / "dc1.jsonl").exists()
    waiver = "check = 'host.command.fine'\ntarget = 'tag:dc2'\nowner = 'Kim'\nreason = 'x'\nuntil = 2099-12-31\n"
    file.write_text(f"{FLEET}[[waiver]]\n{waiver}", encoding="utf-8")
    assert fleet.runpytest("-m", "daily").ret == 0
    assert verdicts(fleet)["host.command.fine@b2"] == "waived"
