"""The past of a stack: runs in which a check looked, which availability counts."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from examples.stack import Stack, said
from pytest_opscheck import catalogue
from pytest_opscheck.inventory import load
from pytest_opscheck.probes.availability import LEAST_RUNS

from ... import preloaded
from .asking import environment, node_id


@contextmanager
def fresh(stack: Stack) -> Iterator[None]:
    """Let the stack's past begin here, with as many runs as its availability takes; at the end it is as it was."""
    with forgotten(stack):
        for file in _files(stack):
            file.unlink()
        for target in load(stack.folder / "opscheck.toml", catalogue.checks(), stack.environment).targets:
            if (past := target.keys.past()) is not None:
                looks(stack, past.of, LEAST_RUNS)
        yield


@contextmanager
def forgotten(stack: Stack) -> Iterator[None]:
    """Forget the runs of the block at its end: else one bad run in a month would be mended a month later."""
    with tempfile.TemporaryDirectory() as kept:
        for file in _files(stack):
            shutil.copy(file, kept)
        try:
            yield
        finally:
            for file in _files(stack):
                file.unlink()
            for file in Path(kept).iterdir():
                shutil.copy(file, stack.folder / "reports")


def looks(stack: Stack, check: str, times: int = 1) -> None:
    """Let a check run alone in one of its suites, so many times; each run is recorded."""
    inventory = load(stack.folder / "opscheck.toml", catalogue.checks(), stack.environment)
    [found] = [expectation for expectation in inventory.expectations if expectation.id == check]
    words = ["-p", "no:cacheprovider", "-m", found.suites[0], node_id(found)]
    for _ in range(times):
        preloaded.run(*words, cwd=stack.folder, env=environment(stack))


def forget_errors(stack: Stack) -> None:
    """Take out of the logs what faults had servers say: it would count for the rest of the day."""
    label = f"label=com.docker.compose.project={stack.name}"
    containers = said(["docker", "ps", "-aq", "-f", label]).split()
    logs = said(["docker", "inspect", "-f", "{{.LogPath}}", *containers]).split() if containers else []
    logs += [str(file) for file in (stack.state / "logs").rglob("*.log")]
    mounts = [word for number, log in enumerate(logs) for word in ("-v", f"{log}:/logs/{number}")]
    if mounts:
        kept = 'for log in /logs/*; do grep -av ERROR "$log" >/tmp/kept; cat /tmp/kept >"$log"; done'
        said(["docker", "run", "--rm", *mounts, "opscheck-examples", "sh", "-c", kept])


def _files(stack: Stack) -> list[Path]:
    return list((stack.folder / "reports").glob("history.sqlite3*"))
