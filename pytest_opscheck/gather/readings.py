"""Where readings are put up and waited for, in one process or, through a folder, in all those of a run."""

from __future__ import annotations

import contextlib
import hashlib
import math
import pickle
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..probes import BlockedError, UnknownError, UnreachableError
from .host import CONNECT_SECONDS
from .shared import LOST

POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of one probe: a value, or the reason why there is none."""

    value: object = None
    error: UnreachableError | UnknownError | BlockedError | None = None
    blocker: str | None = None
    attempts: int = 1
    seconds: float = 0.0


class Board:
    """Where readings are put and waited for; with a folder, those of other processes too."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._known: dict[str, Reading] = {}
        self._put: list[str] = []
        self._changed = threading.Condition()

    def put(self, key: str, reading: Reading) -> None:
        """Put a reading up; the first one of a key stays."""
        with self._changed:
            if key in self._known:
                return
            self._known[key] = reading
            self._put.append(key)
            self._changed.notify_all()
        if self.folder is not None:
            path = self._path(self.folder, key)
            draft = path.with_suffix(".draft")
            draft.write_bytes(pickle.dumps(reading))
            draft.rename(path)

    def get(self, key: str) -> Reading | None:
        """Return a reading, None while there is none."""
        found = self._known.get(key)
        if found is None and self.folder is not None:
            with contextlib.suppress(FileNotFoundError):
                content = self._path(self.folder, key).read_bytes()
                found = self._known[key] = pickle.loads(content)  # noqa: S301 - written by this run, in a folder of its own
        return found

    def has(self, key: str) -> bool:
        """Tell whether a reading is there, without reading it."""
        return key in self._known or (self.folder is not None and self._path(self.folder, key).exists())

    def wait(self, key: str, until: float, tick: Callable[[], None]) -> Reading:
        """Return a reading as soon as it is there; `tick` is called now and then while it is not."""
        while (found := self.get(key)) is None:
            until = min(until, self._until_lost())
            if time.monotonic() > until:
                return Reading(error=UnknownError("no answer in time from the process that was to gather it"))
            with self._changed:
                if key not in self._known:
                    self._changed.wait(POLL_S if self.folder else 0.1)
            tick()
        return found

    def put_since(self, count: int, until: float, tick: Callable[[], None]) -> list[str]:
        """Return the keys that this process has put up after the first `count`; none where none comes until then."""
        while len(self._put) <= count and time.monotonic() < until:
            with self._changed:
                if len(self._put) <= count:
                    self._changed.wait(0.1)
            tick()
        return self._put[count:]

    def _until_lost(self) -> float:
        """Return until when to wait for the readings of a worker that died, all of them together."""
        if self.folder is not None:
            with contextlib.suppress(FileNotFoundError):
                ago_s = time.time() - (self.folder / LOST).stat().st_mtime
                return time.monotonic() + 2 * CONNECT_SECONDS - max(0.0, ago_s)
        return math.inf

    @staticmethod
    def _path(folder: Path, key: str) -> Path:
        return folder / hashlib.sha256(key.encode()).hexdigest()
