"""Run against what people install, in an environment that has nothing else: a user gets what the repository has."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_opscheck
from pytest_opscheck.catalogue import kinds


def test_this_is_the_installed_package() -> None:
    assert "site-packages" in pytest_opscheck.__file__


@pytest.mark.parametrize(
    "name",
    [
        "py.typed",
        *(f"checks/test_{kind}.py" for kind in kinds()),
        "reports/results.schema.json",
        "reports/report.css",
        "reports/templates/compliance.css",
        "reports/templates/compliance.html",
        "reports/templates/page.html",
        "reports/templates/page.css",
        "reports/templates/status.html",
        "reports/templates/page.js",
    ],
)
def test_it_carries(name: str) -> None:
    assert (Path(pytest_opscheck.__file__).parent / name).is_file()


def test_a_daily_run_in_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "opscheck.toml").write_text("[host.local]\n[host.local.expect]\ndisk = '< 100%'\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "smoke"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "test_host.py .." in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0
    run = json.loads((tmp_path / "reports" / "smoke" / "latest.json").read_text())
    assert {result["id"] for result in run["results"]} == {"host.reachable@local", "host.disk@local"}
    assert (tmp_path / "reports" / "smoke" / "latest.html").stat().st_size > 0


@pytest.mark.parametrize("command", [["validate"], ["plan"], ["schema"], ["--version"]])
def test_the_command(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "opscheck.toml").write_text("[host.local]\n")
    opscheck = Path(sys.executable).with_name("opscheck")
    done = subprocess.run([opscheck, *command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
