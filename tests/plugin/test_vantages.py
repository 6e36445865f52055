"""Targets that are looked at from several networks: each place has its part, and all parts together are one run."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pytest_opscheck.cli.command import main
from pytest_opscheck.core.shards import Shard

from .conftest import results

Project = Callable[..., pytest.Pytester]
SHOP = """
[vantage.dmz]
[vantage.office]
[template.local]
kind = "host"
expect = { disk = false, memory = false, load = false, cpu = false }
command.fine = { run = "test {name} != b2" }
[group.here]
template = "local"
names = ["a[1:4]"]
[group.far]
template = "local"
names = ["b[1:2]"]
from = "dmz"
[host.both]
from = ["dmz", "office"]
command.fine = { run = "true" }
expect = { disk = false, memory = false, load = false, cpu = false }
[logs.both]
on = "both"
path = "/etc/hostname"
count.x = { pattern = "x{9}", expect = "== 0" }
[[waiver]]
check = "host.command.fine"
target = "both"
owner = "Kim"
reason = "an example"
until = 2099-12-31
"""
OWN = """
    import pytest

    @pytest.mark.daily
    def test_host(host):
        assert host.run("true").rc == 0
"""


@pytest.fixture
def shop(project: Project, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    pytester = project(SHOP)
    pytester.makepyfile(test_own=OWN)
    monkeypatch.chdir(pytester.path)
    monkeypatch.delenv("OPSCHECK_VANTAGE", raising=False)
    return pytester


@pytest.fixture
def run(shop: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Run the daily suite from a vantage point, and return its file: run("dmz", "--opscheck-shard=1/2")."""

    def ran(vantage: str, *arguments: str) -> dict[str, Any]:
        monkeypatch.setenv("OPSCHECK_VANTAGE", vantage)
        before = {file: file.stat().st_mtime_ns for file in shop.path.glob("reports/daily/shards/*.json")}
        shop.runpytest("-m", "daily", *arguments)
        files = [f for f in shop.path.glob("reports/daily/shards/*") if before.get(f) != f.stat().st_mtime_ns]
        found: dict[str, Any] = json.loads(files[0].read_text(encoding="utf-8"))
        monkeypatch.delenv("OPSCHECK_VANTAGE")
        return found

    return ran


def merge(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["merge", "daily", *arguments])


def ids(run: dict[str, Any], check: str) -> set[str]:
    return {result["target"] for result in run["results"] if result["check"] == check}


def test_each_place_has_its_targets_and_all_of_them_are_one_run(
    shop: pytest.Pytester, run: Callable[..., dict[str, Any]]
) -> None:
    """What is on a host is looked at from where that is; the vantage belongs to the run, and to each result."""
    parts = [run(name, "-n", "2" if name == "dmz" else "0") for name in ("", "dmz", "office")]
    assert [part["run"]["vantage"] for part in parts] == ["default", "dmz", "office"]
    assert [ids(part, "host.reachable") for part in parts] == [
        {"a1", "a2", "a3", "a4"},
        {"b1", "b2", "both#dmz"},
        {"both#office"},
    ]
    assert [ids(part, "logs.count.x") for part in parts] == [set(), {"both#dmz"}, {"both#office"}]
    assert [ids(part, "own.host") for part in parts] == [ids(part, "host.reachable") for part in parts]
    assert {result["vantage"] for part in parts for result in part["results"]} == {"default", "dmz", "office"}
    assert not list((shop.path / "reports/daily").glob("*.*")), "a part is no run of its own"
    ended = merge()
    assert ended.exit_code == 1, ended.output
    found = results(shop)
    assert {name for part in parts for name in (each["id"] for each in part["results"])} <= found.keys()
    assert {found[f"vantage.reports@{name}"]["verdict"] for name in ("default", "dmz", "office")} == {"ok"}
    assert not [name for name in found if name.startswith("shard.")]
    assert (found["host.command.fine@b2"]["verdict"], found["host.command.fine@b2"]["vantage"]) == ("breach", "dmz")
    assert "seen from dmz" in (shop.path / "reports/daily/latest.html").read_text(encoding="utf-8")
    known = CliRunner().invoke(main, ["history", "host.reachable@both#dmz"])
    assert known.exit_code == 0, known.output


