"""Ends a run that is asked to end: SIGTERM and SIGHUP are an interruption as Ctrl-C is, in every process of the run.

While tests run, whatever runs is interrupted. After that nothing is: the reports are being written, and only what is
waited for is given up.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from ..core.errors import LAST_WORDS_S, HurriedError
from ..core.results import INTERRUPTED
from ..gather.shared import STOP
from ..settings import workers_folder
from ..starting import SIGNALS

_AGAIN_S = 3.0
"""When it is interrupted once more, where code has caught that. A terminal and a parent may both ask at once."""
_STUCK_S = 4.5
_LONGEST_S = 15.0
"""When the process ends without more ado: where what runs can't be interrupted, and where the reports take so long."""
_LOOK_S = 0.2


class OverdueError(KeyboardInterrupt):
    """A run is ended because its deadline is over. As one of these it passes through every test and fixture."""


class Ending:
    """A plugin that interrupts pytest for the signals by which a process is asked to end.

    What the process ignores already it goes on to ignore, as under nohup, or Ctrl-C in a shell's background jobs.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._folder = workers_folder(config)
        self._shows_all = config.getoption("fulltrace", default=False)
        self.asked: signal.Signals | None = None
        self.asked_at = float("inf")
        """When that was, in seconds since 1970."""
        self.last_words: list[Callable[[], object]] = []
        self._since = self._last = float("-inf")
        self._is_finishing = self._waits = self._is_cut_short = self._takes_a_report = False
        self._session: pytest.Session | None = None
        self._before: dict[signal.Signals, Any] = {}
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._main = threading.main_thread()

    def begin(self) -> None:
        """Take the signals; a worker also sees when the run is stopped."""
        folder = self._folder
        if threading.current_thread() is not self._main:
            return
        for number in SIGNALS:
            if _gives_way(signal.getsignal(number)):
                self._before[number] = signal.signal(number, self._interrupt)
        if folder is not None:  # which was started with them blocked, see below
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        if folder is not None and signal.SIGTERM in self._before:
            threading.Thread(target=self._watch, args=(folder,), name="opscheck-ending", daemon=True).start()

    @property
    def waited_s(self) -> float:
        """How long ago the run was asked to end."""
        return time.monotonic() - self._since

    def _interrupt(self, number: int, _frame: FrameType | None) -> None:
        if self._is_cut_short:
            self._is_cut_short = False
            if not self._is_finishing:
                raise OverdueError("the run's deadline passed")
            return
        if self.asked is None:
            self.asked, self.asked_at, self._since = signal.Signals(number), time.time(), time.monotonic()
            threading.Thread(target=self._insist, name="opscheck-insist", daemon=True).start()
        if self._is_finishing:
            if self._waits and self.waited_s >= LAST_WORDS_S:
                raise HurriedError
        elif self._takes_a_report and self.waited_s < LAST_WORDS_S:
            return  # it would be lost; _insist comes again
        elif time.monotonic() - self._last >= _AGAIN_S:
            self._last = time.monotonic()
            raise KeyboardInterrupt(f"ended by {(self.asked or signal.SIGINT).name}")

    def cut_short(self) -> None:
        """Have the main thread raise OverdueError, from another one."""
        with self._lock:
            if not self._over.is_set() and signal.SIGTERM in self._before:
                self._is_cut_short = True
                signal.pthread_kill(self._main.ident or 0, signal.SIGTERM)

    def _insist(self) -> None:
        """Signal again until the process ends, and end it where it does not."""
        while not self._over.wait(_LOOK_S):
            if self.waited_s > (_LONGEST_S if self._is_finishing else _STUCK_S):
                self._give_up()
            with self._lock:
                if not self._over.is_set() and self.asked in self._before:
                    signal.pthread_kill(self._main.ident or 0, self.asked)

    def _give_up(self) -> None:
        """End the process from outside of its main thread, which can't be interrupted."""
        message = (
            f"\nopscheck: {self.asked and self.asked.name} can't interrupt what is running, so the run is killed\n"
        )
        os.write(sys.__stderr__.fileno() if sys.__stderr__ is not None else 2, message.encode())
        for say in self.last_words:
            with contextlib.suppress(Exception):
                say()
        os._exit(INTERRUPTED)

    def _watch(self, folder: Path) -> None:
        """Have the main thread interrupted when the run is stopped, whatever it waits for."""
        while not self._over.wait(_LOOK_S):
            if (folder / STOP).exists():
                os.kill(os.getpid(), signal.SIGTERM)
                return

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Wait for something in the block, but not long once the run was asked to end: then HurriedError is raised."""
        self._waits = True
        try:
            yield
        finally:
            self._waits = False

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self) -> None:
        """Have workers start with the signals blocked until they can take them: Ctrl-C reaches them, too."""
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionstart(self) -> Generator[None, object, object]:
        """Take the signals here again when the workers are started."""
        try:
            return (yield)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Interrupt nothing any more: what was judged is now told.

        pytest makes a text of each place in the traceback, which takes long, and shows the last one.
        """
        self._is_finishing = True
        if not self._shows_all:
            excinfo.traceback = excinfo.traceback[-1:]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Likewise when all tests have ended."""
        outcome = yield
        self._is_finishing = True
        return outcome

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self) -> Generator[None, object, object]:
        """Let a report be taken whole."""
        self._takes_a_report = True
        try:
            return (yield)
        finally:
            self._takes_a_report = False

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Likewise however a run comes to its end; what pytest itself and others do then has an end too."""
        self._is_finishing, self._session = True, session
        return (yield)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Give the signals back; where the process is ours, it keeps the run's exit status from now on."""
        with self._lock:
            self._over.set()
        status = int(self._session.exitstatus) if self._session is not None else INTERRUPTED
        for number, handler in self._before.items():
            signal.signal(number, _leave(status) if getattr(handler, "gives_way", False) else handler)


def _gives_way(handler: Any) -> bool:
    return handler in (signal.SIG_DFL, signal.default_int_handler) or getattr(handler, "gives_way", False)


def _leave(status: int) -> Callable[[int, FrameType | None], None]:
    """Return a handler that ends the process with the status that its reports have."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        os._exit(status)

    return leave
