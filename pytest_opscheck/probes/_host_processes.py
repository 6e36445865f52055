"""A host's processes by their command lines and users: how many they are, and the memory that they take together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ._files import said_of
from ._host_target import kind
from ._kind import Output, UnknownError
from ._logs_patterns import Pattern
from ._types import LadderParam, measured_in

OWN = '"$word begin'
"""What stands in the command line of every script that is sent to a host: those that look are not among the sought."""

# $1 pattern, $2 user or nothing, $3 what marks the scripts of these checks. One line for each process: its number, its
# parent's, and its command line; a line break in that becomes a space. Whatever a script started is left out with it.
_PROCESSES = r"""
pattern=$1 user=$2 own=$3
printf '' | grep -E -e "$pattern" >/dev/null; [ $? -le 1 ] || exit 2
uid=
if [ -n "$user" ]; then uid=$(id -u -- "$user" 2>/dev/null) || { echo "nobody $user"; exit 0; }; fi
me=$(id -u)
hidden=$(sed -n 's/^[^ ]* \/proc proc \([^ ]*\) .*/\1/p' /proc/mounts | tail -n 1 | tr , '\n' | sed -n 's/^hidepid=//p')
case $hidden in ""|0|off) ;; *) [ "$me" = 0 ] || [ "$uid" = "$me" ] || { echo "hidden $(id -un)"; exit 0; };; esac
list=$(
  {
    cat /proc/[0-9]*/stat 2>/dev/null | sed -n 's/^\([0-9]*\) (.*) [A-Za-z] \([0-9]*\) .*/parent \1 \2/p'
    head -v -c 65536 /proc/[0-9]*/cmdline 2>/dev/null | tr '\000' ' '
    echo
  } | awk -v own="$own" '
    $1 == "parent" && NF == 3 && !begun { parent[$2] = $3; next }
    /^==> \/proc\/[0-9]+\/cmdline <==$/ { begun = 1; split($0, way, "/"); pid = way[3]; next }
    begun { said[pid] = said[pid] " " $0 }
    END {
      for (pid in said) if (index(said[pid], own)) ours[pid] = 1
      for (pid in said) {
        for (up = pid; up + 0 > 0 && !(up in ours); up = parent[up]) ;
        line = said[pid]; gsub(/^ +| +$/, "", line)
        if (!(up in ours) && line != "") print pid " " substr(line, 1, 4096)
      }
    }'
)
echo looked
numbers=$(printf '%s\n' "$list" | cut -d' ' -f2- | grep -nE -e "$pattern" | cut -d: -f1)
for number in $numbers; do
  pid=$(printf '%s\n' "$list" | sed -n "${number}s/ .*//p")
  status=$(cat "/proc/$pid/status" 2>/dev/null) || continue
  owner=$(printf '%s\n' "$status" | sed -n 's/^Uid:[^0-9]*[0-9]*[^0-9]*\([0-9]*\).*/\1/p')
  [ -z "$uid" ] || [ "$owner" = "$uid" ] || continue
  share=$(sed -n 's/^Pss: *\([0-9]*\) kB/\1/p' "/proc/$pid/smaps_rollup" 2>/dev/null)
  whole=$(printf '%s\n' "$status" | sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p')
  echo "process $pid ${share:--} ${whole:-0}"
done
true
"""


@dataclass(frozen=True, slots=True)
class Processes:
    """The processes that are sought: how many, and their memory together in bytes.

    `shared` is how many of them count for all the memory that they share with others (RSS): their part of it (PSS) is
    for root to see.
    """

    described: str
    count: int
    memory_bytes: int
    shared: int
    count_limit: LadderParam | None
    memory_limit: LadderParam | None


@kind.shell(_PROCESSES, args=lambda _target, pattern, user: (pattern, user, OWN), timeout_s=20, max_bytes=1_000_000)
def processes(
    output: Output,
    *,
    pattern: Pattern = "",
    user: str = "",
    count: Annotated[LadderParam, measured_in("")] | None = None,
    memory: Annotated[LadderParam, measured_in("B")] | None = None,
) -> Processes:
    """Processes whose command line matches `pattern` and whose effective user is `user`.

    Neither kernel threads nor zombies, which have no command line, nor what these checks themselves run. Memory is the
    sum of PSS, in which each page is divided by the number of its processes; where only root may read it, of RSS.
    """
    said = said_of(output)
    for who in said.get("nobody", ()):
        raise UnknownError(f"there is no user {who} on the host")
    for who in said.get("hidden", ()):
        raise UnknownError(f"/proc hides others' processes from {who} (hidepid); connect as root, or with ?sudo=true")
    if "looked" not in said:
        raise UnknownError("nobody said which processes run")
    found = [line.split() for line in said.get("process", ())]
    memory_kib = sum(int(whole if share == "-" else share) for _, share, whole in found)
    what = " ".join(filter(None, ["processes", f"with /{pattern}/" if pattern else "", f"of {user}" if user else ""]))
    return Processes(
        described=what,
        count=len(found),
        memory_bytes=memory_kib * 1024,
        shared=sum(share == "-" and whole != "0" for _, share, whole in found),
        count_limit=count,
        memory_limit=memory,
    )
