"""A machine with systemd, in a container: its units, its journal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from examples.stack import CGROUPS

from .images import Container, container, image
from .processes import wait_until

SYSTEMD = """
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends systemd systemd-sysv dbus
RUN printf '[Service]\\nExecStart=/bin/sleep infinity\\n' > /etc/systemd/system/app-web.service \
 && printf '[Service]\\nExecStart=/bin/false\\n' > /etc/systemd/system/app-broken.service
CMD ["/sbin/init"]
"""
OPTIONS = (
    *("--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
    *("--tmpfs", "/run", "--tmpfs", "/run/lock", "-v", f"{CGROUPS}:/sys/fs/cgroup:rw", "--cgroupns=host"),
    *("-e", "container=docker"),
)


@contextlib.contextmanager
def machine() -> Iterator[Container]:
    """Run a machine that has booted, while the block lasts."""
    with container(image("opscheck-test-systemd", SYSTEMD), OPTIONS) as started:
        up = ("running", "degraded")
        wait_until(lambda: started.run("systemctl is-system-running").stdout.strip() in up, "systemd")
        yield started


def unit(booted: Container, name: str, command: str, kind: str = "simple") -> None:
    """Write a unit that runs a shell command, and start it."""
    text = f'[Service]\\nType={kind}\\nExecStart=/bin/sh -c "{command}"\\n'
    file = f"/etc/systemd/system/{name}.service"
    booted.run(f"printf '{text}' > {file}; systemctl daemon-reload; systemctl start {name}")
