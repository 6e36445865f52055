"""A machine in a container that can be reached in every way that there is to a machine: SSH, docker, a root folder."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .images import Container, container, image
from .processes import answers, free_port, program, wait_until
from .sshd import key

# ops may become root without a password; its key comes with the container.
MACHINE = """
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends openssh-server sudo procps
RUN useradd -m -s /bin/sh ops && mkdir -p /run/sshd /home/ops/.ssh \\
 && echo 'ops ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/ops \\
 && rm -f /etc/ssh/ssh_host_* && ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
CMD ["sleep", "infinity"]
"""


@dataclass(frozen=True)
class Machine:
    """A machine: its container, the port of its SSH server, and the client's files."""

    container: Container
    port: int
    folder: Path

    def ssh(self, backend: str, **more: str) -> str:
        """Return the spec that leads there by one of testinfra's ways of speaking SSH."""
        files = {"ssh_config": f"{self.folder}/client", "ssh_identity_file": f"{self.folder}/key", **more}
        return f"{backend}://ops@127.0.0.1:{self.port}?" + "&".join(f"{name}={value}" for name, value in files.items())


def machine_image() -> str:
    """Build the machine's image, once, and return its name."""
    return image("opscheck-test-machine", MACHINE)


@contextlib.contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """Run a machine with an SSH server on a loopback port while the block lasts."""
    port, public = free_port(), key(folder / "key").with_suffix(".pub")
    with container(machine_image(), network="host") as started:
        text = public.read_text().strip()
        started.run(f"echo '{text}' > /home/ops/.ssh/authorized_keys && chown -R ops /home/ops/.ssh")
        host_key = started.run("cat /etc/ssh/ssh_host_ed25519_key.pub").stdout
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}")
        (folder / "client").write_text(
            f"StrictHostKeyChecking yes\nUserKnownHostsFile {folder}/known_hosts\nGlobalKnownHostsFile /dev/null\n"
            "IdentitiesOnly yes\n"
        )
        started.run(f"/usr/sbin/sshd -p {port} -o ListenAddress=127.0.0.1 -o PasswordAuthentication=no")
        wait_until(lambda: answers(port), "sshd")
        yield Machine(started, port, folder)


@contextlib.contextmanager
def podman_machine() -> Iterator[str]:
    """Run the same image by podman while the block lasts; yields the container's name."""
    name, podman = machine_image(), program("podman")
    with subprocess.Popen([program("docker"), "save", name], stdout=subprocess.PIPE) as saved:
        subprocess.run([podman, "load", "-q"], stdin=saved.stdout, check=True, capture_output=True)
    assert saved.returncode == 0
    # Limits that fit into those of a machine that is itself a container; runc is Docker's, and copes with any cgroups.
    limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--runtime", program("runc")]
    run = [podman, "run", "-d", "--network", "none", *limits, name, "sleep", "infinity"]
    started = subprocess.run(run, capture_output=True, text=True, check=False)
    assert started.returncode == 0, started.stderr
    try:
        yield started.stdout.strip()
    finally:
        subprocess.run([podman, "rm", "-f", "-t", "0", started.stdout.strip()], check=True, capture_output=True)


@contextlib.contextmanager
def root_folder(folder: Path) -> Iterator[Path]:
    """Unpack the machine into a folder, with /proc mounted, while the block lasts."""
    root = folder / "root"
    root.mkdir()
    created = subprocess.run(
        [program("docker"), "create", machine_image()], capture_output=True, text=True, check=True
    ).stdout.strip()
    try:
        with subprocess.Popen([program("docker"), "export", created], stdout=subprocess.PIPE) as exported:
            subprocess.run(["tar", "-x", "-C", root], stdin=exported.stdout, check=True)
        assert exported.returncode == 0
    finally:
        subprocess.run([program("docker"), "rm", created], check=True, capture_output=True)
    subprocess.run([program("mount"), "-t", "proc", "proc", root / "proc"], check=True)
    try:
        yield root
    finally:
        subprocess.run([program("umount"), root / "proc"], check=True)
