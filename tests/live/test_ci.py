"""The gate in a pipeline: the examples do what they say, on a real service, and tell what was decided."""

from __future__ import annotations

import os
import pty
import re
import signal
import stat
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest

from tests.unit.reports import runner

from .pipelines import BROKEN, EXAMPLES, GOOD, SILENT, Pipeline, Shop, Workflow
from .processes import wait_until
from .web import Site, site

T = TypeVar("T")


@pytest.fixture(scope="module")
def server() -> Iterator[Site]:
    with site() as running:
        yield running


@pytest.fixture
def shop(server: Site, tmp_path: Path) -> Shop:
    return Shop(tmp_path, server, f"/{tmp_path.name}")


RELEASED = {GOOD: [GOOD], BROKEN: [BROKEN, "1.4"], SILENT: [SILENT]}
"""What a pipeline releases because of each version."""


@pytest.fixture
def shops(server: Site, tmp_path: Path) -> dict[str, Shop]:
    """A shop for each version, which are deployed side by side."""
    return {version: Shop(_made(tmp_path / version), server, f"/{tmp_path.name}/{version}") for version in RELEASED}


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _each(deployed: Callable[[Shop, str], T], shops: dict[str, Shop]) -> dict[str, T]:
    """Deploy each version, all at once."""
    with ThreadPoolExecutor() as pool:
        running = {version: pool.submit(deployed, shop, version) for version, shop in shops.items()}
        return {version: each.result() for version, each in running.items()}


def test_the_script_goes_by_the_exit_status(shops: dict[str, Shop]) -> None:
    ended = _each(lambda shop, version: shop.run(["./deploy.sh", version], {}, stdin=subprocess.DEVNULL), shops)
    assert {version: shop.released for version, shop in shops.items()} == RELEASED, ended
    assert {version: each.returncode for version, each in ended.items()} == {GOOD: 0, BROKEN: 1, SILENT: 6}, ended
    last = {version: each.stdout.splitlines()[-1] for version, each in ended.items()}
    stays = f"deploy: {SILENT} stays; to roll back: ./release 1.4"
    assert last == {GOOD: f"deploy: {GOOD} runs", BROKEN: "deploy: rolled back to 1.4", SILENT: stays}
    suites = {version: ET.fromstring((shop.folder / "gate.xml").read_bytes())[0] for version, shop in shops.items()}
    counts = {version: (suite.get("failures"), suite.get("errors")) for version, suite in suites.items()}
    assert counts == {GOOD: ("0", "0"), BROKEN: ("1", "0"), SILENT: ("0", "1")}
    _decisions_stand_where_nobody_can_read_them(shops)


def _decisions_stand_where_nobody_can_read_them(shops: dict[str, Shop]) -> None:
    """A disk that is full, or a reader that has gone, does not turn a go into a roll back."""
    full = "opscheck gate verdict gate.json >/dev/full 2>/dev/full"
    gone = "{ sleep 0.1; opscheck gate verdict gate.json; echo $? >status; } | true; exec cat status"
    for command in (full, gone):
        ended = {version: shop.run(["sh", "-c", command], {}) for version, shop in shops.items()}
        found = {version: each.stdout.strip() or str(each.returncode) for version, each in ended.items()}
        assert found == {GOOD: "3", BROKEN: "1", SILENT: "6"}, command
    assert shops[GOOD].run(["sh", "-c", "opscheck gate show gate.json >/dev/full"], {}).returncode == 6


def test_the_workflow_for_github(shops: dict[str, Shop]) -> None:
    ran = _each(lambda shop, version: Workflow.of(shop, version=version), shops)
    results = {version: each.results for version, each in ran.items()}
    waits = {"deploy": "failure", "roll_back": "success"}  # the second as if a person had approved it
    assert results == {GOOD: {"deploy": "success"}, BROKEN: {"deploy": "failure"}, SILENT: waits}, ran
    assert {v: s.released for v, s in shops.items()} == {**RELEASED, SILENT: [SILENT, "1.4"]}, ran
    found = {v: [(name, said["title"]) for name, said, _ in runner.commands(each.log)] for v, each in ran.items()}
    rolls_back, undecided = ("error", "opscheck gate: roll back"), ("warning", "opscheck gate: undecided")
    assert found == {GOOD: [], BROKEN: [rolls_back], SILENT: [undecided]}, "a target gave a command"
    assert "\ngo: " not in ran[BROKEN].log
    for version, verdict in ((GOOD, "go"), (BROKEN, "roll back"), (SILENT, "undecided")):
        folder = shops[version].folder
        assert f"## opscheck gate: {verdict}\n" in (folder / "gate.summary").read_text(encoding="utf-8")
        set_ = runner.outputs((folder / "gate.outputs").read_text(encoding="utf-8"))
        assert (set_["verdict"], set_["report"]) == (verdict, str(folder / "gate.json"))


