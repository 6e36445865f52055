"""Machines and containers, read through a shell that one of testinfra's backends reaches."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from ..limits import Ladder, Limit
from ._kind import Kind, Output, Reach, Target, UnknownError
from ._types import LadderParam, LimitParam, refuse_unit

_BACKENDS = (
    "local",
    "ssh",
    "safe-ssh",
    "paramiko",
    "docker",
    "podman",
    "kubectl",
    "openshift",
    "salt",
    "ansible",
    "lxc",
    "chroot",
    "winrm",
)


def _known_backend(connect: str) -> str:
    backend, separator, _ = connect.partition("://")
    if not separator:
        raise ValueError(f"it names no way to connect; write for example ssh://deploy@{connect.rpartition('@')[2]}")
    if backend not in _BACKENDS:
        raise ValueError(f"unknown way to connect {backend!r}; use one of {', '.join(_BACKENDS)}")
    return connect


class Host(Target):
    """A machine or container."""

    connect: Annotated[str, AfterValidator(_known_backend)] = Field(
        default="local://", description="any testinfra host spec, for example ssh://deploy@prod or docker://web"
    )

    def host(self) -> str | None:
        """Return no name: a host is its own."""
        return ""


kind = Kind("host", Host, "a machine or container, reached by any of testinfra's backends")


@kind.shell("true")
def reachable(output: Output) -> Reach:
    """The host runs commands."""
    output.lines()
    return Reach("shell")


@dataclass(frozen=True, slots=True)
class Filesystem:
    """A mounted filesystem. `used_percent` is of what unprivileged users can have; None where it did not answer."""

    mount: str
    type: str
    used_percent: float | None
    used_bytes: int | None = None
    available_bytes: int | None = None


# A filesystem is mounted once for each major:minor; bind mounts and overlays repeat it. Network filesystems are asked
# one by one, each behind a pipe of its own, so that a dead server costs its own mount and nothing else.
_FILESYSTEMS = r"""
local= seen=" "
while read -r _ _ device root mount _ rest; do
  rest=${rest#*- }
  case $rest in "- "*) rest=${rest#- };; esac
  type=${rest%% *}
  case $type in
    proc|sysfs|devtmpfs|devpts|tmpfs|ramfs|cgroup*|mqueue|hugetlbfs) continue;;
    debugfs|tracefs|securityfs|pstore|bpf|configfs) continue;;
    fusectl|efivarfs|binfmt_misc|autofs|rpc_pipefs|nsfs|squashfs|iso9660|erofs|selinuxfs|nfsd) continue;;
    fuse.gvfsd-fuse|fuse.portal|fuse.snapfuse|fuse.lxcfs) continue;;
    overlay) [ "$mount" = / ] || continue;;
  esac
  mount=$(printf '%b' "$(printf '%s' "$mount" | sed 's/\\\([0-7][0-7][0-7]\)/\\0\1/g')")
  case $type in
    nfs*|cifs|smb*|fuse*|ceph|glusterfs|lustre|9p|afs|beegfs|virtiofs) ;;
    *) [ -d "$mount" ] || continue;;
  esac
  case $seen in *" $device "*) continue;; esac
  seen="$seen$device "
  echo "mount $type $mount"
  case $type in
    nfs*|cifs|smb*|fuse*|ceph|glusterfs|lustre|9p|afs|beegfs|virtiofs)
      { timeout -k 1 3 df -Pk -- "$mount" 2>/dev/null & } | timeout 5 tail -n +2;;
    *) df -Pk -- "$mount" 2>/dev/null | tail -n +2;;
  esac
