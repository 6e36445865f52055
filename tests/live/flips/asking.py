"""How a stack's checks are asked for: by this Python, and with this code."""

from __future__ import annotations

import os
import sys

from examples.stack import Stack
from pytest_opscheck.inventory import Expectation


def node_id(expectation: Expectation) -> str:
    """Return what pytest is told to run that expectation alone."""
    check = expectation.check
    return f"test_{check.kind}.py::test_{check.name}[{expectation.param_id}]"


def environment(stack: Stack) -> dict[str, str]:
    """Return the environment in which a stack's inventory is read, by this Python and with this code."""
    return {**stack.environment, "PYTHON": sys.executable, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
