"""Starts and stops the small real stacks behind the examples: `make stack NAME=income-fortress`, `make check NAME=...`.

A stack is a Compose project of the same name: `compose.yml` says what it runs. Where `machine.sh` is there, a whole
machine with systemd belongs to it, or is all of it. `stack.env` is what the inventory reads from the environment. What
the servers write lies in `state/`, which stopping removes.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import functools
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import DockerException

from examples.ssh import configure
from pytest_opscheck.demo.certificates import Authority

HERE = Path(__file__).parent
NAMES = tuple(sorted(file.parent.name for file in HERE.glob("*/opscheck.toml")))
IMAGES = {"opscheck-examples": "parts", "opscheck-examples-machine": "machine"}
LONGEST_WAIT_S = 120
UNIFIED = Path("/sys/fs/cgroup/unified")
CGROUPS = UNIFIED if UNIFIED.exists() else UNIFIED.parent
"""What a container's systemd may have as its cgroups: version 2 alone. Of version 1 it would mount what nobody has
mounted yet, and the engine, which then finds containers in places that it can't see, has no figures of any of them."""


class StackError(Exception):
    """A stack that could not be started; the message says why, and what to do."""


@dataclass(frozen=True)
class Stack:
    """One example's stack."""

    name: str

    @property
    def folder(self) -> Path:
        """Where its inventory and its Compose file are."""
        return HERE / self.name

    @property
    def state(self) -> Path:
        """What it writes: certificates, logs, backups."""
        return self.folder / "state"

    @property
    def environment(self) -> Mapping[str, str]:
        """What its inventory reads from the environment, beside all that is there already."""
        lines = (self.folder / "stack.env").read_text(encoding="utf-8").splitlines()
        pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
        return {**os.environ, **{name: value.strip('"') for name, _, value in pairs}}

    @property
    def has_services(self) -> bool:
        """Whether containers of a Compose file belong to it."""
        return (self.folder / "compose.yml").exists()

    @property
    def has_machine(self) -> bool:
        """Whether a whole machine, with systemd and its journal, belongs to it: `machine.sh` sets that up."""
        return (self.folder / "machine.sh").exists()

    @property
    def machine(self) -> str:
        """The name of the machine's container."""
        return f"{self.name}-machine"

    @property
    def inventories(self) -> tuple[str, ...]:
        """The names of its inventories: opscheck.toml, and those for what runs beside it."""
        return ("opscheck.toml", *sorted({file.name for file in self.folder.glob("*.toml")} - {"opscheck.toml"}))

    @property
    def standby(self) -> list[str]:
        """The services that are stopped once all is up."""
        return self.environment.get("STANDBY", "").split()

    def on_machine(self, command: str) -> str:
        """Run a shell command on the machine and return what it printed. Raises StackError where it fails."""
        return said(["docker", "exec", self.machine, "sh", "-euc", command])

    def compose(self, *arguments: str) -> str:
        """Run a Compose command and return what it printed. Raises StackError where it fails."""
        return said([*_compose(), "-p", self.name, "-f", str(self.folder / "compose.yml"), *arguments])

    def run(self, service: str, command: str, *, user: str | None = None) -> str:
        """Run a shell command in a service's container and return what it printed. Raises StackError where it fails."""
        return said(["docker", "exec", *(["-u", user] if user else []), self.container(service), "sh", "-euc", command])

    def container(self, service: str) -> str:
        """Return the id of a service's newest container. Raises StackError where there is none."""
        label = f"label=com.docker.compose.project={self.name}"
        found = said(["docker", "ps", "-aq", "-f", label, "-f", f"label=com.docker.compose.service={service}"])
        if not found:
            raise StackError(f"{self.name} has no container of the service {service}")
        return found.split()[0]

    def containers(self, service: str) -> list[str]:
        """Return the names of a service's containers, sorted."""
        label = f"label=com.docker.compose.project={self.name}"
        chosen = ["-f", label, "-f", f"label=com.docker.compose.service={service}"]
        return sorted(said(["docker", "ps", "-a", *chosen, "--format", "{{.Names}}"]).split())

    def up(self) -> None:
        """Start it and wait until its health checks pass. What is left of an earlier one is removed before.

        Then `STANDBY` of stack.env is stopped: services that have to be there and not to run.
        """
        _engine()
        _build()
        self.down()
        for folder in ("certificates", "backups", "logs"):
            (self.state / folder).mkdir(parents=True)
        Authority.make(self.state / "certificates").issue()
        if self.has_machine:
            self._make_keys()
            self._boot_machine()
        if self.has_services:
            self.compose("up", "-d", "--build")
            self.wait()
        if self.has_machine:
            self._set_up_machine()
        if self.standby:
            self.compose("stop", *self.standby)

    def _make_keys(self) -> None:
        """Where the machine's SSH port is published, make what its server and the client here need."""
        pairs = (port.split(":") for port in self.environment.get("MACHINE_PORTS", "").split())
        ports = {inside: outside for outside, inside in pairs}
        if "22" in ports:
            configure(self.state / "ssh", self.name, int(ports["22"]))

    def _boot_machine(self) -> None:
        """Start the machine, with the example's folder at /example and the stacks' parts at /parts."""
        options = ["--cap-add", "SYS_ADMIN", "--cgroupns", "host", "-e", "container=docker"]
        # A disk of its own: a file of it, mounted through a loop device.
        options += ["--cap-add", "MKNOD", "--device", "/dev/loop-control", "--device-cgroup-rule", "b 7:* rmw"]
        for port in self.environment.get("MACHINE_PORTS", "").split():
            options += ["-p", f"127.0.0.1:{port}"]
        for profile in ("seccomp", "apparmor"):
            options += ["--security-opt", f"{profile}=unconfined"]
        for folder in ("/run", "/run/lock"):
            options += ["--tmpfs", folder]
        folders = {CGROUPS: "/sys/fs/cgroup:rw", self.folder: "/example:ro", HERE / "parts": "/parts:ro"}
        for source, place in {**folders, self.state: "/srv"}.items():
            options += ["-v", f"{source}:{place}"]
        said(["docker", "run", "-d", "--name", self.machine, *options, "opscheck-examples-machine"])

    def _set_up_machine(self) -> None:
        """Let it reach the services by their names, and run `machine.sh` on it when it has booted."""
        label = f"label=com.docker.compose.project={self.name}"
        for network in said(["docker", "network", "ls", "-q", "-f", label]).split():
            said(["docker", "network", "connect", network, self.machine])
        until = time.monotonic() + LONGEST_WAIT_S
        while not self._booted():
            if time.monotonic() > until:
                raise StackError(f"{self.machine} did not boot within {LONGEST_WAIT_S} s")
            time.sleep(0.2)
        self.on_machine(". /example/machine.sh")

    def _booted(self) -> bool:
        with contextlib.suppress(StackError):
            return self.on_machine("systemctl is-system-running || true") in ("running", "degraded")
        return False

    def wait(self, *services: str) -> None:
        """Wait until the health checks of these services, or of all, pass. Raises StackError where they do not."""
        until = time.monotonic() + LONGEST_WAIT_S
        while waiting := self._not_healthy(services):
            if time.monotonic() > until:
                raise StackError(f"{', '.join(waiting)} of {self.name} not healthy after {LONGEST_WAIT_S} s")
            time.sleep(0.2)

    def _not_healthy(self, services: tuple[str, ...]) -> list[str]:
        label = f"label=com.docker.compose.project={self.name}"
        shape = '{{.Label "com.docker.compose.service"}} {{.Status}}'
        found: dict[str, list[str]] = {}
        for line in said(["docker", "ps", "-a", "-f", label, "--format", shape]).splitlines():
            name, _, status = line.partition(" ")
            found.setdefault(name, []).append(status)
        wanted = services or self.compose("config", "--services").split()
        return [name for name in wanted if not all(map(_is_well, found.get(name, [""])))]

    def down(self) -> None:
        """Stop it and remove all that it left."""
        if self.has_machine:
            said(["docker", "rm", "-f", self.machine])
        if self.has_services:
            self.compose("down", "-v", "-t", "2", "--remove-orphans")
        if self.state.exists():
            # Some of it belongs to the servers' own users, whom only a container's root can remove.
            here = ["docker", "run", "--rm", "--network", "none", "-v", f"{self.state}:/state", "opscheck-examples"]
            said([*here, "find", "/state", "-mindepth", "1", "-delete"])
            shutil.rmtree(self.state)