def test_the_pipeline_for_gitlab(shops: dict[str, Shop]) -> None:
    ran = _each(lambda shop, version: Pipeline.of(shop, VERSION=version), shops)
    rolled_back = {"deploy": "failed", "roll_back": "success"}
    results = {version: each.results for version, each in ran.items()}
    assert results == {GOOD: {"deploy": "success"}, BROKEN: rolled_back, SILENT: {"deploy": "warning"}}, ran
    assert {version: shop.released for version, shop in shops.items()} == RELEASED, ran
    for version, verdict in ((GOOD, "go"), (BROKEN, "roll_back"), (SILENT, "undecided")):
        known = ran[version].variables
        assert (known["OLD"], known["OPSCHECK_VERDICT"]) == ("1.4", verdict)


def test_what_jenkins_runs(shop: Shop) -> None:
    """Its shell is the script; what it makes of each exit status is said in the pipeline."""
    text = (EXAMPLES / "Jenkinsfile").read_text(encoding="utf-8")
    (command,) = re.findall(r"\bsh\(returnStatus: true, script: '(.+?)'\)", text)
    _gate_ends(shop, "exit 6")
    assert shop.run(["sh", "-c", command], {"VERSION": GOOD}).returncode == 6
    assert re.findall(r"if \(status (.+?)\) \{\s+(\w+)", text) == [("== 6", "unstable"), ("!= 0", "error")]


def _gate_ends(shop: Shop, how: str, before: str = "exit 0") -> None:
    """Have the gate end in a way, without looking at anything: what the script makes of it is at stake."""
    said = f'#!/bin/sh\ncase "$2" in before) {before} ;; *) {how} ;; esac\n'
    (shop.folder / "bin/opscheck").write_text(said, encoding="utf-8")


