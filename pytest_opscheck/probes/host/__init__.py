"""Machines and containers, read through a shell that one of testinfra's backends reaches."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...core.errors import UnknownError
from .._commands import number_in
from .._kind import Output, Reach
from ._disks import Filesystem, Inodes, filesystems, inodes
from ._files import Directory, File, Files, Mode, directory, file
from ._journal import Entries, journal, journal_size
from ._ports import Port, ports
from ._processes import Processes, processes
from ._reach import Place, reach
from ._target import Host, kind
from ._time import Clock, clock, uptime
from ._units import FailedUnits, Unit, failed_units, services

__all__ = [
    "Clock",
    "Command",
    "Directory",
    "Entries",
    "FailedUnits",
    "File",
    "Files",
    "Filesystem",
    "Host",
    "Inodes",
    "Load",
    "Memory",
    "Mode",
    "Place",
    "Port",
    "Processes",
    "Unit",
    "clock",
    "command",
    "cpu",
    "directory",
    "failed_units",
    "file",
    "filesystems",
    "inodes",
    "journal",
    "journal_size",
    "kind",
    "load",
    "memory",
    "ports",
    "processes",
    "reach",
    "reachable",
    "services",
    "uptime",
]


@kind.shell("")
def reachable(_output: Output) -> Reach:
    """The host's shell answers. It runs nothing: the first word of the script is what it is about."""
    return Reach("shell")


@dataclass(frozen=True, slots=True)
class Memory:
    """Main memory in bytes. `available` is the kernel's estimate of what programs can still get (MemAvailable)."""

    total: int
    available: int

    @property
    def used(self) -> int:
        """What is not available."""
        return self.total - self.available

    @property
    def used_percent(self) -> float:
        """Used, of the total."""
        return 100 * self.used / self.total


# In a container whose /proc/meminfo lxcfs makes up, ZFS's figures are those of the machine around it. What a container
# may take stands in the cgroup that is its root; a machine's has no limit. Where /proc/cpuinfo numbers no processors
# (on old ARM, for example), nproc counts.
_STATE = r"""
zfs=/proc/spl/kstat/zfs/arcstats
if [ -r "$zfs" ] && ! grep -q ' - fuse.lxcfs ' /proc/self/mountinfo; then grep -E '^(size|c_min) ' "$zfs"; fi
new=/sys/fs/cgroup old=/sys/fs/cgroup/memory
is() { ! read -r said <"$2" || echo "$1 $said"; }
if [ -r "$new/memory.max" ]; then
  is limit "$new/memory.max"; is taken "$new/memory.current"
  sed -nE 's/^(active_file|inactive_file|slab_reclaimable) /freed /p' "$new/memory.stat"
elif [ -r "$old/memory.limit_in_bytes" ]; then
  is limit "$old/memory.limit_in_bytes"; is taken "$old/memory.usage_in_bytes"
  sed -nE 's/^total_(active_file|inactive_file) /freed /p' "$old/memory.stat"
fi
cat /proc/meminfo /proc/loadavg
grep -c ^processor /proc/cpuinfo || nproc
"""
_FREED_BY_ZFS = re.compile(r"^(size|c_min) +\d+ +(\d+)$", re.MULTILINE)


@kind.shell(_STATE)
def memory(output: Output) -> Memory:
    """Main memory: total, and MemAvailable of /proc/meminfo (kernel 3.14 and newer).

    To that comes what ZFS gives back, its cache (ARC) beyond c_min, which the kernel takes for used (OpenZFS, issue
    10255), without what newer ZFS reports to it as reclaimable (pull request 16385): that is in MemAvailable already.

    In a container with a limit of its own, of that: what its cgroup takes, without the files that the kernel keeps.
    """
    meminfo = "\n".join(output.lines())
    found = dict(re.findall(r"^(\w+):\s+(\d+) kB", meminfo, re.MULTILINE))
    zfs = {name: int(size) for name, size in _FREED_BY_ZFS.findall(meminfo)}
    try:
        total, available = (int(found[name]) * 1024 for name in ("MemTotal", "MemAvailable"))
    except KeyError as missing:
        raise UnknownError(f"/proc/meminfo has no {missing.args[0]}") from None
    reclaimable = int(found.get("KReclaimable") or found.get("SReclaimable") or 0) * 1024
    freed = max(0, zfs.get("size", 0) - zfs.get("c_min", 0) - reclaimable)
    return _within(meminfo, Memory(total, min(total, available + freed)))


def _within(text: str, machine: Memory) -> Memory:
    """Return the memory of a container with a limit; the machine's where there is none."""
    found = [(word, int(number)) for word, number in re.findall(r"^(limit|taken|freed) (\d+)$", text, re.MULTILINE)]
    limit, taken, freed = (
        sum(number for word, number in found if word == name) for name in ("limit", "taken", "freed")
    )
    if not 0 < limit < machine.total:
        return machine
    return Memory(limit, max(0, min(limit - taken + freed, machine.available, limit)))


@dataclass(frozen=True, slots=True)
class Load:
    """Load averages over 1, 5 and 15 minutes, and the number of processors."""

    one: float
    five: float
    fifteen: float
    processors: int

    @property
    def per_processor(self) -> float:
        """The average over five minutes, for each processor."""
        return self.five / self.processors


@kind.shell(_STATE)
def load(output: Output) -> Load:
    """Load averages of /proc/loadavg."""
    lines = output.lines()
    averages = next(line for line in reversed(lines) if "/" in line)
    one, five, fifteen = (float(word) for word in averages.split()[:3])
    if not int(lines[-1]):
        raise UnknownError("nothing there says how many processors it has; install coreutils, whose nproc does")
    return Load(one, five, fifteen, int(lines[-1]))


@kind.shell("grep '^cpu ' /proc/stat; sleep 1; grep '^cpu ' /proc/stat")
def cpu(output: Output) -> float:
    """How busy all processors together were during one second, in percent.

    Busy is all but idle and iowait, of all the time of /proc/stat.
    """
    samples = [[int(word) for word in line.split()[1:9]] for line in output.lines()]
    spent = [after - before for before, after in zip(*samples, strict=True)]
    if sum(spent) <= 0:
        raise UnknownError("the processors' counters did not advance")
    idle, iowait = spent[3:5]
    return float(100 * (1 - (idle + iowait) / sum(spent)))


@dataclass(frozen=True, slots=True)
class Command:
    """What a command of the inventory's own did."""

    exit_status: int
    stdout: str
    stderr: str

    @property
    def number(self) -> float | None:
        """The number that standard output is; None where it is anything else, such as 1,234 or two numbers."""
        return number_in(self.stdout)


@kind.shell('eval "$1"', args=lambda _target, run: (run,), timeout_s=30)
def command(
    output: Output,
    *,
    run: str,  # noqa: ARG001 - the inventory's key, which the script takes
) -> Command:
    """What a shell command printed and how it exited. It has to be one that changes nothing."""
    output.require_end()
    assert output.exit_status is not None  # noqa: S101 - for the type checker; require_end() has looked
    return Command(output.exit_status, output.stdout, output.stderr)
