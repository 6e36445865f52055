"""Runs the shipped checks in the order in which their readings come: one that is slow holds up no other.

pytest's own loop runs tests as they were collected. Tests of other files keep that order, for they may build on one
another; shipped checks have nothing in common but their readings. Under pytest-xdist its scheduler decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from itertools import groupby
from pathlib import Path

import pytest

from ..catalogue import is_shipped
from ..plan import Request
from .items import case_of
from .waiting import Waiting

Pair = tuple[pytest.Item, pytest.Item | None]
"""A test, and the one after it: what both have set up is not torn down between them."""


NAME = "opscheck-order"


class InOrder:
    """A plugin with the loop of a process that runs all tests of a run itself."""

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting

    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run all tests, as pytest's own loop does; None where that one is to, or another plugin's."""
        stops = session.testsfailed and not session.config.option.continue_on_collection_errors
        loops = [each for each in session.config.hook.pytest_runtestloop.get_hookimpls() if not each.wrapper]
        if stops or self._waiting.gather is None or {each.plugin_name for each in loops} != {"main", NAME}:
            return None
        for item, following in _pairs(self._waiting, session.items):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)
        return True


def _pairs(waiting: Waiting, items: Sequence[pytest.Item]) -> Iterator[Pair]:
    """Yield the tests of a run in the order in which they are to run."""
    shipped = {path: is_shipped(path) for path in {item.path for item in items}}
    keyed = [(item, _key(item) if shipped[item.path] else None) for item in items]
    groups = [(moves, list(found)) for moves, found in groupby(keyed, lambda each: each[1] is not None)]
    for number, (moves, group) in enumerate(groups):
        after = groups[number + 1][1][0][0] if number + 1 < len(groups) else None
        if moves:
            yield from _Ready(waiting, group, after)
        else:
            found = [item for item, _ in group]
            yield from zip(found, [*found[1:], after], strict=True)


def _key(item: pytest.Item) -> str | None:
    """Return the key of the reading that a check waits for; None of every other test."""
    case = case_of(item)
    return Request.of(case.expectation).key if case is not None and case.expectation is not None else None


class _Ready:
    """Checks, each when its reading is there; of several those of the same file come first, as they were collected.

    Which one is next may not be known when one begins. Then pytest is told one of another file, so that nothing stays
    set up but what all of them have.
    """

    def __init__(
        self, waiting: Waiting, group: Sequence[tuple[pytest.Item, str | None]], after: pytest.Item | None
    ) -> None:
        self._waiting, self._after = waiting, after
        self._items = [item for item, _ in group]
        self._seen = 0
        self._by_key: dict[str | None, list[int]] = defaultdict(list)
        self._left: dict[Path, dict[int, None]] = defaultdict(dict)
        self._ready: dict[Path, list[int]] = defaultdict(list)
        for index, (item, key) in enumerate(group):
            self._by_key[key].append(index)
            self._left[item.path][index] = None

    def __iter__(self) -> Iterator[Pair]:
        """Yield each check, and what comes after it."""
        item = self._next(None, waits=True)
        while item is not None:
            following = self._next(item, waits=False)
            yield item, following or self._any_but(item) or self._after
            item = following or self._next(item, waits=True)

    def _next(self, before: pytest.Item | None, *, waits: bool) -> pytest.Item | None:
        """Take the next check whose reading is there, and wait for one if asked; None where there is none.

        Where the time for that is over, it is the first one of all: it tells so itself.
        """
        if not any(self._left.values()):
            return None
        self._look(waits=False)
        if waits and not any(self._ready.values()):
            self._look(waits=True)
        if before is not None and self._ready[before.path]:
            return self._take(heappop(self._ready[before.path]))
        if heads := [ready for ready in self._ready.values() if ready]:
            return self._take(heappop(min(heads)))
        return self._take(min(min(left) for left in self._left.values() if left)) if waits else None

    def _look(self, *, waits: bool) -> None:
        """See which readings have come."""
        keys = self._waiting.come_since(self._seen, waits=waits)
        self._seen += len(keys)
        for index in (index for key in keys for index in self._by_key.get(key, ())):
            if index in self._left[self._items[index].path]:
                heappush(self._ready[self._items[index].path], index)

    def _take(self, index: int) -> pytest.Item:
        item = self._items[index]
        del self._left[item.path][index]
        return item

    def _any_but(self, item: pytest.Item) -> pytest.Item | None:
        """Return any check that is left, of another file than this one's if there is one."""
        others = [path for path, left in self._left.items() if left]
        others.sort(key=lambda path: path == item.path)
        return self._items[next(iter(self._left[others[0]]))] if others else None
