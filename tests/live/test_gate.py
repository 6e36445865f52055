"""The deploy gate on a real server: a baseline, each fault of a deploy made for real, and what is kept and said."""

from __future__ import annotations

import itertools
import json
import os
import platform
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .web import Handler, Site, site

INVENTORY = """
[opscheck]
name = "shop"
[gate]
version = {{ target = "http.api", json = "version", instances = 4 }}
warm_up = 10
rollback = "docs/runbook.md#roll-back"
record = "deploys.jsonl"
[http.api]
url = "{url}/health"
[http.api.expect]
p95 = {{ P2 = "< 30s", P1 = "<= baseline + 200%" }}
errors = {{ P2 = "< 90%", P1 = "<= baseline + 1pp" }}
json = {{ status = "== healthy", users = {{ P0 = ">= baseline" }} }}
"""
COMMAND = (sys.executable, "-c", "from pytest_opscheck.cli import main; main()", "gate")


@dataclass
class Shop:
    """What is deployed, and how it answers; each test begins with it as it was before the deploy."""

    seconds: float = 0.01
    error_every: int = 0
    status: str = "healthy"
    version: str = "1.4"
    left_over: str = ""
    users: int = 412
    count: Iterator[int] = field(default_factory=itertools.count)
    at: dict[int, Callable[[], object]] = field(default_factory=dict)

    def answer(self, handler: Handler) -> None:
        number = next(self.count)
        self.at.get(number, int)()
        time.sleep(self.seconds * (1 + number % 7 / 10))
        version = self.left_over if self.left_over and number % 2 else self.version
        said = json.dumps({"status": self.status, "version": version, "users": self.users})
        failed = self.error_every and number % self.error_every == 0
        handler.say(500 if failed else 200, said, "application/json")


@pytest.fixture(scope="module")
def server() -> Iterator[Site]:
    with site() as running:
        yield running


@pytest.fixture
def shop(server: Site) -> Shop:
    made = Shop()
    server.replies["/health"] = made.answer
    return made


