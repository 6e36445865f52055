"""Every way to a host that testinfra speaks and a test can serve: the same checks, the same limits of time."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from . import ways
from .conftest import Run
from .processes import free_port, program


@dataclass(frozen=True)
class Way:
    """How to reach a machine, whom one is there, and the same way to where there is nobody."""

    connect: str
    user: str
    nobody_there: str | None


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ways.Machine]:
    with ways.machine(tmp_path_factory.mktemp("machine")) as started:
        yield started


@pytest.fixture(scope="module")
def podman() -> Iterator[str]:
    with ways.podman_machine() as name:
        yield name


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with ways.root_folder(tmp_path_factory.mktemp("chroot")) as folder:
        yield folder


@pytest.fixture(scope="module")
def ways_there(machine: ways.Machine, podman: str, root: Path) -> dict[str, Way]:
    """Return every way, by a name for it."""
    docker = machine.container.id
    return {
        "local": Way("local://", "root", None),
        "docker": Way(f"docker://{docker}", "root", "docker://opscheck-nobody"),
        "docker-user": Way(f"docker://ops@{docker}", "ops", "docker://ops@opscheck-nobody"),
        "docker-sudo": Way(f"docker://ops@{docker}?sudo=true", "root", None),
        "podman": Way(f"podman://{podman}", "root", "podman://opscheck-nobody"),
        "chroot": Way(f"chroot://{root}", "root", f"chroot://{root}/nowhere"),
        **{backend: over_ssh(machine, backend) for backend in ("ssh", "safe-ssh", "paramiko")},
        **{f"{backend}-sudo": over_ssh(machine, backend, "root", sudo="true") for backend in ("ssh", "paramiko")},
    }


def over_ssh(machine: ways.Machine, backend: str, user: str = "ops", **more: str) -> Way:
    connect = machine.ssh(backend, **more)
    return Way(connect, user, connect.replace(f":{machine.port}?", f":{free_port()}?"))


CHECKS = r"""
[host.there.expect]
cpu = false
load = false
disk = "< 100%"
memory = "< 100%"
uptime = "> 0s"
[host.there.file.passwd]
path = "/etc/passwd"
mode = "0644"
[host.there.command.who]
run = "id -un"
stdout = "== {user}"
[host.there.command.quoted]
run = "echo it\\'s \\\"quoted\\\" 100% $((40 + 2)) ä"
stdout = "== it's \"quoted\" 100% 42 ä"
[host.there.command.fails]
run = "echo the reason >&2; exit 7"
[host.there.command.stuck]
run = "trap '' TERM; sleep 30; sleep 30"
timeout = "1s"
[host.there.command.endless]
run = "yes"
timeout = "2s"
"""


def test_the_same_checks(run: Run, ways_there: dict[str, Way]) -> None:
    """Values, users, quoting, exit statuses and limits of time are the same, whatever the way."""
    inventory = ""
    for name, way in ways_there.items():
        checks = CHECKS.replace("there", name).replace("{user}", way.user)
        inventory += f'[host.{name}]\nconnect = "{way.connect}"\n{checks}'
    started = time.monotonic()
    outcome = run(inventory)
    assert time.monotonic() - started < 30
    for name in ways_there:
        for check in ("reachable", "disk", "memory", "uptime", "file.passwd", "command.who", "command.quoted"):
            assert outcome.verdict(f"host.{check}@{name}") == "ok", outcome.output
        assert outcome.message(f"host.command.fails@{name}") == "exit status is 7, expected 0"
        assert "no answer within 1 s" in outcome.message(f"host.command.stuck@{name}")
        assert outcome.verdict(f"host.command.endless@{name}") == "unknown P2"
    assert len(outcome.results) == 10 * len(ways_there)


def test_nobody_there(run: Run, ways_there: dict[str, Way]) -> None:
    nowhere = {name: way.nobody_there for name, way in ways_there.items() if way.nobody_there is not None}
    inventory = ""
    for name, connect in nowhere.items():
        inventory += f'[host.{name}]\nconnect = "{connect}"\n[host.{name}.command.any]\nrun = "true"\n'
    outcome = run(inventory)
    for name in nowhere:
        assert outcome.verdict(f"host.reachable@{name}") == "breach P0", outcome.output
        assert outcome.verdict(f"host.command.any@{name}") == "blocked"
        assert outcome.verdict(f"host.disk@{name}") == "blocked"
    assert outcome.exit_status == 1
    assert "Traceback" not in outcome.output


def test_a_root_folder_without_proc(run: Run, root: Path) -> None:
    """What is missing there is said, rather than nothing found."""
    subprocess.run([program("umount"), root / "proc"], check=True)
    try:
        outcome = run(f'[host.there]\nconnect = "chroot://{root}"\n')
    finally:
        subprocess.run([program("mount"), "-t", "proc", "proc", root / "proc"], check=True)
    assert outcome.verdict("host.reachable@there") == "ok"
    assert outcome.verdict("host.disk@there").startswith("unknown")
    assert "the shell there did not run it: sh: " in outcome.message("host.disk@there")
    assert "/proc/" in outcome.message("host.disk@there")
    assert outcome.exit_status == 1


def test_sudo_that_asks_for_a_password(run: Run, machine: ways.Machine) -> None:
    """Nobody is there to type it: the host cannot be reached that way, and sudo says why."""
    machine.container.run("mv /etc/sudoers.d/ops /root/ops")
    try:
        outcome = run(f'[host.there]\nconnect = "{machine.ssh("ssh", sudo="true")}"\n')
        assert outcome.verdict("host.reachable@there") == "breach P0"
        assert "password is required" in outcome.message("host.reachable@there")
    finally:
        machine.container.run("mv /root/ops /etc/sudoers.d/ops")
    assert run(f'[host.there]\nconnect = "{machine.ssh("ssh", sudo="true")}"\n').verdict("host.reachable@there") == "ok"


def test_windows(run: Run) -> None:
    outcome = run('[host.there]\nconnect = "winrm://prod"\n')
    assert outcome.exit_status == 4
    assert "winrm:// leads to Windows" in outcome.output
