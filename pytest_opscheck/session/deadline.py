"""Ends a test that does not end by itself: each step of a test of ours has a deadline, whatever its code waits for.

Readings have deadlines of their own, so the time that a check waits for its reading does not count.
"""

from __future__ import annotations

import linecache
import math
import os
import signal
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Protocol

import pytest

from .items import case_of

SECONDS = 60.0
"""How long a test may take, and its fixtures before and after it; `@pytest.mark.timeout(SECONDS)` says otherwise."""
_AGAIN_S = 5.0
"""When it is ended once more, where its code has caught what ended it."""
_LEAST_S = 1.0
"""What a check has left to judge a reading that is there when the run's deadline is over."""
_Steps = Generator[None, object, object]


class TimeOverError(pytest.fail.Exception):  # type: ignore[name-defined,misc]  # pytest names it in no other public way
    """A test's time is over. No Exception, so that a test that catches each of these and tries again does not catch it.

    As an outcome of pytest's own it does not keep pytest from tearing down what is left.
    """

    __module__ = "builtins"  # as that of pytest's own, which shows it


class Run(Protocol):
    """The run whose test it is."""

    @property
    def left_s(self) -> float:
        """How long it may still take."""


class _Alarm:
    """Handles the signal that ends a test; says where the test was."""

    def __init__(self, item: pytest.Item, seconds: float, *, of_run: bool) -> None:
        self._file = str(item.path)
        self._seconds = seconds
        self._of_run = of_run

    def __call__(self, _number: int, frame: FrameType | None) -> None:
        if self._of_run:
            raise TimeOverError(f"the run's deadline passed{self._place(frame)}", pytrace=False)
        raise TimeOverError(
            f"no end within {self._seconds:g} s{self._place(frame)}; "
            "give a test that needs longer @pytest.mark.timeout(SECONDS)",
            pytrace=False,
        )

    def _place(self, frame: FrameType | None) -> str:
        while frame is not None and frame.f_code.co_filename != self._file:
            frame = frame.f_back
        if frame is None:
            return ""
        line = linecache.getline(self._file, frame.f_lineno).strip()
        return f", at {Path(self._file).name}:{frame.f_lineno}: {line}"


class Deadlines:
    """A plugin that gives every step of our tests a deadline, which that of the whole run may bring forward."""

    def __init__(self, run: Run, config: pytest.Config) -> None:
        self._run = run
        self._has_timeouts = config.pluginmanager.hasplugin("timeout")
        self._are_pytest_timeouts = self._has_timeouts and _tells_all(config)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> _Steps:
        """Let fixtures take no longer before a test."""
        with self._deadline(item, self._run.left_s):
            return (yield)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> _Steps:
        """Let a test take no longer; raises TimeOverError. The last one to wrap it: it has its reading by now."""
        with self._deadline(pyfuncitem, self._run.left_s):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> _Steps:
        """Let fixtures take no longer after a test."""
        with self._deadline(item):
            return (yield)

    def pytest_enter_pdb(self) -> None:
        """Let people look at a test that they have stopped for as long as they like."""
        if isinstance(signal.getsignal(signal.SIGALRM), _Alarm):
            signal.setitimer(signal.ITIMER_REAL, 0)

    @contextmanager
    def _deadline(self, item: pytest.Item, left_s: float = math.inf) -> Iterator[None]:
        """Raise TimeOverError in the block when its time is over. Signals reach the main thread, where pytest runs."""
        mark = item.get_closest_marker("timeout")
        is_theirs = self._are_pytest_timeouts or (self._has_timeouts and mark is not None)
        if is_theirs or case_of(item) is None or threading.current_thread() is not threading.main_thread():
            yield
            return
        seconds = _seconds(mark)
        before = signal.signal(signal.SIGALRM, _Alarm(item, seconds, of_run=left_s < seconds))
        signal.setitimer(signal.ITIMER_REAL, min(seconds, max(left_s, _LEAST_S)), _AGAIN_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before or signal.SIG_DFL)


def _seconds(mark: pytest.Mark | None) -> float:
    if mark is None:
        return SECONDS
    seconds = mark.args[0] if mark.args else mark.kwargs.get("timeout", mark.kwargs.get("seconds"))
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        pytest.fail(f"timeout({seconds!r}) is not a deadline; use for example @pytest.mark.timeout(120)", pytrace=False)
    return seconds


def _tells_all(config: pytest.Config) -> bool:
    """Tell whether pytest-timeout has been told how long every test may take: it uses the same signal."""
    return bool(config.getoption("timeout", None) or config.getini("timeout") or os.environ.get("PYTEST_TIMEOUT"))
