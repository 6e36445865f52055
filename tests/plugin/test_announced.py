"""A run in parts says first that it comes: a driver that died, an empty folder and a part that never came are red."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner, Result

from pytest_opscheck.cli.command import main
from pytest_opscheck.core.shards import Shard
from tests.live.receiver import receiver

from .conftest import results
from .test_only import FLEET

Project = Callable[..., pytest.Pytester]
OF = 3


@pytest.fixture
def fleet(project: Project, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    pytester = project(FLEET)
    monkeypatch.chdir(pytester.path)
    return pytester


def said(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def run(fleet: pytest.Pytester, *numbers: int) -> None:
    for number in numbers:
        fleet.runpytest("-m", "daily", f"--opscheck-shard={number}/{OF}")


def test_of_a_run_that_was_announced_an_empty_folder_is_red(fleet: pytest.Pytester) -> None:
    """The checks are unknown, each shard is a breach, and the run is recorded; without a word of it there is no run."""
    assert said("merge", "daily").exit_code == 5
    announced = said("announce", "daily", "--shards", "3")
    assert announced.exit_code == 0, announced.output
    assert "daily is announced: 3 shards; merge them until 20" in announced.output
    status = said("status")
    assert (status.exit_code, "daily: announced 20" in status.output) == (0, True), status.output
    assert said("merge", "daily").exit_code == 1
    found = results(fleet)
    assert {found[f"shard.reports@{number}/3"]["severity"] for number in (1, 2, 3)} == {"P0"}
    assert {each["verdict"] for name, each in found.items() if name.startswith("host.")} == {"unknown"}
    head = json.loads((fleet.path / "reports/daily/latest.json").read_text(encoding="utf-8"))["run"]
    assert head["hash"]
    assert said("status").exit_code == 4, "what was merged is no more to come, and no suite has a schedule"
    assert said("merge", "daily").exit_code == 5
    assert said("merge", "daily", "nowhere").exit_code == 4
    said("announce", "daily", "--shards", "3")
    assert said("merge", "daily", "nowhere").exit_code == 1, "the folder may not be there because nothing came"


def test_the_shards_are_as_many_as_were_announced(fleet: pytest.Pytester) -> None:
    """The last ones too, of which no file says anything; and those of before the announcement are of an earlier run."""
    run(fleet, 1)
    file = next((fleet.path / "reports/daily/shards").glob("*"))
    data = json.loads(file.read_text(encoding="utf-8"))
    data["run"]["finished"] = data["run"]["started"] = f"{time.strftime('%Y-%m-%d', time.gmtime())}T00:00:00.000+00:00"
    file.write_text(json.dumps(data), encoding="utf-8")
    said("announce", "daily", "--shards", "3")
    here = [number for number in range(1, OF + 1) if number != 1]
    run(fleet, *here)
    assert said("merge", "daily").exit_code == 1
    found = results(fleet)
    assert {number: found[f"shard.reports@{number}/3"]["verdict"] for number in (1, 2, 3)} == {
        1: "breach",
        2: "ok",
        3: "ok",
    }
    for name in ("a1", "a2", "b1", "b2"):
        is_lost = Shard(1, OF).holds(f"host.{name}")
        assert (found[f"host.reachable@{name}"]["verdict"] == "unknown") is is_lost
    said("announce", "daily", "--shards", "4")
    run(fleet, 1)
    refused = said("merge", "daily")
    assert (refused.exit_code, "some are one of 3 shards, and there are to be 4" in refused.output) == (4, True)


def test_a_driver_that_died_is_red_when_the_time_is_over(fleet: pytest.Pytester) -> None:
    """In the status, on its page and in the compliance; until somebody merges what there is."""
    assert said("announce", "daily", "--shards", "3", "--within", "1s").exit_code == 0
    deadline = time.monotonic() + 30
    while (status := said("status")).exit_code == 0 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert status.exit_code == 1, status.output
    assert "daily: LOST, announced 20" in status.output
    assert "1 suite overdue: daily" in status.output
    period = ("--since", "2026-01-01", "--until", "2099-01-01")
    audit = said("compliance", *period)
    assert "due 1, 1 missing" in audit.output, audit.output
    run(fleet, 1, 2, 3)
    assert said("merge", "daily").exit_code == 1  # one command of the fleet is broken
    found = results(fleet)
    assert {found[f"shard.reports@{number}/3"]["verdict"] for number in (1, 2, 3)} == {"ok"}
    assert "due 1, 0 missing" in said("compliance", *period).output
    assert "LOST" not in said("status").output


def test_the_heartbeat_has_its_start_and_the_end_of_the_same_run(fleet: pytest.Pytester) -> None:
    """So that who listens notices where no end follows."""
    with receiver() as server:
        inventory = fleet.path / "opscheck.toml"
        more = f'\n[suites.daily]\nheartbeat = "{server.url}/ping"\n'
        inventory.write_text(inventory.read_text(encoding="utf-8") + more, encoding="utf-8")
        announced = said("announce", "daily", "--shards", "3")
        assert announced.exit_code == 0, announced.output
        assert said("merge", "daily").exit_code == 1
    (start, end) = [urlsplit(path) for _, path, _ in server.requests]
    assert [start.path, end.path] == ["/ping/start", "/ping/fail"]
    assert start.query == end.query
    assert start.query.startswith("rid=")


def test_what_may_be_announced(fleet: pytest.Pytester) -> None:
    assert said("announce", "dialy").exit_code == 4
    assert said("announce", "daily", "--shards", "0").exit_code == 4
