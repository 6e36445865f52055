"""Times whole processes, one after the other in turn, and prints medians side by side.

Processor time is user and system time of a process and its children: a busy machine changes it least.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Contender:
    """A command that does the work one way; `expected` are the exit statuses that mean that it has done it."""

    name: str
    command: Sequence[str]
    expected: tuple[int, ...] = (0,)
    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    peak_mib: list[float] = field(default_factory=list)


def pytest(*arguments: str) -> list[str]:
    """Return the command that runs this environment's pytest, without the plugins of this project's own tests."""
    others = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:docker")
    return [sys.executable, "-m", "pytest", "-q", *others, *arguments]


def measure(contenders: Sequence[Contender], runs: int, folder: Path, env: Mapping[str, str] | None = None) -> None:
    """Run every contender in turn, so that a machine whose speed drifts treats all alike, and print a table."""
    everyday = {**os.environ, **(env or {})}
    everyday.pop("PYTHONDONTWRITEBYTECODE", None)  # else every run compiles every plugin again
    for contender in contenders:
        _once(contender, folder, everyday)
    for number in range(runs):
        for contender in contenders:
            seconds, processor, peak = _once(contender, folder, everyday)
            contender.seconds.append(seconds)
            contender.processor.append(processor)
            contender.peak_mib.append(peak)
            print(f"  run {number + 1}: {contender.name}: {seconds:.2f} s", file=sys.stderr)
    print(f"{'':44}{'median s':>10}{'fastest':>10}{'slowest':>10}{'processor':>10}{'peak MiB':>10}")
    for contender in contenders:
        times, medians = contender.seconds, map(statistics.median, (contender.processor, contender.peak_mib))
        row = (statistics.median(times), min(times), max(times), *medians)
        print(f"{contender.name:44}" + "".join(f"{value:10.2f}" for value in row))


def _once(contender: Contender, folder: Path, env: Mapping[str, str]) -> tuple[float, float, float]:
    """Run a contender; return its seconds, its processor's, and its peak in MiB."""
    output = folder / "output"
    started = time.monotonic()
    with output.open("wb") as file:
        process = subprocess.Popen(
            contender.command, cwd=folder, stdout=file, stderr=file, stdin=subprocess.DEVNULL, env=env
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - started
    if process.returncode not in contender.expected:
        sys.exit(f"{contender.name} exited with {process.returncode}:\n{output.read_text(errors='replace')[-3000:]}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
