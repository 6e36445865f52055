"""Whoever has not the host key that is known for a place gets neither a password nor a command, whatever the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Outcome, Run
from .sshd import Sshd, sshd


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd")) as started:
        yield started


OWN = """
import pytest

LOST = '''pid=$PPID
while [ "$(cat /proc/$pid/comm)" != sshd ]; do pid=$(cut -d' ' -f4 /proc/$pid/stat); done
echo a part; kill -9 $pid; sleep 5'''

@pytest.mark.daily
def test_lost(host):
    assert "ERROR" not in host.run(LOST).stdout

@pytest.mark.daily
def test_own(host):
    assert host.run("echo 42; cat").stdout == "42\\n"
    assert host.run("head -c 3000000 /dev/zero >&2; exit 3").rc == 3
    for where in ("", " >&2"):
        with pytest.raises(Exception, match="printed more than the 10 MB that are read"):
            host.run(f"cat /dev/zero{where}")
    assert host.run("echo 42").stdout == "42\\n"
"""


def looked(run: Run, tmp_path: Path, server: Sshd, config: str) -> Outcome:
    """Look at the server by both ways, with a configuration of ssh's; a user-defined test does so, too."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "test_own.py").write_text(OWN)
    ssh = server.connect(config=config)
    ways = {"ssh": ssh, "paramiko": f"paramiko{ssh[3:]}"}
    return run(
        "".join(
            f'[host.{name}]\nconnect = "{connect}"\n[host.{name}.expect]\ndisk = false\n'
            for name, connect in ways.items()
        )
    )


def test_a_known_one(run: Run, tmp_path: Path, server: Sshd) -> None:
    outcome = looked(run, tmp_path, server, "client")
    for way in ("ssh", "paramiko"):
        assert outcome.verdict(f"host.reachable@{way}") == "ok", outcome.output
        assert outcome.verdict(f"own.own@{way}") == "ok", outcome.output
        assert outcome.verdict(f"own.lost@{way}") == "unknown P2", outcome.output


def test_an_unknown_one_is_refused_with_the_next_step(run: Run, tmp_path: Path, server: Sshd) -> None:
    (server.folder / "nobody").write_text("UserKnownHostsFile /dev/null\nGlobalKnownHostsFile /dev/null\n")
    commands = len(server.commands)
    outcome = looked(run, tmp_path, server, "nobody")
    message = outcome.message("host.reachable@paramiko")
    assert outcome.verdict("host.reachable@paramiko") == outcome.verdict("host.reachable@ssh") == "breach P0"
    assert f"the host key of [127.0.0.1]:{server.port} is not known: no known_hosts has it" in message
    assert f"`ssh -p {server.port} 127.0.0.1`" in message
    assert f"ssh-keyscan -p {server.port} 127.0.0.1" in message
    assert len(server.commands) == commands


def test_a_changed_one_is_refused(run: Run, tmp_path: Path, server: Sshd) -> None:
    commands = len(server.commands)
    outcome = looked(run, tmp_path, server, "suspicious")
    message = outcome.message("host.reachable@paramiko")
    assert f"the host key of [127.0.0.1]:{server.port} has changed" in message
    assert f"ssh-keygen -R '[127.0.0.1]:{server.port}'" in message
    assert len(server.commands) == commands


def test_who_has_said_so_takes_any(run: Run, tmp_path: Path, server: Sshd) -> None:
    (server.folder / "any").write_text("StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\n")
    outcome = looked(run, tmp_path, server, "any")
    assert outcome.verdict("host.reachable@paramiko") == outcome.verdict("host.reachable@ssh") == "ok", outcome.output
