"""The scripts that ask a host's docker command, and what their output means."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from ...core.errors import UnknownError, UnreachableError
from .._kind import Output
from ._containers import MOST_OTHERS, PROJECT, TEMPLATES, Stack, container
from ._why import usermod

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
is_podman() {
  case $(docker --version 2>/dev/null) in podman*) ;; *) return 1;; esac
}
command -v docker >/dev/null || { echo "the docker command is not installed there" >&2; exit 8; }
"""

# A podman before 4 has no server where it is asked on its own machine.
REACHABLE = (
    _ASK
    + r"""
timeout -k 1 8 docker version --format '{{.Server.Version}}' && exit 0
status=$?
if is_podman; then
  timeout -k 1 8 docker version --format '{{.Client.Version}}' && exit 0
  status=$?
fi
no_engine $status
"""
)

# An engine answers this question to one at a time.
DISK = (
    _ASK
    + r"""
timeout -k 1 8 docker version --format . >/dev/null || no_engine $?
while :; do
  said=$(docker system df --format '{{.Type}};{{.Size}};{{.Reclaimable}}' 2>&1) && break
  case $said in *"already running"*) sleep 1;; *) printf '%s\n' "$said" >&2; exit 9;; esac
done
printf '%s\n' "$said" | grep ';.*;'
"""
)

# $1 is project, name or label, the others are those. Afterwards $@ are containers. One that goes away between two
# questions is as good as never seen, so that docker's word for it is not an error.
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
others() {{ sed '/^$/d; s/^/other /' | sort -u | head -n {MOST_OTHERS + 1}; }}
[ $# -gt 0 ] || {{
  [ "$how" != project ] || docker ps --all --format '{{{{.Label "{PROJECT}"}}}}' 2>/dev/null | others
  exit 0
}}
"""
)

# Podman stands in docker's place where podman-docker is installed. Its command knows other fields, and prints the
# beginning of a line before it says so: then the next form is tried, and what comes after knows whose command it is.
_FORMS = " ".join(f"'{form}'" for form in TEMPLATES)
_INSPECT = rf"""
podman=
for form in {_FORMS}; do
  said=$(docker container inspect --format "$form" -- "$@" 2>&1)
  case $said in *template:*"can't evaluate field"*) podman=1;; *) break;; esac
done
problems=$(printf '%s\n' "$said" | grep -v '^{{' |
  grep -viE 'no such container|^warning|^emulate docker|level=warn|^$')
case $problems in
  *template:*)
    echo "the docker command there is a podman that can't be read; let the target's url name its socket" >&2
    exit 9;;
  ?*) printf '%s\n' "$problems" >&2; exit 9;;
esac
printf '%s\n' "$said" | grep '^{{'
[ "$how" != name ] || [ "$(printf '%s\n' "$said" | grep '^{{' | sort -u | wc -l)" -ge $# ] ||
  docker ps --all --format '{{{{.Names}}}}' 2>/dev/null | others
echo "clock $(date +%s)"
"""

INSPECT = _FIND + _INSPECT

_SERVICE_NAME = """
name='{{index .Config.Labels "com.docker.compose.service"}}'
[ "$how" = project ] || name='{{.Name}}'
"""

STATS = (
    INSPECT
    + r"""
ids=$(docker container inspect --format '{{if .State.Running}}{{.Id}}{{end}}' -- "$@" 2>/dev/null)
form='stats {"ID":"{{.ID}}","MemUsage":"{{.MemUsage}}","CPUPerc":"{{.CPUPerc}}"}'
[ -z "$ids" ] || docker stats --no-stream --no-trunc --format "$form" $ids
"""
)

# $1 is a service or container, $2 the wrapper, $3 its seconds and $4 its command. In the first container that runs, by
# name; what the container says follows the line with the word.
EXEC = (
    r"""
wanted=$1 wrapper=$2 seconds=$3 command=$4
shift 4
"""
    + INSPECT
    + _SERVICE_NAME
    + r"""
word=$(head -c 8 /dev/urandom | od -An -tx1 | tr -d ' \n')
form="{{.Name}} {{.Id}} {{.State.Status}} $name"
id=$(docker container inspect --format "$form" -- "$@" 2>/dev/null | sort | while read -r container id state service; do
  [ "$state" = running ] || continue
  case $wanted in "${service#/}" | "${container#/}") echo "$id"; break;; esac
done)
[ -n "$id" ] || exit 0
echo "exec $word"
OPSCHECK_RUN=$command docker exec -e OPSCHECK_RUN "$id" sh -c "$wrapper" opscheck "$word" "$seconds"
exit 0
"""
)

# To the second would be too little: what has just happened is after the last whole one. The engine waits for the next.
_NOW = r"""
now=$(date +%s.%N)
case $now in *[!0-9.]* | *.) now=$(($(date +%s) + 1)) ;; esac
"""

# $1 is how many seconds back, $2 how many seconds after its start a container is waited for to become healthy, $3
# services or nothing. What the engine still remembers of its events follows, of which it keeps 256.
RECOVERY = (
    r"""
