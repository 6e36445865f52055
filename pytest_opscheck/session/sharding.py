"""`--opscheck-shard 3/8`: a part of a run, that other processes or other machines have the rest of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ..core.shards import Shard, parse_shard
from ..inventory import Inventory
from ..plan import contact_names
from ..settings import setting
from .due import Due
from .items import case_of


def shard_of(config: pytest.Config) -> Shard | None:
    """Return which part of the run this is, None for all of it. Raises UsageError."""
    if (said := setting(config, "shard")) is None:
        return None
    try:
        return parse_shard(said)
    except ValueError as error:
        raise pytest.UsageError(f"--opscheck-shard {error}") from None


def sharded(inventory: Inventory, shard: Shard | None) -> Inventory:
    """Return an inventory with what a part of a run has to judge."""
    if shard is None:
        return inventory
    contacts = contact_names(inventory)
    held = tuple(each for each in inventory.expectations if shard.holds(contacts[each.id]))
    return replace(inventory, expectations=held)


def keep_sharded(config: pytest.Config, items: list[pytest.Item], shard: Shard | None, due: Due) -> None:
    """Deselect a user's own tests in all parts of a run but the one that each belongs to."""
    if shard is None:
        return
    kept = [item for item in items if not _is_own(item) or shard.holds(item.nodeid)]
    others = set(items).difference(kept)
    due.elsewhere.update(item.nodeid for item in others)
    config.hook.pytest_deselected(items=[item for item in items if item in others])
    items[:] = kept


def _is_own(item: pytest.Item) -> bool:
    case = case_of(item)
    return case is None or case.expectation is None
