"""Podman in Docker's place, a real one: by its socket, and by podman-docker's `docker`, through a host's shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from .conftest import Run
from .processes import program, running, wait_until
from .test_docker import QUIET_HOST

# What podman-docker installs as `docker`.
SHIM = """#!/bin/sh
[ -e /etc/containers/nodocker ] || echo "Emulate Docker CLI using podman. Create /etc/containers/nodocker to quiet msg." >&2
exec {podman} "$@"
"""  # noqa: E501 - a line of theirs
LABELS = ("--label=com.docker.compose.project=shop", "--label=com.docker.compose.service=")
LIMITS = ("--ulimit=nofile=20000:20000", "--ulimit=nproc=10000:10000", "--network=none")
EXPECT = """
healthy = { SERVICES }
version = ">= 3"
cpu = "< 400%"
disk = "< 20GB"
image = { api = "localhost/bb:1" }
env = { api = ["PATH", "EMPTY", "GONE"] }
limits = { cpus = 0.5, api = { memory = "<= 8GiB" } }
recovery = { within = "< 60s" }
errors = "< 10/day"
[docker.TARGET.exec.one]
service = "api"
run = "echo said; exit 1"
exit = "== 1"
stdout = "== said"
[docker.TARGET.logs.start]
pattern = "ERROR|Docker"
since = "start"
services = ["api"]
expect = "== 1"
"""


@dataclass(frozen=True)
class Podman:
    """A podman with a storage of its own, and a folder whose `docker` is its shim."""

    command: tuple[str, ...]
    folder: Path

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run([*self.command, *arguments], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start(self, service: str, script: str, *options: str) -> str:
        name = f"shop-{service}-1"
        label = (LABELS[0], LABELS[1] + service)
        return self("run", "--detach", f"--name={name}", *label, *LIMITS, *options, "bb:1", "/bin/sh", "-c", script)


@pytest.fixture(scope="module")
def podman() -> Iterator[Podman]:
    folder = Path(tempfile.mkdtemp(prefix="opscheck-podman-"))  # a short path: its sockets' are bounded
    own = (f"--root={folder}/root", f"--runroot={folder}/run", "--storage-driver=vfs", "--cgroup-manager=cgroupfs")
    made = Podman((program("podman"), *own), folder)
    try:
        (folder / "fs/bin").mkdir(parents=True)
        shutil.copy(program("busybox"), folder / "fs/bin/busybox")
        for name in ("sh", "sleep", "echo", "grep", "cat", "kill", "test"):
            (folder / "fs/bin" / name).symlink_to("busybox")
        subprocess.run(["tar", "-C", str(folder / "fs"), "-cf", str(folder / "fs.tar"), "."], check=True)
        made("import", str(folder / "fs.tar"), "bb:1")
        (folder / "bin").mkdir()
        (folder / "bin/docker").write_text(SHIM.format(podman=" ".join(made.command)), encoding="utf-8")
        (folder / "bin/docker").chmod(0o755)
        yield made
    finally:
        subprocess.run([*made.command, "rm", "--force", "--all"], check=False, capture_output=True)
        subprocess.run([*made.command, "system", "reset", "--force"], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def socket(podman: Podman) -> Iterator[str]:
    path = podman.folder / "s.sock"
    service = [*podman.command, "system", "service", "--time=0", f"unix://{path}"]
    with running(service, log=podman.folder / "service.log"):
        wait_until(path.exists, "podman's socket")
        yield f"unix://{path}"


def inventory(url: str, expect: str = EXPECT, healthy: str = "1") -> str:
    text = QUIET_HOST
    for way, how in (("api", f'url = "{url}"'), ("shim", 'on = "here"')):
        said = expect.replace("TARGET", way).replace("{ SERVICES }", healthy)
        text += f'[docker.{way}]\nproject = "shop"\n{how}\n[docker.{way}.expect]\n{said}\n'
    return text


def test_podman_is_read_like_docker_by_its_socket_and_by_its_docker_command(run: Run, podman: Podman) -> None:
    """The same verdicts either way; what podman-docker says of itself is in no log and no output."""
    every, path = "daily or deploy_gate or weekly", f"{podman.folder}/bin:{os.environ['PATH']}"
    options = ("--memory=64m", "--cpus=0.5", "--env=EMPTY=", "--env=TOKEN=k3y=", "--health-cmd=test -f /ready")
    api = podman.start("api", "echo 'ERROR x'; echo > /ready; sleep 600", *options)
    podman.start("plain", "sleep 600")
    job = podman.start("worker", "exit 4")
    podman("healthcheck", "run", api)  # which systemd would have done
    wait_until(lambda: podman("inspect", "--format={{.State.Status}}", job) == "exited", "the end of a container")
    with socket(podman) as url:
        outcome = run(inventory(url), suite=every, env={"PATH": path})
        told = {
            "reachable": ("ok", "engine"),
            "up": ("breach P1", "worker is exited with status 4, expected running"),
            "healthy": ("ok", "number of healthy services is 1"),
            "image": ("ok", "shop-api-1's image is localhost/bb:1"),
            "env": ("breach P2", "shop-api-1: EMPTY is empty, expected set; shop-api-1: GONE is missing, expected set"),
            "restarts": ("ok", "all 3 as expected"),
            "oom_killed": ("ok", "all 3 as expected"),
            "exec.one": ("ok", "all 2 as expected"),
        }
        for check, (verdict, message) in told.items():
            for way in ("api", "shim"):
                assert outcome.verdict(f"docker.{check}@{way}") == verdict, outcome.message(f"docker.{check}@{way}")
                assert outcome.message(f"docker.{check}@{way}") == message
        for way in ("api", "shim"):
            for check in ("version", "cpu", "memory", "disk", "errors", "logs.start"):
                message = outcome.message(f"docker.{check}@{way}")
                assert outcome.verdict(f"docker.{check}@{way}") == "ok", (check, way, message)
            assert "shop-plain-1's bound of processors is not set" in outcome.message(f"docker.limits@{way}")
            assert "shop-api-1" not in outcome.message(f"docker.limits@{way}")
            assert "template" not in outcome.output
        assert "k3y" not in outcome.output
        podman("exec", api, "/bin/sh", "-c", "kill -9 1 || true")
        podman("stop", "--time=0", api)
        gone = run(inventory(url), suite=every, env={"PATH": path})
        for way in ("api", "shim"):
            assert gone.verdict(f"docker.healthy@{way}") == "breach P1"
            assert "api is exited with status 137" in gone.message(f"docker.up@{way}")


def test_a_loop_of_restarts_under_podman_is_not_up(run: Run, podman: Podman) -> None:
    """It restarts a container at once, so that it is nearly always met while it runs."""
    podman("rm", "--force", "--all")
    loop = podman.start("loop", "sleep 3; exit 3", "--restart=always")
    wait_until(lambda: int(podman("inspect", "--format={{.RestartCount}}", loop)) > 1, "two restarts")
    path = f"{podman.folder}/bin:{os.environ['PATH']}"
    with socket(podman) as url:
        outcome = run(inventory(url, "healthy = false"), suite="smoke", env={"PATH": path})
    for way in ("api", "shim"):
        assert outcome.verdict(f"docker.up@{way}") == "breach P1"
        assert outcome.message(f"docker.up@{way}").startswith("loop is ")
    podman("rm", "--force", loop)
