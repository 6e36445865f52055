"""Live tests run pytest as a user would, on an inventory of real servers, and read the results file."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from examples.stack import NAMES

from .. import preloaded
from .browser import Browser, browser


class ByStack(LoadScopeScheduling):  # type: ignore[misc]
    """One process for each file of tests, as with `--dist loadfile`, and for each stack of an example."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        return next((name for name in NAMES if f"[{name}-" in f"{test.rstrip(']')}-"), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByStack | None:
    """Share tests out among the processes: what is done with a stack is done by one of them."""
    return ByStack(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what stands in this folder as what needs a server; the hook is called for all that is collected."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("server")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Start a browser."""
    with browser(tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.fixture(scope="session")
def axe() -> Path:
    """Return the script of axe-core, which finds what keeps people from reading a page."""
    file = Path(sys.prefix) / "node_modules/axe-core/axe.min.js"
    if not file.is_file():
        pytest.fail("axe-core is not installed; `make test` installs what the live tests need", pytrace=False)
    return file


@dataclass(frozen=True)
class Outcome:
    """What a run left: its exit status, what it printed, and its results by id."""

    exit_status: int
    output: str
    results: Mapping[str, dict[str, Any]]

    def verdict(self, result_id: str) -> str:
        """Return a check's verdict, with its severity where it has one: `ok`, `breach P1`, `unknown P2`, `blocked`."""
        result = self[result_id]
        return " ".join(filter(None, [result["verdict"], result["severity"]]))

    def message(self, result_id: str) -> str:
        """Return a check's message."""
        message: str = self[result_id]["message"]
        return message

    def __getitem__(self, result_id: str) -> dict[str, Any]:
        if result_id not in self.results:
            pytest.fail(f"no result {result_id}; there are {sorted(self.results)}\n{self.output}", pytrace=False)
        return self.results[result_id]


Run = Callable[..., Outcome]


def runs_in(tmp_path: Path) -> Run:
    """Return what runs a suite on an inventory, in a project there: run(toml, *arguments, suite="daily", env=...)."""

    def ran(inventory: str, *arguments: str, suite: str = "daily", env: Mapping[str, str] | None = None) -> Outcome:
        folder = tmp_path / "project"
        folder.mkdir(exist_ok=True)
        (folder / "opscheck.toml").write_text(inventory, encoding="utf-8")
        reports = folder / "reports"
        before = set(reports.glob("*/2*.json"))
        words = ["-p", "no:cacheprovider", "-m", suite, *arguments]
        done = preloaded.run(*words, cwd=folder, env={**os.environ, **(env or {})})
        written = set(reports.glob("*/2*.json")) - before
        results = [result for file in written for result in json.loads(file.read_text(encoding="utf-8"))["results"]]
        return Outcome(done.returncode, done.stdout + done.stderr, {result["id"]: result for result in results})

    return ran


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a suite on an inventory: run(toml, *arguments, suite="daily", env=...) -> Outcome."""
    return runs_in(tmp_path)