@contextlib.contextmanager
def running(name: str) -> Iterator[Stack]:
    """Run a stack while the block lasts."""
    stack = Stack(name)
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


def said(command: list[str]) -> str:
    """Run a command and return what it printed. Raises StackError with its last words where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-15:])
        raise StackError(f"{' '.join(command)} failed:\n{last}")
    return done.stdout.strip()


def _is_well(status: str) -> bool:
    """Return whether a container is healthy, or was one that has its work to do, and did it."""
    return "(healthy)" in status or status.startswith("Exited (0)")


def _engine() -> None:
    try:
        with contextlib.closing(docker.from_env(timeout=5)) as client:
            client.ping()
    except (DockerException, OSError) as error:
        raise StackError(f"no Docker engine answers ({error}); the stacks need one") from None


def _build() -> None:
    """Build the images that stacks have in common; who comes at the same time waits for those of the first."""
    with (HERE / "parts" / "Dockerfile").open() as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        for image, stage in IMAGES.items():
            said(["docker", "build", "-q", "--network", "host", "--target", stage, "-t", image, str(HERE / "parts")])


@functools.cache
def _compose() -> list[str]:
    for found in (["docker", "compose"], ["docker-compose"]):
        if (
            shutil.which(found[0])
            and subprocess.run([*found, "version"], capture_output=True, check=False).returncode == 0
        ):
            return found
    raise StackError("Compose is missing; on Debian: apt-get install docker-compose")


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="Start, check and stop the examples' stacks.")
    parser.add_argument("what", choices=["stack", "check", "stop"])
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("arguments", nargs="*", help="for check: a suite, and what else pytest takes")
    asked, rest = parser.parse_known_args()
    stack = Stack(asked.name)
    try:
        if asked.what == "check":
            suite, *more = [*asked.arguments, *rest] or ["daily"]
            command = [sys.executable, "-m", "pytest", "-m", suite, *more]
            return subprocess.run(command, cwd=stack.folder, env=stack.environment, check=False).returncode
        stack.up() if asked.what == "stack" else stack.down()
    except StackError as error:
        print(f"{asked.name}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
