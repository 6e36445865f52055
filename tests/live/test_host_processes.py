"""A host's processes, what it reaches, its clock and uptime: real ones that start, stop, grow, hide and run late."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Run
from .images import Container, container, image
from .processes import free_port, program, wait_until
from .sshd import Sshd, sshd

QUIET = "disk = false\nmemory = false\nload = false\ncpu = false\n"
WORKER = "import time; kept = bytearray(30_000_000); print(flush=True); time.sleep(60)"

CHRONY = """
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends chrony
"""


def host(connect: str = "local://", expect: str = "") -> str:
    return f'[host.box]\nconnect = "{connect}"\n[host.box.expect]\n{QUIET}{expect}\n'


@pytest.fixture(scope="module")
def machine() -> Iterator[Container]:
    with container(image("opscheck-test-chrony", CHRONY), ["--cap-add", "SYS_TIME"], ["sleep", "300"]) as started:
        started.run("useradd ops; useradd app")
        yield started


def test_processes_and_their_memory(run: Run) -> None:
    """AP-11. These checks' own shells, whose scripts hold the pattern, do not count."""
    check = "host.processes.workers@box"
    keys = host() + '[host.box.processes.workers]\npattern = "opscheck-test-worker [0-9]"\n'
    outcome = run(keys)
    assert outcome.verdict(check) == "breach P2"
    assert outcome.message(check).startswith(
        "number of processes with /opscheck-test-worker [0-9]/ is 0, expected >= 1"
    )
    outcome = run(keys + 'memory = "< 1GB"\n')
    assert outcome.verdict(check) == "unknown P2"
    assert "no such process runs" in outcome.message(check)
    command = [sys.executable, "-c", WORKER, "opscheck-test-worker"]
    workers = [subprocess.Popen([*command, str(number)], stdout=subprocess.PIPE) for number in range(2)]
    try:
        for worker in workers:
            assert worker.stdout is not None
            worker.stdout.readline()
        assert run(keys).verdict(check) == "ok"
        limits = 'count = { P1 = "== 2" }\nmemory = { P3 = "< 50MB", P1 = "< 1GB" }\nuser = "root"\n'
        outcome = run(keys + limits)
        assert outcome.verdict(check) == "breach P3"
        assert "memory of 2 processes with /opscheck-test-worker [0-9]/ of root is " in outcome.message(check)
        assert "shared" not in outcome.message(check), "root reads every process's own part"
        assert run(keys + limits.replace("root", "nobody")).verdict(check).startswith("breach P1")
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    assert run(keys).verdict(check) == "breach P2"


def test_memory_that_only_root_may_read(run: Run, machine: Container) -> None:
    machine.run("setsid sleep 1234 >/dev/null 2>&1 &")
    keys = '[host.box.processes.sleep]\npattern = "^sleep 1234"\nmemory = "< 1B"\n'
    message = run(host(f"docker://ops@{machine.id}") + keys).message("host.processes.sleep@box")
    assert "shared pages count several times, for 1" in message
    assert "shared" not in run(host(f"docker://{machine.id}") + keys).message("host.processes.sleep@box")
    outcome = run(host(f"docker://{machine.id}") + keys + 'user = "nobody-there"\n')
    assert outcome.verdict("host.processes.sleep@box") == "unknown P2"
    assert "there is no user nobody-there" in outcome.message("host.processes.sleep@box")


def test_reach(run: Run) -> None:
    """IF-39: an open port, a closed one, and a name that nobody knows."""
    port = free_port()
    keys = host(expect=f'reach = ["localhost:{port}"]')
    outcome = run(keys)
    assert outcome.verdict("host.reach@box") == "breach P2"
    assert f"localhost:{port} is not to be connected to" in outcome.message("host.reach@box")
    with socket.create_server(("127.0.0.1", port)):
        assert run(keys).verdict("host.reach@box") == "ok"
    outcome = run(host(expect='reach = ["nowhere.invalid:443"]'))
    assert outcome.message("host.reach@box") == (
        "nowhere.invalid:443 is a name that does not resolve, expected connects"
    )
    outcome = run(host(expect='reach = ["https://example.com"]'))
    assert outcome.exit_status == 4
    assert "write for example 'example.com:443'" in outcome.output


