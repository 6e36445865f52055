"""Counting ERROR in a container's log: ours against `docker logs | grep -c`, side by side on one log.

python benchmarks/docker_logs.py [LINES]

Makes a container with a log of so many lines (a million by default, 150 MB), counts in it a few times in either way, by
turns, and removes the container. Each way is timed as a whole process, Python's start and connecting among it; so is
its peak memory.
"""

from __future__ import annotations

import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

IMAGE = "debian:bookworm-slim"
ROUNDS = 5
LINE = (
    "2026-11-20T12:00:00Z %s request id=%08d path=/api/v1/items/list user=alice status=200 duration=12ms bytes=5120 "
    "agent=curl/8.0 trace=0123456789abcdef0123\\n"
)
WRITE = f"""awk 'BEGIN {{ for (i = 0; i < ARGV[1]; i++) printf "{LINE}", i % 1000 ? "INFO" : "ERROR", i }}' "$1" """
PROBE = """
import sys
from pytest_opscheck.probes import docker
with docker.kind.connect(docker.Containers(names=(sys.argv[1],)), 10) as engine:
    print(docker.errors.read(engine, window_s=86400, pattern=sys.argv[2], timeout_s=300).total)
"""


def run(*command: str) -> tuple[str, float, int]:
    """Run a command; return what it printed, its seconds, and its peak memory in kB."""
    with tempfile.TemporaryFile() as output:
        started = time.monotonic()
        child = subprocess.Popen(command, stdout=output)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        if child.returncode != 0:
            raise SystemExit(f"{command[0]} failed with exit status {child.returncode}")
        return output.read().decode().strip(), seconds, usage.ru_maxrss


def measure(container: str, pattern: str) -> None:
    shell = f"docker logs {container} 2>&1 | grep -cE '{pattern}'"
    ways = {"docker logs | grep -c": ("sh", "-c", shell), "ours": (sys.executable, "-c", PROBE, container, pattern)}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    peak = dict.fromkeys(ways, 0)
    counts = set()
    for _ in range(ROUNDS):
        for name, command in ways.items():
            said, seconds, memory = run(*command)
            counts.add(int(said))
            taken[name].append(seconds)
            peak[name] = max(peak[name], memory)
    if len(counts) != 1:
        raise SystemExit(f"the ways disagree: {sorted(counts)}")
    print(f"/{pattern}/: {counts.pop()} lines")
    for name, seconds_each in taken.items():
        middle, best = statistics.median(seconds_each), min(seconds_each)
        print(f"  {name:22} median {middle:6.2f} s, best {best:6.2f} s, peak {peak[name] / 1000:6.1f} MB")


def main() -> None:
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    name = f"opscheck-benchmark-{secrets.token_hex(4)}"
    container = subprocess.check_output(
        ["docker", "run", "--detach", "--name", name, IMAGE, "sh", "-c", WRITE, "sh", str(lines)], text=True
    ).strip()
    try:
        subprocess.run(["docker", "wait", container], check=True, stdout=subprocess.DEVNULL)
        size = lines * len(LINE % ("INFO", 0)) / 1e6
        print(f"{lines:,} lines, {size:,.0f} MB, in {Path(sys.executable).name} {sys.version.split()[0]}")
        measure(name, "ERROR")
        measure(name, "ERROR|timeout=[0-9]+|status=5[0-9][0-9]")
    finally:
        subprocess.run(["docker", "rm", "--force", container], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
