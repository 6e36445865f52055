"""`make demo-docker`: the demo with a Compose stack of eight services beside it. What it starts, it stops."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import docker
from docker.errors import DockerException

from pytest_opscheck import demo
from pytest_opscheck.demo.processes import DemoError, free_port
from pytest_opscheck.demo.show import USAGE_ERROR, signals_end_us

HERE = Path(__file__).parent
PROJECT = "opscheck-demo"
SERVICES = 8
BREAK = "service"
LONGEST_WAIT_S = 120


def main(names: list[str]) -> int:
    """Start the stack, run the demo with it, stop it. `service` among the names stops one of its services first."""
    choices = [BREAK, *demo.faults()]
    if unknown := [name for name in names if name not in choices]:
        print(f"demo-docker: there is no fault {unknown[0]!r}; choose from {', '.join(choices)}", file=sys.stderr)
        return USAGE_ERROR
    os.environ["DEMO_HTTP_PORT"] = http_port = str(free_port())
    os.environ["DEMO_PROMETHEUS_PORT"] = prometheus_port = str(free_port())
    also = (HERE / "stack.toml").read_text(encoding="utf-8")
    for word, value in {"PROJECT": PROJECT, "HTTP_PORT": http_port, "PROMETHEUS_PORT": prometheus_port}.items():
        also = also.replace(f"@{word}@", value)
    try:
        with signals_end_us(), stack(compose()) as command:
            if BREAK in names:
                subprocess.run([*command, "stop", "-t", "1", "worker"], check=True, capture_output=True)
                print("Broken on purpose: the service worker of the Compose stack is stopped.", flush=True)
            status = demo.run([name for name in names if name != BREAK], also=also, again="make demo-docker BREAK={}")
            return demo.for_make(names, status)
    except DemoError as error:
        print(f"demo-docker: {error}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        return 130


def compose() -> list[str]:
    """Return the command of Compose on this machine. Raises DemoError where it or an engine is missing."""
    try:
        docker.from_env(timeout=5).ping()
    except (DockerException, OSError) as error:
        raise DemoError(f"no Docker engine answers ({error}); `make demo` needs none") from None
    for found in (["docker", "compose"], ["docker-compose"]):
        if (
            shutil.which(found[0])
            and subprocess.run([*found, "version"], capture_output=True, check=False).returncode == 0
        ):
            return [*found, "-p", PROJECT, "-f", str(HERE / "compose.yml")]
    raise DemoError("Docker answers, but Compose is missing; on Debian: apt-get install docker-compose")


@contextlib.contextmanager
def stack(command: list[str]) -> Iterator[list[str]]:
    """Run the stack while the block lasts. The images stay, for the next time."""
    print("Building the Compose stack's images (about a minute the first time) ...", flush=True)
    quietly([*command, "build"])
    try:
        quietly([*command, "up", "-d", "--no-build"])
        wait_until_healthy()
        yield command
    finally:
        subprocess.run([*command, "down", "-v", "-t", "2"], capture_output=True, check=False)
        print("The Compose stack is stopped and removed; its images opscheck-demo-* are kept.", flush=True)


def quietly(command: list[str]) -> None:
    """Run a command; show its last words where it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise DemoError(f"{' '.join(command)} failed:\n" + "\n".join(done.stdout.splitlines()[-15:]))


def wait_until_healthy() -> None:
    """Wait for the services' health checks; go on without those that do not come to be healthy: the run will say so."""
    print("Waiting for its health checks ...", flush=True)
    until = time.monotonic() + LONGEST_WAIT_S
    with contextlib.closing(docker.from_env(timeout=10)) as client:
        while time.monotonic() < until:
            listed = client.api.containers(all=True, filters={"label": f"com.docker.compose.project={PROJECT}"})
            if Counter("(healthy)" in container["Status"] for container in listed)[True] == SERVICES:
                return
            time.sleep(0.5)
    print(f"Not all of it is healthy after {LONGEST_WAIT_S} s; the run goes on and says which.", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
