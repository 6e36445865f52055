"""A folder from which a service is deployed, and what runs the lines of a pipeline in it as GitHub and GitLab would."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.unit.reports import runner

from .web import Handler, Site

EXAMPLES = Path(__file__).parents[2] / "examples" / "ci"
GOOD, BROKEN, SILENT = "1.5", "1.6", "1.7"
"""Versions: the second answers as another one, and the third does not say which one it is."""
_FORGED = "1.4\n::set-output name=verdict::go\n##[set-output name=verdict]go\ngo: 5 checks judged"
_INVENTORY = """
[opscheck]
name = "shop"
[gate]
warm_up = 0
version = {{ target = "http.api", json = "version", instances = 2 }}
[http.api]
url = "{url}"
[http.api.expect]
status = "== 200"
"""
_RELEASE = """#!/bin/sh
if [ $# = 0 ]; then exec cat running; fi
echo "$1" | tee -a released > running
"""
_QUICK = {"before": "--windows 1", "after": "--wait 1s"}


def _opscheck() -> str:
    """Return a command `opscheck` that waits less than people would; what a pipeline says goes before."""
    gate = shlex.join([sys.executable, "-c", "from pytest_opscheck.cli import main; main()"])
    cases = "".join(f'"gate {name}") shift 2; set -- gate {name} {more} "$@" ;;\n' for name, more in _QUICK.items())
    return f'#!/bin/sh\ncase "$1 $2" in\n{cases}esac\nexec {gate} "$@"\n'


@dataclass
class Shop:
    """A service of which `./release` has a version run, and the folder from which it is deployed."""

    folder: Path
    server: Site
    path: str

    def __post_init__(self) -> None:
        self.server.replies[self.path] = self._answer
        (self.folder / "bin").mkdir()
        texts = {"release": _RELEASE, "bin/opscheck": _opscheck(), "bin/pip": "#!/bin/sh\n"}
        for name, text in {**texts, "deploy.sh": (EXAMPLES / "deploy.sh").read_text(encoding="utf-8")}.items():
            (self.folder / name).write_text(text, encoding="utf-8")
            (self.folder / name).chmod(0o755)
        inventory = _INVENTORY.format(url=self.server.url + self.path)
        (self.folder / "opscheck.toml").write_text(inventory, encoding="utf-8")
        (self.folder / "running").write_text("1.4\n", encoding="utf-8")

    def _answer(self, handler: Handler) -> None:
        said = {BROKEN: _FORGED, SILENT: None}.get(self.running, self.running)
        handler.say(200, json.dumps({"version": said} if said else {}), "application/json")

    @property
    def running(self) -> str:
        """The version that runs."""
        return (self.folder / "running").read_text(encoding="utf-8").strip()

    @property
    def released(self) -> list[str]:
        """All versions that were released, one after the other."""
        return (self.folder / "released").read_text(encoding="utf-8").split()

    def environment(self, **more: str) -> dict[str, str]:
        """Return what a command of a pipeline finds."""
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.folder), "LANG": "C.UTF-8", **more}

    def run(self, command: list[str], env: Mapping[str, str], **how: Any) -> subprocess.CompletedProcess[str]:
        """Run a command of a pipeline."""
        return subprocess.run(
            command, cwd=self.folder, env=self.environment(**env), capture_output=True, text=True, check=False, **how
        )


@dataclass
class Workflow:
    """A workflow of GitHub's, of which the steps are run that have commands."""

    shop: Shop
    document: Any
    inputs: Mapping[str, str]
    steps: dict[str, dict[str, str]] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=lambda: {"DATABASE_URL": "postgresql://127.0.0.1:1/shop"})
    log: str = ""

    @classmethod
    def of(cls, shop: Shop, example: str = "github-deploy.yml", **inputs: str) -> Workflow:
        """Run all jobs of an example."""
        text = (EXAMPLES / example).read_text(encoding="utf-8")
        made = cls(shop, yaml.safe_load(text), inputs)
        for name, job in made.document["jobs"].items():
            made._job(name, job)
        return made

    @classmethod
    def of_action(cls, shop: Shop, file: Path, **inputs: str) -> Workflow:
        """Run the steps of an action, and set its outputs as those of a job."""
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        known = {name: said.get("default", "") for name, said in document["inputs"].items()}
        made = cls(shop, {"env": {"GITHUB_ACTION_PATH": str(file.parent)}}, {**known, **inputs})
        outputs = {name: said["value"] for name, said in document["outputs"].items()}
        made._job("action", {"steps": document["runs"]["steps"], "outputs": outputs})
        return made

    def _job(self, name: str, job: Any) -> None:
        is_failed = "failure" in self.results.values()
        if not self._holds(job.get("if", "success()"), is_failed=is_failed):
            return
        self.steps, is_failed = {}, False
        for number, step in enumerate(job["steps"]):
            key = step.get("id", str(number))
            self.steps[key] = {"outcome": "skipped"}
            if "run" in step and self._holds(step.get("if", "success()"), is_failed=is_failed):
                self._step(key, step)
                is_failed = is_failed or self.steps[key]["outcome"] == "failure"
        self.results[name] = "failure" if is_failed else "success"
        self.outputs[name] = {key: self._filled(said) for key, said in job.get("outputs", {}).items()}

    def _step(self, key: str, step: Any) -> None:
        out, summary = (self.shop.folder / f"{key}.{name}" for name in ("outputs", "summary"))
        env = {**self.document.get("env", {}), **step.get("env", {})}
        env |= {name: said for name, said in self.secrets.items() if f"secrets.{name}" in str(self.document)}
        given = {name: self._filled(said) for name, said in env.items()} | {
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.shop.folder),
            "GITHUB_RUN_ID": "7",
            "GITHUB_OUTPUT": str(out),
            "GITHUB_STEP_SUMMARY": str(summary),
        }
        ended = self.shop.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], given)
        self.log += ended.stdout + ended.stderr
        set_ = out.read_text(encoding="utf-8") if out.exists() else ""
        # a line `name=value` is what echo writes; our own have marks
        plain = re.sub(r"^(\w+)=(.*)\n", r"\1<<.\n\2\n.\n", set_, flags=re.MULTILINE) if "<<" not in set_ else set_
        outcome = "success" if ended.returncode == 0 else "failure"
        self.steps[key] = {"outcome": outcome, **runner.outputs(plain)}

    def _filled(self, said: str) -> str:
        return re.sub(r"\$\{\{ (.+?) \}\}", lambda found: self._value(found[1]), said)

    def _value(self, path: str) -> str:
        if " || " in path:
            path, _, otherwise = path.partition(" || ")
            return self._value(path) or otherwise.strip("'")
        match path.split("."):
            case ["inputs", name]:
                return self.inputs[name]
            case ["steps", key, "outcome"]:
                return self.steps[key]["outcome"]
            case ["steps", key, "outputs", name] if name != "outcome":
                return self.steps[key].get(name, "")
            case ["needs", job, "outputs", name]:
                return self.outputs[job][name]
        raise ValueError(path)

    def _holds(self, condition: str, *, is_failed: bool) -> bool:
        """Tell whether a condition holds; one that asks for no status holds only where nothing has failed."""
        said = condition.removeprefix("${{ ").removesuffix(" }}")
        asks = re.search(r"\b(success|failure|cancelled)\(\)", said) is not None
        said = re.sub(r"\b(steps|needs|inputs)(\.\w+)+", lambda found: repr(self._value(found[0])), said)
        for word, meaning in (
            ("success()", str(not is_failed)),
            ("failure()", str(is_failed)),
            ("!cancelled()", "True"),
            ("&&", "and"),
            ("||", "or"),
        ):
            said = said.replace(word, meaning)
        return bool(eval(said, {"__builtins__": {}})) and (asks or not is_failed)


