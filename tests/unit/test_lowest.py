"""The lowest versions that are said are the ones that `make lowest` tests."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
TOOLS = {"dev", "docs"}
"""The extras that are for this repository alone."""
NOT_TESTED = {"gcsfs", "adlfs"}
"""Clouds of which there is no server here."""


def test_every_floor_is_a_version_that_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    said = [
        *project["dependencies"],
        *(each for name, needs in extras.items() if name not in TOOLS for each in needs),
    ]
    left_out = {*NOT_TESTED, project["name"]}
    floors = {each.name: each.specifier for each in map(Requirement, said) if each.name not in left_out}
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "tests" / "lowest.txt").read_text(), re.MULTILINE))
    for name, floor in floors.items():
        (lowest,) = floor
        assert lowest.operator == ">="
        assert Requirement(f"{name}=={lowest.version}").specifier.contains(pinned[name]), name
