"""The programs of the demo as processes: found, started, waited for and ended."""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

POSTGRES = Path("/usr/lib/postgresql")
"""Where Debian has a folder a version, whose `bin` is in nobody's PATH."""
_PORTS = range(20_000, 32_768)
_LONGEST_WAIT_S = 30.0
_GRACE_S = 5.0


class DemoError(Exception):
    """The demo cannot go on; the message says why, and what to do."""


def find(program: str) -> str | None:
    """Return the path of an installed program; of several PostgreSQL versions the newest."""
    versions = [str(folder) for folder in sorted(POSTGRES.glob("*/bin"), key=_version, reverse=True)]
    return shutil.which(program, path=os.pathsep.join([*versions, os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]))


def _version(folder: Path) -> float:
    try:
        return float(folder.parent.name)
    except ValueError:
        return 0.0


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody uses just now.

    It is none of those that a system gives to outgoing connections and to whoever asks for any port (from 32768 on
    Linux, from 49152 elsewhere): a connection of any program may take one of those before the server listens on it.
    """
    while True:
        port = random.choice(_PORTS)  # noqa: S311 - so that two who choose at once choose different ones
        with contextlib.suppress(OSError), socket.socket() as sock:
            sock.bind(("127.0.0.1", port))
            return port


def listens(port: int) -> bool:
    """Tell whether something accepts connections on a loopback port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def unprivileged() -> str | None:
    """Return the user as whom PostgreSQL runs where we are root, which it refuses; None for ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise DemoError(
        "PostgreSQL refuses to run as root, and there is no user postgres; run the demo as an ordinary user"
    )


@dataclass
class Process:
    """A running program. It leads a process group of its own, so that Ctrl-C reaches pytest and not the servers."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path
    ended_by: signal.Signals = signal.SIGTERM

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.popen.poll() is None

    def ask(self) -> None:
        """Ask it to end."""
        if self.runs:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.popen.pid, self.ended_by)

    def end(self, grace_s: float = _GRACE_S) -> None:
        """Wait until it has ended, then end what is left of its group by force."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(timeout=grace_s)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def wait_for(self, ready: Callable[[], bool], seconds: float = _LONGEST_WAIT_S) -> None:
        """Wait until it is ready. Raises DemoError where it ends before, or takes too long."""
        until = time.monotonic() + seconds
        while not ready():
            if not self.runs or time.monotonic() > until:
                state = f"ended with status {self.popen.returncode}"
                if self.runs:
                    state = f"did not come up within {seconds:g} s"
                raise DemoError(f"{self.name} {state}; its log ends with:\n{tail(self.log)}")
            time.sleep(0.05)


@dataclass
class Processes:
    """All that was started, to be ended together."""

    running: dict[str, Process] = field(default_factory=dict)

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        folder: Path,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        ended_by: signal.Signals = signal.SIGTERM,
    ) -> Process:
        """Start a program with its output in `folder`."""
        log = folder / f"{name}.out"
        with log.open("ab") as output:
            popen = subprocess.Popen(  # noqa: S603 - programs of the demo's own, without a shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                env={**environment(), **(env or {})},
                start_new_session=True,
                **as_user(user),
            )
        process = self.running[name] = Process(name, popen, log, ended_by)
        return process

    def stop(self, *names: str) -> None:
        """End some programs: all are asked first, so that they end side by side."""
        stopping = [self.running.pop(name) for name in names if name in self.running]
        for process in stopping:
            process.ask()
        until = time.monotonic() + _GRACE_S
        for process in stopping:
            process.end(max(0.0, until - time.monotonic()))

    def stop_all(self) -> None:
        """End everything, those first that were started last."""
        self.stop(*reversed(list(self.running)))


def environment() -> dict[str, str]:
    """Return this process's environment without what would lead PostgreSQL's programs to another server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def as_user(user: str | None) -> dict[str, Any]:
    """Return subprocess's arguments for running as another user, none for running as ourselves."""
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def tail(log: Path, lines: int = 10) -> str:
    """Return the last lines of a log."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:]) or "  (nothing)"
