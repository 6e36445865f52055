"""A run that is a look of a gate: it judges what the gate wants, and tells its results to nobody else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ..core.look import Look
from ..inventory import Expectation, Inventory

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


def looked_at(inventory: Inventory, look: Look | None) -> Inventory:
    """Return an inventory with what a look is about, and with its parameters."""
    if look is None:
        return inventory
    wanted = [each for each in inventory.expectations if look.only is None or each.id in look.only]
    return replace(inventory, expectations=tuple(_asked(each, look.params.get(each.id, {})) for each in wanted))


def _asked(expectation: Expectation, params: Mapping[str, Any]) -> Expectation:
    return replace(expectation, params={**expectation.params, **params}) if params else expectation
