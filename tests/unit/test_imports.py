"""The package imports with the newest libraries without a warning, and nothing but the demo's worker needs Celery."""

from __future__ import annotations

import subprocess
import sys

import pytest

EVERY_MODULE = """
import importlib, pkgutil, sys
import pytest_opscheck

sys.modules |= {"celery": None, "kombu": None}
names = [found.name for found in pkgutil.walk_packages(pytest_opscheck.__path__, "pytest_opscheck.")]
for name in names:
    if name != "pytest_opscheck.demo.tasks":
        importlib.import_module(name)
print(len(names))
"""


@pytest.mark.slow
def test_every_module_is_imported_without_a_warning_and_without_celery() -> None:
    command = [sys.executable, "-W", "error", "-c", EVERY_MODULE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 200
