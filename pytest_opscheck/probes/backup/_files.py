"""A backup's files on its host: which there are, from when each is, and which is the newest that is finished."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from ...core.errors import BlockedError, UnknownError
from .._files import CIVIL, CLOCK_SKEW_S, IN_SIGHT, Files, awk_program, said_of
from .._kind import Kind, Output

DAY_S = 86400
LISTING_BYTES = 4_000_000
"""Some forty thousand files."""


class Backup(Files):
    """Backups that a job writes, each a file."""


kind = Kind("backup", Backup, "backups as files on a host; the newest is judged")

# Of each file: from when it is, when it was last written to, its size and name. A file is from when it was last written
# to, unless its name holds a date more than a day before that: then somebody has touched or copied it. A day, because
# the name may be in another time zone, and is given when the job starts. Of several dates in a name the last counts. A
# link beside what it leads to is the same file once more.
_MOMENTS = (
    CIVIL
    + r"""
function days(y, m) {
  return m == 2 ? 28 + (y % 4 == 0 && (y % 100 != 0 || y % 400 == 0)) : 30 + (m + int(m / 8)) % 2
}
# A product's year in front of a month and a day (mssql2019_11_27) gives the very day in another year.
function anniversary(y, m, d, written,   year, apart) {
  for (year = int(1969 + written / 31556952); year <= 1971 + written / 31556952; year++) {
    apart = civil(year, m, d) * 86400 - written
    if (year != y && apart > -172800 && apart < 172800) return 1
  }
  return 0
}
function named(name, written,   found, before, date, digits, apart, y, m, d, moment, skip, glued) {
  sub(/.*\//, "", name)
  while (match(name, "20[0-9][0-9]([01][0-9][0-3][0-9]|-[01][0-9]-[0-3][0-9]|_[01][0-9]_[0-3][0-9]|" \
    "[.][01][0-9][.][0-3][0-9])")) {
    before = before substr(name, 1, RSTART - 1)
    date = substr(name, RSTART, RLENGTH); name = substr(name, RSTART + RLENGTH)
    apart = date ~ /[^0-9]/
    digits = match(name, /^[0-9]+/) ? RLENGTH : 0
    skip = before ~ /[0-9]$/ || before ~ /(^|[^A-Za-z])[vV]$/ || (before ~ /[a-fA-F]$/ && name ~ /^[a-fA-F]/) ||
      (apart && before ~ /(^|[^0-9])[0-9][0-9]?[-_.][0-9][0-9]?[-_.]$/) || (digits && digits != 4 && digits != 6)
    y = substr(date, 1, 4) + 0; m = substr(date, apart ? 6 : 5, 2) + 0; d = substr(date, apart ? 9 : 7, 2) + 0
    glued = before ~ /[A-Za-z]$/
    before = before date
    if (skip || m < 1 || m > 12 || d < 1 || d > days(y, m)) continue
    moment = civil(y, m, d) * 86400
    if (moment > written + 172800 || (apart && glued && anniversary(y, m, d, written))) continue
    if (match(name, /^[-_T.]?[0-2][0-9][-_.:h]?[0-5][0-9][-_.:m]?[0-5][0-9]/)) {
      date = substr(name, 1, RLENGTH); gsub(/[^0-9]/, "", date)
      moment += substr(date, 1, 2) * 3600 + substr(date, 3, 2) * 60 + substr(date, 5, 2)
    } else moment += 86400
    if (moment > found) found = moment
  }
  return found
}
BEGIN {
  shift = substr(zone, 2, 2) * 3600 + substr(zone, 4, 2) * 60
  if (zone ~ /^-/) shift = -shift
}
/^link / { link = substr($0, 6); links[link] = 1; next }
/^leads / { leads[link] = substr($0, 7); next }
/^regular[^:]*:/ {
  sub(/^regular[^:]*:/, "")
  split($0, word, " ")
  file = substr($0, length(word[1] word[2] word[3]) + 4)
  if (file in links) linked[word[3]] = linked[word[3]] word[1] " " word[2] " " file "\n"
  else { seen[word[3]] = 1; show(word[1], word[2], file) }
}
function show(written, size, file,   moment, target) {
  moment = named(file, written)
  target = file in leads ? named(leads[file], written) : 0
  if (target > 0 && (moment <= 0 || target < moment)) moment = target
  moment -= shift
  print (moment > 0 && moment < written - 86400 ? moment : written), written, size, file
}
END {
  for (id in linked) if (!(id in seen)) {
    split(linked[id], line, "\n"); split(line[1], word, " ")
    show(word[1], word[2], substr(line[1], length(word[1] word[2]) + 3))
  }
}
"""
)

# Sets found to the finished files, newest first, and newest to the first of them. One is being written where it has
# changed within a minute and goes on changing, or where some process that can be looked into has it open for writing;
# then the one before counts.
NEWEST = (
    IN_SIGHT
    + f"\nMOMENTS={awk_program(_MOMENTS)}\n"
    + r"""
LC_ALL=C IFS=
echo "path $1"
in_sight "$1"
written() {
  [ $(( $(date +%s) - $(stat -L -c %Y -- "$1") )) -lt 60 ] || return 1
  before=$(stat -L -c '%s %Y' -- "$1"); sleep 2
  [ "$before" = "$(stat -L -c '%s %Y' -- "$1")" ] || return 0
  for fd in /proc/[0-9]*/fd/*; do
    [ "$fd" -ef "$1" ] && grep -q '^flags:.*[12]$' "${fd%/fd/*}/fdinfo/${fd##*/}" 2>/dev/null && return 0
  done
  return 1
}
list=$(stat -L -c '%F:%Y %s %d:%i %n' -- $1 2>/dev/null)
[ $? != 126 ] || { echo "$1 matches too many files" >&2; exit 126; }
for file in $1; do
  if behind_rights "$file"; then denied "$file"; fi