back=$1 longest=$2 services=$3
shift 3
"""
    + _FIND
    + _SERVICE_NAME
    + r"""
began=$(date +%s)
until=$((began + longest))
form='{{with index .State "Health"}}{{.Status}}{{else}}-{{end}}'
! is_podman || form='{{.State.Health.Status}}'
form="$form {{\$.State.Status}} {{json \$.State.StartedAt}} {{\$.Name}} $name"
while [ "$(date +%s)" -lt "$until" ]; do
  after=$(date -u -d "@$(($(date +%s) - longest))" +%Y-%m-%dT%H:%M:%S)
  docker container inspect --format "$form" -- "$@" 2>/dev/null | awk -v after="$after" -v services=" $services " '
    function wanted(name) { sub("^/", "", name); return index(services, " " name " ") }
    services !~ /[^ ]/ || wanted($4) || wanted($5) {
      gsub("\"", "", $3)
      if ($1 ~ /starting|unhealthy/ && $2 == "running" && $3 > after) waits = 1
    }
    END { exit !waits }' || break
  sleep 1
done
"""
    + _INSPECT
    + _NOW
    + r"""
echo "began $began"
echo "now $now"
form='event {{.TimeNano}} {{.Actor.ID}} {{.Action}}'
[ -z "$podman" ] || form='event {{.Time.UnixNano}} {{.ID}} {{.Status}}'
timeout -k 1 8 docker events --since "$((began - back - 5))" --until "$now" --filter event=health_status \
  --filter event=start --format "$form"
"""
)

OOM = (
    r"""
back=$1
shift
"""
    + INSPECT
    + _NOW
    + r"""
[ -n "$podman" ] ||  # it has no such event
  timeout -k 1 8 docker events --since "$((${now%%.*} - back))" --until "$now" --filter event=oom \
    --format 'event {{.TimeNano}} {{.Actor.ID}} {{.Action}}'
"""
)

# $1 are names of images. Each line has a name, or the id of what a container was made of, and what there is of it now.
IMAGES = (
    r"""
names=$1
shift
"""
    + INSPECT
    + r"""
id=.Id
[ -z "$podman" ] || id=.ID
form='{"Id":{{json '$id'}},"RepoTags":{{json .RepoTags}},"RepoDigests":{{json .RepoDigests}}'
form=$form',"Config":{"Labels":{{with .Config}}{{json .Labels}}{{else}}null{{end}}}}'
for each in $names $(docker container inspect --format '{{.Image}}' -- "$@" 2>/dev/null | sort -u); do
  said=$(docker image inspect --format "$form" -- "$each" 2>&1) && {
    printf 'image %s ' "$each"
    printf '%s\n' "$said" | grep '^{'
  } || {
    case $said in *[Nn]"o such image"* | *"image not known"*) ;; *) printf '%s\n' "$said" >&2; exit 9;; esac
  }
done
"""
)

# $1 and $2 say from when on lines count: ago SECONDS, at SECONDS since 1970, start of the container, or all. $3 is how
# many of the last lines, or all, $4 -i or nothing, $5 -E or -P, $6 the pattern, $7 what to ignore or nothing, $8
# services or nothing. A log is counted here and not sent: only its number of lines travels. Whether it can be read is
# asked first, because what docker says of that goes the same way as the log. PCRE is tried: not every grep has it.
LINES = (
    r"""
how_far=$1 number=$2 last=$3 case=$4 dialect=$5 pattern=$6 ignore=$7 services=$8
shift 8
printf 'x\n' | grep "$dialect" -e x >/dev/null 2>&1 || {
  echo "the grep there knows no -P, which this pattern needs; write it as an extended regular expression" >&2
  exit 9
}
if [ "$dialect" = -E ]; then export LC_ALL=C; else export LC_ALL=C.UTF-8; fi
case $dialect$pattern$ignore in -P*[!\ -~]*)
  printf '\303\244\n' | grep -P '^.$' >/dev/null 2>&1 || {
    echo "that host has no locale C.UTF-8, which this pattern needs; write it as an extended regular expression" >&2
    exit 9
  };;
