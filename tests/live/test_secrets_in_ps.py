"""No secret is a word of a command line, here or on a host or in its containers: whoever is logged in there runs ps."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from . import ways
from .conftest import Run, runs_in
from .processes import answers, free_port, program, wait_until

PASSWORD = "Canary-pass-8Kq2"
SECRET = "Canary-word-Zx81mQ"

INVENTORY = """
[host.local]
[host.key]
connect = "{key}"
[host.password]
connect = "{password}"
[host.inside]
connect = "docker://{container}"
[docker.stack]
names = ["{name}"]
expect = {{ healthy = false }}
[docker.stack.exec.own]
service = "{name}"
run = "echo ${{APP_TOKEN}} | wc -c; sleep 1"
[docker.there]
names = ["{name}"]
on = "local"
expect = {{ healthy = false }}
[docker.there.exec.own]
service = "{name}"
run = ["sh", "-c", "echo x; sleep 1"]
stdout = "!= ${{APP_TOKEN}}"
[logs.app]
path = "{log}"
[logs.app.count.own]
pattern = "${{APP_TOKEN}} login"
expect = "== 2"
"""
COMMAND = """
[host.{host}.command.own]
run = "test ${{APP_TOKEN}} = '{word}' && sleep 1; exit 3"
exit = "== 3"
[host.{host}.processes.own]
pattern = "${{APP_TOKEN}}"
count = "== 0"
"""
OWN = """
import os
import pytest

@pytest.mark.daily
def test_own(host):
    word = os.environ["APP_TOKEN"]
    done = host.run("printf '%%s|' %s; cat; sleep 1; exit 5", word)
    assert (done.rc, done.stdout) == (5, word + "|")
    assert host.run("echo plain; cat").stdout == "plain\\n"
"""
SSHPASS = """#!/bin/sh
# Does what sshpass does, by ssh's own means.
case $1 in -p) SSHPASS=$2; shift 2;; -e) shift;; esac
export SSHPASS SSH_ASKPASS_REQUIRE=force SSH_ASKPASS="$0-asked"
exec "$@"
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ways.Machine]:
    with ways.machine(tmp_path_factory.mktemp("machine")) as started:
        yield started


def by_password(machine: ways.Machine) -> str:
    """Have the machine let its user in by a password on another port; returns the host spec."""
    port, config = free_port(), machine.folder / "by-password"
    machine.container.run(f"echo 'ops:{PASSWORD}' | chpasswd")
    machine.container.run(
        f"/usr/sbin/sshd -p {port} -o ListenAddress=127.0.0.1 -o PasswordAuthentication=yes -o UsePAM=no"
    )
    wait_until(lambda: answers(port), "sshd")
    known = (machine.folder / "known_hosts").read_text().replace(f":{machine.port} ", f":{port} ")
    (machine.folder / "hosts-by-password").write_text(known)
    config.write_text(
        f"StrictHostKeyChecking yes\nUserKnownHostsFile {machine.folder}/hosts-by-password\n"
        "PreferredAuthentications password\nPubkeyAuthentication no\n"
    )
    return f"ssh://ops:{PASSWORD}@127.0.0.1:{port}?ssh_config={config}"


def sshpass(folder: Path) -> Path:
    folder.mkdir()
    for name, text in (("sshpass", SSHPASS), ("sshpass-asked", "#!/bin/sh\nprintf '%s\\n' \"$SSHPASS\"\n")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder


def name_of(container: str) -> str:
    asked = [program("docker"), "inspect", "--format", "{{.Name}}", container]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip().removeprefix("/")


@contextmanager
def command_lines() -> Iterator[set[bytes]]:
    """Yield the command lines of all processes of this machine and its containers, while the block lasts."""
    found: set[bytes] = set()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            for entry in Path("/proc").iterdir():
                try:
                    found.add((entry / "cmdline").read_bytes() if entry.name.isdecimal() else b"")
                except OSError:
                    continue
            time.sleep(0.02)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def test_no_command_line_holds_a_secret(machine: ways.Machine, tmp_path: Path) -> None:
    """Commands, patterns and passwords; by ssh with a key and with a password, in containers, and here."""
    log = tmp_path / "app.log"
    log.write_text(f"{SECRET} login\nother login\n{SECRET} login\n")
    hosts = {"key": machine.ssh("ssh"), "password": by_password(machine), "container": machine.container.id}
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "test_own.py").write_text(OWN)
    inventory = INVENTORY.format(log=log, name=name_of(machine.container.id), **hosts)
    inventory += "".join(COMMAND.format(host=host, word=SECRET) for host in ("local", "key", "password", "inside"))
    run: Run = runs_in(tmp_path)
    path = f"{sshpass(tmp_path / 'bin')}:{os.environ['PATH']}"
    with command_lines() as seen:
        outcome = run(inventory, env={"APP_TOKEN": SECRET, "PATH": path})
    own = {name for name in outcome.results if "own" in name}
    assert len(own) == 4 * 2 + 2 + 1 + 4, outcome.output
    assert {name: outcome.message(name) for name in own if outcome.verdict(name) != "ok"} == {}, outcome.output
    assert any(b"sleep\x001" in line for line in seen)
    assert [line for line in seen if b"Canary" in line] == []
