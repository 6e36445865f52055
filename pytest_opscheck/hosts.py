"""Contacts a host once: all the parts that are owed of it travel as one script, and come back one by one.

Every part runs beside the others, with its own time limit, exit status and output limit. What a part prints goes
through a reader that stamps each line, so that the lines of all parts share one stream; a part that cannot even be
killed holds nothing but its own pipe.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import secrets
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MethodType
from typing import Any
from urllib.parse import urlsplit

from .probes import Output, Part, UnreachableError

CONNECT_SECONDS = 10
GRACE_SECONDS = 2
AT_ONCE = 16
"""Parts that run on a host at once: enough that one slow part holds up nobody, few enough to go unnoticed there."""

_TIMED_OUT = (124, 137, 143)
"""What timeout(1) exits with after it has ended a command, and after it had to kill it; the last one is busybox's.

A command may exit with these by itself too, but before its time is over."""
_CLOCK_S = 0.05
"""How exact the clock of a host is."""
_TRANSIENT = (
    "connection reset",
    "connection closed",
    "closed by remote host",
    "broken pipe",
    "kex_exchange_identification",
)

# $1 is a word that no other output starts with. The tokens in the pipe behind descriptors 7 and 8 bound how many parts
# run at once. What a part leaves behind is ended with it: the process group that GNU's timeout makes, or else setsid.
# Programs are what a part costs a host, so there are few: what goes to standard error, mostly nothing, the shell reads.
_RUNNER = r"""
export LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
word=$1
case $(timeout --version 2>&1) in *GNU*) apart= ;; *) apart=$(command -v setsid) ;; esac
echo "$word begin $(date +%s.%N)"
output() {
  exec awk -v w="$word $1 out " -v left="$2" '
    function put(s) {
      while (length(s) > 2000) { print w "+" substr(s, 1, 2000); fflush(); s = substr(s, 2001) }
      print w "=" s; fflush()
    }
    { left -= length($0) + 1 }
    left < 0 { exit }
    { put($0) }
    END { print w (left < 0 ? "cut" : "end"); fflush() }'
}
errors() {
  left=8192
  while IFS= read -r line || [ -n "$line" ]; do
    left=$((left - ${#line} - 1))
    [ "$left" -ge 0 ] || exec cat >/dev/null
    printf '%s %s err =%.2000s\n' "$word" "$1" "$line"
  done
}
part() {
  number=$1 seconds=$2 bytes=$3
  shift 3
  { { read -r _ <&7
      read -r began _ </proc/uptime
      $apart timeout -k 1 "$seconds" sh -c "$@" 6>&- 7<&- 8>&- &
      wait $!
      status=$?
      read -r ended _ </proc/uptime
      kill -9 -$! 2>/dev/null
      echo "$word $number status $status $began $ended" >&6
      echo >&8
    } </dev/null 2>&9 9>&- | output "$number" "$bytes" >&6 7<&- 8>&- 9>&-
  } 9>&1 | errors "$number" >&6 7<&- 8>&- &
}
"""
_END = 'wait; echo "$word end $(date +%s.%N)" >&6; } 6>&1'


@dataclass
class HostConnection:
    """One host, reached by one of testinfra's backends.

    `connect` is a testinfra host spec, for example `ssh://deploy@prod`.
    """

    connect: str
    _children: set[subprocess.Popen[bytes]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False

    def run(self, parts: Sequence[Part]) -> list[Output]:
        """Run parts as one script, and return what each printed.

        Raises UnreachableError where the script did not even begin.
        """
        word = secrets.token_hex(8)
        seconds = self.seconds(parts)
        backend = self._backend()
        sent = time.time()
        try:
            result = backend.run(script(word, parts, seconds))
        except Exception as error:  # noqa: BLE001 - testinfra's backends raise whatever their libraries do
            raise _unreachable(_said(error)) from None
        stdout = result.stdout_bytes.decode("utf-8", "replace")
        if f"{word} begin" not in stdout:
            said = result.stderr_bytes.decode("utf-8", "replace")
            raise _unreachable(said or f"exit status {result.rc}, and not a word")
        ahead = _ahead(word, stdout, sent, time.time())
        return [dataclasses.replace(output, ahead_s=ahead) for output in parse(word, stdout, parts)]

    @staticmethod
    def seconds(parts: Sequence[Part]) -> float:
        """Return how long parts may take in all, however many of them hang."""
        waves = -(-len(parts) // AT_ONCE)
        return waves * max((part.seconds for part in parts), default=0) + GRACE_SECONDS

    def close(self) -> None:
        """End what still runs; a later run ends at once."""
        with self._lock:
            self._closed = True
            children = list(self._children)
        for child in children:
            _kill(child)

    def _backend(self) -> Any:
        """Return a testinfra backend of this contact's own: those that testinfra caches belong to the user's checks."""
        from testinfra.backend import get_backend

        ssh = self.connect.partition("://")[0] in ("ssh", "safe-ssh")
        try:
            place, options = host_spec(self.connect)
            backend = get_backend(
                place, **options, **({"controlpersist": 0, "timeout": CONNECT_SECONDS} if ssh else {})
            )
        except Exception as error:  # noqa: BLE001 - testinfra raises whatever its backends' libraries do
            raise UnreachableError(str(error)) from None
        if ssh and not backend.host.password:
            # Nobody is there to answer a question, so ssh asks none.
            backend.ssh_extra_args = " ".join(filter(None, [backend.ssh_extra_args, "-o BatchMode=yes"]))
        backend.get_encoding = lambda: "utf-8"  # or else it runs a command there to find out
        self.carry(backend)
        return backend

    def carry(self, backend: Any) -> None:
        """Have one of testinfra's backends run its local commands so that they are ended with who waits for them."""
        backend.run_local = MethodType(self._run_local, backend)

    def _run_local(self, backend: Any, command: str, *args: str) -> Any:
        """Run a local command as testinfra's backends do, but so that it can be ended, also from another thread."""
        command = backend.quote(command, *args)
        child = subprocess.Popen(  # noqa: S603 - the command is the one that testinfra's backend has quoted
            ["/bin/sh", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        with self._lock:
            self._children.add(child)
            closed = self._closed
        if closed:
            _kill(child)
        try:
            stdout, stderr = child.communicate()
        except BaseException:  # the time of the test that waits is over, or somebody has stopped the run
            _kill(child)
            raise
        finally:
            with self._lock:
                self._children.discard(child)
        return backend.result(child.returncode, command.encode(), stdout, stderr)


def host_spec(connect: str) -> tuple[str, dict[str, Any]]:
    """Return a host spec as testinfra takes it: it would read the path of `chroot:///srv/root` as no place at all."""
    from testinfra.backend import parse_hostspec

    if not connect.startswith("chroot://"):
        return connect, {}
    return urlsplit(connect).path, parse_hostspec(connect)[1]


def script(word: str, parts: Sequence[Part], seconds: float) -> str:
    """Return the one command that runs parts on a host; its first line of output is `word begin`."""
    calls = []
    for number, part in enumerate(parts):
        words = [f"{number}", f"{part.seconds:g}", f"{part.bytes}", part.script, "opscheck", *part.args]
        calls.append("part " + " ".join(shlex.quote(each) for each in words))
    tokens = "\\n" * min(AT_ONCE, len(parts))
    begin = [_RUNNER, f"printf '{tokens}' | {{", "exec 7<&0 8>/proc/self/fd/0 0</dev/null"]
    body = "\n".join([*begin, *calls, _END])
    return f"timeout -k 1 {seconds:g} sh -c {shlex.quote(body)} opscheck {word}"


def parse(word: str, stdout: str, parts: Sequence[Part]) -> list[Output]:
    """Sort the stamped lines of a host's output by part."""
    said: dict[tuple[str, str], list[str]] = {}
    for line in stdout.split("\n"):
        stamp, *fields = line.split(" ", 3)
        if stamp == word and len(fields) == len(("number", "stream", "text")):
            said.setdefault((fields[0], fields[1]), []).append(fields[2])
    return [_output(str(number), part, said) for number, part in enumerate(parts)]


def _output(number: str, part: Part, said: dict[tuple[str, str], list[str]]) -> Output:
    *lines, last = said.get((number, "out")) or [""]
    stdout = _text(lines)
    stderr = _text(said.get((number, "err"), []))
    status, *clock = said.get((number, "status"), [""])[0].split(" ")
    if last == "cut":
        return Output(stdout, stderr, None, truncated=True, seconds=part.seconds)
    if last != "end" or not status.isdigit() or _timed_out(int(status), clock, part.seconds):
        return Output(stdout, stderr, None, ended=False, seconds=part.seconds)
    return Output(stdout, stderr, int(status), seconds=part.seconds)


def _text(lines: Sequence[str]) -> str:
    """Put lines together: after `=` one that ends, after `+` a piece of one that goes on."""
    return "".join(line[1:] + ("" if line[0] == "+" else "\n") for line in lines)


def _timed_out(status: int, clock: Sequence[str], seconds: float) -> bool:
    """Tell whether timeout(1) ended a part: by its exit status, and by a clock's readings before and after."""
    if status not in _TIMED_OUT:
        return False
    try:
        began, ended = map(float, clock)
    except ValueError:  # there is no such clock: then the exit status alone has to tell
        return True
    return ended - began > seconds - _CLOCK_S


def _ahead(word: str, stdout: str, sent: float, received: float) -> tuple[float, float] | None:
    """Return by how much the host's clock is ahead of this machine's: at least, and at most; None where it can't tell.

    It said its time once after the script was sent, and once before the last word of it was received.
    """
    told = {}
    for moment, seconds, fraction in re.findall(rf"^{word} (begin|end) (\d+)\.?(\d*)", stdout, re.MULTILINE):
        # busybox's clock says whole seconds: then any moment of that second may be meant.
        least = float(f"{seconds}.{fraction or 0}")
        told[moment] = (least, least + (0 if fraction else 1))
    if len(told) < len(("begin", "end")):
        return None
    return told["end"][0] - received, told["begin"][1] - sent


def _said(error: Exception) -> str:
    """Return what a backend's exception says; testinfra's ssh backend puts the whole result into it."""
    stderr = getattr(error.args[0], "stderr", None) if error.args else None
    return stderr if isinstance(stderr, str) and stderr.strip() else f"{type(error).__name__}: {error}"


def _unreachable(said: str) -> UnreachableError:
    """Make the error of what a connection's program said: its last line, which is the one that tells."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    message = next(
        (line for line in reversed(lines) if "verification failed" in line.lower()), lines[-1] if lines else ""
    )
    return UnreachableError(message, transient=any(sign in message.lower() for sign in _TRANSIENT))


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End a command and all that it has started, in groups and sessions of its own too."""
    for _ in range(2):  # again for what was started meanwhile
        for pid in _family(child.pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _family(leader: int) -> set[int]:
    """Return a process, its descendants, and all that is in a session of one of these, as far as /proc tells."""
    kin: dict[int, tuple[int, int]] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The program's name, in brackets, may hold anything; behind it: state, parent, group, session.
            fields = file.read_text(errors="replace").rpartition(")")[2].split()
            kin[int(file.parent.name)] = (int(fields[1]), int(fields[3]))
    family = {leader}
    while more := {pid for pid, near in kin.items() if pid not in family and family.intersection(near)}:
        family |= more
    return family
