"""A part of a run, of which other processes or machines have the rest: a shard, or what a vantage point sees."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ..core.shards import Part, Shard, parse_shard
from ..core.vantage import DEFAULT, vantage_here
from ..inventory import Inventory
from ..plan import contact_names
from ..settings import setting
from .chosen import targets_of
from .due import Due
from .items import case_of


def part_of(config: pytest.Config, inventory: Inventory) -> Part | None:
    """Return which part of the run this is, None for all of it. Raises UsageError."""
    try:
        vantage = vantage_here(inventory.vantages)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    shard = setting(config, "shard")
    if shard is None:
        return None if vantage is None else Part(vantage, Shard(1, 1))
    try:
        return Part(vantage, parse_shard(shard))
    except ValueError as error:
        raise pytest.UsageError(f"--opscheck-shard {error}") from None


def parted(inventory: Inventory, part: Part | None) -> Inventory:
    """Return an inventory with what a part of a run has to judge."""
    if part is None:
        return inventory
    contacts = contact_names(inventory)
    held = tuple(each for each in inventory.expectations if part.holds(each.target.vantage, contacts[each.id]))
    return replace(inventory, expectations=held)


def keep_parted(
    config: pytest.Config, items: list[pytest.Item], part: Part | None, inventory: Inventory, due: Due
) -> None:
    """Deselect a user's own tests in all parts of a run but the one that each belongs to."""
    if part is None:
        return
    vantages = {target.id: target.vantage for target in inventory.targets}
    hosts = [target.name for target in inventory.of_kind("host")]

    def vantage(item: pytest.Item) -> str:
        """Return from where a test looks: from where its first target is looked at, or else from the default one."""
        return next((vantages[each] for each in targets_of(item, hosts) if each in vantages), DEFAULT)

    kept = [item for item in items if not _is_own(item) or part.holds(vantage(item), item.nodeid)]
    others = set(items).difference(kept)
    due.elsewhere.update(item.nodeid for item in others)
    config.hook.pytest_deselected(items=[item for item in items if item in others])
    items[:] = kept


def _is_own(item: pytest.Item) -> bool:
    case = case_of(item)
    return case is None or case.expectation is None