@pytest.mark.parametrize(
    ("how", "status", "said"),
    [
        ("exit 2", 2, "the gate was interrupted"),
        ("exit 4", 4, "wrong argument, inventory or baseline"),
        ("exit 5", 5, "the gate judged nothing"),
        ("kill -9 $$", 137, "the gate was killed (status 137)"),
        ("kill -11 $$", 139, "the gate was killed (status 139)"),
    ],
)
def test_where_the_gate_can_not_tell_a_person_is_asked(shop: Shop, how: str, status: int, said: str) -> None:
    _gate_ends(shop, how)
    ended = shop.run(["./deploy.sh", GOOD], {}, stdin=subprocess.DEVNULL)
    assert (ended.returncode, shop.released) == (status, [GOOD]), ended
    assert said in ended.stdout
    assert "to roll back: ./release 1.4" in ended.stdout
    for answer, released in (("y", [GOOD, BROKEN, GOOD]), ("", [GOOD, BROKEN, GOOD, BROKEN])):
        ours, theirs = pty.openpty()
        os.write(ours, f"{answer}\n".encode())
        ended = shop.run(["./deploy.sh", BROKEN], {}, stdin=theirs)
        os.close(ours)
        os.close(theirs)
        assert (ended.returncode, shop.released) == (status, released), ended


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_script_that_is_asked_to_end_says_what_its_gate_has_seen(shop: Shop, number: signal.Signals) -> None:
    _gate_ends(shop, "trap 'exit 2' INT TERM; touch began; while :; do sleep 0.05; done")
    with subprocess.Popen(
        ["./deploy.sh", GOOD],
        cwd=shop.folder,
        env=shop.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as script:
        wait_until((shop.folder / "began").exists, "the gate")
        os.killpg(script.pid, number)
        said, _ = script.communicate(timeout=30)
    assert (script.returncode, "the gate was interrupted" in said) == (2, True), said


def test_what_else_the_script_meets(shop: Shop) -> None:
    """A decision that could not be kept stands; without a baseline nothing is deployed; half a release is undone."""
    _gate_ends(shop, "exit 3")
    assert shop.run(["./deploy.sh", GOOD], {}).returncode == 3
    assert shop.released == [GOOD]
    _gate_ends(shop, "exit 0", before="exit 4")
    assert shop.run(["./deploy.sh", BROKEN], {}).returncode == 4
    assert shop.released == [GOOD]
    _gate_ends(shop, "exit 0")
    release = shop.folder / "release"
    release.write_text(release.read_text(encoding="utf-8") + f'[ "$1" != {BROKEN} ]\n', encoding="utf-8")
    ended = shop.run(["./deploy.sh", BROKEN], {})
    assert (ended.returncode, shop.released) == (1, [GOOD, BROKEN, GOOD]), ended
    assert "rolled back to 1.5" in ended.stdout
    release.write_text("#!/bin/sh\n[ $# = 0 ] && cat running\n", encoding="utf-8")
    ended = shop.run(["./deploy.sh", BROKEN], {})
    assert (ended.returncode, "COULD NOT ROLL BACK" in ended.stdout) == (1, True), ended


def test_what_can_not_be_told_is_a_fault_where_it_was_go(shop: Shop) -> None:
    """Of a file, and of GitHub. What an earlier gate has left is gone, so that nobody goes by it."""
    assert shop.run(["opscheck", "gate", "after", "--json", "gate.json"], {}).returncode == 0
    (shop.folder / "file").write_text("", encoding="utf-8")
    (shop.folder / "gate.xml").write_text("of an earlier gate", encoding="utf-8")
    there = {"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": "file/out", "GITHUB_STEP_SUMMARY": "file/summary"}
    for arguments, env, said in (
        (["--junit", "file/gate.xml"], {}, ["could not write the JUnit report"]),
        (["--dotenv", "file/gate.env"], {}, ["could not write the variables"]),
        ([], there, ["could not write the summary for GitHub", "could not write the outputs for GitHub"]),
    ):
        ended = shop.run(["opscheck", "gate", "verdict", "gate.json", *arguments], env)
        assert (ended.returncode, [line.partition(":")[0] for line in ended.stderr.splitlines()]) == (3, said), ended
    files = ["--junit", "gate.xml", "--json", "gate.json"]
    (shop.folder / "opscheck.toml").write_text("[http.api]\nurl = 5\n", encoding="utf-8")
    assert shop.run(["opscheck", "gate", "after", "--dry-run", *files], {}).returncode == 4
    assert (shop.folder / "gate.xml").read_text(encoding="utf-8") == "of an earlier gate", "a dry run keeps nothing"
    ended = shop.run(["opscheck", "gate", "after", *files], there | {"GITHUB_OUTPUT": "out"})
    assert (ended.returncode, (shop.folder / "gate.json").exists()) == (4, False), ended
    (suite,) = ET.fromstring((shop.folder / "gate.xml").read_bytes())
    assert (suite.get("tests"), suite.get("errors")) == ("1", "1")
    assert runner.outputs((shop.folder / "out").read_text(encoding="utf-8"))["verdict"] == "undecided"
    assert runner.commands(ended.stderr)[0][0] == "warning"


def test_examples_are_what_their_schemas_say() -> None:
    """The schemas of GitHub's workflows and GitLab's pipelines, as check-jsonschema has them."""
    for name, *more in (
        ("github-deploy.yml", "vendor.github-workflows"),
        ("gitlab-ci.yml", "vendor.gitlab-ci", "--data-transform=gitlab-ci"),
    ):
        command = [sys.executable, "-m", "check_jsonschema", f"--builtin-schema={more[0]}", *more[1:]]
        checked = subprocess.run([*command, str(EXAMPLES / name)], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout
    assert (EXAMPLES / "deploy.sh").stat().st_mode & stat.S_IXUSR
