"""Shows under pytest-xdist what a run waits for: its controller makes no contact, and sees what workers put up."""

from __future__ import annotations

import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from ..gather.dispatcher import Gather
from ..inventory import Inventory
from ..plan import Plan, Request
from ..reports.terminal import Progress
from .due import Due
from .workers import Workers

_LOOK_S = 0.25


class Watched:
    """A plugin of the controller. A thread of it writes between pytest's own lines, never within one."""

    def __init__(self, config: pytest.Config, inventory: Inventory, due: Due, workers: Workers) -> None:
        self._inventory, self._due, self._workers = inventory, due, workers
        self._progress = Progress(config)
        self._collected, self._begun = 0, False
        self._writing = threading.Lock()
        self._over = threading.Event()

    @pytest.hookimpl(optionalhook=True, trylast=True)
    def pytest_xdist_node_collection_finished(self) -> None:
        """Begin when all workers have collected, once: one that takes a dead one's place collects, too."""
        self._collected += 1
        if self._collected == len(self._workers.nodes) and not self._begun and self._progress.is_seen:
            self._begun = True
            threading.Thread(target=self._show, name="opscheck-progress", daemon=True).start()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self) -> Generator[None, object, object]:
        """Let pytest write of a result where nothing else stands."""
        with self._writing:
            self._progress.clear()
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """End with the tests, however they end."""
        try:
            return (yield)
        finally:
            self._over.set()
            with self._writing:
                self._progress.clear()

    def _show(self) -> None:
        chosen = [each for nodeid, each in self._due.shipped.items() if nodeid in self._due.collected]
        plan = Plan.of(map(Request.of, chosen), self._inventory.hosts)
        watched = Gather(plan, folder=Path(self._workers.folder()))
        while not self._over.wait(_LOOK_S):
            with self._writing:
                if not self._over.is_set():
                    self._progress.show(watched.progress)
