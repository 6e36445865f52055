"""Every expectation of every example: green, its fault is made for real, red as expected, mended, green again."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.stack import NAMES, Stack, running
from pytest_opscheck import shipped
from pytest_opscheck.inventory import Expectation, Inventory, load

from .flips.catalogue import Catalogue, Fault

LONGEST_WAIT_S = 30
"""Until a fault shows: an alert is evaluated, a health check fails often enough."""


def catalogue(name: str) -> Catalogue:
    module = importlib.import_module(f"{__package__}.flips.{name.replace('-', '_')}")
    found: Catalogue = module.fault
    return found


def inventory(name: str) -> Inventory:
    stack = Stack(name)
    return load(stack.folder / "opscheck.toml", shipped.checks(), stack.environment)


SUITES = [(name, suite) for name in NAMES for suite in ("smoke", "deploy_gate", "daily", "weekly", "monthly")]
EVERY = [(name, fault) for name in NAMES for fault in catalogue(name).faults]


def title(value: object) -> str:
    return f"{value.name}-{value.check}" if isinstance(value, Fault) else str(value)


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    with running(request.param) as started:
        yield started


@pytest.mark.parametrize("name", NAMES)
def test_every_expectation_of_a_runbook_has_a_fault(name: str) -> None:
    wanted = {expectation.id for expectation in inventory(name).expectations if expectation.covers}
    assert wanted == {fault.check for fault in catalogue(name).faults}


@pytest.mark.parametrize(
    ("stack", "suite"),
    [(name, suite) for name in NAMES for suite in ("smoke", "deploy_gate", "daily")],
    indirect=["stack"],
)
def test_all_is_green(stack: Stack, suite: str, tmp_path: Path) -> None:
    results, output = run(stack, tmp_path, "-m", suite, "--opscheck-reports", str(tmp_path))
    assert {r["id"]: r["message"] for r in results.values() if r["verdict"] != "ok"} == {}, output


@pytest.mark.parametrize(("stack", "fault"), EVERY, indirect=["stack"], ids=title)
def test_flip(stack: Stack, fault: Fault, tmp_path: Path) -> None:
    expectation = next(e for e in inventory(stack.name).expectations if e.id == fault.check)
    settles(stack, expectation, "ok", tmp_path)
    with fault.make(stack):
        result = settles(stack, expectation, f"{fault.verdict} {fault.severity}", tmp_path)
    for words in fault.says:
        assert words in result["message"]
    settles(stack, expectation, "ok", tmp_path)


def settles(stack: Stack, expectation: Expectation, wanted: str, folder: Path) -> dict[str, Any]:
    """Run one check until its verdict is the one that is wanted; fail where it does not come to be."""
    until = time.monotonic() + LONGEST_WAIT_S
    while True:
        results, output = run(stack, folder, node_id(expectation))
        result = results.get(expectation.id, {"verdict": "missing", "severity": None, "message": output})
        found = " ".join(filter(None, [result["verdict"], result["severity"]]))
        if found == wanted:
            return result
        if time.monotonic() > until:
            pytest.fail(f"{expectation.id} is {found}, not {wanted}: {result['message']}", pytrace=False)
        time.sleep(0.5)


def node_id(expectation: Expectation) -> str:
    check = expectation.check
    return f"test_{check.kind}.py::test_{check.name}[{expectation.param_id}]"


def run(stack: Stack, folder: Path, *arguments: str) -> tuple[dict[str, dict[str, Any]], str]:
    """Run checks as `make check` does, and return the results by id, and what was printed."""
    file = folder / "results.json"
    file.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--opscheck-json={file}", *arguments],
        cwd=stack.folder,
        env={**stack.environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    results = json.loads(file.read_text(encoding="utf-8"))["results"] if file.exists() else []
    return {result["id"]: result for result in results}, done.stdout + done.stderr