esac
for each in "$pattern" "$ignore"; do
  printf '\n' | grep $case "$dialect" -e "$each" >/dev/null
  [ $? -lt 2 ] || exit 9
done
"""
    + INSPECT
    + _SERVICE_NAME
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
lines() {
  docker logs --since "$begin" --until "$((now + 1))" --tail "$last" "$id" 2>&1 || echo "failed $id" >&3
}
log() { lines; }
if [ -n "$podman" ]; then
  [ "$last" != all ] || last=-1
  log() { lines | grep -av '^Emulate Docker CLI using podman'; }
fi
now=$(date +%s)
echo "now $now"
form="{{.Id}} {{json .State.StartedAt}} {{json .State.FinishedAt}} {{.Name}} $name"
said=$(docker container inspect --format "$form" -- "$@" 2>/dev/null | tr -d '"')
printf '%s\n' "$said" | while read -r id started ended container service; do
  [ -n "$id" ] || continue
  service=${service#/}
  case " ${services:-$service} " in *" $service "* | *" ${container#/} "*) ;; *) continue;; esac
  said=$(docker logs --tail 0 "$id" 2>&1 >/dev/null) || {
    echo "unread $id $(printf '%s' "$said" | tail -n 1)"
    continue
  }
  case $how_far in
    ago) begin=$((now - number));;
    at) begin=$number;;
    start)  # a start is noted a little after the first lines, so those since the end of the run before count
      case $ended in 0001-*) ended=0;; esac
      begin=$(printf '%s\n' "$started" "$ended" | sort | head -n 1);;
    all) begin=0;;
  esac
  { log | tr -d '\r' | matching | sed "s/^/count $id /" >&3; } 3>&1
done
"""
)


def answered(output: Output) -> list[str]:
    """Return what a script printed. Raises UnreachableError where no engine answered, UnknownError where it failed."""
    if not output.ended and "{" not in output.stdout:
        raise UnreachableError(f"the engine did not answer within {output.seconds:g} s")
    if output.exit_status != _NO_ENGINE:
        return output.lines()
    lines = [line.strip() for line in output.stderr.splitlines() if line.strip()]
    message = lines[-1] if lines else "the engine does not answer"
    user = next(tagged(output.stdout.splitlines(), "user"), ["USER"])[0]
    if "permission denied" in message:
        message = f"{message.partition(': Get ')[0]}; give that user access: {usermod(user)}"
    elif "Is the docker daemon running" in message:
        message = f"{message.rstrip('?. ')}? Start it there: sudo systemctl start docker"
    raise UnreachableError(message)


def tagged(lines: list[str], tag: str, fields: int = 1) -> Iterator[list[str]]:
    """Yield the rest of each line that starts with a word, cut into N fields."""
    for line in lines:
        if line.startswith(f"{tag} "):
            yield line.split(" ", fields)[1:]


def stack_of(lines: list[str]) -> Stack:
    """Read the containers that the INSPECT script found."""
    by = lines[0].partition(" ")[0] if lines else ""
    values = [value for (value,) in tagged(lines, by)]
    if by not in ("project", "name", "label"):
        raise UnknownError("the docker command printed no list of containers")
    clock = next(tagged(lines, "clock"), [None])[0]
    try:
        found = [container(json.loads(line), by) for line in lines if line.startswith("{")]
        others = [other for (other,) in tagged(lines, "other")]
        return Stack.of(by, values, found, float(clock) if clock else None, others)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UnknownError(f"docker inspect said what can't be read: {error!r}") from None


_BEYOND_ERE = re.compile(
    r"""
    \\[^][\\.*+?^$(){}|/-]   # \d, \b, \1: an escape that is none of a special character
    | (?<!\\)\(\?            # (?i), (?=...), (?:...)
    | [*+?}][?+]             # lazy and possessive
    | (?<!\\)\[[^]]*(?:\\|\[:)  # in a set, a backslash stands for itself, and [:alpha:] for letters
    | (?<!\\)\{(?!\d+(?:,\d*)?\})  # a brace that is not a repetition
    """,
    re.VERBOSE,
)


def portable(pattern: str) -> bool:
    """Tell whether a pattern means to every grep -E what it means to Python."""
    return _BEYOND_ERE.search(pattern) is None
