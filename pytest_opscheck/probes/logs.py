"""Logs on a host, in files or the journal: how many of their lines match, in a window up to now; only counts travel."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema, model_validator

from ..limits import LimitError, parse_duration, rate_unit
from ._files import IN_SIGHT, OnHost, absolute, awk_program, said_of
from ._kind import Kind, Output, UnknownError
from ._logs_stamps import WINDOW, Stamps
from ._types import Zone


def _timezone(name: str) -> str:
    if name:
        try:
            zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"unknown time zone {name!r}; write for example UTC or Europe/Berlin") from None
    return name


def _unit(name: str) -> str:
    if name and not re.fullmatch(r"[A-Za-z0-9:_.@\\*?\[\]-]+", name):
        raise ValueError(f"{name!r} is no name of a systemd unit; write for example app-web")
    return name


def _several(said: object) -> object:
    return (said,) if isinstance(said, str) else said


Path = Annotated[str, AfterValidator(absolute)]
Paths = Annotated[
    tuple[Path, ...],
    BeforeValidator(_several),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


class Log(OnHost):
    """A log: files, with those that they were rotated into, or the journal of a systemd unit."""

    path: Paths = Field(
        default=(),
        description="an absolute path, in which *, ? and [...] stand for what a shell puts there; or several",
    )
    journal: Annotated[str, AfterValidator(_unit)] = Field(
        default="", description="in place of `path`: a systemd unit, whose messages in the journal are read"
    )
    timezone: Annotated[str, AfterValidator(_timezone)] = Field(
        default="", description="the zone of time stamps that name none, for example UTC; by default the host's"
    )

    @model_validator(mode="after")
    def _one_source(self) -> Log:
        if bool(self.path) == bool(self.journal):
            raise ValueError('say where it is, either path = "/var/log/app.log" or journal = "app-web"')
        if self.journal and self.timezone:
            raise ValueError("the journal's time stamps are of no zone; leave `timezone` out")
        return self


kind = Kind("logs", Log, "a log on a host: files, with those that they were rotated into, or a unit's journal")

_PERL = re.compile(r"(?<!\\)(?:\\\\)*(\\[dDtnrfvxuAzZhHKQEpP0]|\(\?|[*+?}][?+])")


def _extended(pattern: str) -> str:
    """Refuse what grep -E takes for something else, and so would never match."""
    outside = re.sub(r"\[\^?\]?[^\]]*\]", "[]", pattern)
    if match := _PERL.search(outside):
        raise ValueError(
            f"{match[1]} is none of an extended regular expression, which is what grep -E takes; "
            "write [0-9] for \\d, (a|b) for (?:a|b)"
        )
    if "\n" in pattern:
        raise ValueError("a pattern is one line")
    return pattern


Pattern = Annotated[str, AfterValidator(_extended)]
"""An extended regular expression (POSIX, as grep -E takes it)."""

# $1 pattern, $2 what to ignore, $3 -i or nothing; $4 the window's seconds, $5 or the moment when it began, or nothing
# for both; $6 and $7 the seconds by which time stamps without a zone are ahead of UTC at the window's start and now, or
# nothing for the host's own; $8 a unit of the journal, or else the paths from $9 on.
_COUNT = (
    IN_SIGHT
    + r"""
export LC_ALL=C
IFS= nl='
'
pattern=$1 ignore=$2 case=$3 window=$4 start=$5 then=$6 here=$7 unit=$8
shift 8
for regex in "$pattern" "$ignore"; do
  printf '' | grep -E -e "$regex" >/dev/null; [ $? -le 1 ] || exit 2
done
now=$(date +%s)
[ -z "$window" ] || start=$((now - window))
if [ -n "$start" ]; then
  window=$((now - start))
  [ -n "$then" ] || { then=$(date -d "@$start" +z%z) && here=$(date +z%z) || exit 2; }
