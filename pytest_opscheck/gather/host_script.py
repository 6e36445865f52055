"""The script that a host's `sh` reads from its standard input, and what its output says of each part.

Every part runs beside the others, with its own time limit, exit status and output limit. What a part prints goes
through a reader that stamps each line, so that the lines of all parts share one stream; a part that cannot even be
killed holds nothing but its own pipe.

The processes on a host, each a child of the one before it: what the connection starts (sshd, a login shell, docker's
init), `sh` (which reads this script, and whose number is in $OPSCHECK), a subshell for each part and its two readers,
`timeout`, and the part's own `sh`. Each of these shells has `opscheck` as the last word of its command line, and none
holds a script or one of its values.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..probes import Output, Part

AT_ONCE = 16
"""Parts that run on a host at once: enough that one slow part holds up nobody, few enough to go unnoticed there."""
LINE_BYTES = 16_384
"""The longest line that is kept: a part's lines travel in pieces of 2,000 bytes, and others are nobody's."""
NOISE_BYTES = 4096
"""How much is kept of what is printed before the script begins: its end, which says why it does not."""
_STDERR_BYTES = 8192

_TIMED_OUT = (124, 137, 143)
"""What timeout(1) exits with after it has ended a command, and after it had to kill it; the last one is busybox's.

A command may exit with these by itself too, but before its time is over."""
_CLOCK_S = 0.05
"""How exact the clock of a host is."""
_EATEN = "\n" * 20
"""Lines for startup files that read some of their standard input, which is this script."""

# The word is one that no other output starts with. The tokens in the pipe behind descriptors 7 and 8 bound how many
# parts run at once. What a part leaves behind is ended with it: the process group that GNU's timeout makes, or else
# setsid. Programs are what a part costs a host, so there are few: what goes to standard error, mostly nothing, the
# shell reads. A part's script comes by a pipe, and its values with it, so that `ps` shows neither.
#
# Descriptor 3 is the standard input: it ends with the connection, and then nobody waits for the parts any more. The
# guard knows, by the pipe behind descriptor 5, which of them run, and ends them.
_RUNNER = r"""
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
    [ "$left" -ge 0 ] || { cat >/dev/null; break; }
    printf '%s %s err =%.2000s\n' "$word" "$1" "$line"
  done
  echo "$word $1 err end"
}
part() {
  number=$1 seconds=$2 bytes=$3 values=$4 script=$5
  { { read -r _ <&7
      echo "$word $number began" >&6
      read -r began _ </proc/uptime
      printf 'set -- %s\n{\n%s\n} </dev/null\n' "$values" "$script" 2>/dev/null |
        $apart timeout -k 1 "$seconds" sh -s opscheck 5>&- 6>&- 7<&- 8>&- &
      group=$!
      echo "began $group" >&5
      wait "$group"
      status=$?
      read -r ended _ </proc/uptime
      kill -9 "-$group" 2>/dev/null
      echo "ended $group" >&5
      echo "$word $number status $status $began $ended" >&6
      echo >&8
    } </dev/null 2>&9 9>&- | output "$number" "$bytes" >&6 5>&- 7<&- 8>&- 9>&-
  } 9>&1 | errors "$number" >&6 5>&- 7<&- 8>&- &
}
guard() {
  live=' ' over= watch=
  while read -r what pid; do
    case $what in
      began) live="$live$pid "; [ -z "$over" ] || kill -9 "-$pid" "$pid";;
      ended) case $live in *" $pid "*) live="${live%% "$pid" *} ${live#* "$pid" }";; esac;;
      watch) watch=$pid;;
      over) over=1; for pid in $live; do kill -9 "-$pid" "$pid"; done;;
      end) [ -z "$watch" ] || kill "$watch"; return;;
    esac
  done
}
watch() {
  { while read -r _; do :; done; echo over >&5; } <&3 3<&- >/dev/null 2>&1 6>&- &
  echo "watch $!" >&5
}
main() {
  export LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" OPSCHECK=$$
  case $(timeout --version 2>&1) in *GNU*) apart= ;; *) apart=$(command -v setsid) ;; esac
  printf '\n%s begin %s\n' "$word" "$(date +%s.%N)"
  { {
      $watch
      parts 3<&-
      echo end >&5
      wait
  } 5>&1 >&6 | guard >/dev/null 2>&1 3<&- 6>&-; } 6>&1
  echo "$word end"
}
"""


def script(word: str, parts: Sequence[Part], *, watched: bool) -> str:
    """Return what a host's `sh` reads: after a first line of output, `word begin`, it runs the parts.

    `watched` ones are ended when the standard input does. Nothing happens before the last line has come.
    """
    names = {text: f"script{number}" for number, text in enumerate(dict.fromkeys(part.script for part in parts))}
    texts = [f"{name}={shlex.quote(text)}" for text, name in names.items()]
    calls = [
        f'part {number} {part.seconds:g} {part.bytes} {shlex.quote(shlex.join(part.args))} "${names[part.script]}"'
        for number, part in enumerate(parts)
    ]
    tokens = "\\n" * min(AT_ONCE, len(parts))
    body = "\n".join(["exec 7<&0 8>/proc/self/fd/0 0</dev/null", *calls, "wait"]) if parts else ":"
    run = f"parts() {{\nprintf '{tokens}' | {{\n{body}\n}}\n}}"
    begin = [_EATEN, f"word={word} watch={'watch' if watched else ''}", _RUNNER, *texts, run]
    return "\n".join([*begin, "main 3<&0 </dev/null", ""])


@dataclass
class _Heard:
    """What has come of one part: its lines by stream, how many bytes these are, and its exit status and clock."""

    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)
    bytes: int = 0
    err_bytes: int = 0
    status: str = ""
    began: bool = False
    out_end: str = ""
    err_end: bool = False

    def take(self, stream: str, text: str, limit: int) -> None:
        """Take a stamped line of a part that may print at most N bytes."""
        if stream == "status":
            self.status = text
        elif stream == "began":
            self.began = True
        elif stream == "out" and text in ("end", "cut"):
            self.out_end = self.out_end or text
        elif stream == "err" and text == "end":
            self.err_end = True
        elif stream == "out" and not self.out_end:
            self.bytes += len(text.encode())
            # A server that stamps lines without end is none of ours.
            if self.bytes > 2 * limit + LINE_BYTES:
                self.out_end = "cut"
            else:
                self.out += _line(text)
        elif stream == "err":
            self.err_bytes += len(text)
            if self.err_bytes <= 2 * _STDERR_BYTES:
                self.err += _line(text)

    @property
    def done(self) -> bool:
        """Whether nothing more is to come that matters."""
        return self.out_end == "cut" or bool(self.out_end and self.err_end)


_GLUE_BYTES = 64
"""What is kept of a long line that is not a part's: a line of ours may just be beginning in it."""


