"""A part of a run that a worker has been given: by texts from another machine, and with the variables of this one."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from ..core.vantage import DEFAULT, vantage_here
from ..inventory import Inventory
from ..inventory.carried import lacking_of_part
from ..starting import ENDS_WITH

OPTION = "opscheck_carried"
"""The option that names the folder in which a worker has put what it was told."""


def carried_in(config: pytest.Config) -> Path | None:
    """Return the folder with what a worker was told; None where no worker has started this run."""
    folder = config.getoption(OPTION)
    return Path(folder) if folder is not None else None


def require_variables(inventory: Inventory) -> None:
    """Refuse to look where a variable is not there that the targets of this vantage point have. Raises UsageError."""
    try:
        vantage = vantage_here(inventory.vantages)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    if found := lacking_of_part(inventory, vantage or DEFAULT):
        lines = "\n".join(found)
        raise pytest.UsageError(f"the worker's environment lacks what its targets need; nothing was probed:\n{lines}")


def end_with_worker() -> None:
    """End this run, with all that it has begun, when the worker is gone that has started it."""
    number = os.environ.pop(ENDS_WITH, "")
    if number.isdecimal():
        os.set_inheritable(int(number), False)
        threading.Thread(target=_end_with, args=(int(number),), name="opscheck-worker", daemon=True).start()


def _end_with(number: int) -> None:
    while os.read(number, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
