"""Waits for readings: until they are there, until the run's deadline is over, and shows what is waited for."""

from __future__ import annotations

import datetime as dt
import math
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ..core.humanize import duration_text
from ..gather.dispatcher import Gather
from ..gather.readings import Reading
from ..plan import Plan, Request
from ..probes import UnknownError
from ..reports.terminal import Progress


class Waiting:
    """What gathers the readings of one process, and how long its tests may wait for them.

    longest_s: how long the run may take, None where it may take any time.
    """

    def __init__(self, config: pytest.Config, longest_s: float | None) -> None:
        self.gather: Gather | None = None
        self._again: list[Gather] = []
        self._progress = Progress(config)
        self._longest_s = longest_s
        left_s = getattr(config, "workerinput", {}).get("opscheck_left_s", longest_s)  # a run's workers may start late
        self._until = time.monotonic() + left_s if left_s is not None else math.inf

    def start(self, plan: Plan, share: tuple[int, int], folder: Path | None) -> None:
        """Start to gather what this process is to."""
        self.gather = Gather(plan, share=share, folder=folder)
        self.gather.start()

    def again(self, plan: Plan) -> Gather:
        """Gather what a test that is run once more needs."""
        made = Gather(plan)
        self._again.append(made)
        made.start()
        return made

    @property
    def left_s(self) -> float:
        """How long the run may still take."""
        return self._until - time.monotonic()

    def require_time(self) -> None:
        """Raise UnknownError where the run's deadline is over."""
        if self.left_s <= 0:
            deadline = duration_text(dt.timedelta(seconds=self._longest_s or 0))
            raise UnknownError(f"the run's deadline of {deadline} passed")

    def reading(self, request: Request, gather: Gather) -> Reading:
        """Return a reading; raises UnknownError where the run's deadline is over before it is there."""
        return gather.wait(request, self._ticking(gather))

    def come_since(self, count: int, until: float) -> list[str]:
        """Return the requests, by their keys, whose readings have come after the first `count`.

        until: by the monotonic clock, how long to wait for one. There is none where the run's time is over.
        """
        if self.gather is None:
            return []
        try:
            return self.gather.come_since(count, until, self._ticking(self.gather))
        except UnknownError:
            return []
        finally:
            self.clear()

    def clear(self) -> None:
        """Take away what is shown of the waiting."""
        self._progress.clear()

    def close(self) -> None:
        """End what still runs."""
        if self.gather is not None:
            self.gather.finish()
            self.gather.close()
        for gather in self._again:
            gather.close()

    def _ticking(self, gather: Gather) -> Callable[[], None]:
        def tick() -> None:
            self.require_time()
            self._progress.show(gather.progress)

        return tick