done
links() {
  for file in $1; do
    [ ! -L "$file" ] || printf 'link %s\nleads %s\n' "$file" "$(readlink -f "$file")"
  done
}
found=$({ links "$1"; printf '%s\n' "$list"; } |
  awk -v zone="$(date +%z)" "$MOMENTS" | sort -k1,1nr -k4r)
if [ -z "$found" ]; then
  case $list in regular*) echo "the files could not be sorted; install awk" >&2; exit 9;; esac
  printf '%s\n' "$list" | sed -n 's/^directory:[0-9]* [0-9]* [^ ]* /folder /p' | head -n 1
  echo none; exit 0
fi
first() { printf '%s\n' "$found" | sed -n '1s/^[0-9]* [0-9]* [0-9]* //p'; }
newest=$(first)
if written "$newest"; then
  echo "writing $newest"
  found=$(printf '%s\n' "$found" | sed 1d)
  [ -n "$found" ] || exit 0
  newest=$(first)
fi
echo "file $newest"
"""
)

# All of them, and the first bytes of the newest, which may hold a time stamp.
LISTING = (
    NEWEST
    + r"""
echo "now $(date +%s) $(date +%z)"
printf '%s\n' "$found" | sed 's/^/seen /'
[ ! -r "$newest" ] || echo "head $(head -c 64 < "$newest" | od -An -v -tx1 | tr -d ' \n')"
"""
)


def pattern(target: Backup) -> tuple[str, ...]:
    """Return what the scripts get: the path."""
    return (target.path,)


@dataclass(frozen=True, slots=True)
class File:
    """A finished file: from when it is and when it was last written to (seconds since 1970), its size in bytes."""

    name: str
    moment: int
    written: int
    size: int

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it: what a compressor makes of nothing is no more than that either."""
        return self.size <= _NOTHING.get(self.name.rpartition(".")[2], 0)


_NOTHING = {"gz": 20, "tgz": 20, "xz": 32, "txz": 32, "zst": 13, "bz2": 14, "lz4": 15}
"""How many bytes each makes of nothing."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The finished files that match a path, newest first, and the host's clock. `by` says what dates the newest."""

    path: str
    now: int
    files: tuple[File, ...]
    by: str = ""

    @classmethod
    def of(cls, output: Output) -> Listing:
        """Read what LISTING printed. Raises UnknownError where it could not look, or a clock is wrong."""
        answers = said_of(output)
        path = answers["path"][0]
        if "file" not in answers:
            _refuse(answers)
            return cls(path, 0, ())
        now, zone = answers["now"][0].split()
        files = tuple(_file(line) for line in answers["seen"])
        files, by = _by_content(files, bytes.fromhex(answers.get("head", [""])[0]), _seconds(zone))
        ahead = files[0].moment - int(now)
        if ahead > CLOCK_SKEW_S:
            raise UnknownError(
                f"{files[0].name} was written {ahead} s from now, by the host's clock; "
                "see which clock is wrong: timedatectl"
            )
        return cls(path, int(now), files, by)

    def age_s(self, file: File) -> float:
        """Return how old a file is."""
        return float(max(0, self.now - file.moment))

    @property
    def filled(self) -> tuple[File, ...]:
        """The files that hold something."""
        return tuple(file for file in self.files if not file.empty)

    def some(self) -> Listing:
        """Return the listing itself; blocked by `fresh` where there is no file."""
        if not self.files:
            raise BlockedError("fresh", f"no file matches {self.path}")
        return self


