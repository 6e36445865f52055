"""How many contacts at once: as many as the processors here can serve, so that none is late because of this machine."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

MOST = 64
"""Contacts at once: each is a thread."""
_PER_PROCESSOR = 4
"""Contacts that start a process here, at the beginning, before it has shown what they cost."""
_TICK_S = 0.2
_BUSY, _IDLE = 0.05, 0.15
"""Of the processors' time this is idle where they are busy, and where there is room for more."""
_OURS = 0.3
"""Where less than this part of it is ours, others keep them busy, and fewer contacts would not help."""


class Pace:
    """How many contacts that each start a process, as ssh, may run at once; it follows what is idle here.

    processes: of how many processes of a run this is one; they share the machine.
    """

    def __init__(self, processes: int = 1) -> None:
        here = processors()
        self._least = max(1, here // processes)
        self._most = max(self._least, MOST // processes)
        self.limit = min(self._most, max(self._least, _PER_PROCESSOR * here // processes))
        self._share = 1 / processes
        self._at, self._ours, self._all = time.monotonic(), _our_seconds(), _ticks()

    def tick(self) -> None:
        """Look how busy the processors are, now and then, and change the limit."""
        now = time.monotonic()
        if now - self._at < _TICK_S:
            return
        ours, every = _our_seconds(), _ticks()
        idle = idle_part(self._all, every)
        mine = (ours - self._ours) / ((now - self._at) * processors() * self._share)
        self._at, self._ours, self._all = now, ours, every
        self.limit = self._changed(idle, mine)

    def _changed(self, idle: float | None, mine: float) -> int:
        """Return the limit that follows; where the system does not tell what is idle, it stays."""
        if idle is None:
            return self.limit
        if idle < _BUSY and mine > _OURS:
            return max(self._least, self.limit - max(1, self.limit // 8))
        return min(self._most, self.limit + 2) if idle > _IDLE else self.limit


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def _our_seconds() -> float:
    """Return the processors' time of this process, and of those that it started and that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _ticks() -> tuple[int, int] | None:
    """Return for how long the machine's processors were idle, and that in all; None where the system does not tell."""
    with contextlib.suppress(OSError, ValueError, IndexError), Path("/proc/stat").open(encoding="ascii") as stat:
        each = [int(word) for word in stat.readline().split()[1:9]]
        return each[3] + each[4], sum(each)
    return None


def idle_part(before: tuple[int, int] | None, after: tuple[int, int] | None) -> float | None:
    """Return which part of the processors' time was idle between two moments; None where nobody can tell."""
    if before is None or after is None or after[1] <= before[1]:
        return None
    return (after[0] - before[0]) / (after[1] - before[1])
