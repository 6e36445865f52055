"""Whom `processes` does not count: the checks, whatever starts them and whatever way they take; and whom it does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import ways
from .conftest import Run
from .processes import program, running, wait_until
from .sshd import Sshd, sshd

WORD = "zqxprocess"
QUIET = "expect = { disk = false, memory = false, load = false, cpu = false }\n"
RUN = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "daily")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ways.Machine]:
    with ways.machine(tmp_path_factory.mktemp("machine")) as started:
        yield started


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd") / "server") as started:
        yield started


def hosts(machine: ways.Machine, server: Sshd) -> dict[str, str]:
    """Return the same machine by two ways, and another one by four; each is asked at the same time as the others."""
    docker = machine.container.id
    return {
        "local": "local://",
        "itself": server.connect(),
        "docker": f"docker://{docker}",
        "docker_sudo": f"docker://ops@{docker}?sudo=true",
        "ssh": machine.ssh("ssh"),
        "ssh_sudo": machine.ssh("ssh", sudo="true"),
    }


def inventory(found: dict[str, str], keys: str = "") -> str:
    return "".join(
        f'[host.{name}]\nconnect = "{connect}"\n{QUIET}'
        f'[host.{name}.processes.{WORD}]\npattern = "{WORD}"\n{keys}'
        f'[host.{name}.command.{WORD}]\nrun = "sleep 0.5; echo {WORD} | grep {WORD}"\n'
        for name, connect in found.items()
    )


def test_the_checks_do_not_count(run: Run, machine: ways.Machine, server: Sshd) -> None:
    """Not one of them, on any way, though the command line of each holds the word; what really runs counts once."""
    found = hosts(machine, server)
    outcome = run(inventory(found), "-k", WORD)
    for name in found:
        assert outcome.verdict(f"host.processes.{WORD}@{name}") == "breach P2", outcome.message(
            f"host.processes.{WORD}@{name}"
        )
        assert outcome.verdict(f"host.command.{WORD}@{name}") == "ok"
    outside = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", f"a\n/proc/1/cmdline:{WORD}"])
    machine.container.run(f"setsid sh -c 'sleep 61; : {WORD}' >/dev/null 2>&1 &")
    try:
        outcome = run(inventory(found, 'count = "== 1"\n'), "-n", "2", "-k", WORD)
        for name in found:
            # The machine in the container is this one's too: there the container's process counts beside the other.
            expected = "is 2" if name in ("local", "itself") else "is 1"
            assert expected in outcome.message(f"host.processes.{WORD}@{name}"), outcome.output
    finally:
        outside.kill()
        outside.wait()
        machine.container.run(f"kill $(grep -l '{WORD}' /proc/[0-9]*/cmdline | cut -d/ -f3 | grep -v $$)")


STARTED = {
    "limits and another user": "timeout 90 nice setpriv --reuid=$(id -u) --clear-groups $RUN -k $WORD",
    "a script": "sh ./check-$WORD.sh",
    "a session of its own": 'sh -c "setsid -w setsid -w $RUN -k $WORD; exit"',
    "another program": "$PYTHON ./$WORD.py",
    "xdist": "$RUN -n 2 -k $WORD",
    "no command pytest": "$PYTHON -c 'import pytest, sys; sys.exit(pytest.main(sys.argv[1:]))' -m daily -k $WORD",
}


@pytest.mark.parametrize("how", STARTED)
def test_what_starts_the_checks_does_not_count(how: str, tmp_path: Path) -> None:
    """The exit status is that of a breach: with one process more it would be 0."""
    (tmp_path / "opscheck.toml").write_text(inventory({"local": "local://"}).partition("[host.local.command")[0])
    (tmp_path / f"check-{WORD}.sh").write_text('$RUN -k "$WORD"\n')
    (tmp_path / f"{WORD}.py").write_text(
        "import os, subprocess\nsubprocess.run([*os.environ['RUN'].split(), '-k', os.environ['WORD']])\n"
    )
    done = subprocess.run(
        ["sh", "-c", f"exec {STARTED[how]}"],
        cwd=tmp_path,
        env={**os.environ, "RUN": " ".join(RUN), "WORD": WORD, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        start_new_session=True,
    )
    assert f"number of processes with /{WORD}/ 0, expected >= 1" in done.stdout, done.stdout + done.stderr


def test_another_run_does_not_count(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "opscheck.toml").write_text(inventory({"local": "local://"}).replace("sleep 0.5", "touch it; sleep 50"))
    command = ["sh", "-c", f"{' '.join(RUN)} -k {WORD}; true"]
    with running(command, log=other / "log", cwd=other):
        wait_until((other / "it").exists, "the other run")
        outcome = run(inventory({"local": "local://"}), "-k", WORD)
    assert "is 0, expected >= 1" in outcome.message(f"host.processes.{WORD}@local")


def test_daemons_on_the_way_count(run: Run, server: Sshd) -> None:
    """What serves SSH is there all the time; what it has forked for the checks is not."""
    keys = f'[host.box]\nconnect = "{server.connect()}"\n{QUIET}[host.box.processes.sshd]\n'
    keys += f'pattern = "{server.folder}/sshd_config|^sshd: .*(priv|notty)"\ncount = "== 1"\n'
    outcome = run(keys)
    assert outcome.verdict("host.processes.sshd@box") == "ok", outcome.output


def test_processes_out_of_sight(run: Run, server: Sshd, tmp_path: Path) -> None:
    """Who may not see others' processes can't say how many there are; who is in the group of /proc may."""
    inside = (
        "mount -t proc -o {options} proc /proc && "
        f'exec {program("setpriv")} --reuid=65534 --regid=65534 {{groups}} sh -c "$SSH_ORIGINAL_COMMAND"'
    )
    shell = server.folder / "shell"
    right = shell.read_text()
    keys = f'[host.box]\nconnect = "{server.connect()}"\n{QUIET}'
    keys += f'[host.box.processes.it]\npattern = "{server.folder}"\ncount = "== 0"\n'
    keys += f'[host.box.processes.own]\npattern = "{WORD}"\nuser = "nobody"\ncount = "== 0"\n'
    try:
        for options, groups, verdict in (
            ("hidepid=2", "--clear-groups", "unknown P2"),
            ("hidepid=1", "--clear-groups", "unknown P2"),
            ("hidepid=2,gid=4", "--groups=4", "breach P2"),
            ("hidepid=0", "--clear-groups", "breach P2"),
        ):
            command = inside.format(options=options, groups=groups)
            shell.write_text(f"#!/bin/sh\nexec {program('unshare')} -m sh -c '{command}'\n")
            outcome = run(keys)
            assert outcome.verdict("host.processes.it@box") == verdict, outcome.output
            assert outcome.verdict("host.processes.own@box") == "ok", outcome.output
    finally:
        shell.write_text(right)
