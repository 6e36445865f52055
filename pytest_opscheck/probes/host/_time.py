"""A host's time: how long it runs, and how far its clock is off."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ...core.errors import UnknownError
from .._kind import Output
from ._target import Host, kind

# Process 1 starts with the machine, and in a container with that. Where /proc hides it, it is a machine's.
_UPTIME = r"""
cut -d' ' -f1 /proc/uptime
if [ -r /proc/1/stat ]; then sed 's/.*) //' /proc/1/stat | cut -d' ' -f20; else echo 0; fi
getconf CLK_TCK 2>/dev/null || echo 100
"""


@kind.shell(_UPTIME)
def uptime(output: Output) -> float:
    """Seconds since process 1 was started: since the boot of a machine, or the start of a container."""
    now, started, ticks = (float(line) for line in output.lines())
    return now - started / ticks


_OWN_CLOCK = ("local", "docker", "podman", "chroot", "lxc")
"""Ways to hosts that have this machine's own clock."""
_VAGUE_S = 2.0
_TIME_SPAN = {"us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400}

# $1 is the way to the host.
_CLOCK = r"""
echo "by $1"
if command -v chronyc >/dev/null && said=$(timeout 3 chronyc -n -c tracking 2>/dev/null); then
  echo "chrony $said"
elif command -v timedatectl >/dev/null && said=$(timeout 3 timedatectl show 2>/dev/null); then
  printf '%s\n' "$said" | sed -n 's/^NTPSynchronized=/synchronised /p'
  timeout 3 timedatectl timesync-status --no-pager 2>/dev/null | sed -n 's/^ *Offset: */offset /p'
fi
true
"""


@dataclass(frozen=True, slots=True)
class Clock:
    """How far a host's clock may be off, in seconds, in either direction.

    By its time servers: None where nothing says it, or where the clock is not `synchronised`. By this machine's clock:
    `ahead_s` are the least and the most that the host's may be ahead; None where that is the same clock.
    """

    source: str | None
    synchronised: bool
    off_s: float | None
    ahead_s: tuple[float, float] | None

    @property
    def difference_s(self) -> float | None:
        """The most that the host's clock may be off from this machine's; None where it took too long to tell."""
        if self.ahead_s is None or self.ahead_s[1] - self.ahead_s[0] > _VAGUE_S:
            return None
        return max(abs(bound) for bound in self.ahead_s)


def _way(target: Host) -> tuple[str, ...]:
    return (target.connect.partition("://")[0],)


@kind.shell(_CLOCK, args=_way)
def clock(output: Output) -> Clock:
    """How far the clock is off its time servers, as chrony or systemd-timesyncd say, and this machine's clock.

    chrony: its bound of the error, |system time| + root dispersion + root delay / 2, which grows while no server
    answers; an offset alone stays 0 where there is nothing to compare with (sensu-community-plugins#967). timesyncd:
    the offset of its last answer.
    """
    answers = dict(line.partition(" ")[::2] for line in output.lines())
    ahead = None if answers["by"] in _OWN_CLOCK else output.ahead_s or (-math.inf, math.inf)
    if "chrony" in answers:
        fields = answers["chrony"].split(",")
        off, delay, dispersion = (float(fields[number]) for number in (4, 10, 11))
        synchronised = fields[13] != "Not synchronised"
        return Clock("chrony", synchronised, abs(off) + dispersion + delay / 2 if synchronised else None, ahead)
    if answers.get("synchronised") == "no":
        return Clock("timedatectl", synchronised=False, off_s=None, ahead_s=ahead)
    if "offset" in answers:
        return Clock("systemd-timesyncd", synchronised=True, off_s=_seconds(answers["offset"]), ahead_s=ahead)
    if ahead is None:
        raise UnknownError(
            "nothing there says how far its clock is off; install chrony on the host: apt-get install chrony"
        )
    return Clock(None, synchronised=True, off_s=None, ahead_s=ahead)


def _seconds(span: str) -> float:
    """Return a time span of systemd (`-1min 2.5s`, `+345us`) in seconds, without its sign."""
    found = re.findall(r"([\d.]+)(us|ms|s|min|h|d)\b", span)
    if not found:
        raise UnknownError(f"systemd-timesyncd says {span!r}, which is not a time")
    return sum(float(number) * _TIME_SPAN[unit] for number, unit in found)
