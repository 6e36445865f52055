"""`--opscheck-only`: the targets whose checks a run is narrowed to."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pytest

from ..inventory import Inventory
from ..inventory.tagged import Places
from ..settings import setting
from .items import case_of

_HOST = "_testinfra_host"


def chosen(config: pytest.Config, inventory: Inventory) -> frozenset[str] | None:
    """Return the ids of the targets that a run is narrowed to, None where it is not. Raises UsageError."""
    if (given := setting(config, "only")) is None:
        return None
    places = Places(inventory.targets)
    words = [word.strip() for word in given.split(",")]
    for word in words:
        if problem := places.problem(word):
            raise pytest.UsageError(f"--opscheck-only {given}: {problem}")
    return places.of(words)


def keep_chosen(
    config: pytest.Config, items: list[pytest.Item], only: Collection[str] | None, inventory: Inventory
) -> None:
    """Deselect what is not of the targets that a run is narrowed to."""
    if only is None:
        return
    hosts = [target.name for target in inventory.of_kind("host")]
    kept = [item for item in items if any(target in only for target in targets_of(item, hosts))]
    left_out = set(items).difference(kept)
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = kept


def targets_of(item: pytest.Item, hosts: Collection[str]) -> Iterator[str]:
    """Yield the ids of the targets that a test is of: a check's, or those that a user's own test has fixtures of."""
    case = case_of(item)
    if case is None or not isinstance(item, pytest.Function):
        return
    if case.expectation is not None:
        yield case.expectation.target.id
        return
    params = item.callspec.params if hasattr(item, "callspec") else {}
    yield from (f"{kind}.{value}" for kind, value in params.items() if isinstance(value, str))
    if _HOST in params:
        yield from _host(item.callspec.id, hosts)


def _host(param_id: str, hosts: Collection[str]) -> Iterator[str]:
    """Yield the host of testinfra's fixture: its name is the whole of a test's id in brackets, or a part of it."""
    there = [name for name in hosts if f"-{name}-" in f"-{param_id}-"]
    if there:
        yield f"host.{max(there, key=len)}"