class Received:
    """Sorts a host's output by part while it comes in. It keeps what the parts may print, and no more.

    `noise` is the end of what was printed beside the script's own lines, `noise_bytes` how much that was; `is_garbled`
    says that something was printed into them: then lines may be missing, and what comes from then on tells nothing.
    """

    def __init__(self, word: str, parts: Sequence[Part]) -> None:
        self._stamp, self._parts = f"{word} ".encode(), parts
        self._glued = re.compile(rb"[^\n]" + self._stamp + rb"(\d+ (began|out|err|status)|end)\b")
        self._heard = [_Heard() for _ in parts]
        self._rest = b""
        self.begun: tuple[float, float] | None = None
        self.ended = self.is_garbled = False
        self.noise, self.noise_bytes = b"", 0

    def feed(self, chunk: bytes) -> list[int]:
        """Take what has come; return the numbers of the parts of which something came."""
        before = self.begun is None
        *lines, rest = (self._rest + chunk).split(b"\n")
        ours = [line for line in lines if line.startswith(self._stamp)]
        others = chunk if before else b"\n".join(line for line in lines if not line.startswith(self._stamp))
        if len(rest) > LINE_BYTES:  # what is left of a line that is not a part's
            others, rest = others if before else others + rest, b" " + rest[-_GLUE_BYTES:]
        self._rest = rest
        self.noise_bytes += len(others)
        self.noise = (self.noise + others)[-NOISE_BYTES:]
        found = [self._line(line.decode("utf-8", "replace")) for line in ours]
        self.is_garbled |= self.begun is not None and self._glued.search(others) is not None
        return list(dict.fromkeys(number for number in found if number is not None))

    def _line(self, line: str) -> int | None:
        match line.split(" ", 3)[1:]:
            case ["begin", *moment]:
                if self.begun is None:
                    self.begun, self.noise_bytes = _moment(moment[0] if moment else ""), 0
            case ["end"]:
                self.ended = True
            case [number, stream, *text] if number.isdigit() and int(number) < len(self._parts):
                part = self._parts[int(number)]
                self._heard[int(number)].take(stream, text[0] if text else "", part.bytes)
                return int(number)
        return None

    def began(self, number: int) -> bool:
        """Tell whether a part has begun."""
        return self._heard[number].began

    def done(self, number: int) -> bool:
        """Tell whether all of a part has come."""
        return self._heard[number].done

    def output(self, number: int) -> Output:
        """Return what has come of a part."""
        heard, part = self._heard[number], self._parts[number]
        stdout, stderr = heard.out.decode(), heard.err.decode()
        status, *clock = heard.status.split(" ")
        if heard.out_end == "cut":
            return Output(stdout, stderr, None, truncated=True, seconds=part.seconds)
        if not heard.done or not status.isdigit() or _timed_out(int(status), clock, part.seconds):
            return Output(stdout, stderr, None, ended=False, seconds=part.seconds)
        return Output(stdout, stderr, int(status), seconds=part.seconds)


def parse(word: str, stdout: str, parts: Sequence[Part]) -> list[Output]:
    """Sort all of a host's output by part."""
    received = Received(word, parts)
    received.feed(stdout.encode())
    return [received.output(number) for number in range(len(parts))]


def _line(stamped: str) -> bytes:
    """Return a line as it was: after `=` one that ends, after `+` a piece of one that goes on."""
    return (stamped[1:] + ("" if stamped[:1] == "+" else "\n")).encode()


def _timed_out(status: int, clock: Sequence[str], seconds: float) -> bool:
    """Tell whether timeout(1) ended a part: by its exit status, and by a clock's readings before and after."""
    if status not in _TIMED_OUT:
        return False
    try:
        began, ended = map(float, clock)
    except ValueError:  # there is no such clock: then the exit status alone has to tell
        return True
    return ended - began > seconds - _CLOCK_S


def _moment(text: str) -> tuple[float, float]:
    """Return what a host's clock said, in seconds since 1970: at least, and at most."""
    found = re.match(r"(\d+)\.?(\d*)", text)
    if found is None:
        return float("-inf"), float("inf")
    # busybox's clock says whole seconds: then any moment of that second may be meant.
    least = float(f"{found[1]}.{found[2] or 0}")
    return least, least + (0 if found[2] else 1)
