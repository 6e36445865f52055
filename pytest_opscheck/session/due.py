"""What a run has to judge, and what of that has no result: nothing that was asked for is passed over."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable
from pathlib import Path

import pytest

from .._check import check_of
from ..catalogue import is_shipped
from ..inventory import Expectation, Inventory
from ..judge.subject import Subject
from .items import case_of, node_id, own_subject

_SELECTED = "selected-"
"""What the files are called in which workers tell what they have selected."""


class Due:
    """The checks that are due in a run, by what the inventory says and by what pytest has selected.

    selected: the result ids of the selected tests of ours, by node id; a worker tells them before it runs anything.
    collected: the node ids of all that the workers have selected.
    left_out: the node ids of a user's own tests of the run's suites that were deselected.
    elsewhere: the node ids of those that another part of the run has (a shard).
    """

    def __init__(self, inventory: Inventory, suites: Collection[str]) -> None:
        self._inventory = inventory
        self._suites = frozenset(suites)
        self.owed = {e.id for e in inventory.expectations if self._suites.intersection(e.suites)}
        self.shipped: dict[str, Expectation] = {node_id(e): e for e in inventory.expectations}
        self.selected: dict[str, str] = {}
        self.collected: set[str] = set()
        self.left_out: set[str] = set()
        self.elsewhere: set[str] = set()

    def select(self, items: Iterable[pytest.Item]) -> None:
        """Note what pytest has selected in this process."""
        for item in items:
            if (case := case_of(item)) is not None:
                self.selected[item.nodeid] = case.id(self._inventory)

    def leave_out(self, items: Iterable[pytest.Item]) -> None:
        """Note what was deselected. Of shipped checks the inventory tells what is owed."""
        for item in items:
            shipped = check_of(getattr(item, "function", None)) is not None and is_shipped(item.path)
            is_ours = not shipped and item.nodeid not in self.elsewhere
            if is_ours and self._suites.intersection(mark.name for mark in item.iter_markers()):
                self.left_out.add(item.nodeid)

    def tell(self, folder: Path | None) -> None:
        """Tell the controller, from a worker, what is selected: one that dies no longer can."""
        if folder is not None and folder.is_dir():
            message = json.dumps([self.selected, sorted(self.left_out)])
            draft = folder / f"{_SELECTED}{os.getpid()}.draft"
            draft.write_text(message, encoding="utf-8")
            draft.rename(draft.with_suffix(""))

    def hear(self, folder: Path) -> None:
        """Take what workers have told."""
        for told in folder.glob(f"{_SELECTED}*[0-9]"):
            selected, left_out = json.loads(told.read_text(encoding="utf-8"))
            self.selected |= selected
            self.left_out.update(left_out)

    def is_narrowed(self) -> bool:
        """Tell whether checks of the run's suites were not selected, as far as is known of what was."""
        workers = {self.shipped[nodeid].id for nodeid in self.collected if nodeid in self.shipped}
        return bool(self.left_out or self.owed.difference(self.selected.values(), workers))

    def missing(self, judged: Collection[str], reported: Collection[str]) -> dict[str, str | None]:
        """Return the node ids of what was selected and did not run, with the result ids of those that are ours.

        judged: the node ids of which there is a result; reported: those of which pytest has any report.
        """
        others = self.collected.difference(reported, self.selected, self.shipped)
        ours = {nodeid: self.shipped[nodeid].id for nodeid in self.collected.intersection(self.shipped)} | self.selected
        found: dict[str, str | None] = dict.fromkeys(sorted(others)) | dict(sorted(ours.items()))
        return {nodeid: name for nodeid, name in found.items() if nodeid not in judged}

    def never_selected(self) -> dict[str, str | None]:
        """Return what the run's suites owe where nothing was selected at all: it ended before that."""
        if self.selected or self.collected:
            return {}
        return {nodeid: e.id for nodeid, e in self.shipped.items() if e.id in self.owed}

    def subject(self, nodeid: str) -> Subject:
        """Return what a test judges, by its node id alone."""
        if (expectation := self.shipped.get(nodeid)) is not None:
            return Subject.of(expectation, self._inventory)
        return own_subject(nodeid, tuple(sorted(self._suites)), self._inventory.runbook)

    def unjudged(self, judged: Iterable[str]) -> set[str]:
        """Return the ids of what the run's suites owe and what has no result, however it was left out."""
        return (self.owed | self.left_out).difference(judged)


def by_reason(unjudged: Iterable[str], selected: Collection[str], *, was_interrupted: bool) -> dict[str, list[str]]:
    """Return the ids of what has no result, by why."""
    found: dict[str, list[str]] = {}
    for name in sorted(unjudged):
        ended = "the run was interrupted before" if was_interrupted else "the run ended before"
        found.setdefault(ended if name in selected else "not selected", []).append(name)
    return found
