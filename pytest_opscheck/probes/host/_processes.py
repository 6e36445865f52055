"""A host's processes by their command lines and users: how many they are, and the memory that they take together."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import UnknownError
from .._files import GREP_BY, awk_program, said_of
from .._kind import Output
from .._log_patterns import Pattern
from ._target import kind

OWN = '"$word begin'
"""What stands in the command line of a script that is sent to a host as an argument."""

# Prints a line for each process that may count: its number, effective user, RSS in KiB, and command line in one line.
# `bare` ones have memory, and a command line that is empty or out of sight.
#
# Left out: parts of scripts (their $0 is `opscheck`) and this run's pytest, each with all that it has started; other
# runs of suites; and what has started any of these: all in the same session, and further up shells, sudo, SSH's
# processes for one login, a daemon's fork, and whatever carries the command of a run. The daemon itself counts.
_TREE = r"""
function stat(pid, field,   file, line, text, fields) {
  file = "/proc/" pid "/stat"
  while ((getline line < file) > 0) text = text line " "
  close(file)
  sub(/^.*\) /, "", text)
  split(text, fields, " ")
  return fields[field]
}
function is_part(line) {
  return index(line, own) || (line ~ /^([^ ]*\/)?(sh|ash|dash|bash|busybox|timeout|setsid) / && line ~ / opscheck( |$)/)
}
function is_run(line) {
  return line ~ /(^|[^A-Za-z0-9_.-])(pytest|py\.test) (.* )?-m/ || line ~ /(^|[^A-Za-z0-9_.-])opscheck [a-z]/
}
function is_ours(pid,   number) {
  for (number in known) {
    split(known[number], one, ":")
    if (one[1] == inner[pid] && one[2] == stat(pid, 20)) return 1
  }
  return 0
}
function started_it(pid, session,   line, name) {
  line = said[pid]
  name = line; sub(/ .*/, "", name); sub(/^.*\//, "", name); sub(/^-/, "", name)
  if (line ~ /(^|[^A-Za-z0-9_.-])(pytest|py\.test|opscheck)([^A-Za-z0-9_.\/-]|$)/) return 1
  if (name ~ /^(sh|ash|dash|bash|zsh|ksh|mksh|fish|csh|tcsh|sudo|su|doas|runuser|pkexec)$/) return 1
  if (line ~ /^sshd(-session)?: / && line !~ /\[listener\]/) return 1
  if (line == said[parent[pid]]) return 1
  return session == stat(pid, 4)
}
function climb(pid,   session) {
  session = stat(pid, 4)
  for (pid = parent[pid]; pid > 0 && !(pid in climbed); pid = parent[pid]) {
    climbed[pid] = 1
    if (pid in whole || is_run(said[pid])) session = stat(pid, 4)
    if (started_it(pid, session)) left[pid] = 1
  }
}
BEGIN { split(runs, known, " ") }
{
  split($0, way, "/")
  pid = way[3] + 0
}
/^\/proc\/[0-9]+\/status:/ {
  key = $0; sub(/^[^:]*:/, "", key); value = key
  sub(/:.*/, "", key); sub(/^[^:]*:[ \t]*/, "", value)
  count = split(value, values, /[ \t]+/)
  if (key == "PPid") parent[pid] = values[1] + 0
  if (key == "Uid") user[pid] = values[2]
  if (key == "NSpid") inner[pid] = values[count]
  if (key == "VmRSS") memory[pid] = values[1]
  next
}
/^\/proc\/[0-9]+\/cmdline:/ {
  word = $0; sub(/^[^:]*:/, "", word)
  if (length(said[pid]) < 65536) said[pid] = said[pid] (pid in said && said[pid] != "" ? " " : "") word
}
END {
  for (pid in said) {
    if (!(pid in inner)) inner[pid] = pid
    gsub(/\001/, " ", said[pid])
    if (is_part(said[pid]) || is_ours(pid)) whole[pid] = 1
    else if (is_run(said[pid])) left[pid] = 1
  }
  climb(me)
  for (pid in whole) climb(pid)
  for (pid in said) if (is_run(said[pid])) climb(pid)
  for (pid in parent) {
    for (up = pid; up > 0 && !(up in whole); up = parent[up]) ;
    if (up > 0 || pid in left || uid != "" && user[pid] != uid) continue
    line = said[pid]; gsub(/^ +| +$/, "", line)
    if (line != "") print pid, user[pid], memory[pid] + 0, line
    else if (pid in memory) print "bare", pid
  }
}
"""

# $1 pattern, $2 user or nothing, $3 what marks the scripts of these checks, $4 the boot of the machine on which pytest
# runs, $5 its processes. A line break in a command line becomes a space.
_PROCESSES = (
    GREP_BY
    + rf"""
pattern=$1 user=$2 own=$3 boot=$4 runs=$5
printf '' | grep_by "$pattern" -E >/dev/null; [ $? -le 1 ] || exit 2
[ -r /proc/self/status ] || {{ echo "/proc is not mounted there: mount -t proc proc /proc" >&2; exit 9; }}
uid=
if [ -n "$user" ]; then uid=$(id -u -- "$user" 2>/dev/null) || {{ echo "nobody $user"; exit 0; }}; fi
me=$(id -u)
options=$(sed -n 's/^[^ ]* \/proc proc \([^ ]*\) .*/\1/p' /proc/mounts | tail -n 1 | tr , '\n')
hidden=$(printf '%s\n' "$options" | sed -n 's/^hidepid=//p') group=$(printf '%s\n' "$options" | sed -n 's/^gid=//p')
case $hidden in 0|off) hidden= ;; 4|ptraceable) group= ;; esac
case " $(id -G) " in *" ${{group:-none}} "*) hidden= ;; esac
cat /proc/1/cmdline >/dev/null 2>&1 || hidden=${{hidden:-1}}
[ -z "$hidden" ] || [ "$me" = 0 ] || [ "$uid" = "$me" ] || {{ echo "hidden $(id -un)"; exit 0; }}
[ "$boot" = "$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)" ] || runs=
list=$(
  {{
    grep -s -H -E '^(PPid|Uid|NSpid|VmRSS):' /proc/[0-9]*/status
    grep -s -a -H -z '' /proc/[0-9]*/cmdline | tr '\000\n' '\n\001'
  }} | awk -v own="$own" -v me=$$ -v uid="$uid" -v runs="$runs" {awk_program(_TREE)}
)
for pid in $(printf '%s\n' "$list" | sed -n 's/^bare //p'); do
  cat "/proc/$pid/cmdline" >/dev/null 2>&1 || [ ! -e "/proc/$pid" ] || {{ echo "hidden $(id -un)"; exit 0; }}
