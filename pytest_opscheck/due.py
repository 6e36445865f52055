"""What a run has to judge, and what of that has no result: nothing that was asked for is passed over."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pytest

from ._check import check_of
from .inventory import Expectation, Inventory
from .items import is_ours, node_id, owed_by, subject_of
from .selection import is_shipped


class Due:
    """The checks that are due in a run, by what the inventory says and by what pytest has selected.

    selected: the result ids of the selected tests of ours, by node id; a worker tells them to the controller.
    collected: the node ids of all that the workers have selected, which they tell before they run anything.
    left_out: the node ids of a user's own tests of the run's suites that were deselected.
    """

    def __init__(self, inventory: Inventory, suites: Collection[str]) -> None:
        self._inventory = inventory
        self._suites = frozenset(suites)
        self.owed = {e.id for e in inventory.expectations if self._suites.intersection(e.suites)}
        self.shipped: dict[str, Expectation] = {node_id(e): e for e in inventory.expectations}
        self.selected: dict[str, str] = {}
        self.collected: set[str] = set()
        self.left_out: set[str] = set()

    def select(self, items: Iterable[pytest.Item]) -> None:
        """Note what pytest has selected in this process."""
        for item in items:
            if isinstance(item, pytest.Function) and is_ours(item):
                owed = owed_by(item)
                own = owed.expectation.id if owed is not None else subject_of(item, self._inventory).id
                self.selected[item.nodeid] = own

    def leave_out(self, items: Iterable[pytest.Item]) -> None:
        """Note what was deselected. Of shipped checks the inventory tells what is owed."""
        for item in items:
            shipped = check_of(getattr(item, "function", None)) is not None and is_shipped(item.path)
            if not shipped and self._suites.intersection(mark.name for mark in item.iter_markers()):
                self.left_out.add(item.nodeid)

    def is_narrowed(self) -> bool:
        """Tell whether checks of the run's suites were not selected, as far as is known of what was."""
        workers = {self.shipped[nodeid].id for nodeid in self.collected if nodeid in self.shipped}
        return bool(self.left_out or self.owed.difference(self.selected.values(), workers))

    def missing(self, judged: Collection[str], reported: Collection[str]) -> list[str]:
        """Return the result ids of what was selected and has none, of other tests the node ids of those that never ran.

        judged: the node ids of which there is a result; reported: those of which pytest has any report.
        """
        names = dict.fromkeys(self.collected.difference(reported, self.selected, self.shipped), "")
        names |= dict.fromkeys(self.collected.intersection(self.shipped), "") | self.selected
        found = {nodeid: name for nodeid, name in names.items() if nodeid not in judged}
        return sorted(
            name or (self.shipped[nodeid].id if nodeid in self.shipped else nodeid) for nodeid, name in found.items()
        )

    def unjudged(self, judged: Iterable[str]) -> set[str]:
        """Return the ids of what the run's suites owe and what has no result, however it was left out."""
        return (self.owed | self.left_out).difference(judged)
