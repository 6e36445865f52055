"""Contacts find what they need imported: in a thread, a library's warning would meet whatever filter a test has set."""

from __future__ import annotations

import subprocess
import sys

import pytest

START = """
import sys, threading
from pytest_opscheck.catalogue import kinds
from pytest_opscheck.gather.dispatcher import Gather
from pytest_opscheck.inventory import InventoryTarget
from pytest_opscheck.plan import Contact, Plan, Request

kind = kinds()[sys.argv[1]]
target = InventoryTarget(kind.name, "a", kind.target(url="http://127.0.0.1:1/"))
gather = Gather(Plan((Contact(target.id, (Request(target, kind.probes["reachable"], {}, 5),)),)))
threading.Thread.start = lambda self: None  # what is imported from here on is imported by nobody else
assert "requests" not in sys.modules
gather.start()
assert "requests" in sys.modules
"""


@pytest.mark.slow
def test_libraries_are_imported_before_contacts_start_and_without_their_warnings() -> None:
    """Requests warns of what is not installed beside it, which `-W error` makes an error of."""
    for kind in ("http", "metrics", "prometheus"):
        command = [sys.executable, "-W", "error", "-c", START, kind]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
