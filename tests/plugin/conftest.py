"""Plugin tests run pytest inside pytest, in a project with an inventory of this machine alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

LOCAL = """
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }

[host.local.command.fine]
run = "true"

[host.local.command.broken]
run = "exit 3"
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> Callable[[str], pytest.Pytester]:
    """Make a project of an inventory."""

    def made(inventory: str = LOCAL) -> pytest.Pytester:
        pytester.makefile(".toml", opscheck=inventory)
        return pytester

    return made


def results(pytester: pytest.Pytester, suite: str = "daily") -> dict[str, dict[str, Any]]:
    """Return the results of the newest run of a suite, by id."""
    document = json.loads(newest_results(pytester.path / "reports" / suite).read_text(encoding="utf-8"))
    return {result["id"]: result for result in document["results"]}


def newest_results(folder: Path) -> Path:
    """Return the results file of the newest run; by name it may be another one of the same second."""
    return max(folder.glob("2*.json"), key=lambda file: file.stat().st_mtime_ns)


def verdicts(pytester: pytest.Pytester, suite: str = "daily") -> dict[str, str]:
    """Return the verdicts of the newest run of a suite, by id."""
    return {result_id: result["verdict"] for result_id, result in results(pytester, suite).items()}