@pytest.mark.parametrize("tool", ["bash", "python3", "curl", "busybox"])
def test_reach_with_whatever_there_is(tool: str, tmp_path: Path) -> None:
    """Each way of connecting says the same, also of a server that keeps silent and never closes."""
    from pytest_opscheck.probes.host import kind

    (part,) = (kind.shells["reach"].part(None, 30, {"addresses": ("127.0.0.1:{}",)}),)
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in (tool, "sh", "timeout", "awk", "head", "grep", "true"):
        (folder / name).symlink_to(sys.executable if name == "python3" else program(name))

    def said(port: int) -> str:
        command = ["sh", "-c", part.script, "opscheck", "127.0.0.1", str(port)]
        done = subprocess.run(
            command, env={"PATH": str(folder)}, capture_output=True, text=True, check=False, timeout=30
        )
        return done.stdout.partition(" ")[0]

    with socket.create_server(("127.0.0.1", 0)) as server:
        assert said(server.getsockname()[1]) == "connects"
    assert said(free_port()) == "refused"


def test_a_host_with_nothing_to_connect_with(run: Run, machine: Container) -> None:
    machine.run("mkdir /aside; mv /bin/bash /aside; [ ! -e /usr/bin/python3 ] || mv /usr/bin/python3 /aside")
    try:
        outcome = run(host(f"docker://{machine.id}", 'reach = ["127.0.0.1:9"]'))
    finally:
        machine.run("mv /aside/bash /bin; mv /aside/python3 /usr/bin; rmdir /aside")
    assert outcome.verdict("host.reach@box") == "unknown P2"
    assert "apt-get install netcat-openbsd" in outcome.message("host.reach@box")


def test_a_clock_without_time_servers(run: Run, machine: Container) -> None:
    """Chrony's offset is 0 while it knows no server: that is not a right clock."""
    keys = host(f"docker://{machine.id}", 'clock = { P2 = "< 5s" }')
    outcome = run(keys)
    assert outcome.verdict("host.clock@box") == "unknown P2"
    assert "install chrony" in outcome.message("host.clock@box")
    machine.run(": > /tmp/chrony.conf; chronyd -x -f /tmp/chrony.conf")
    wait_until(lambda: machine.run("chronyc -n tracking").returncode == 0, "chronyd")
    outcome = run(keys)
    assert outcome.verdict("host.clock@box") == "breach P2"
    assert outcome.message("host.clock@box") == "clock (chrony) is not synchronised, expected < 5 s"
    machine.run("kill $(cat /run/chrony/chronyd.pid); sleep 1; echo local stratum 8 > /tmp/chrony.conf")
    machine.run("chronyd -x -f /tmp/chrony.conf")
    wait_until(lambda: "Normal" in machine.run("chronyc -n tracking").stdout, "chronyd's own reference")
    assert run(keys).verdict("host.clock@box") == "ok"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    with sshd(tmp_path / "server") as started:
        yield started


def test_a_clock_that_differs_from_this_machines(run: Run, server: Sshd) -> None:
    keys = host(server.connect(), 'clock = { P3 = "< 5s", P1 = "< 1h" }')
    keys += f'[host.box.file.new]\npath = "{server.folder}/shell"\nage = "< 26h"\n'
    keys += f'[host.box.file.there]\npath = "{server.folder}/shell"\nmode = "0755"\n'
    shell = server.folder / "shell"
    right = shell.read_text()
    outcome = run(keys)
    assert outcome.verdict("host.clock@box") == "ok", outcome.output
    for offset, verdict in (("-8s", "breach P3"), ("+2h", "breach P1")):
        shell.write_text(f'#!/bin/sh\nexec {program("faketime")} -f {offset} sh -c "$SSH_ORIGINAL_COMMAND"\n')
        outcome = run(keys)
        assert outcome.verdict("host.clock@box") == verdict, outcome.output
        assert "difference from this machine's clock, at most is " in outcome.message("host.clock@box")
        assert outcome.verdict("host.file.there@box") == "ok"
        assert outcome.verdict("host.file.new@box").startswith("ok" if offset == "-8s" else "unknown")
    assert "the host's clock is 2 h ahead of this machine's" in outcome.message("host.file.new@box")
    shell.write_text(shell.read_text().replace("+2h", "-3d"))
    assert "3 d behind this machine's" in run(keys).message("host.file.new@box")
    shell.write_text(right)
    assert run(keys).verdict("host.clock@box") == "ok"


def test_uptime(run: Run) -> None:
    """A container's is its own, not that of the machine below."""
    with container("debian:bookworm-slim", [], ["sleep", "300"]) as young:
        started = time.monotonic()
        keys = host(f"docker://{young.id}", 'uptime = "> 3s"')
        outcome = run(keys)
        if time.monotonic() - started < 3:
            assert outcome.verdict("host.uptime@box") == "breach P3"
        assert run(keys.replace("> 3s", "< 100s")).verdict("host.uptime@box") == "ok"
        assert run(keys.replace("> 3s", "> 1h")).verdict("host.uptime@box") == "breach P3"
        time.sleep(max(0, 3.5 - (time.monotonic() - started)))
        assert run(keys).verdict("host.uptime@box") == "ok"
