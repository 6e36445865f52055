"""docs/extending.md builds the distribution that is tested here, file by file, and lists all that may be used."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_opscheck
from pytest_opscheck.catalogue import kinds

from .conftest import SOURCES, Ntp, Project

PAGE = Path(__file__).parent.parent.parent / "docs" / "extending.md"
BLOCKS = re.compile(r"<!-- (\S+) -->\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)
HOOKS = re.compile(r"^```py\n(def pytest_opscheck.*?)^```", re.MULTILINE | re.DOTALL)


def test_every_file_of_the_distribution_is_on_the_page_as_it_is() -> None:
    shown = dict(BLOCKS.findall(PAGE.read_text(encoding="utf-8")))
    files = {str(path.relative_to(SOURCES)): path for path in SOURCES.rglob("*") if path.suffix in (".py", ".toml")}
    assert shown == {name: path.read_text(encoding="utf-8") for name, path in files.items()}


def test_its_hooks_run(project: Project, ntp: Ntp) -> None:
    hooks = HOOKS.search(PAGE.read_text(encoding="utf-8"))
    assert hooks is not None
    targets = "".join(f'[ntp.{name}]\naddress = "{ntp.address}"\n' for name in ("oregon", "ohio"))
    project.write(targets, conftest=hooks[1])
    done = project.pytest("-m", "smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "left out by a plugin: ntp.offset@oregon: its region is closed" in done.stdout
    assert set(project.verdicts("smoke")) == {"ntp.offset@ohio", "ntp.reachable@ohio"}


def test_the_page_lists_the_public_door() -> None:
    named = re.findall(
        r"^\| `(\w+)` \| ", PAGE.read_text(encoding="utf-8").partition("## What may be used")[2], re.MULTILINE
    )
    assert sorted([*named, *kinds()]) == sorted(pytest_opscheck.__all__)
    for kind in kinds():
        assert f"`{kind}`" in PAGE.read_text(encoding="utf-8")


def test_the_door_is_sorted_and_opens() -> None:
    constants_first = sorted(pytest_opscheck.__all__, key=lambda name: (not name.isupper(), name))
    assert pytest_opscheck.__all__ == constants_first
    for name in pytest_opscheck.__all__:
        assert getattr(pytest_opscheck, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Knd'"):
        _ = pytest_opscheck.Knd  # type: ignore[attr-defined]


def test_the_door_is_light() -> None:
    code = "import sys, pytest_opscheck; print([name for name in sys.modules if name.startswith('pytest_opscheck.')])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_a_misspelt_import_is_an_error_of_types(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text(
        "from pytest_opscheck import Kind, Knd, check\n"
        "from pytest_opscheck import redis\n"
        "reveal_type(check)\nreveal_type(Kind)\nredis.nothing\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", file],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'Module "pytest_opscheck" has no attribute "Knd"; maybe "Kind"?' in done.stdout, done.stderr
    assert 'Module has no attribute "nothing"' in done.stdout
    assert done.stdout.count('Revealed type is "def (') == 2
