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
    file = max((Path(pytester.path) / "reports" / suite).glob("2*.json"), key=lambda file: file.stat().st_mtime_ns)
    return {result["id"]: result for result in json.loads(file.read_text(encoding="utf-8"))["results"]}


def verdicts(pytester: pytest.Pytester, suite: str = "daily") -> dict[str, str]:
    """Return the verdicts of the newest run of a suite, by id."""
    return {result_id: result["verdict"] for result_id, result in results(pytester, suite).items()}