def test_a_place_that_brought_nothing_is_a_breach_and_its_checks_are_unknown(
    shop: pytest.Pytester, run: Callable[..., dict[str, Any]]
) -> None:
    run("default")
    run("office")
    assert merge().exit_code == 1
    found = results(shop)
    gone = found["vantage.reports@dmz"]
    assert (gone["verdict"], gone["severity"], gone["message"]) == ("breach", "P0", "vantage dmz brought no results")
    for name in ("host.reachable@b1", "host.reachable@both#dmz", "logs.count.x@both#dmz"):
        assert found[name]["verdict"] == "unknown"
        assert "its vantage dmz brought no result" in found[name]["message"]
        assert found[name]["vantage"] == "dmz"
    assert found["host.reachable@both#office"]["verdict"] == "ok"


def test_places_may_have_shards(shop: pytest.Pytester, run: Callable[..., dict[str, Any]]) -> None:
    of = 2
    missing = next(number for number in (1, 2) if Shard(number, of).holds("host.b1"))
    run("default", "--opscheck-shard=1/2")
    run("default", "--opscheck-shard=2/2")
    run("dmz", f"--opscheck-shard={3 - missing}/2")
    run("office")
    assert merge().exit_code == 1
    found = results(shop)
    assert found["vantage.reports@dmz"]["verdict"] == "ok"
    assert found[f"shard.reports@{missing}/2#dmz"]["verdict"] == "breach"
    assert f"its shard {missing}/2 from dmz brought no result" in found["host.reachable@b1"]["message"]
    assert found["shard.reports@1/2"]["verdict"] == found["shard.reports@2/2"]["verdict"] == "ok"


def test_a_place_that_is_none_is_refused(shop: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would judge what is seen from elsewhere; and a gate looks from one place alone."""
    monkeypatch.setenv("OPSCHECK_VANTAGE", "dzm")
    ended = shop.runpytest("-m", "daily")
    assert ended.ret == 4
    ended.stderr.fnmatch_lines(
        ["*OPSCHECK_VANTAGE is 'dzm', which is none of the inventory's vantage points: dmz, office*"]
    )
    monkeypatch.delenv("OPSCHECK_VANTAGE")
    ended_gate = CliRunner().invoke(main, ["gate", "before"])
    assert ended_gate.exit_code == 4
    assert "is looked at from dmz, and this is default: a gate looks from one place" in ended_gate.output
    planned = CliRunner().invoke(main, ["plan", "--only", "host.both"])
    assert "host.reachable@both#dmz" in planned.output
    assert "one script, from office)" in planned.output
    explained = CliRunner().invoke(main, ["plan", "--explain", "host.both#dmz"])
    assert 'from = ["dmz", "office"]' in explained.output


def test_a_place_from_which_nothing_is_looked_at_is_not_green(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody says where a machine stands, nothing is judged there."""
    pytester = project("[vantage.dmz]\n[host.a]\nfrom = 'dmz'\nexpect = { load = false, cpu = false }\n")
    monkeypatch.delenv("OPSCHECK_VANTAGE", raising=False)
    assert pytester.runpytest("-m", "daily").ret == 5
    monkeypatch.setenv("OPSCHECK_VANTAGE", "dmz")
    assert pytester.runpytest("-m", "daily").ret in (0, 1)


def test_without_from_the_word_is_a_name_as_before(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester = project()
    monkeypatch.setenv("OPSCHECK_VANTAGE", "runner")
    pytester.runpytest("-m", "daily")
    head = json.loads((pytester.path / "reports/daily/latest.json").read_text(encoding="utf-8"))
    assert head["run"]["vantage"] == "runner"
    assert "vantage" not in head["results"][0]
