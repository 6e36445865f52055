"""Time stamps in log files: which lines are inside a window, as the host finds out, and whether to rely on that."""

from __future__ import annotations

from dataclasses import dataclass

from ._files import CIVIL
from ._kind import UnknownError

_AHEAD_S = 300
_HALF_HOUR_S = 1800
_NEAR_S = 120
_FARTHEST_S = 14 * 3600
"""No time zone is farther from UTC."""

# Passes on the lines of a file that are not older than the window, and says on descriptor 3 how it went. The first line
# with a time stamp says in which form and, where it begins the line, at which column the file has its stamps: what
# looks like one in the text of a line, or in a traceback, is none. A line without a stamp belongs to the one before it.
# No function is used that mawk and busybox lack.
WINDOW = (
    CIVIL
    + r"""
function month(name) { return int((index("JanFebMarAprMayJunJulAugSepOctNovDec", name) + 2) / 3) }
function shift(z,   s) {
  s = z; gsub(/[^0-9]/, "", s)
  s = substr(s, 1, 2) * 3600 + substr(s, 3, 2) * 60
  return z ~ /-/ ? -s : s
}
function day(key, y, m, d) { if (!(key in days)) days[key] = civil(y, m, d) * 86400; return days[key] }
function clock(s) { return substr(s, 1, 2) * 3600 + substr(s, 4, 2) * 60 + substr(s, 7, 2) }
function nearer(f, re) { if (match(line, re) && (!form || RSTART < at)) { form = f; at = RSTART } }
function find() {
  nearer("iso", iso); nearer("clf", clf); nearer("ctime", ctime); nearer("sys", "^" sys)
  if (!form) nearer("epoch", epoch)
  column = at <= 2 && form != "epoch" ? at : 0
}
function stamp(   s, rest) {
  if (form == "") find()
  if (form == "") return 0
  s = column ? substr(line, column) : line
  if (!match(s, form_of[form]) || (column && RSTART > 1)) return 0
  s = substr(s, RSTART, RLENGTH + 14)
  if (s == same) return 1  # as lines of one second mostly are
  same = s; zoned = 0; rest = ""
  if (form == "iso") {
    naive = day(substr(s, 1, 10), substr(s, 1, 4), substr(s, 6, 2), substr(s, 9, 2)) + clock(substr(s, 12))
    rest = substr(s, 20)
  } else if (form == "clf") {
    naive = day(substr(s, 1, 11), substr(s, 8, 4), month(substr(s, 4, 3)), substr(s, 1, 2)) + clock(substr(s, 13))
    rest = substr(s, 21)
  } else if (form == "ctime") {
    match(s, / 20[0-9][0-9]/)
    naive = day(substr(s, 5, 6) substr(s, RSTART, 5), substr(s, RSTART + 1, 4), month(substr(s, 5, 3)), substr(s, 9, 2))
    naive += clock(substr(s, 12))
  } else if (form == "epoch") {
    match(s, /[12][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]/)
    naive = substr(s, RSTART, 10) + 0; zoned = 1; offset = 0
  } else {
    naive = day(substr(s, 1, 6), year, month(substr(s, 1, 3)), substr(s, 5, 2)) + clock(substr(s, 8))
    if (naive > now + here + 86400) naive -= (civil(year, 1, 1) - civil(year - 1, 1, 1)) * 86400
  }
  sub(/^[.,][0-9]+/, "", rest)
  if (rest ~ /^ ?(Z|UTC|GMT)/) { zoned = 1; offset = 0 }
  else if (match(rest, /^ ?[-+][0-9][0-9]:?[0-9][0-9]/) || match(rest, /^[-+][0-9][0-9]/)) {
    zoned = 1; offset = shift(substr(rest, RSTART, RLENGTH))
  }
  return 1
}
BEGIN {
  d = "[0-9][0-9]"; t = d ":" d ":" d
  iso = d d "[-/]" d "[-/]" d "[T ]" t
  m = "[A-Z][a-z][a-z]"
  clf = d "[-/ ]" m "[-/ ]" d d "[: ]" t
  sys = m " [ 0-9][0-9] " t
  ctime = m " " sys "[.0-9]* 20" d
  epoch = "(^[^0-9]?|\"@?(ts|time|timestamp)\": ?\"?)[12]" d d d d "[0-9]([^0-9]|$|" d "[0-9]([^0-9]|$))"
  form_of["iso"] = iso; form_of["clf"] = clf; form_of["sys"] = sys; form_of["ctime"] = ctime; form_of["epoch"] = epoch
  if (then ~ /^z/) { then = shift(then); here = shift(here) }
}
NR == 1 { first = substr($0, 1, 40) }
{
  line = $0; own = stamp()
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
END {
  if (!stamped) {
    gsub(/[0-9]/, "9", first); gsub(/[A-Za-z]/, "x", first); gsub(/[^ -~]/, "x", first)
    print "sample " first > "/dev/fd/3"
  }
  printf "read %d %d %d %d %d %d %s\n", NR, stamped, newest, own, zoned, mtime, name > "/dev/fd/3"
}
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

    def require_any(self, samples: list[str]) -> None:
        """Raise UnknownError where no line says when it was written; `samples` show what such files begin with."""
        if self.lines and not self.stamped:
            raise UnknownError(
                f"{self.file}: no line has a time stamp such as 2026-11-20T10:00:00, [20/Nov/2026:10:00:00 +0000], "
                f"Nov 20 10:00:00 or 1795168800; its first begins with {' '.join(samples[:1])!r}, in which 9 stands "
                "for digits and x for letters; a limit without a rate or `since` counts in the whole file"
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