done
list=$(printf '%s\n' "$list" | grep -v '^bare ')
echo looked
found=$(
  {{
    printf '%s\n' "$list" | cut -d' ' -f4- | grep_by "$pattern" -nE | sed 's/:.*//; s/^/line /'
    printf '%s\n' "$list" | cut -d' ' -f1,3
  }} | awk '$1 == "line" {{ wanted[$2] = 1; next }} ++row in wanted && NF == 2'
)
[ -n "$found" ] || exit 0
printf '%s\n' "$found" | sed 's/^/process /'
cd /proc && grep -s -H '^Pss:' $(printf '%s\n' "$found" | sed 's/ .*/\/smaps_rollup/') /dev/null |
  sed -n 's/^\([0-9]*\)\/smaps_rollup:Pss: *\([0-9]*\) kB/part \1 \2/p'
true
"""
)


def _runs() -> Iterator[str]:
    """Yield this run's processes, each as its number and when it started, which together tell it from all others."""
    with contextlib.suppress(OSError):
        # What execnet starts for xdist reads its program there; its parent is the controller.
        is_worker = b"sys.stdin.readline()" in Path("/proc/self/cmdline").read_bytes()
        for pid in (os.getpid(), *([os.getppid()] if is_worker else [])):
            fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
            yield f"{pid}:{fields[19]}"


def _args(_target: object, pattern: str, user: str) -> tuple[str, ...]:
    boot = ""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return (pattern, user, OWN, boot, " ".join(_runs()))


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


@kind.shell(_PROCESSES, args=_args, timeout_s=20, max_bytes=1_000_000)
def processes(output: Output, *, pattern: Pattern = "", user: str = "") -> Processes:
    """Processes whose command line matches `pattern` and whose effective user is `user`.

    Neither kernel threads nor zombies, which have no command line, nor what these checks themselves run, nor what
    started them. Memory is the sum of PSS, in which each page is divided by the number of its processes; where only
    root may read it, of RSS.
    """
    answers = said_of(output)
    for who in answers.get("nobody", ()):
        raise UnknownError(f"there is no user {who} on the host")
    for who in answers.get("hidden", ()):
        raise UnknownError(f"/proc hides others' processes from {who} (hidepid); connect as root, or with ?sudo=true")
    if "looked" not in answers:
        raise UnknownError("the host did not say which processes run")
    whole = {pid: int(kib) for pid, kib in (line.split() for line in answers.get("process", ()))}
    part = {pid: int(kib) for pid, kib in (line.split() for line in answers.get("part", ()))}
    what = " ".join(filter(None, ["processes", f"with /{pattern}/" if pattern else "", f"of {user}" if user else ""]))
    return Processes(
        described=what,
        count=len(whole),
        memory_bytes=1024 * sum((whole | part).values()),
        shared=sum(kib != 0 for pid, kib in whole.items() if pid not in part),
    )
