"""Every expectation of every example: green, its fault is made for real, red as expected, mended, green again."""

from __future__ import annotations

import importlib
import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from examples.stack import NAMES, Stack, running
from pytest_opscheck.catalogue import checks as shipped_checks
from pytest_opscheck.inventory import Inventory, load

from .. import preloaded
from .flips import past
from .flips.asking import environment, node_id
from .flips.catalogue import Catalogue, Fault


def catalogue(name: str) -> Catalogue:
    module = importlib.import_module(f"{__package__}.flips.{name.replace('-', '_')}")
    found: Catalogue = module.fault
    return found


def inventory(name: str, file: str) -> Inventory:
    stack = Stack(name)
    return load(stack.folder / file, shipped_checks(), stack.environment)


CALM_S = 120
"""How long what is well may seem not to be: the machine may be busy with something else, or with what was mended."""
BUSY = 0.6
"""From which share on a machine is too busy for what the examples expect of its processors."""
FILES = [(name, file) for name in NAMES for file in Stack(name).inventories]
SUITES = [
    (name, (name, file, suite))
    for name, file in FILES
    for suite in sorted({suite for expectation in inventory(name, file).expectations for suite in expectation.suites})
]


def flips() -> Iterator[object]:
    """Yield each stack with the faults to make at once: one that shows in several checks is made once for all of them.

    Where another example has made a fault of each of these expectations before, it is marked `again`.
    """
    seen: set[str] = set()
    for name in NAMES:
        for _, group in groupby(catalogue(name).faults, key=lambda fault: (fault.name, fault.inventory)):
            faults = list(group)
            # Of a user-defined question, the name does not count: docker.exec.model is docker.exec.
            expectations = {".".join(fault.check.partition("@")[0].split(".")[:2]) for fault in faults}
            marks = [pytest.mark.again] if expectations <= seen else []
            seen |= expectations
            yield pytest.param(name, faults, marks=marks)


def title(value: object) -> str:
    if isinstance(value, tuple):
        return "-".join(value[1:])
    return "-".join([value[0].name, *(fault.check for fault in value)]) if isinstance(value, list) else str(value)


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    with running(request.param) as started, past.fresh(started):
        yield started


@pytest.fixture(scope="module")
def green(stack: Stack) -> set[str]:
    """Which checks of a stack, each with its inventory, were green when they were run last."""
    return set()


@pytest.mark.parametrize(("name", "file"), FILES)
def test_every_expectation_of_a_runbook_has_a_fault(name: str, file: str) -> None:
    wanted = {expectation.id for expectation in inventory(name, file).expectations if expectation.covers}
    assert wanted == {fault.check for fault in catalogue(name).faults if fault.inventory == file}


# What is done with a stack is done in a row: its scope is said here, and no other parameter is shared by two stacks.
@pytest.mark.parametrize(("stack", "asked"), SUITES, indirect=["stack"], ids=title, scope="module")
def test_all_is_green(stack: Stack, green: set[str], asked: tuple[str, str, str], tmp_path: Path) -> None:
    all_is_green(stack, green, asked, tmp_path)


@pytest.mark.parametrize(("stack", "faults"), list(flips()), indirect=["stack"], ids=title, scope="module")
def test_flip(stack: Stack, green: set[str], faults: list[Fault], tmp_path: Path) -> None:
    file = faults[0].inventory
    settled = partial(settles, stack, tmp_path, file)
    checks = {check: "ok" for fault in faults for check in (fault.check, *fault.beside)}
    if not green.issuperset(f"{check} {file}" for check in checks):
        settled(checks)
    green.difference_update(f"{check} {file}" for check in checks)
    with faults[0].make(stack):
        red = {fault.check: f"{fault.verdict} {fault.severity}" for fault in faults}
        settled(dict.fromkeys(checks, "") | red, faults, patience_s=max(fault.patience_s for fault in faults))
    settled(checks)
    green.update(f"{check} {file}" for check in checks)


@pytest.mark.again
@pytest.mark.parametrize(("stack", "at_last"), SUITES, indirect=["stack"], ids=title, scope="module")
def test_all_is_green_again(stack: Stack, green: set[str], at_last: tuple[str, str, str], tmp_path: Path) -> None:
    past.forget_errors(stack)
    all_is_green(stack, green, at_last, tmp_path)


