"""A run imports only what it uses."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import LOCAL

UNUSED = {
    "celery",
    "click",
    "cryptography",
    "docker",
    "jmespath",
    "kombu",
    "paramiko",
    "prometheus_client",
    "psycopg",
    "pytest_opscheck.cli",
    "pytest_opscheck.compliance",
    "pytest_opscheck.delivery.mail",
    "pytest_opscheck.delivery.metrics",
    "pytest_opscheck.delivery.notify",
    "pytest_opscheck.inventory.schema",
    "pytest_opscheck.reports.mail",
    "redis",
    "requests",
    "smtplib",
    "urllib3",
}
LOOK = """
import sys

import pytest


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    print("imported:", *sorted(sys.modules))
"""


def test_a_run_of_a_host_imports_no_other_kind(project: Callable[[str], pytest.Pytester]) -> None:
    """Nor what other reports, channels and histories need."""
    pytester = project(LOCAL)
    pytester.makeconftest(LOOK)
    result = pytester.runpytest_subprocess("-s", "-m", "daily")
    (line,) = [line for line in result.outlines if line.startswith("imported: ")]
    imported = set(line.split()[1:])
    assert "pytest_opscheck.probes.host" in imported
    assert not imported & UNUSED
    parts = {tuple(name.split(".")[1:3]) for name in imported if name.startswith("pytest_opscheck.")}
    kinds = {part[1] for part in parts if len(part) > 1 and part[0] == "probes" and not part[1].startswith("_")}
    assert kinds == {"host"}
    assert {part[1] for part in parts if len(part) > 1 and part[0] == "checks"} == {"test_host"}