fi
year=$(date +%Y)
echo "now $now"
seen=$nl
add() {
  case $seen in *"$nl$1$nl"*) return;; esac
  [ -f "$1" ] || return
  [ -r "$1" ] || denied "$1"
  seen=$seen$1$nl
}
# What a path was rotated into: NAME.1, NAME-20261120.gz, and with the date before the ending.
rotated() {
  for file in $1[.-][0-9]* ${1%.*}[.-][12][0-9][0-9][0-9]*".${1##*.}"*; do
    [ -f "$file" ] && [ "$(stat -L -c %Y -- "$file")" -ge "$start" ] && add "$file"
  done
}
files() {
  for path; do
    echo "log $path"
    in_sight "$path"
    before=$seen
    for file in $path; do
      [ ! -d "$file" ] || folder=$file
      add "$file"
    done
    [ "$seen" != "$before" ] || case $seen in *"$nl$path$nl"*) ;; *)
      [ -z "$folder" ] || echo "folder $folder"
      echo "none $path"; exit 0;;
    esac
    [ -z "$start" ] || rotated "$path"
  done
}
text() {
  case $1 in
    *.gz) gzip -dc -- "$1";;
    *.bz2) bzip2 -dc -- "$1";;
    *.xz) xz -dc -- "$1";;
    *.zst) zstd -dcq -- "$1";;
    *) cat -- "$1";;
  esac || echo "failed $1" >&3
}
# Whether there is such a unit at all, and its messages may be seen: journalctl exits with 0 either way.
journal() {
  echo "log the journal of $unit"
  command -v journalctl >/dev/null || { echo "journalctl is not installed; a journal needs systemd" >&2; exit 9; }
  case $(journalctl -n 1 -o cat --no-pager 2>&1 >/dev/null) in
    *"not seeing messages"*|*"insufficient permissions"*) echo "hidden $(id -un)"; exit 0;;
    *"No journal files"*) echo "unkept"; exit 0;;
  esac
  [ -n "$(journalctl -q -u "$unit" -n 1 -o cat --no-pager)" ] ||
    systemctl show -p LoadState -- "$unit" 2>/dev/null | grep -q '=loaded$' || { echo "none $unit"; exit 0; }
}
if [ -n "$unit" ]; then journal; else files "$@"; fi
lines() {
  if [ -n "$unit" ]; then
    journalctl -q -u "$unit" ${start:+--since="@$start"} -o cat --no-pager || echo "failed the journal of $unit" >&3
    echo "whole $unit" >&3
    return
  fi
  list=${seen#"$nl"}
  while [ -n "$list" ]; do
    file=${list%%"$nl"*} list=${list#*"$nl"}
    if [ -n "$start" ]; then
      text "$file" | tr -d '\000' | awk -v now="$now" -v window="$window" -v then="$then" -v here="$here" \
        -v year="$year" -v mtime="$(stat -L -c %Y -- "$file")" -v name="$file" "$AWK"
    else
      text "$file" | tr -d '\000'
      echo "whole $file" >&3
    fi
  done
}
search() { grep "$@"; [ $? -le 1 ] || echo "failed grep" >&3; }
wanted() { search -E $case -e "$pattern"; }
unwanted() { if [ -n "$ignore" ]; then search -vE $case -e "$ignore"; else cat; fi; }
{ echo "count $(lines | wanted | unwanted | wc -l)"; } 3>&1
"""
)


@dataclass(frozen=True, slots=True)
class Count:
    """How many lines match, and as what: in the unit of the window, or none since a moment and for whole files."""

    log: str
    pattern: str
    lines: int
    unit: str


def _since(said: str | None, info: ValidationInfo) -> str | None:
    if said is None:
        return None
    if info.data.get("window_s"):
        raise ValueError("a limit with a rate has a window of its own; say a number, for example expect = 0")
    try:
        return said if said == "today" else f"{parse_duration(said):g}"
    except LimitError:
        raise ValueError(
            f"{said!r} is neither today nor a length of time; write for example 'today' or '30m'"
        ) from None


Since = Annotated[str | None, AfterValidator(_since)]
"""From when lines count: a length of time before now, or the last midnight in the inventory's time zone."""


def _args(
    target: Log,
    *,
    pattern: str,
    ignore: str,
    ignore_case: bool,
    window_s: int | None,
    since: str | None,
    zone: dt.tzinfo,
) -> tuple[str, ...]:
    now = dt.datetime.now(dt.UTC)
    midnight = dt.datetime.combine(now.astimezone(zone).date(), dt.time(), zone)
    seconds = float(since) if since and since != "today" else float(window_s or 0)
    start = midnight if since == "today" else now - dt.timedelta(seconds=seconds)
    then, here = "", ""
    if target.timezone:
        stamped = zoneinfo.ZoneInfo(target.timezone)
        then, here = (str(_ahead_s(moment.astimezone(stamped))) for moment in (start, now))
    began = str(int(start.timestamp())) if since == "today" else ""
    window = str(max(1, int(seconds))) if seconds else ""
    case = "-i" if ignore_case else ""
    return (pattern, ignore, case, window, began, then, here, target.journal, *target.path)


def _ahead_s(moment: dt.datetime) -> int:
    return int((moment.utcoffset() or dt.timedelta()).total_seconds())


@kind.shell(f"AWK={awk_program(WINDOW)}\n{_COUNT}", args=_args, timeout_s=60)
def count(
    output: Output,
    *,
    pattern: Pattern,
    ignore: Pattern = "",  # noqa: ARG001 - the script's
    ignore_case: bool = False,  # noqa: ARG001 - the script's
    window_s: int | None = None,
    since: Since = None,  # noqa: ARG001 - the script's
    zone: Zone,  # noqa: ARG001 - the script's
) -> Count:
    """Lines that match `pattern` and not `ignore`: with a rate those of its window, with `since` those from then on.

    By the lines' own time stamps, or the journal's. The files that a log was rotated into (NAME.1, NAME-20261120.gz)
    are read too, where they reach into the window.
    """
    said = said_of(output)
    _refuse_missing(said)
    for what in said.get("failed", ()):
        raise UnknownError(f"{what} could not be read to its end")
    read = said.get("read", [])
    if "count" not in said or not (read or said.get("whole")):
        raise UnknownError("nobody said how many lines match")
    files = [Stamps.of(line) for line in read]
    for stamps in files:
        stamps.require_any(said.get("sample", []))
    if files:
        max(files, key=lambda stamps: stamps.written).require_zone(int(said["now"][0]))
    return Count(", ".join(said["log"]), pattern, int(said["count"][0]), rate_unit(window_s))


def _refuse_missing(said: dict[str, list[str]]) -> None:
    """Raise UnknownError where there is no such log, or it can't be seen."""
    for path in said.get("none", ()):
        if "/" not in path:
            raise UnknownError(f"neither the journal nor systemd knows a unit {path}; see systemctl list-units --all")
        if "folder" in said:
            raise UnknownError(f"{said['folder'][0]} is a folder; name the files in it")
        raise UnknownError(f"{path}: there is no such file; look for it: ls -l {path.rpartition('/')[0] or '/'}")
    for user in said.get("hidden", ()):
        raise UnknownError(
            f"no permission to read the journal; let the host's user: usermod -aG systemd-journal {user}"
        )
    if "unkept" in said:
        raise UnknownError("there is no journal; see that systemd-journald runs: systemctl status systemd-journald")
