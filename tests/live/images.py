"""Images and containers for live tests, made with the docker command, removed by their id."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from .processes import program


def docker(*arguments: str, given: str | None = None) -> str:
    """Run a docker command and return what it printed; fail the test where it fails."""
    done = subprocess.run([program("docker"), *arguments], input=given, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"docker {' '.join(arguments)}: {done.stderr.strip()}", pytrace=False)
    return done.stdout.strip()


def image(name: str, dockerfile: str) -> str:
    """Build an image, once for each content, and return its name."""
    tag = f"{name}:{hashlib.sha256(dockerfile.encode()).hexdigest()[:12]}"
    if not docker("images", "-q", tag):
        docker("build", "-q", "--network", "host", "-t", tag, "-", given=dockerfile)
    return tag


@dataclass(frozen=True)
class Container:
    """A running container."""

    id: str

    def run(self, command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a shell command in it."""
        exec_ = [program("docker"), "exec", "-i", self.id, "sh", "-c", command]
        return subprocess.run(exec_, input=stdin, capture_output=True, text=True, check=False)

    def stop(self) -> None:
        """Stop it."""
        docker("stop", "-t", "0", self.id)


@contextlib.contextmanager
def container(
    image_name: str, options: Sequence[str] = (), command: Sequence[str] = (), *, network: str = "none"
) -> Iterator[Container]:
    """Run a container while the block lasts."""
    found = docker("run", "-d", "--network", network, *options, image_name, *command)
    try:
        yield Container(found)
    finally:
        docker("rm", "-f", found)
