"""Log files on a host: how many of their lines match, in all or within a window up to now; only counts travel."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

from ._files import IN_SIGHT, Files, said_of
from ._kind import Kind, Output, UnknownError

_UNITS = {1: "/s", 60: "/min", 3600: "/h", 86400: "/day"}
_AHEAD_S = 300
_HALF_HOUR_S = 1800
_NEAR_S = 120
_FARTHEST_S = 14 * 3600
"""No time zone is farther from UTC."""


def _timezone(name: str) -> str:
    if name:
        try:
            zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"unknown time zone {name!r}; write for example UTC or Europe/Berlin") from None
    return name


class LogFile(Files):
    """A log file, with those that it was rotated into."""

    timezone: Annotated[str, AfterValidator(_timezone)] = Field(
        default="", description="the zone of time stamps that name none, for example UTC; by default the host's"
    )


kind = Kind("logs", LogFile, "a log file on a host, with those that it was rotated into")

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

# Passes on the lines of a file that are not older than the window, and says on descriptor 3 how it went. The first line
# with a time stamp says in which form and, where it begins the line, at which column the file has its stamps: what
# looks like one in the text of a line, or in a traceback, is none. A line without a stamp belongs to the one before it.
# No function is used that mawk and busybox lack.
_WINDOW = r"""
function civil(y, m, d,   a) {
  a = y - (m + 0 <= 2)  # what substr gives is text, and compares as such
  return 365 * a + int(a / 4) - int(a / 100) + int(a / 400) + int((153 * ((m + 9) % 12) + 2) / 5) + d - 719469
}
function month(name) { return int((index("JanFebMarAprMayJunJulAugSepOctNovDec", name) + 2) / 3) }
function shift(z,   s) {
  s = z; gsub(/[^0-9]/, "", s)
  s = substr(s, 1, 2) * 3600 + substr(s, 3, 2) * 60
  return z ~ /-/ ? -s : s
}
function day(key, y, m, d) { if (!(key in days)) days[key] = civil(y, m, d) * 86400; return days[key] }
function clock(s) { return substr(s, 1, 2) * 3600 + substr(s, 4, 2) * 60 + substr(s, 7, 2) }
function find(line) {
  if (match(line, iso)) { form = "iso"; at = RSTART }
  if (match(line, clf) && (!form || RSTART < at)) { form = "clf"; at = RSTART }
  if (match(line, /^[A-Z][a-z][a-z] [ 0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]/)) { form = "sys"; at = 1 }
  column = at <= 2 ? at : 0
}
function stamp(line,   s, rest) {
  if (form == "") find(line)
  if (form == "") return 0
  s = column ? substr(line, column) : line
  if (!match(s, form == "iso" ? iso : form == "clf" ? clf : sys) || (column && RSTART > 1)) return 0
  s = substr(s, RSTART, RLENGTH + 14)
  zoned = 0
  if (form == "iso") {
    naive = day(substr(s, 1, 10), substr(s, 1, 4), substr(s, 6, 2), substr(s, 9, 2)) + clock(substr(s, 12))
    rest = substr(s, 20); sub(/^[.,][0-9]+/, "", rest)
    if (rest ~ /^ ?(Z|UTC|GMT)/) { zoned = 1; offset = 0 }
    else if (match(rest, /^ ?[-+][0-9][0-9]:?[0-9][0-9]/) || match(rest, /^[-+][0-9][0-9]/)) {
      zoned = 1; offset = shift(substr(rest, RSTART, RLENGTH))
    }
  } else if (form == "clf") {
    naive = day(substr(s, 1, 11), substr(s, 8, 4), month(substr(s, 4, 3)), substr(s, 1, 2)) + clock(substr(s, 13))
    zoned = 1; offset = shift(substr(s, 22, 5))
  } else {
    naive = day(substr(s, 1, 6), year, month(substr(s, 1, 3)), substr(s, 5, 2)) + clock(substr(s, 8))
    if (naive > now + here + 86400) naive -= (civil(year, 1, 1) - civil(year - 1, 1, 1)) * 86400
  }
  return 1
}
BEGIN {
  d = "[0-9][0-9]"; t = d ":" d ":" d
  iso = d d "[-/]" d "[-/]" d "[T ]" t
  clf = d "/[A-Z][a-z][a-z]/" d d ":" t " [-+]" d d
  sys = "[A-Z][a-z][a-z] [ 0-9][0-9] " t
  if (then ~ /^z/) { then = shift(then); here = shift(here) }
}
{
  own = stamp($0)
  if (own) {
    stamped++
    inside = zoned ? naive - offset >= now - window : naive >= now - window + then
    last = zoned ? naive - offset : naive - here
    if (last > newest) newest = last
    if (stamped == 1 && inside) for (i = 1; i <= held; i++) print hold[i]
  }
  if (inside) print
  else if (!stamped && held < 1000) hold[++held] = $0
}
END { printf "read %d %d %d %d %d %d %s\n", NR, stamped, newest, own, zoned, mtime, name > "/dev/fd/3" }
"""

# $1 path, $2 pattern, $3 what to ignore, $4 -i or nothing, $5 the window's seconds or nothing, $6 and $7 the seconds by
# which time stamps without a zone are ahead of UTC at the window's start and now, or nothing for the host's own.
_COUNT = (
    IN_SIGHT
    + r"""