done < /proc/self/mountinfo
"""
_DF = re.compile(r"(?P<size>\d+)\s+(?P<used>\d+)\s+(?P<available>-?\d+)\s+(?:(?P<percent>\d+)%|-)\s+(?P<mount>/.*)$")


@kind.shell(_FILESYSTEMS, timeout_s=20)
def filesystems(output: Output, *, ignore: tuple[str, ...] = ()) -> tuple[Filesystem, ...]:
    """Every mounted filesystem that holds data, once.

    Pseudo filesystems, tmpfs, images that are always full (squashfs, iso9660), bind mounts and container overlays are
    left out, and the mounts in `ignore`. Used is used / (used + available), as df's own column: blocks that are
    reserved for root count as used.
    """
    found: dict[str, Filesystem] = {}
    for line in output.lines():
        if line.startswith("mount "):
            _, type_, mount = line.split(" ", 2)
            found[mount] = Filesystem(mount, type_, None)
        elif match := _DF.search(line):
            used, available = int(match["used"]) * 1024, int(match["available"]) * 1024
            if used + available > 0 and match["mount"] in found:
                type_ = found[match["mount"]].type
                percent = 100 * used / (used + available)
                found[match["mount"]] = Filesystem(match["mount"], type_, percent, used, available)
            else:
                found.pop(match["mount"], None)
    kept = tuple(filesystem for filesystem in found.values() if filesystem.mount not in ignore)
    if not kept:
        raise UnknownError("no mounted filesystem was found" + (" beside those to ignore" if found else ""))
    return kept


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


_STATE = "cat /proc/meminfo /proc/loadavg && grep -c ^processor /proc/cpuinfo"


@kind.shell(_STATE)
def memory(output: Output) -> Memory:
    """Main memory: total, and MemAvailable of /proc/meminfo (kernel 3.14 and newer)."""
    found = dict(re.findall(r"^(\w+):\s+(\d+) kB", "\n".join(output.lines()), re.MULTILINE))
    try:
        return Memory(int(found["MemTotal"]) * 1024, int(found["MemAvailable"]) * 1024)
    except KeyError as missing:
        raise UnknownError(f"/proc/meminfo has no {missing.args[0]}") from None


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
    one, five, fifteen = (float(word) for word in lines[-2].split()[:3])
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
class Unit:
    """A systemd unit; `state` is its ActiveState, or `not-found` where there is none of that name."""

    name: str
    state: str
    sub_state: str


@kind.shell(
    'command -v systemctl >/dev/null || { echo "systemctl is not installed; services need systemd" >&2; exit 9; }\n'
    'for unit; do echo "unit $unit"; systemctl show -p LoadState -p ActiveState -p SubState -- "$unit"; done',
    args=lambda _target, names: names,
)
def services(output: Output, *, names: tuple[str, ...]) -> tuple[Unit, ...]:
    """The states of systemd units by name; `.service` may be left out."""
    found: list[dict[str, str]] = []
    for line in output.lines():
        if line.startswith("unit "):
            found.append({"name": line.removeprefix("unit ")})
        else:
            key, _, value = line.partition("=")
            found[-1][key] = value
    if [unit["name"] for unit in found] != list(names) or not all("ActiveState" in unit for unit in found):
        raise UnknownError("systemctl did not say what the units' states are")
    return tuple(
        Unit(
            unit["name"],
            unit["LoadState"] if unit["LoadState"] != "loaded" else unit["ActiveState"],
            unit.get("SubState", ""),
        )
        for unit in found
    )


@dataclass(frozen=True, slots=True)
class Port:
    """A TCP or UDP port, and whether something listens there."""

    name: str
    listens: bool


_LAST_PORT = 65535


def _port(said: object) -> str:
    text = str(said)
    match = re.fullmatch(r"(?:(tcp|udp)/)?(\d{1,5})", text)
    if match is None or isinstance(said, bool) or not 0 < int(match[2]) <= _LAST_PORT:
        raise ValueError(f"{text!r} is no port; write 443, or 'udp/53'")
    return f"{match[1] or 'tcp'}/{match[2]}"


@kind.shell(
    'for f in tcp tcp6 udp udp6; do echo "file $f"; cat /proc/net/$f 2>/dev/null; done; true', max_bytes=4_000_000
)
def ports(output: Output, *, numbers: tuple[Annotated[int | str, BeforeValidator(_port)], ...]) -> tuple[Port, ...]:
    """Which ports something listens on, at any address: TCP sockets in state LISTEN, bound UDP sockets."""
    listening: set[str] = set()
    protocol = ""
    for line in output.lines():
        fields = line.split()
        if fields[:1] == ["file"]:
            protocol = fields[1].rstrip("6")
        elif ":" in "".join(fields[1:2]):
            _slot, local, _remote, state, *_ = fields
            if (protocol, state) in (("tcp", "0A"), ("udp", "07")):
                listening.add(f"{protocol}/{int(local.rpartition(':')[2], 16)}")
    return tuple(Port(str(number), str(number) in listening) for number in numbers)


@dataclass(frozen=True, slots=True)
class Command:
    """What a command of the inventory's own did, and what is expected of it."""

    exit_status: int
    stdout: str
    stderr: str
    exit: Limit
    stdout_limit: Limit | None
    value: Ladder | None

    @property
    def number(self) -> float | None:
        """The number that standard output is; None where it is anything else, such as 1,234 or two numbers."""
        text = self.stdout.strip()
        return float(text) if re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", text) else None


def _exit(said: Limit) -> Limit:
    refuse_unit(said, "exit", "an exit status", equality=False)
    return said


def _stdout(said: Limit) -> Limit:
    refuse_unit(said, "stdout", "a number that a command prints", equality=True)
    return said


def _value(said: Ladder) -> Ladder:
    for rung in said.rungs:
        refuse_unit(rung.limit, "value", "the number that a command prints", equality=False)
    return said


@kind.shell('eval "$1"', args=lambda _target, run: (run,), timeout_s=30)
def command(
    output: Output,
    *,
    run: str,  # noqa: ARG001 - the inventory's key, which the script takes
    exit: Annotated[LimitParam, AfterValidator(_exit)] = "== 0",  # type: ignore[assignment]  # noqa: A002 - the inventory's word
    stdout: Annotated[LimitParam, AfterValidator(_stdout)] | None = None,
    value: Annotated[LadderParam, AfterValidator(_value)] | None = None,
) -> Command:
    """What a shell command printed and how it exited. It has to be one that changes nothing."""
    output.require_end()
    assert output.exit_status is not None  # noqa: S101 - for the type checker; require_end() has looked
    return Command(output.exit_status, output.stdout, output.stderr, exit, stdout, value)
