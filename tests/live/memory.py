"""How much memory a command takes at its peak, as the kernel counts it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_SECONDS = 120
# A child begins with the peak of the process that it was forked from, so a small one starts it.
_SMALL = f"""
import resource, subprocess, sys
done = subprocess.run(sys.argv[2:], timeout={_SECONDS}, check=False)
with open(sys.argv[1], "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(done.returncode if done.returncode >= 0 else 128 - done.returncode)
"""


def peak_mb(
    command: Sequence[str], cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> tuple[subprocess.CompletedProcess[str], float]:
    """Run a command to its end; return what it did, and the peak in MB of the largest process of it."""
    with tempfile.NamedTemporaryFile(mode="r") as file:
        done = subprocess.run(
            [sys.executable, "-S", "-E", "-c", _SMALL, file.name, *command],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS + 10,
            check=False,
        )
        return done, int(file.read()) * 1024 / 1_000_000