IFS=
pattern=$2 ignore=$3 case=$4 window=$5 then=$6 here=$7
echo "path $1"
in_sight "$1"
for regex in "$pattern" "$ignore"; do
  printf '' | grep -E -e "$regex" >/dev/null; [ $? -le 1 ] || exit 2
done
now=$(date +%s)
if [ -n "$window" ]; then
  start=$((now - window))
  [ -n "$then" ] || { then=$(date -d "@$start" +z%z) && here=$(date +z%z) || exit 2; }
fi
year=$(date +%Y)
echo "now $now"
files= seen=:
add() {
  case $seen in *":$1:"*) return;; esac
  [ -f "$1" ] || return
  [ -r "$1" ] || { echo "denied $1"; exit 0; }
  seen=$seen$1:
}
for file in $1; do
  [ ! -d "$file" ] || echo "folder $file"
  add "$file"
done
[ "$seen" != : ] || { echo none; exit 0; }
if [ -n "$window" ]; then
  for file in $1[.-][0-9]*; do
    [ -f "$file" ] && [ "$(stat -L -c %Y -- "$file")" -ge "$start" ] && add "$file"
  done
fi
text() {
  case $1 in
    *.gz) gzip -dc -- "$1";;
    *.bz2) bzip2 -dc -- "$1";;
    *.xz) xz -dc -- "$1";;
    *.zst) zstd -dcq -- "$1";;
    *) cat -- "$1";;
  esac || echo "failed $1" >&3
}
lines() {
  list=${seen#:}
  while [ -n "$list" ]; do
    file=${list%%:*} list=${list#*:}
    if [ -n "$window" ]; then
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
class Stamps:
    """A file's time stamps: on how many lines, the newest (seconds since 1970), and when it was last written to."""

    file: str
    lines: int
    stamped: int
    newest: int
    at_the_end: bool
    zoned: bool
    written: int

    @classmethod
    def of(cls, line: str) -> Stamps:
        """Read what the script says of a file."""
        lines, stamped, newest, at_the_end, zoned, written, file = line.split(" ", 6)
        return cls(file, int(lines), int(stamped), int(newest), at_the_end == "1", zoned == "1", int(written))

    def require_any(self) -> None:
        """Raise UnknownError where no line says when it was written."""
        if self.lines and not self.stamped:
            raise UnknownError(
                f"{self.file}: no line has a time stamp such as 2026-11-20T10:00:00, [20/Nov/2026:10:00:00 +0000] or "
                "Nov 20 10:00:00; a limit without a rate counts in the whole file"
            )

    def require_zone(self, now: int) -> None:
        """Raise UnknownError where the stamps seem to be of another time zone.

        They are ahead of the clock; or the last line is older than the last write, by nothing but half hours.
        """
        if not self.lines:
            return
        behind = self.written - self.newest
        shift = round(behind / _HALF_HOUR_S) * _HALF_HOUR_S
        shifted = self.at_the_end and not self.zoned and abs(behind - shift) <= _NEAR_S
        if self.newest - max(now, self.written) > _AHEAD_S or (shifted and 0 < shift <= _FARTHEST_S):
            where = "after" if behind < 0 else "before"
            raise UnknownError(
                f"{self.file}: its last time stamp is {abs(behind) / 3600:.1f} h {where} it was last written to; "
                'say the zone of its time stamps, for example timezone = "UTC"'
            )


@dataclass(frozen=True, slots=True)
class Count:
    """How many lines match, and as what: in the unit of the window, or none for whole files."""

    path: str
    pattern: str
    lines: int
    unit: str


def _args(target: LogFile, pattern: str, ignore: str, ignore_case: bool, window_s: int | None) -> tuple[str, ...]:
    then, here = "", ""
    if window_s and target.timezone:
        zone, now = zoneinfo.ZoneInfo(target.timezone), dt.datetime.now(dt.UTC)
        then, here = (
            str(int((moment.astimezone(zone).utcoffset() or dt.timedelta()).total_seconds()))
            for moment in (now - dt.timedelta(seconds=window_s), now)
        )
    return (target.path, pattern, ignore, "-i" if ignore_case else "", str(window_s or ""), then, here)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


@kind.shell(f"AWK={_quoted(_WINDOW)}\n{_COUNT}", args=_args, timeout_s=60)
def count(
    output: Output,
    *,
    pattern: Pattern,
    ignore: Pattern = "",  # noqa: ARG001 - the script's
    ignore_case: bool = False,  # noqa: ARG001 - the script's
    window_s: int | None = None,
) -> Count:
    """Lines that match `pattern` and not `ignore`: with a rate those of its window, by the lines' own time stamps.

    The files that the log was rotated into (NAME.1, NAME-20261120.gz) are read too, where they reach into the window.
    """
    said = said_of(output)
    path = said["path"][0]
    if "none" in said:
        kind_of = "is a folder; name the files in it" if "folder" in said else "there is no such file"
        raise UnknownError(f"{path}: {kind_of}")
    for what in said.get("failed", ()):
        raise UnknownError(f"{what} could not be read to its end")
    if "count" not in said or not (said.get("read") or said.get("whole")):
        raise UnknownError(f"nobody said how many lines of {path} match")
    now = int(said["now"][0])
    files = [Stamps.of(line) for line in said.get("read", ())]
    for stamps in files:
        stamps.require_any()
    if files:
        max(files, key=lambda stamps: stamps.written).require_zone(now)
    return Count(path, pattern, int(said["count"][0]), _UNITS.get(window_s or 0, ""))