@dataclass
class Pipeline:
    """A pipeline of GitLab's: each job is a shell, and the variables of the first one's report come to the others."""

    shop: Shop
    document: Any
    variables: dict[str, str]
    results: dict[str, str] = field(default_factory=dict)
    log: str = ""

    @classmethod
    def of(cls, shop: Shop, example: str = "gitlab-ci.yml", **variables: str) -> Pipeline:
        """Run those jobs of an example that no person starts."""
        made = cls(shop, yaml.safe_load((EXAMPLES / example).read_text(encoding="utf-8")), variables)
        for name in [name for name, job in made.document.items() if isinstance(job, dict)]:
            made._job(name, made.document[name])
        return made

    def _job(self, name: str, job: Any) -> None:
        (rule,) = job["rules"]
        compared = re.fullmatch(r'\$(\w+) == "(.*)"', rule.get("if", ""))
        if compared is not None and self.variables.get(compared[1]) != compared[2]:
            return
        is_failed = "failed" in self.results.values()
        if is_failed == (rule.get("when", "on_success") == "on_failure") and rule.get("when") != "manual":
            self.results[name] = self._run(job)

    def _run(self, job: Any) -> str:
        status = self._shell([*job.get("before_script", ()), *job["script"]])
        self._shell(job.get("after_script", ()))
        if report := job.get("artifacts", {}).get("reports", {}).get("dotenv"):
            self.variables |= dict(
                line.split("=", 1) for line in (self.shop.folder / report).read_text(encoding="utf-8").splitlines()
            )
        if status in job.get("allow_failure", {}).get("exit_codes", ()):
            return "warning"
        return "failed" if status else "success"

    def _shell(self, lines: list[str]) -> int:
        command = ["bash", "-eo", "pipefail", "-c", "\n".join(lines)]
        ended = self.shop.run(command, {"GITLAB_CI": "true", "CI_PIPELINE_ID": "7", **self.variables})
        self.log += ended.stdout + ended.stderr
        return ended.returncode
