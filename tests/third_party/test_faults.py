"""What is wrong with another package is said, with its name and the place: exit status 4, no traceback."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from .conftest import Project, distribution

KIND = 'kind = Kind(name="door", target=Target, summary="a door", api=1, checks="doors.test_door")\n'
MODULE = f"""
from pytest_opscheck import Kind, Reach, Target
{KIND}
@kind.probe()
def reachable(target):
    return Reach("open")
"""
CHECKS = """
from pytest_opscheck import check
from doors import reachable

@check(reachable, limit="== open", suites=("*",))
def test_reachable(reachable, expect):
    expect(reachable.target)
"""


@dataclass(frozen=True)
class Fault:
    """A package, and what is said of it."""

    name: str
    said: tuple[str, ...]
    module: str = MODULE
    checks: str = CHECKS
    file: str = "test_door.py"
    twice: bool = False


def kind(before: str, after: str) -> str:
    assert before in MODULE
    return MODULE.replace(before, after)


FAULTS = [
    Fault(
        "not-imported", ("ModuleNotFoundError: No module named 'doorlib' (doors/__init__.py:2)",), "\nimport doorlib\n"
    ),
    Fault("syntax", ("SyntaxError:", "(doors/__init__.py:1)"), "def\n"),
    Fault("exits", ("SystemExit: 3 (doors/__init__.py:1)",), "raise SystemExit(3)\n"),
    Fault("skips", ("Skipped: not here (doors/__init__.py:2)",), "import pytest\npytest.skip('not here')\n"),
    Fault("no-attribute", ("AttributeError: module 'doors' has no attribute 'kind'",), "x = 1\n"),
    Fault("not-a-kind", ("doors:kind is not a Kind",), "kind = 1\n"),
    Fault("another-name", ("doors:kind is called 'doors', and its entry point 'door'",), kind('"door"', '"doors"')),
    Fault("no-version", ("for which version of the API it was made; say Kind(..., api=1)",), kind("api=1, ", "")),
    Fault("newer", ("was made for version 2 of the API", "has version 1; upgrade"), kind("api=1", "api=2")),
    Fault("older", ("was made for version 0 of the API", "install a newer version"), kind("api=1", "api=0")),
    Fault(
        "tags",
        ("'tags' is a key of every target; give that of 'door' another name",),
        kind("target=Target", "target=type('Door', (Target,), {'__annotations__': {'tags': str}})"),
    ),
    Fault("no-checks", ("names no module of checks",), kind(', checks="doors.test_door"', "")),
    Fault("checks-elsewhere", ("No module named 'doors.test_door'",), file="test_opening.py"),
    Fault("checks-broken", ("ZeroDivisionError: division by zero (doors/test_door.py:1)",), checks="1 / 0\n"),
    Fault("no-check", ("there is no check in doors.test_door",), checks="\n"),
    Fault(
        "unknown-probe",
        ("ImportError: cannot import name 'opening' from 'doors'", "(doors/test_door.py:3)"),
        checks=CHECKS.replace("import reachable", "import opening"),
    ),
    Fault(
        "probe-of-another-kind",
        ("judges host.load, which is not a probe of 'door'",),
        checks="from pytest_opscheck import check, host\n\n@check(host.load)\ndef test_load(load, expect):\n    pass\n",
    ),
    Fault("twice", ("the package other-doors 2.0 and the package the-doors 1.0 both add 'door'",), twice=True),
]


def installed(folder: Path, fault: Fault) -> Path:
    points = {"pytest_opscheck.kinds": {"door": "doors:kind"}}
    distribution(folder, "the-doors", points)
    if fault.twice:
        distribution(folder, "other-doors", points, "2.0")
    (folder / "doors").mkdir()
    (folder / "doors" / "__init__.py").write_text(fault.module)
    (folder / "doors" / fault.file).write_text(fault.checks)
    return folder


@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.name) for fault in FAULTS])
def test_it_is_said(project: Project, tmp_path: Path, fault: Fault) -> None:
    project.path.append(installed(tmp_path / "doors", fault))
    project.write("[host.local]\n[door.north]\n")
    done = project.pytest("-m", "smoke")
    assert done.returncode == 4, done.stdout + done.stderr
    for part in ("opscheck.toml:2: door: the package ", "the-doors 1.0", *fault.said):
        assert part in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "INTERNALERROR" not in done.stdout + done.stderr
    assert not (project.folder / "reports").exists()


def test_the_command_says_it_too(project: Project, tmp_path: Path) -> None:
    fault = next(fault for fault in FAULTS if fault.name == "checks-broken")
    project.path.append(installed(tmp_path / "doors", fault))
    project.write("[door.north]\n")
    for command in ("validate", "plan", "schema"):
        done = project.opscheck(command)
        assert done.returncode == 4
        assert fault.said[0] in done.stderr
        assert "Traceback" not in done.stderr


def test_what_the_inventory_does_not_name_disturbs_nobody(project: Project, tmp_path: Path) -> None:
    """Nor is anything of it imported."""
    project.path.append(installed(tmp_path / "doors", replace(FAULTS[0], module="open('imported', 'w')\n")))
    project.write("[host.local]\n[host.local.expect]\ndisk = '< 100%'\n")
    assert project.opscheck("validate").returncode == 0
    done = project.pytest("-m", "smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (project.folder / "imported").exists()
    project.write("[doors.north]\n")
    assert "unknown kind of target; did you mean 'door'?" in project.opscheck("validate").stderr


def test_entry_points_are_looked_for_only_where_a_kind_is_unknown(project: Project) -> None:
    """They are in hundreds of files: reading these would cost every run."""
    spy = """
import importlib.metadata

def pytest_collection_finish(session):
    from pytest_opscheck import packages
    print("SCANNED", packages._scanned.cache_info().misses)
"""
    project.write("[host.local]\n[host.local.expect]\ndisk = '< 100%'\n", conftest=spy)
    assert "SCANNED 0" in project.pytest("-m", "smoke", "-s").stdout
    assert "SCANNED 0" in project.pytest("-s").stdout
