"""A run imports only what it uses, as Python does it, and keeps only what it needs."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from .conftest import LOCAL

UNUSED = {
    "celery",
    "click",
    "cryptography",
    "dateutil",
    "docker",
    "jmespath",
    "kombu",
    "paramiko",
    "prometheus_client",
    "psycopg",
    "pytest_opscheck.cli",
    "pytest_opscheck.compliance",
    "pytest_opscheck.core.extensions",
    "pytest_opscheck.core.schedule",
    "pytest_opscheck.delivery.mail",
    "pytest_opscheck.delivery.metrics",
    "pytest_opscheck.delivery.notify",
    "pytest_opscheck.inventory.channels",
    "pytest_opscheck.inventory.maintenance",
    "pytest_opscheck.inventory.notify",
    "pytest_opscheck.inventory.report",
    "pytest_opscheck.inventory.schedules",
    "pytest_opscheck.inventory.schema",
    "pytest_opscheck.inventory.waivers",
    "pytest_opscheck.inventory.windows",
    "pytest_opscheck.reports.mail",
    "redis",
    "requests",
    "smtplib",
    "urllib3",
}
REWRITTEN = {
    "pytest_opscheck",
    "pytest_opscheck.checks.test_host",
    "pytest_opscheck.plugin",
    "pytest_opscheck.settings",
}
"""What pytest may load itself, and rewrite assertions of: what comes before the plugin's first hook, and checks."""
LOOK = """
import gc
import sys

import pytest


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    ours = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "pytest_opscheck"}
    print("imported:", *sorted(sys.modules))
    print("rewritten:", *sorted(name for name, module in ours.items() if "Rewriting" in repr(module.__loader__)))
    gc.collect()
    print("kept:", sum(type(each).__name__ == "Expect" for each in gc.get_objects()))
"""


def test_a_run_of_a_host_imports_no_other_kind(project: Callable[[str], pytest.Pytester]) -> None:
    """Nor what other reports, channels and histories need."""
    pytester = project(LOCAL)
    pytester.makeconftest(LOOK)
    result = pytester.run(sys.executable, "-m", "pytest", "-s", "-m", "daily")
    told = {line.partition(":")[0]: line.split()[1:] for line in result.outlines}
    assert set(told["rewritten"]) <= REWRITTEN
    assert int(told["kept"][0]) <= 1  # of what measured: that of the last test that failed, for `pdb.pm()`
    imported = set(told["imported"])
    assert "pytest_opscheck.probes.host" in imported
    assert not imported & UNUSED
    parts = {tuple(name.split(".")[1:3]) for name in imported if name.startswith("pytest_opscheck.")}
    kinds = {part[1] for part in parts if len(part) > 1 and part[0] == "probes" and not part[1].startswith("_")}
    assert kinds == {"host"}
    assert {part[1] for part in parts if len(part) > 1 and part[0] == "checks"} == {"test_host"}