@pytest.mark.parametrize("stack", ["analytics-platform"], indirect=True, scope="module")
def test_a_deploy_is_rolled_back_where_its_gate_is_red(stack: Stack) -> None:
    """AP-24: the run's exit status decides."""
    before = release(stack)
    gone_on = deploy(stack, "2026.11.2")
    assert (gone_on.returncode, release(stack)) == (0, "2026.11.2"), gone_on.stdout
    gone_back = deploy(stack, "2026.11.3")
    assert (gone_back.returncode, release(stack)) == (1, "2026.11.2"), gone_back.stdout
    assert "http.status@engines" in gone_back.stdout
    assert deploy(stack, "no-such-release").returncode != 0
    assert release(stack) == "2026.11.2"
    assert deploy(stack, before).returncode == 0


def release(stack: Stack) -> str:
    """Return the release that answers."""
    answer: dict[str, str] = json.loads(stack.on_machine("curl -fsS http://127.0.0.1:8080"))
    return answer["release"]


def deploy(stack: Stack, name: str) -> subprocess.CompletedProcess[str]:
    """Deploy a release as a pipeline does."""
    command = [str(stack.folder / "deploy.sh"), name]
    return subprocess.run(command, env=environment(stack), capture_output=True, text=True, timeout=180, check=False)


def all_is_green(stack: Stack, green: set[str], asked: tuple[str, str, str], folder: Path) -> None:
    _, file, suite = asked
    found = f"--opscheck-inventory={file}"
    results, output = run(stack, folder, found, "-m", suite, "--opscheck-reports", str(folder))
    assert results, output
    # What is measured in milliseconds may take longer while the machine has other things to do.
    for check in [id_ for id_, result in results.items() if result["verdict"] != "ok"]:
        settles(stack, folder, file, {check: "ok"})
    green.update(f"{id_} {file}" for id_ in results)


def settles(
    stack: Stack,
    folder: Path,
    file: str,
    wanted: Mapping[str, str],
    faults: Sequence[Fault] = (),
    *,
    patience_s: float = CALM_S,
) -> None:
    """Run checks until each has the verdict that is wanted of it, and says the words of its fault.

    Fail where that does not come. What is wanted of a check that is only run beside the others is empty.
    """
    known = {expectation.id: expectation for expectation in inventory(stack.name, file).expectations}
    shows = {fault.check: fault for fault in faults}
    until = time.monotonic() + patience_s
    while True:
        before = processor_s()
        results, output = run(stack, folder, f"--opscheck-inventory={file}", *(node_id(known[id_]) for id_ in wanted))
        busy = busy_share(before, processor_s()) > BUSY
        wrong = [
            f"{id_} is not {verdict}: {differs}"
            for id_, verdict in wanted.items()
            if verdict and (differs := difference(results.get(id_), verdict, shows.get(id_)))
            if not (busy and verdict == "ok" and id_.startswith("host.cpu@") and differs.startswith("it is breach"))
        ]
        if not wrong:
            return
        if time.monotonic() > until:
            pytest.fail("\n".join(wrong) if results else output, pytrace=False)
        time.sleep(0.5)


def processor_s() -> tuple[float, float]:
    """Return how long this machine's processors have been idle, and how long they have been there, in ticks."""
    ticks = [float(each) for each in Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def busy_share(before: tuple[float, float], after: tuple[float, float]) -> float:
    """Return which share of its time this machine was busy in between."""
    return 1 - (after[0] - before[0]) / max(after[1] - before[1], 1)


def difference(result: dict[str, Any] | None, wanted: str, fault: Fault | None) -> str:
    """Say how a result differs from what is wanted; empty where it does not."""
    if result is None:
        return "it did not run"
    found = " ".join(filter(None, [result["verdict"], result["severity"]]))
    action, message = result["action"] or "", result["message"]
    if found != wanted:
        return f"it is {found}: {message}"
    if fault and not all(words in message for words in fault.says):
        return f"it does not say {', '.join(fault.says)}: {message}"
    return f"its next step is not {fault.action}: {action}" if fault and fault.action not in action else ""


def run(stack: Stack, folder: Path, *arguments: str) -> tuple[dict[str, dict[str, Any]], str]:
    """Run checks as `make check` does, and return the results by id, and what was printed."""
    file = folder / "results.json"
    file.unlink(missing_ok=True)
    words = ["-p", "no:cacheprovider", f"--opscheck-json={file}", *arguments]
    done = preloaded.run(*words, cwd=stack.folder, env=environment(stack), timeout=180)
    results = json.loads(file.read_text(encoding="utf-8"))["results"] if file.exists() else []
    return {result["id"]: result for result in results}, done.stdout + done.stderr