@pytest.fixture(scope="module")
def folder(server: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an inventory and a baseline, which all tests compare with."""
    made = tmp_path_factory.mktemp("gate")
    (made / "opscheck.toml").write_text(INVENTORY.format(url=server.url), encoding="utf-8")
    server.replies["/health"] = Shop().answer
    ended = gate(made, "before", "--windows", "5", "--every", "100ms", env={"CI_PIPELINE_ID": "7"})
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "wrote reports/gate/baseline.json: 5 looks at 5 checks\n"
    return made


def opscheck(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `opscheck` in a folder."""
    command = [*COMMAND[:-1], *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def gate(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run `opscheck gate` in a folder."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"} | (env or {})
    return subprocess.run(
        [*COMMAND, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def after(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return gate(folder, "after", "--wait", "20s", *arguments)


def test_go_of_the_same_code_and_what_is_kept_of_it(folder: Path, shop: Shop) -> None:
    shop.version = "1.5"
    ended = after(folder, "--version", "1.5", "--json", "gate.json")
    assert (ended.returncode, ended.stdout.splitlines()[0]) == (0, "go: 5 checks judged, nothing new is broken"), ended
    kept = json.loads((folder / "gate.json").read_text(encoding="utf-8"))
    assert (kept["verdict"], kept["exit_status"], kept["version"], kept["version_before"]) == ("go", 0, "1.5", "1.4")
    whole, *timed = ({r["id"]: r for r in look["results"]} for look in kept["after"])
    assert "http.json@api" in whole
    assert "http.p95@api" not in whole, "its requests, of the first look, are those that warm it up"
    assert len(timed[0]["http.p95@api"]["measurements"][0]["samples"]) == 20
    line = json.loads((folder / "deploys.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert (line["verdict"], line["version"], line["suite"]) == ("go", "1.5", "deploy_gate")
    again = gate(folder, "verdict", "gate.json")
    assert (again.returncode, again.stdout) == (0, ended.stdout)
    assert gate(folder, "show", "gate.json").stdout.startswith("go: 5 checks judged")
    assert not (folder / "reports/deploy_gate").exists(), "looks leave no reports"
    with closing(sqlite3.connect(folder / "reports/history.sqlite3")) as history:
        assert history.execute("SELECT count(*) FROM opscheck_run").fetchone() == (0,), "and are no runs of the suite"
    shown = opscheck(folder, "history", "--deploys").stdout
    assert re.search(r"1\.4 -> 1\.5  go  in \d+ s, by \S+@\S+: 5 checks judged, nothing new is broken", shown), shown


def test_what_the_last_go_saw_is_a_baseline_too(folder: Path, shop: Shop) -> None:
    assert after(folder, "--version", "1.4").returncode == 0
    shop.status = "degraded"
    ended = after(folder, "--baseline", "history")
    assert (ended.returncode, ended.stdout.partition(":")[0]) == (1, "roll back"), ended
    shop.status = "healthy"
    assert after(folder, "--baseline", "history").returncode == 0


def test_each_fault_of_a_deploy_rolls_back(folder: Path, shop: Shop) -> None:
    shop.seconds = 0.1
    ended = after(folder)
    assert ended.returncode == 1, ended
    assert ended.stdout.startswith("roll back: http.p95@api: shift: typical time "), ended.stdout
    assert "500 requests before, " in ended.stdout
    assert ended.stdout.endswith("how to roll back: docs/runbook.md#roll-back\n")
    shop.seconds, shop.error_every = 0.01, 6
    ended = after(folder)
    assert ended.returncode == 1, ended
    assert "http.errors@api: broke P1: errors: " in ended.stdout
    shop.error_every, shop.users = 0, 400
    ended = after(folder)
    assert ended.returncode == 1, ended
    assert "http.json@api: broke P0: users is 400, expected >= baseline (it was 412)" in ended.stdout
    assert "looking again in 5 s at http.json@api" in ended.stderr


def test_an_instance_that_is_still_old_rolls_back(folder: Path, shop: Shop) -> None:
    shop.version, shop.left_over = "1.5", "1.4"
    ended = gate(folder, "after", "--version", "1.5", "--wait", "2s")
    assert ended.returncode == 1, ended
    assert "2 of 4 answers came from 1.4, expected 1.5" in ended.stdout


def test_undecided_is_neither(folder: Path, shop: Shop, tmp_path: Path) -> None:
    """Nothing to compare with, or a baseline of other expectations: what is absolute is judged, the rest is said."""
    (tmp_path / "opscheck.toml").write_bytes((folder / "opscheck.toml").read_bytes())
    ended = after(tmp_path)
    assert ended.returncode == 6, ended
    assert "can't be compared with the baseline: there is no baseline" in ended.stdout
    assert "record one before the next deploy: opscheck gate before" in ended.stdout
    text = (folder / "opscheck.toml").read_text(encoding="utf-8")
    (tmp_path / "opscheck.toml").write_text(text.replace("+ 200%", "+ 100%"), encoding="utf-8")
    ended = after(tmp_path, "--baseline", str(folder / "reports/gate/baseline.json"))
    assert ended.returncode == 6, ended
    assert "http.p95@api: not comparable P1: it can't be compared with the baseline: what is expected" in ended.stdout
    shop.status = "degraded"
    assert after(tmp_path, "--dry-run").returncode == 0
    assert not (tmp_path / "deploys.jsonl").read_text(encoding="utf-8").count("roll back"), "a dry run keeps nothing"


def test_runners_that_are_alike_may_share_a_name(folder: Path, shop: Shop) -> None:
    assert shop.status == "healthy"
    elsewhere = gate(folder, "after", "--dry-run", env={"OPSCHECK_VANTAGE": "runners"})
    said = "the baseline was recorded on first, and this is runners; on like runners set OPSCHECK_VANTAGE"
    assert said.replace("first", platform.node()) in elsewhere.stdout, elsewhere


def test_what_is_asked_to_end_says_what_it_saw(folder: Path, shop: Shop, tmp_path: Path) -> None:
    command = [*COMMAND, "after", "--watch", "60s"]
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, text=True) as process:
        while not process.poll() and not list(tmp_path.glob("opscheck-gate-*/results.json")):
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate()
    assert process.returncode == 2
    assert "it was ended early" in said


def test_a_look_that_fails_is_no_go(server: Site, shop: Shop, tmp_path: Path) -> None:
    """Somebody breaks the inventory while the deploy is watched: what was seen until then says nothing of the rest."""
    inventory = tmp_path / "opscheck.toml"
    inventory.write_text(f'[http.api]\nurl = "{server.url}/health"\n', encoding="utf-8")
    shop.at[1] = lambda: inventory.write_text("[http.api]\nurl = 5\n", encoding="utf-8")
    ended = after(tmp_path, "--watch", "2s", "--every", "100ms")
    assert ended.returncode == 6, ended
    why = "looks at the suite were not whole: a run of deploy_gate ended with exit status 4, without results:"
    assert ended.stdout.startswith("undecided: ")
    assert why in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("before",), "reports/gate/baseline.json was recorded for this run of the pipeline (7) already; add --again"),
        (("after", "--baseline", "none.json"), "there is no baseline none.json; before the deploy record one"),
        (("after", "--baseline", "opscheck.toml"), "opscheck.toml is not a baseline"),
        (("after", "--baseline", "changed.json"), "it was changed since it was recorded"),
        (("after", "--wait", "soon"), "'soon' is not a length of time"),
        (("verdict", "reports/gate/baseline.json"), "is not what a gate has kept"),
        (("show", "none.json"), "none.json: no such file"),
    ],
)
def test_what_can_not_be_meant_ends_with_4(folder: Path, arguments: tuple[str, ...], message: str) -> None:
    baseline = json.loads((folder / "reports/gate/baseline.json").read_text(encoding="utf-8"))
    (folder / "changed.json").write_text(json.dumps({**baseline, "version": "1.3"}), encoding="utf-8")
    ended = gate(folder, *arguments, env={"CI_PIPELINE_ID": "7"})
    assert ended.returncode == 4, ended
    assert message in ended.stderr


def test_a_plain_run_does_not_pass_what_only_a_gate_can_judge(folder: Path, shop: Shop, tmp_path: Path) -> None:
    """In other suites the absolute limits decide."""
    (tmp_path / "opscheck.toml").write_bytes((folder / "opscheck.toml").read_bytes())
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--opscheck-json=results.json", "-m"]
    for suite, status, verdict in (("deploy_gate", 1, "unknown"), ("daily", 1, "ok")):
        ended = subprocess.run([*command, suite], cwd=tmp_path, capture_output=True, text=True, check=False)
        results = {r["id"]: r for r in json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["results"]}
        assert (ended.returncode, results["http.p95@api"]["verdict"]) == (status, verdict), ended.stdout
        message = results["http.json@api"]["message"]
        assert "'>= baseline' compares with a baseline, which only `opscheck gate` has" in message


SIDES = """
[gate]
warm_up = 10
[http.blue]
url = "{url}/health"
[http.green]
url = "{url}/green"
[http.blue.expect]
{expect}
[http.green.expect]
{expect}
"""
SIDE = """p95 = {{ P2 = "< 30s", P1 = "<= baseline + 20%" }}
json = {{ status = "== healthy", users = {{ P0 = ">= baseline" }} }}"""


@pytest.fixture
def green(server: Site, shop: Shop, tmp_path: Path) -> Shop:
    """What is compared with the shop, in a folder of its own."""
    made = Shop()
    server.replies["/green"] = made.answer
    assert shop.status == made.status
    text = SIDES.replace("{expect}", SIDE.replace("{{", "{").replace("}}", "}")).replace("{url}", server.url)
    (tmp_path / "opscheck.toml").write_text(text, encoding="utf-8")
    return made


def test_two_sides_at_once_are_compared_in_turn(green: Shop, tmp_path: Path) -> None:
    same = gate(tmp_path, "compare", "http.blue", "http.green", "--json", "gate.json")
    assert (same.returncode, same.stdout.partition(":")[0]) == (0, "go"), same
    kept = json.loads((tmp_path / "gate.json").read_text(encoding="utf-8"))
    assert (kept["version_before"], kept["version"]) == ("http.blue", "http.green")
    assert gate(tmp_path, "verdict", "gate.json").returncode == 0
    green.seconds = 0.016
    slower = gate(tmp_path, "compare", "blue", "green")
    assert (slower.returncode, slower.stdout.partition(":")[0]) == (1, "roll back"), slower
    assert "http.p95@green: broke P1: shift" in slower.stdout


def test_a_side_that_is_broken_or_lost(green: Shop, server: Site, shop: Shop, tmp_path: Path) -> None:
    green.users = 3
    fewer = gate(tmp_path, "compare", "blue", "green")
    assert fewer.returncode == 1, fewer
    assert "http.json@green: broke P0: users is 3, expected >= baseline (it was 412)" in fewer.stdout
    green.users = 412
    text = (tmp_path / "opscheck.toml").read_text(encoding="utf-8")
    (tmp_path / "opscheck.toml").write_text(text.replace(f"{server.url}/health", "http://127.0.0.1:9/"))
    lost = gate(tmp_path, "compare", "blue", "green")
    assert (lost.returncode, lost.stdout.partition("http.reachable@blue")[0]) == (
        6,
        "undecided: there is nothing to compare with: ",
    ), lost


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        (("http.blue", "http.red"), "there is no target http.red; there are http.blue, http.green"),
        (("http.blue", "http.blue"), "have no check in common; name two targets of one kind"),
    ],
)
def test_sides_that_can_not_be_compared(green: Shop, tmp_path: Path, sides: tuple[str, str], message: str) -> None:
    ended = gate(tmp_path, "compare", *sides)
    assert (ended.returncode, message in ended.stderr) == (4, True), ended
    assert green.version == "1.4"
