"""What the processes of one run share under pytest-xdist: the contacts, and a folder for their readings."""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import re
import signal
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ..files.marks import ALIVE, sweep_folders, take
from ..gather.shared import LOST, OVER, STOP

"""The mark in the shared folder that its run lives."""
_PREFIX = "opscheck-"
_POPEN = re.compile(r"(?:\d+\*)?popen(?://|\Z)")
"""How the command line names workers on this machine."""
_GRACE_S = 1.0
"""How long workers that were told to end may take for that."""
_LOOK_S = 0.05


def sweep() -> None:
    """Remove the folders of runs that were killed."""
    sweep_folders(_PREFIX)


def share(config: pytest.Config) -> tuple[tuple[int, int], Path | None]:
    """Return which of how many processes this one is, and the folder that all share, None where there is only one."""
    given = getattr(config, "workerinput", None)
    if given is None or "opscheck_folder" not in given:
        return (0, 1), None
    return (given["opscheck_share"] % given["workercount"], given["workercount"]), Path(given["opscheck_folder"])


def refusal(config: pytest.Config, digest: str) -> str | None:
    """Return why a worker judges nothing: it has another inventory or environment than the controller, or machine."""
    given = getattr(config, "workerinput", None)
    if given is None or "opscheck_folder" not in given:
        return None
    here = f"the worker {given['workerid']} in {config.invocation_params.dir}"
    if not Path(given["opscheck_folder"]).is_dir():
        return f"{here} is on another machine, so it can't share the run's readings; use workers on this machine: -n"
    if given["opscheck_digest"] != digest:
        return (
            f"{here} has a different inventory or environment from the run itself; "
            "start workers in the same folder with the same environment, as -n does"
        )
    return None


def refuse_elsewhere(config: pytest.Config) -> None:
    """Refuse workers on other machines, and those of which each runs everything. Raises UsageError."""
    option = config.option
    if getattr(option, "dist", "no") == "no" or hasattr(config, "workerinput"):
        return
    elsewhere = [spec for spec in getattr(option, "tx", ()) if not _POPEN.match(spec)]
    if elsewhere:
        raise pytest.UsageError(
            f"--tx {elsewhere[0]}: a worker on another machine would judge by its own inventory and environment; run a "
            "part of the checks there, with --opscheck-shard 1/2, and make one run of all parts with opscheck merge"
        )
    if option.dist == "each":
        raise pytest.UsageError(
            "--dist each: each worker would make all contacts, and what they find could differ; "
            "to look from several places, run the suite in each of them"
        )


class Workers:
    """The workers of a run, as its controller sees them."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.lost = False
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._held = -1
        self._shares = itertools.count()
        self._left: list[int] = []

    def next_share(self) -> int:
        """Return which share of the contacts the next worker has; one that takes a dead one's place has that one's."""
        return self._left.pop() if self._left else next(self._shares)

    def lost_one(self, share: int) -> None:
        """Let nobody wait long for the readings of a worker that died; who takes its place gathers its share."""
        self.lost = True
        self._left.append(share)
        Path(self.folder(), LOST).touch()

    def folder(self) -> str:
        """Return the folder in which the processes of this run put their readings; only this user can read it."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
            self._held = take(Path(self._folder.name, ALIVE))
        return self._folder.name

    def stop(self) -> None:
        """Have the workers end, whatever they wait for; one that does not is killed."""
        if self._folder is not None:
            Path(self._folder.name, STOP).touch()
            self._signal(signal.SIGCONT)
            killer = threading.Timer(_GRACE_S, self.kill)
            killer.daemon = True
            killer.start()

    def hand_over(self, config: pytest.Config, until: float) -> None:
        """Have the reports taken that stopped workers had sent: an interruption leaves them in pytest-xdist's queue.

        until: when the interruption was, in seconds since 1970; what came later may have come of it.
        """
        controller, end = config.pluginmanager.getplugin("dsession"), time.monotonic() + 2 * _GRACE_S
        while controller is not None:
            ended = time.monotonic() > end or not any(map(_sends, self.nodes))
            try:
                name, arguments = controller.queue.get(timeout=0 if ended else _LOOK_S)
            except queue.Empty:
                if ended:
                    return
            else:
                if name == "testreport" and arguments["rep"].stop <= until:
                    controller.worker_testreport(**arguments)

    def kill(self) -> None:
        """End the workers that still run."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        """Signal the workers that are processes of ours; execnet has no public way to them."""
        for node in list(self.nodes):
            process = getattr(getattr(node.gateway, "_io", None), "popen", None)
            if process is not None and process.poll() is None:
                with contextlib.suppress(OSError):
                    process.send_signal(number)

    def over(self) -> None:
        """Tell the workers that all tests have ended."""
        if self._folder is not None:
            Path(self._folder.name, OVER).touch()

    def close(self) -> None:
        """Leave nothing behind."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
            os.close(self._held)


def _sends(node: Any) -> bool:
    """Tell whether something may still come from a worker."""
    return hasattr(node, "channel") and node.gateway.hasreceiver() and not node.channel.isclosed()
