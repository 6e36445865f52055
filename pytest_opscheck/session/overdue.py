"""Ends a run, on its controller, that goes on when its deadline is over: a worker or a test that nothing else ends.

What is ours ends by itself at the deadline (see deadline.py); this is for what does not, be it that it stands still.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from typing import Protocol

import pytest

from .ending import Ending, OverdueError

_GRACE_S = 10.0
"""How long after the deadline, and after it got on last, a run may go on: what is there is still judged."""
_AGAIN_S = 1.5
_LOOK_S = 0.2


class Run(Protocol):
    """The run that may be late."""

    @property
    def left_s(self) -> float:
        """How long it may still take."""


class Overdue:
    """A plugin of the controller; `kill` ends the run's workers, and `is_over` says that it has ended the run."""

    def __init__(self, run: Run, kill: Callable[[], object], ending: Ending) -> None:
        self._run = run
        self._kill = kill
        self._ending = ending
        self._last = float("-inf")
        self._done = threading.Event()
        self.is_over = False

    def pytest_sessionstart(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._look, name="opscheck-overdue", daemon=True).start()

    def pytest_runtest_logreport(self) -> None:
        """Note that the run gets on."""
        self._last = time.monotonic()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self) -> None:
        """Likewise: on a busy machine a worker may not be there much sooner."""
        self._last = time.monotonic()

    def pytest_enter_pdb(self) -> None:
        """Let people look at a test that they have stopped for as long as they like."""
        self._done.set()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Go on to the reports where the run was ended while it collected."""
        try:
            return (yield)
        except OverdueError:
            return True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Likewise while it ran tests."""
        try:
            return (yield)
        except OverdueError:
            return True
        finally:
            self._done.set()

    def _look(self) -> None:
        while not self._done.wait(_LOOK_S):
            if min(-self._run.left_s, time.monotonic() - self._last) > _GRACE_S:
                self._end()
                return

    def _end(self) -> None:
        """End it, and again where code has caught what ended it."""
        self.is_over = True
        while not self._done.is_set():
            self._kill()
            self._ending.cut_short()
            self._done.wait(_AGAIN_S)
