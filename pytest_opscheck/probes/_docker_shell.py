"""The scripts that ask a host's docker command, and what their output means."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from ._docker_containers import PROJECT, TEMPLATE, Stack
from ._docker_engine import usermod
from ._kind import Output, UnknownError, UnreachableError

_NO_ENGINE = 8
"""The scripts' exit status where no engine answers them."""

# An engine that hangs makes its command hang, so the first question has a time limit of its own.
_ASK = r"""
PATH=$PATH:/usr/local/bin:/snap/bin
no_engine() {
  [ "$1" -lt 124 ] || echo "the engine did not answer within 8 s" >&2
  echo "user $(id -un)"
  exit 8
}
command -v docker >/dev/null || { echo "the docker command is not installed there" >&2; exit 8; }
"""

REACHABLE = _ASK + "timeout -k 1 8 docker version --format '{{.Server.Version}}' || no_engine $?\n"

# $1 is project, name or label, the others are those. Afterwards $@ are containers. One that goes away between two
# questions is as good as never seen, so that docker's word for it is no error.
_FIND = (
    _ASK
    + rf"""
how=$1 prefix=
shift
[ "$how" != project ] || prefix={PROJECT}=
for each; do echo "$how $each"; done
if [ "$how" = name ]; then
  timeout -k 1 8 docker version --format . >/dev/null || no_engine $?
else
  for each; do
    set -- "$@" --filter "label=$prefix$each"
    shift
  done
  ids=$(timeout -k 1 8 docker ps --all --quiet --no-trunc "$@") || no_engine $?
  set -- $ids
fi
[ $# -gt 0 ] || exit 0
"""
)

INSPECT = (
    _FIND
    + rf"""
{{
  problems=$(docker container inspect --format '{TEMPLATE}' -- "$@" 2>&1 >&3 | grep -viE 'no such container|^warning')
}} 3>&1
[ -z "$problems" ] || {{ printf '%s\n' "$problems" >&2; exit 9; }}
"""
)

STATS = (
    INSPECT
    + r"""
ids=$(docker container inspect --format '{{if .State.Running}}{{.Id}}{{end}}' -- "$@" 2>/dev/null)
[ -z "$ids" ] || docker stats --no-stream --no-trunc --format '{{json .}}' $ids | sed 's/^/stats /'
"""
)

# $1 is the window in seconds, $2 -i or nothing, $3 -E or -P, $4 the pattern, $5 what to ignore or nothing, $6 services
# or nothing. A log is counted here and not sent: only its number of lines travels. Whether it can be read is asked
# first, because what docker says of that goes the same way as the log. PCRE is tried, since not every grep has it.
ERRORS = (
    r"""
window=$1 case=$2 dialect=$3 pattern=$4 ignore=$5 services=$6
shift 6
printf 'x\n' | grep "$dialect" -e x >/dev/null 2>&1 || {
  echo "the grep there knows no -P, which this pattern needs; write it as an extended regular expression" >&2
  exit 9
}
for each in "$pattern" "$ignore"; do
  printf '\n' | grep $case "$dialect" -e "$each" >/dev/null
  [ $? -lt 2 ] || exit 9
done
"""
    + INSPECT
    + r"""
sift() {
  grep -a $case "$dialect" "$@"
  [ $? -lt 2 ] || echo "failed $id" >&3
}
matching() {
  if [ -n "$ignore" ]; then
    sift -e "$pattern" | sift -cv -e "$ignore"
  else
    sift -c -e "$pattern"
  fi
}
now=$(date +%s)
name='{{index .Config.Labels "com.docker.compose.service"}}'
[ "$how" = project ] || name='{{.Name}}'
docker container inspect --format "{{.Id}} $name" -- "$@" 2>/dev/null | while read -r id service; do
  service=${service#/}
  case " ${services:-$service} " in *" $service "*) ;; *) continue;; esac
  said=$(docker logs --tail 0 "$id" 2>&1 >/dev/null) || {
    echo "unread $id $(printf '%s' "$said" | tail -n 1)"
    continue
  }
  { { docker logs --since "$((now - window))" --until "$((now + 1))" "$id" 2>&1 || echo "failed $id" >&3
    } | tr -d '\r' | matching | sed "s/^/count $id /" >&3
  } 3>&1
done
"""
)


def answered(output: Output) -> list[str]:
    """Return what a script printed. Raises UnreachableError where no engine answered, UnknownError where it failed."""
    if not output.ended and "{" not in output.stdout:
        raise UnreachableError(f"the engine did not answer within {output.seconds:g} s")
    if output.exit_status != _NO_ENGINE:
        return output.lines()
    said = [line.strip() for line in output.stderr.splitlines() if line.strip()]
    message = said[-1] if said else "the engine does not answer"
    user = next(tagged(output.stdout.splitlines(), "user"), ["USER"])[0]
    if "permission denied" in message:
        message = f"{message.partition(': Get ')[0]}; let that user near it: {usermod(user)}"
    raise UnreachableError(message)


def tagged(lines: list[str], tag: str, fields: int = 1) -> Iterator[list[str]]:
    """Yield the rest of each line that starts with a word, cut into so many fields."""
    for line in lines:
        if line.startswith(f"{tag} "):
            yield line.split(" ", fields)[1:]


def stack_of(lines: list[str]) -> Stack:
    """Read the containers that the INSPECT script found."""
    by = lines[0].partition(" ")[0] if lines else ""
    values = [value for (value,) in tagged(lines, by)]
    if by not in ("project", "name", "label"):
        raise UnknownError("the docker command did not say what there is")
    try:
        return Stack.of(by, values, [json.loads(line) for line in lines if line.startswith("{")])
    except (ValueError, KeyError) as error:
        raise UnknownError(f"docker inspect said what can't be read: {error!r}") from None


_BEYOND_ERE = re.compile(
    r"""
    \\[^][\\.*+?^$(){}|/-]   # \d, \b, \1: an escape that is none of a special character
    | (?<!\\)\(\?            # (?i), (?=...), (?:...)
    | [*+?}][?+]             # lazy and possessive
    | (?<!\\)\[[^]]*(?:\\|\[:)  # in a set, a backslash stands for itself, and [:alpha:] for letters
    | (?<!\\)\{(?!\d+(?:,\d*)?\})  # a brace that is no repetition
    """,
    re.VERBOSE,
)


def portable(pattern: str) -> bool:
    """Tell whether a pattern means to every grep -E what it means to Python."""
    return _BEYOND_ERE.search(pattern) is None
