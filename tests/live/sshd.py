"""A real sshd on a loopback port, with keys of its own, and a log of every command that it ran."""

from __future__ import annotations

import contextlib
import getpass
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .processes import answers, free_port, program, running, wait_until


@dataclass(frozen=True)
class Sshd:
    """A server: where it is, and the client's files."""

    port: int
    folder: Path

    @property
    def log(self) -> str:
        """What the server has logged so far."""
        return (self.folder / "sshd.log").read_text(encoding="utf-8", errors="replace")

    @property
    def commands(self) -> list[str]:
        """The commands that it ran."""
        file = self.folder / "commands"
        return file.read_text(encoding="utf-8").split("\0")[:-1] if file.exists() else []

    @property
    def scripts(self) -> str:
        """What all these commands read of their standard input."""
        return (self.folder / "scripts").read_text(encoding="utf-8")

    def connect(self, *, user: str | None = None, identity: str = "key", config: str = "client") -> str:
        """Return the testinfra host spec."""
        files = f"ssh_config={self.folder / config}&ssh_identity_file={self.folder / identity}"
        return f"ssh://{user or getpass.getuser()}@127.0.0.1:{self.port}?{files}"


def key(file: Path) -> Path:
    """Make an SSH key without a passphrase."""
    subprocess.run([program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
    return file


@contextlib.contextmanager
def sshd(folder: Path, port: int | None = None) -> Iterator[Sshd]:
    """Run a server while the block lasts. A wrapper around its shell notes what it is asked to run."""
    folder.mkdir(exist_ok=True)
    port = port or free_port()
    Path("/run/sshd").mkdir(exist_ok=True)
    host_key, client_key = key(folder / "host_key"), key(folder / "key")
    key(folder / "other_key")
    shell = folder / "shell"
    shell.write_text(
        f'#!/bin/sh\nprintf "%s\\0" "$SSH_ORIGINAL_COMMAND" >> {folder}/commands\n'
        f'tee -a {folder}/scripts | sh -c "$SSH_ORIGINAL_COMMAND"\n'
    )
    shell.chmod(0o755)
    public = client_key.with_suffix(".pub").read_text()
    (folder / "authorized_keys").write_text(f'command="{shell}" {public}')
    (folder / "sshd_config").write_text(
        f"""
        Port {port}
        ListenAddress 127.0.0.1
        HostKey {host_key}
        AuthorizedKeysFile {folder}/authorized_keys
        PasswordAuthentication no
        PermitRootLogin yes
        StrictModes no
        UsePAM no
        PidFile none
        LogLevel VERBOSE
        MaxStartups 200
        """
    )
    known = f"[127.0.0.1]:{port} {host_key.with_suffix('.pub').read_text()}"
    (folder / "known_hosts").write_text(known)
    (folder / "wrong_hosts").write_text(f"[127.0.0.1]:{port} {public}")
    for name, hosts in (("client", "known_hosts"), ("suspicious", "wrong_hosts")):
        (folder / name).write_text(
            f"StrictHostKeyChecking yes\nUserKnownHostsFile {folder / hosts}\nGlobalKnownHostsFile /dev/null\n"
            "IdentitiesOnly yes\n"
        )
    command = [program("sshd"), "-D", "-e", "-f", str(folder / "sshd_config")]
    with running(command, log=folder / "sshd.log"):
        wait_until(lambda: answers(port), "sshd")
        yield Sshd(port, folder)


@contextlib.contextmanager
def silent_server() -> Iterator[int]:
    """Accept connections and never say a word, as a hanging server does; yields its port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        kept: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    kept.append(listener.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        for connection in kept:
            connection.close()
