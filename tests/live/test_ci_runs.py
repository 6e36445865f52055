"""Runs in a pipeline: the examples and the action do what they say, and show what is not ok beside its line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.unit.reports import runner

from .pipelines import EXAMPLES, Pipeline, Shop, Workflow
from .web import Site, site

ROOT = EXAMPLES.parents[1]
INVENTORY = """
[opscheck]
name = "shop"
timezone = "UTC"
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
[host.local.command.fine]
run = "true"
[host.local.command.broken]
run = "test ! -e broken"
"""
_PLACE = {"type": "object", "required": ["path", "lines"], "properties": {"path": {"pattern": "^[^/.]"}}}
_ENTRY = {
    "type": "object",
    "required": ["description", "check_name", "fingerprint", "severity", "location"],
    "properties": {
        "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
        "location": _PLACE,
    },
}
"""What GitLab's docs say of each finding of a code quality report."""


@pytest.fixture(scope="module")
def server() -> Iterator[Site]:
    with site() as running:
        yield running


@pytest.fixture
def shop(server: Site, tmp_path: Path) -> Shop:
    made = Shop(tmp_path, server, f"/{tmp_path.name}")
    (tmp_path / "opscheck.toml").write_text(INVENTORY, encoding="utf-8")
    return made


def _break(shop: Shop) -> None:
    (shop.folder / "broken").write_text("", encoding="utf-8")


def _shown(log: str) -> list[tuple[str, str, str]]:
    return [(level, said["file"], said["line"]) for level, said, _ in runner.commands(log)]


def test_the_nightly_workflow(shop: Shop) -> None:
    """A good night shows nothing; a bad one is red, and is compared with the good one out of the cache."""
    good = Workflow.of(shop, "github-nightly.yml")
    assert (good.results, _shown(good.log)) == ({"check": "success"}, []), good
    _break(shop)
    bad = Workflow.of(shop, "github-nightly.yml")
    assert (bad.results, _shown(bad.log)) == ({"check": "failure"}, [("error", "opscheck.toml", "9")]), bad
    assert bad.steps["check"] | {"verdict": "failed", "ok": "2", "breach": "1"} == bad.steps["check"]
    assert Path(bad.steps["check"]["report"]).is_relative_to(shop.folder / "reports" / "daily")
    summary = (shop.folder / "check.summary").read_text(encoding="utf-8")
    assert "**shop daily: All 3 checks ok**" in summary
    assert "`host.command.broken@local` (new)" in summary


def test_the_workflow_of_a_pull_request(shop: Shop) -> None:
    file = shop.folder / "opscheck.toml"
    file.write_text(INVENTORY + '[postgres.main]\ndsn = "${DATABASE_URL}"\n', encoding="utf-8")
    assert Workflow.of(shop, "github-pull-request.yml").results == {"validate": "success"}
    file.write_text(INVENTORY.replace("run =", "rum ="), encoding="utf-8")
    ran = Workflow.of(shop, "github-pull-request.yml")
    assert ran.results == {"validate": "failure"}
    assert ("error", "opscheck.toml", "8") in _shown(ran.log)


def test_the_action(shop: Shop) -> None:
    _break(shop)
    (shop.folder / "opscheck.toml").rename(shop.folder / "ops.toml")
    ran = Workflow.of_action(shop, ROOT / "action.yml", inventory="ops.toml", arguments="-q -p no:cacheprovider")
    found = ran.outputs["action"]
    assert found | {"verdict": "failed", "exit-status": "1", "ok": "2", "breach": "1", "unknown": "0"} == found, ran
    assert Path(found["report"]).is_file()
    (shop.folder / "run.outputs").unlink()
    ran = Workflow.of_action(shop, ROOT / "action.yml", inventory="nowhere.toml")
    assert ran.outputs["action"]["verdict"] == "not run"
    assert not (shop.folder / ".pytest_cache").exists()


def test_the_pipeline_for_gitlab(shop: Shop) -> None:
    _break(shop)
    assert Pipeline.of(shop, "gitlab-checks.yml", CI_PIPELINE_SOURCE="merge_request_event").results == {
        "validate": "success"
    }
    project = {"CI_PROJECT_DIR": str(shop.folder)}
    ran = Pipeline.of(shop, "gitlab-checks.yml", CI_PIPELINE_SOURCE="schedule", **project)
    assert ran.results == {"check": "failed"}, ran
    (entry,) = json.loads((shop.folder / "code-quality.json").read_text(encoding="utf-8"))
    jsonschema.validate(entry, _ENTRY)
    assert (entry["check_name"], entry["severity"]) == ("host.command.broken", "major")
    assert entry["location"] == {"path": "opscheck.toml", "lines": {"begin": 9}}
    names = {case.get("name") for case in ET.parse(shop.folder / "reports/daily/latest.xml").iter("testcase")}
    assert len(names) == 3


def test_what_jenkins_runs(shop: Shop) -> None:
    text = (EXAMPLES / "Jenkinsfile-nightly").read_text(encoding="utf-8")
    (command,) = re.findall(r"\bsh\(returnStatus: true, script: '(.+?)'\)", text)
    _break(shop)
    assert shop.run(["sh", "-c", command], {}).returncode == 1
    assert re.findall(r"if \(status (.+?)\) \{\s+(\w+)", text) == [("== 1", "unstable"), ("!= 0", "error")]
    (archived,) = re.findall(r"archiveArtifacts artifacts: '(.+?)'", text)
    assert all(list(shop.folder.glob(pattern.strip())) for pattern in archived.split(","))


def test_the_hook_of_pre_commit(shop: Shop) -> None:
    """Both the one of this repository and the one of the example check the inventory."""
    (ours,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    example = yaml.safe_load((EXAMPLES / "pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"][0]
    alike = ("id", "name", "entry", "language", "files", "pass_filenames")
    assert {key: ours[key] for key in alike} == {key: example[key] for key in alike}
    assert shop.run(["sh", "-c", ours["entry"]], {}).returncode == 0
    (shop.folder / "opscheck.toml").write_text("[hots.local]\n", encoding="utf-8")
    assert shop.run(["sh", "-c", ours["entry"]], {}).returncode == 4


def test_they_are_what_their_schemas_say() -> None:
    """As check-jsonschema has them."""
    for file, *more in (
        (EXAMPLES / "github-nightly.yml", "vendor.github-workflows"),
        (EXAMPLES / "github-pull-request.yml", "vendor.github-workflows"),
        (EXAMPLES / "gitlab-checks.yml", "vendor.gitlab-ci", "--data-transform=gitlab-ci"),
        (ROOT / "action.yml", "vendor.github-actions"),
    ):
        command = [sys.executable, "-m", "check_jsonschema", f"--builtin-schema={more[0]}", *more[1:]]
        checked = subprocess.run([*command, str(file)], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout
