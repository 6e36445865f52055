"""What the processes of one run share under pytest-xdist: the contacts, and a folder for their readings."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import pytest

from .board import LOST, OVER

STOP = "stop"
"""The mark in the shared folder of a run that was interrupted: its workers end."""


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
        return (
            f"{here} is on another machine than the run, and can't share its readings; use workers of this machine: -n"
        )
    if given["opscheck_digest"] != digest:
        return (
            f"{here} has another inventory or other environment variables than the run itself; "
            "start workers in the same folder with the same environment, as -n does"
        )
    return None


class Workers:
    """The workers of a run, as its controller sees them."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._shares = itertools.count()

    def next_share(self) -> int:
        """Return which share of the contacts the next worker has; one that takes a dead one's place has a share too."""
        return next(self._shares)

    def lost_one(self) -> None:
        """Let nobody wait for the readings of a worker that died."""
        Path(self.folder(), LOST).touch()

    def folder(self) -> str:
        """Return the folder in which the processes of this run put their readings; only this user can read it."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="opscheck-", ignore_cleanup_errors=True)
        return self._folder.name

    def stop(self) -> None:
        """Have the workers end, whatever they wait for."""
        if self._folder is not None:
            Path(self._folder.name, STOP).touch()

    def over(self) -> None:
        """Tell the workers that all tests have ended."""
        if self._folder is not None:
            Path(self._folder.name, OVER).touch()

    def close(self) -> None:
        """Leave nothing behind."""
        if self._folder is not None:
            self._folder.cleanup()
