"""A run in parts: each has its share, and what is made of all of them is one run, of which nothing may be missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pytest_opscheck.cli.command import main
from pytest_opscheck.core.shards import Shard

from .conftest import results, verdicts
from .test_only import FLEET, OWN

Project = Callable[..., pytest.Pytester]
OF = 3


@pytest.fixture
def fleet(project: Project, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    pytester = project(FLEET)
    pytester.makepyfile(test_own=OWN)
    monkeypatch.chdir(pytester.path)
    return pytester


def run(fleet: pytest.Pytester, number: int, *arguments: str) -> pytest.RunResult:
    return fleet.runpytest("-m", "daily", f"--opscheck-shard={number}/{OF}", *arguments)


def merge(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["merge", "daily", *arguments])


def shards(fleet: pytest.Pytester) -> list[Path]:
    return sorted((fleet.path / "reports/daily/shards").glob("*.json"))


def part(number: int) -> list[str]:
    """Return the hosts of a shard."""
    return [name for name in ("a1", "a2", "b1", "b2") if Shard(number, OF).holds(f"host.{name}")]


def test_what_is_made_of_all_parts_is_the_whole_run(fleet: pytest.Pytester) -> None:
    fleet.runpytest("-m", "daily", "-n", "0")
    whole = verdicts(fleet)
    for file in (fleet.path / "reports/daily").iterdir():
        file.unlink()
    for number in range(1, OF + 1):
        part_of_it = run(fleet, number, "-n", "2" if number == 1 else "0")
        assert f"shard {number}/{OF}: " in part_of_it.stdout.str()
    files = shards(fleet)
    heads = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    assert [head["run"]["shard"] for head in heads] == [f"{number}/{OF}" for number in range(1, OF + 1)]
    assert not any(head["run"]["narrowed"] for head in heads)
    found = [result["id"] for head in heads for result in head["results"]]
    assert sorted(found) == sorted(whole), "each check is in exactly one part"
    assert not list((fleet.path / "reports/daily").glob("*.*")), "a part is no run of its own"
    ended = merge()
    assert ended.exit_code == 1, ended.output
    reports = {f"shard.reports@{number}/{OF}": "ok" for number in range(1, OF + 1)}
    assert verdicts(fleet) == whole | reports
    assert json.loads((fleet.path / "reports/daily/latest.json").read_text(encoding="utf-8"))["run"]["hash"]
    assert (fleet.path / "reports/daily/latest.html").exists()
    assert not shards(fleet), "what was merged is not merged again"
    ended = merge()
    assert (ended.exit_code, "nothing to merge in" in ended.output) == (5, True)


def test_a_part_that_brought_nothing_is_a_breach_and_its_checks_are_unknown(fleet: pytest.Pytester) -> None:
    missing = next(number for number in range(1, OF + 1) if part(number))
    for number in range(1, OF + 1):
        if number != missing:
            run(fleet, number)
    ended = merge()
    assert ended.exit_code == 1
    found = results(fleet)
    gone = found[f"shard.reports@{missing}/{OF}"]
    assert (gone["verdict"], gone["severity"]) == ("breach", "P0")
    for name in part(missing):
        result = found[f"host.reachable@{name}"]
        assert result["verdict"] == "unknown"
        assert f"its shard {missing}/{OF} brought no result" in result["message"]
    others = [name for name in ("a1", "a2", "b1", "b2") if name not in part(missing)]
    assert all(found[f"host.reachable@{name}"]["verdict"] == "ok" for name in others)
    for number in range(1, OF + 1):
        run(fleet, number)
    merge()
    again = results(fleet)[f"shard.reports@{missing}/{OF}"]
    assert (again["verdict"], again["change"]["state"]) == ("ok", "recovered")


def test_of_a_check_that_two_parts_brought_the_worst_counts(fleet: pytest.Pytester) -> None:
    for number in range(1, OF + 1):
        run(fleet, number)
    file = shards(fleet)[0]
    data = json.loads(file.read_text(encoding="utf-8"))
    first = data["results"][0]
    data["results"] = [{**first, "verdict": "breach", "severity": "P1", "fails": True, "message": "it is broken"}]
    (fleet.path / "doubled.json").write_text(json.dumps(data), encoding="utf-8")
    merge("doubled.json", "reports")
    assert results(fleet)[first["id"]]["verdict"] == "breach"
    assert shards(fleet), "what somebody names stays where it is"


def test_parts_that_do_not_belong_together_are_refused(fleet: pytest.Pytester) -> None:
    run(fleet, 1)
    inventory = fleet.path / "opscheck.toml"
    inventory.write_text(inventory.read_text(encoding="utf-8").replace("!= b2", "!= b1"), encoding="utf-8")
    ended = merge()
    assert ended.exit_code == 4, ended.output
    assert "its digest of the inventory is" in ended.output
    fleet.runpytest("-m", "daily", "--opscheck-shard=1/2")
    ended = merge()
    assert (ended.exit_code, "some are one of 2 and some one of 3 shards" in ended.output) == (4, True)
    (fleet.path / "reports/daily/shards/0002-of-2.json").write_text('{"schema": "opscheck.res', encoding="utf-8")
    ended = merge()
    assert (ended.exit_code, "0002-of-2.json is not the results of a shard" in ended.output) == (4, True)


def test_parts_may_run_on_other_machines_in_other_folders(fleet: pytest.Pytester) -> None:
    files = []
    named = '[opscheck]\nname = "fleet"\n' + (fleet.path / "opscheck.toml").read_text(encoding="utf-8")
    (fleet.path / "opscheck.toml").write_text(named, encoding="utf-8")
    for number in range(1, OF + 1):
        folder = fleet.mkdir(f"machine{number}")
        (folder / "opscheck.toml").write_bytes((fleet.path / "opscheck.toml").read_bytes())
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        place = f"--opscheck-inventory={folder / 'opscheck.toml'}", f"--rootdir={folder}", str(folder)
        run(fleet, number, *place, f"--opscheck-json={number}.json")
        files.append(f"{number}.json")
    assert merge(*files).exit_code == 1
    assert verdicts(fleet)["host.command.fine@b2"] == "breach"
    assert set(verdicts(fleet).values()) == {"ok", "breach"}


def test_what_is_of_an_earlier_run_is_left_out_and_named(fleet: pytest.Pytester) -> None:
    for number in range(1, OF + 1):
        run(fleet, number)
    file = shards(fleet)[0]
    data = json.loads(file.read_text(encoding="utf-8"))
    data["run"]["started"] = data["run"]["finished"] = "2026-01-01T00:00:00.000+00:00"
    file.write_text(json.dumps(data), encoding="utf-8")
    ended = merge()
    assert ended.exit_code == 1
    assert results(fleet)[f"shard.reports@1/{OF}"]["verdict"] == "breach"
    head = json.loads((fleet.path / "reports/daily/latest.json").read_text(encoding="utf-8"))["run"]
    assert head["notices"] == [
        f"the results of shard 1/{OF} of 2026-01-01 00:00:00 were left out: they are of an earlier run"
    ]


def test_what_was_merged_already_is_no_run_of_its_own(fleet: pytest.Pytester) -> None:
    """Where no shard ran again, what they left yesterday is not today's run."""
    for number in range(1, OF + 1):
        run(fleet, number)
    assert merge("reports/daily/shards").exit_code == 1
    again = merge("reports/daily/shards")
    assert (again.exit_code, "nothing to merge" in again.output) == (5, True)
    missing = next(number for number in range(1, OF + 1) if part(number))
    for number in range(1, OF + 1):
        if number != missing:
            run(fleet, number)
    merge("reports/daily/shards")
    assert results(fleet)[f"shard.reports@{missing}/{OF}"]["verdict"] == "breach"


def test_what_is_not_a_shard(fleet: pytest.Pytester) -> None:
    ended = fleet.runpytest("-m", "daily", "--opscheck-shard=9/8")
    assert ended.ret == 4
    ended.stderr.fnmatch_lines(["*--opscheck-shard '9/8' is not a shard; the third of eight is 3/8*"])


def test_parts_of_which_none_has_judged_anything_are_no_good_run(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That all have come says nothing of any target."""
    pytester = project("[host.a]\n")
    monkeypatch.chdir(pytester.path)
    assert pytester.runpytest("-m", "monthly", "--opscheck-shard=1/1").ret == 5
    ended = CliRunner().invoke(main, ["merge", "monthly"])
    assert (ended.exit_code, "Nothing was judged" in ended.output) == (5, True)
    assert not (pytester.path / "reports/monthly/latest.json").exists()
