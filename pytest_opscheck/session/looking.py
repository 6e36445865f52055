"""A run that is a look of a gate: it judges what the gate wants, and tells its results to nobody else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ..core.look import Look
from ..inventory import Expectation, Inventory
from ..inventory.asked import AS_A_RUN, OFFLINE, Asked
from ..settings import only_looks, workers_folder

OPTION = "opscheck_look"


def look_of(config: pytest.Config) -> Look | None:
    """Return what a gate asks of this run; None where no gate has started it."""
    file = config.getoption(OPTION)
    if file is None:
        return None
    try:
        return Look.from_json(json.loads(Path(file).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise pytest.UsageError(f"--opscheck-look {file}: only `opscheck gate` writes such a file: {error}") from None


def asked_of(config: pytest.Config) -> Asked:
    """Return how this process gets the items of lists: a run asks once, for all of its processes and looks."""
    if (folder := workers_folder(config)) is not None:
        return Asked(told_in=folder)
    if (look := config.getoption(OPTION)) is not None:
        return Asked(told_in=Path(look).parent)
    return OFFLINE if only_looks(config) else AS_A_RUN


def looked_at(inventory: Inventory, look: Look | None) -> Inventory:
    """Return an inventory with what a look is about, and with its parameters."""
    if look is None:
        return inventory
    wanted = [each for each in inventory.expectations if look.only is None or each.id in look.only]
    return replace(inventory, expectations=tuple(_asked(each, look) for each in wanted))


def _asked(expectation: Expectation, look: Look) -> Expectation:
    timeout_s = min(expectation.timeout_s, look.patience_s or expectation.timeout_s)
    params = {**expectation.params, **look.params.get(expectation.id, {})}
    return replace(expectation, params=params, timeout_s=timeout_s)
