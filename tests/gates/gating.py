"""The gate as a pipeline runs it, and what came of it: its status, its reason, and how long that took."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

COMMAND = (sys.executable, "-c", "from pytest_opscheck.cli import main; main()", "gate")
WINDOW = """
[maintenance.now]
rule = "FREQ=DAILY"
at = "00:00-24:00"
why = "a deploy"
"""
LEFT_OUT = ("GITHUB_RUN_ID", "CI_PIPELINE_ID", "BUILD_TAG")


@dataclass(frozen=True)
class Outcome:
    """How a gate ended; `began` and `ended` by the clock."""

    status: int
    said: str
    told: str
    began: float
    ended: float

    @property
    def verdict(self) -> tuple[int, str]:
        """The status, and the line that says why."""
        return self.status, self.said.partition("\n")[0]

    @property
    def took_s(self) -> float:
        """How long it took to decide."""
        return self.ended - self.began

    def since(self, moment: float) -> float:
        """Return how long it took to decide from a moment on, or from its own start where that is later or was none."""
        return self.ended - (self.began if math.isinf(moment) else max(self.began, moment))


@dataclass
class Pipeline:
    """A pipeline's folder with an inventory, and its environment. `prefix`: what runs its commands somewhere else."""

    folder: Path
    environment: Mapping[str, str]
    prefix: Sequence[str] = ()
    _running: list[tuple[float, subprocess.Popen[str]]] = field(default_factory=list)

    @classmethod
    def of(cls, folder: Path, inventory: Path, environment: Mapping[str, str]) -> Pipeline:
        """Make one with an inventory, and below it the same with a maintenance window that is open now.

        That one has a history of its own: a second gate on a version that was rolled back leaves it to a person.
        """
        text = inventory.read_text(encoding="utf-8")
        (folder / "opscheck.toml").write_text(text, encoding="utf-8")
        (folder / "window").mkdir()
        (folder / "window" / "opscheck.toml").write_text(text + WINDOW, encoding="utf-8")
        return cls(folder, {name: value for name, value in environment.items() if name not in LEFT_OUT})

    def before(self, *, windows: int = 5) -> None:
        """Record a baseline."""
        done = self.run("before", "--again", "--windows", str(windows), "--every", "1s")
        assert done.status == 0, done
        assert "already broken" not in done.said, done

    def run(self, *arguments: str) -> Outcome:
        """Run a command of the gate."""
        self.begin(*arguments)
        return self.end()

    def begin(self, *arguments: str) -> None:
        """Begin a command of the gate, and do not wait for it."""
        process = subprocess.Popen(
            [*self.prefix, *COMMAND, *arguments],
            cwd=self.folder,
            env=dict(self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._running.append((time.time(), process))

    def end(self) -> Outcome:
        """Wait for what was begun."""
        began, process = self._running.pop()
        with process:
            said, told = process.communicate()
        return Outcome(process.returncode, said, told, began, time.time())

    def after(self, *arguments: str) -> Outcome:
        """Judge what was deployed."""
        return self.run("after", *arguments)

    def after_in_a_window(self, *arguments: str) -> Outcome:
        """Judge what was deployed while a maintenance window is open."""
        known = self.folder / "reports/gate/baseline.json"
        named = ("--baseline", str(known)) if known.exists() else ()
        return replace(self, folder=self.folder / "window", _running=[]).after(*named, *arguments)

    def kill(self) -> None:
        """End what still runs."""
        for _, process in self._running:
            process.kill()
            process.wait()


def load() -> str:
    """Return how busy the machine is, for what is printed beside a time."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
