"""docs/ssh.md: an account with just the rights of the page does what the page says, and nothing else."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from .conftest import Run
from .images import Container, container, image
from .processes import answers, free_port, program, wait_until
from .sshd import key

PAGE = (Path(__file__).parent.parent.parent / "docs" / "ssh.md").read_text(encoding="utf-8")
HOST = """
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends acl openssh-server procps sudo
RUN mkdir -p /run/sshd && rm -f /etc/ssh/ssh_host_* && ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
CMD ["sleep", "infinity"]
"""
APPLICATION = """
install -m 640 -g adm /dev/null /var/log/app.log && echo fine > /var/log/app.log
install -d -m 700 /srv/backups
printf '%s\\n' -- '-- PostgreSQL database dump' -- 'SELECT 1;' -- '-- PostgreSQL database dump complete' -- |
  gzip > /srv/backups/shop.sql.gz
chmod 600 /srv/backups/*
"""
QUIET = "[defaults.host.expect]\ndisk = false\nmemory = false\nload = false\ncpu = false\n"


def blocks(mark: str, language: str = "sh") -> list[str]:
    """Return the blocks of the page behind a mark."""
    found = re.findall(rf"^<!-- {mark} -->\n```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found, mark
    return found


@dataclass(frozen=True)
class Host:
    """A host as the page has it set up, on a loopback port, and the client's files."""

    container: Container
    port: int
    folder: Path

    def root(self, script: str) -> None:
        """Run lines of the page as root, with this key, this address and this port."""
        public = (self.folder / "opscheck.pub").read_text(encoding="utf-8").strip()
        script = re.sub(r"ssh-ed25519 AAAA\S+ checks", public, script)
        script = script.replace("192.0.2.10", "127.0.0.1").replace("10.0.0.5:22", f"127.0.0.1:{self.port}")
        done = self.container.run(f"set -eu\n{script}")
        assert done.returncode == 0, done.stdout + done.stderr

    def ssh(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Log in by hand."""
        command = [program("ssh"), "-F", str(self.folder / "config"), "-o", "BatchMode=yes", *words]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
        )


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder, port = tmp_path_factory.mktemp("ssh"), free_port()
    key(folder / "opscheck")
    with container(image("opscheck-test-ssh-guide", HOST), network="host") as started:
        found = Host(started, port, folder)
        found.root(APPLICATION)
        for part in (blocks("host")[0], *blocks("bastion")):
            found.root(part)
        host_key = started.run("cat /etc/ssh/ssh_host_ed25519_key.pub").stdout
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}", encoding="utf-8")
        (folder / "config").write_text(config(folder, port), encoding="utf-8")
        options = "-o ListenAddress=127.0.0.1 -o PasswordAuthentication=no"
        assert started.run(f"/usr/sbin/sshd -p {port} {options}").returncode == 0
        wait_until(lambda: answers(port), "sshd")
        yield found


def config(folder: Path, port: int) -> str:
    """Return the page's lines of `~/.ssh/config`, for a server that is here."""
    text = "\n".join(blocks("config", "text")).replace("~/.ssh", str(folder))
    text = re.sub(r"HostName \S+", "HostName 127.0.0.1", text)
    text = text.replace("jump@bastion.example.com", "jump@bastion")
    here = f"UserKnownHostsFile {folder}/known_hosts\nGlobalKnownHostsFile /dev/null\nStrictHostKeyChecking yes\n"
    return f"{here}{text}\nHost bastion\nHostName 127.0.0.1\nIdentityFile {folder}/opscheck\nHost *\nPort {port}\n"


def inventory(host: Host, name: str = "web1", more: str = "") -> str:
    """Return the page's inventory, for a server that is here."""
    (block,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    found: str = block
    return QUIET + found.replace("ssh://web1", f"ssh://{name}?ssh_config={host.folder / 'config'}{more}")


WANTED = {"host.command.sshd_config@web1", "logs.count.errors@app", "backup.fresh@database", "backup.intact@database"}


def test_first_without_the_rights_and_then_with_them(run: Run, host: Host) -> None:
    """Each of them is needed, and the login alone is well before."""
    before = run(inventory(host))
    assert before.verdict("host.reachable@web1") == "ok"
    assert {before.verdict(each).partition(" ")[0] for each in WANTED} <= {"breach", "unknown", "blocked"}
    host.root(blocks("host")[1])
    after = run(inventory(host))
    assert [after.message(each) for each in sorted(WANTED) if after.verdict(each) != "ok"] == []


def test_through_a_jump_host(run: Run, host: Host) -> None:
    assert run(inventory(host, "db1")).verdict("host.reachable@web1") == "ok"
    closed = host.ssh("-W", "127.0.0.1:1", "jump@bastion")
    assert "administratively prohibited" in closed.stderr
    assert "not available" in host.ssh("jump@bastion", "id").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-W", "127.0.0.1:1", "web1"), "administratively prohibited"),
        (("-tt", "web1", "true"), "PTY allocation request failed"),
        (("web1", "sudo -n id"), "password is required"),
        (("web1", "sudo -n /usr/sbin/sshd -T"), "password is required"),
        (("web1", "echo another >> .ssh/authorized_keys"), "ermission denied"),
        (("web1", "mv .ssh old"), "Permission denied"),
    ],
)
def test_what_the_key_can_not_do(host: Host, words: tuple[str, ...], said: str) -> None:
    done = host.ssh(*words)
    assert done.returncode != 0
    assert said in done.stderr + done.stdout


def test_from_another_address_nobody_is_let_in(host: Host) -> None:
    done = host.ssh("-b", "127.0.0.2", "-o", "HostName=127.0.0.1", "web1", "true")
    assert "Permission denied" in done.stderr
    assert host.ssh("web1", "true").returncode == 0


def test_a_connection_that_stays_open_is_used_and_not_waited_for(run: Run, host: Host) -> None:
    """Who keeps it outlives the run that has opened it, and holds its standard error."""
    (lines,) = re.findall(r"^Host web1\n((?: +Control.*\n)+)", PAGE, re.MULTILINE)
    shared = host.folder / "config"
    text = shared.read_text(encoding="utf-8")
    shared.write_text(f"{lines.replace('~/.ssh', str(host.folder))}{text}", encoding="utf-8")
    try:
        kept = set()
        for _ in range(2):
            outcome = run(inventory(host))
            assert outcome.verdict("host.reachable@web1") == "ok", outcome.output
            kept.add(host.ssh("-O", "check", "web1").stderr)
        assert len(kept) == 1
        assert "Master running" in kept.pop()
    finally:
        host.ssh("-O", "exit", "web1")
        shared.write_text(text, encoding="utf-8")


def test_a_forced_command_takes_the_script_and_nothing_else(run: Run, host: Host) -> None:
    (forced,) = re.findall(r'command="[^"]+"', PAGE)
    file = "/home/opscheck/.ssh/authorized_keys"
    host.root(f"cp {file} /root/kept; sed -i 's/^from/{forced},from/' {file}")
    try:
        assert run(inventory(host)).verdict("host.reachable@web1") == "ok"
        assert "uid=" not in host.ssh("web1", "id").stdout
    finally:
        host.root(f"cat /root/kept > {file}")
    assert "uid=" in host.ssh("web1", "id").stdout


def test_root_for_everything(run: Run, host: Host) -> None:
    """With the one line of sudo that the page has for it, which allows no other shell."""
    text = QUIET + f'[host.web1]\nconnect = "ssh://web1?ssh_config={host.folder / "config"}&sudo=true"\n'
    text += '[host.web1.command.who]\nrun = "id -un"\nstdout = "== root"\n'
    host.root("rm -f /etc/sudoers.d/opscheck")
    assert run(text).verdict("host.reachable@web1") == "breach P0"
    for part in blocks("all"):
        host.root(part)
    assert run(text).verdict("host.command.who@web1") == "ok"
    assert "password is required" in host.ssh("web1", "sudo -n /bin/sh -c id").stderr
