"""A network of its own for live tests: whoever looks from within sees no other server of this machine."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .processes import program, running, wait_until

_HELD = "ip link set lo up && echo up && exec sleep infinity"


@dataclass(frozen=True)
class Network:
    """A network namespace, held by a process; `folder` is where its servers write their logs."""

    pid: int
    folder: Path

    def inside(self, command: Sequence[str]) -> list[str]:
        """Return the command that runs another one within."""
        return [program("nsenter"), "-t", str(self.pid), "-n", *command]

    @contextlib.contextmanager
    def serving(self, command: Sequence[str], *places: str, user: str | None = None) -> Iterator[None]:
        """Run a server within while the block lasts, from when it listens at each place, as ss shows it, on."""
        as_user = [program("runuser"), "-u", user, "--"] if user is not None else []
        log = self.folder / f"{Path(command[0]).name}{places[0].rpartition(':')[2].rpartition('/')[2]}.log"
        with running(self.inside([*as_user, *command]), log=log, cwd=self.folder):
            wait_until(lambda: all(place in self._listening() for place in places), f"{command[0]} at {places}")
            yield

    def run(
        self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command within, to its end."""
        return subprocess.run(
            self.inside(command), cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False
        )

    def _listening(self) -> list[str]:
        shown = subprocess.run(self.inside(["ss", "-Hltxn"]), capture_output=True, text=True, check=True).stdout
        return [word for line in shown.splitlines() for word in line.split()]


@contextlib.contextmanager
def network(folder: Path) -> Iterator[Network]:
    """Make a network of which the loopback interface is up; it is gone with the block."""
    log = folder / "network.log"
    with running([program("unshare"), "-n", "sh", "-c", _HELD], log=log) as holder:
        wait_until(lambda: "up" in log.read_text(), "a network of its own")
        yield Network(holder.pid, folder)