def _refuse(answers: dict[str, list[str]]) -> None:
    """Raise UnknownError unless the script says that there is no file."""
    path = answers["path"][0]
    if "writing" in answers:
        raise UnknownError(
            f"{answers['writing'][0]} is still being written, and no finished file matches {path}; ask again later"
        )
    if "folder" in answers:
        folder = answers["folder"][0]
        raise UnknownError(f"{folder} is a folder; name the files in it: path = {folder.rstrip('/') + '/*'!r}")
    if "none" not in answers:
        raise UnknownError("the host did not say what matches")


def _file(line: str) -> File:
    moment, written, size, name = line.split(" ", 3)
    return File(name, int(moment), int(written), int(size))


def _by_content(files: tuple[File, ...], head: bytes, zone_s: int) -> tuple[tuple[File, ...], str]:
    """Return the files, the newest as old as its content says, and what dates it."""
    newest = files[0]
    content = _content_moment(head, zone_s)
    if content is not None and content < newest.moment - DAY_S:
        return (File(newest.name, content, newest.written, newest.size), *files[1:]), ", by the time stamp in it,"
    return files, ", by the date in its name," if newest.moment != newest.written else ""


def _content_moment(head: bytes, zone_s: int) -> int | None:
    """Return the time stamp that a file's first bytes hold, None without one.

    gzip notes when what it compressed was last written to (RFC 1952, MTIME), where that was a file. pg_dump's custom
    format notes when the dump began, as the dumping machine's local time.
    """
    if head[:2] == b"\x1f\x8b":
        return int.from_bytes(head[4:8], "little") or None
    if head[:5] != b"PGDMP" or len(head) < 52:  # noqa: PLR2004 - the longest head that holds a time stamp
        return None
    version, integer = (head[5], head[6]), head[8] + 1
    at = 11 + (1 if version >= (1, 15) else integer)  # how it is compressed stands in between
    fields = [int.from_bytes(head[at + n * integer + 1 : at + (n + 1) * integer], "little") for n in range(6)]
    second, minute, hour, day, month, year = fields
    try:
        moment = dt.datetime(year + 1900, month + 1, day, hour, minute, min(second, 59), tzinfo=dt.UTC)
    except ValueError:
        return None
    return int(moment.timestamp()) - zone_s


def _seconds(zone: str) -> int:
    """Return the seconds of +0530."""
    value = int(zone[1:3]) * 3600 + int(zone[3:5]) * 60
    return -value if zone.startswith("-") else value


_DATE = re.compile(
    r"20[0-9]{2}(?:[01][0-9][0-3][0-9]|-[01][0-9]-[0-3][0-9]|_[01][0-9]_[0-3][0-9]|\.[01][0-9]\.[0-3][0-9])"
)
_NOT_BEFORE = re.compile(r"[0-9]$|(?:^|[^A-Za-z])[vV]$")
_DAY_AND_MONTH = re.compile(r"(?:^|[^0-9])[0-9]{1,2}[-_.][0-9]{1,2}[-_.]$")


def named_date(name: str, written: dt.date | None = None) -> dt.date | None:
    """Return the date that a file's name holds, the last of several; None without one.

    `written` is the day on which the file was last written to: later dates say something else, and a year glued to a
    product's name (mssql2019_11_27) is that product's where day and month are those of `written`. The awk program above
    reads names alike.
    """
    name = name.rpartition("/")[2]
    found = []
    for match in _DATE.finditer(name):
        before, behind, text = name[: match.start()], name[match.end() :], match[0]
        digits = len(behind) - len(behind.lstrip("0123456789"))
        apart = not text.isdigit()
        if (
            _NOT_BEFORE.search(before)
            or (re.search(r"[a-fA-F]$", before) and re.match(r"[a-fA-F]", behind))
            or (apart and _DAY_AND_MONTH.search(before))
            or digits not in (0, 4, 6)
        ):
            continue
        plain = re.sub(r"[^0-9]", "", text)
        try:
            date = dt.date(int(plain[:4]), int(plain[4:6]), int(plain[6:]))
        except ValueError:
            continue
        if written is not None and (
            date > written + dt.timedelta(days=2)
            or (apart and re.search(r"[A-Za-z]$", before) and _anniversary(date, written))
        ):
            continue
        found.append(date)
    return max(found, default=None)


def _anniversary(date: dt.date, written: dt.date) -> bool:
    """Tell whether a date is that of `written`, or next to it, in another year."""
    days = abs((date - written).days)
    return days > 300 and min(days % 365.2425, -days % 365.2425) < 2.5  # noqa: PLR2004 - a leap day's rounding
