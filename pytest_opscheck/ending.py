"""Ends a run that is asked to end: SIGTERM and SIGHUP are an interruption as Ctrl-C is, in every process of the run."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from .workers import STOP

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_AGAIN_S = 2.0
"""How long further signals are taken for the same wish: a terminal and a parent may both pass it on."""
_LOOK_S = 0.2


class Ending:
    """A plugin that interrupts pytest for the signals by which a process is asked to end.

    What the process ignores already it goes on to ignore, as under nohup, or Ctrl-C in a shell's background jobs.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Take the signals; a worker, of which `folder` is the run's, also sees when the run is stopped."""
        self._last = float("-inf")
        self._before: dict[signal.Signals, Any] = {}
        if threading.current_thread() is not threading.main_thread():
            return
        for number in _SIGNALS:
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                self._before[number] = signal.signal(number, self._interrupt)
        self._over = threading.Event()
        if folder is not None and signal.SIGTERM in self._before:
            threading.Thread(target=self._watch, args=(folder,), name="opscheck-ending", daemon=True).start()

    def _interrupt(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._last > _AGAIN_S:
            self._last = now
            raise KeyboardInterrupt(f"ended by {signal.Signals(number).name}")

    def _watch(self, folder: Path) -> None:
        """Have the main thread interrupted when the run is stopped, whatever it waits for."""
        while not self._over.wait(_LOOK_S):
            if (folder / STOP).exists():
                os.kill(os.getpid(), signal.SIGTERM)
                return

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Give the signals back."""
        if self._before:
            self._over.set()
        for number, handler in self._before.items():
            signal.signal(number, handler)
