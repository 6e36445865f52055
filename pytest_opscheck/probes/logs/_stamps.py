"""Time stamps in log files: which lines are inside a window, as the host finds out, and which of that is in doubt."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.errors import UnknownError
from ._forms import FORMS

STAMP_KEY = 'set the format of its time stamps, for example stamp = "%d.%m. %H:%M"'
_ZONE_KEY = 'set the zone of its time stamps, for example timezone = "UTC"'

# Passes on the lines of a file that are not older than the window, and says on descriptor 3 how it went. A line without
# a stamp belongs to the one before it. A log goes on, and a file is written to by the time of its last change: what
# stands between two lines of the window is in it, and what stands between two lines before it is not. Wherever that
# says too little, a reason for doubt is said, and the program runs again with `mode`, to pass on what is in doubt for
# that reason: `head` what stands before the first stamp, `tail` behind the last one, though the file was written to
# later; `gap` between the last line before the window and the first in it, where a line looks as if it had a stamp;
# `zone` where the stamp may be of several moments; `order` old lines behind new ones; `shift` where all stamps seem to
# be of another zone; `ahead` stamps of the future; `year` where the guessed year is not the line's; `none` all lines.
WINDOW = (
    FORMS
    + r"""
# 1 in the window, 0 before it, 2 one of the two.
function class(   low, high) {
  if (zone == 1) return naive - offset >= start
  if (!zone && doubtful == "") return naive >= local ? 1 : fold && naive + fold >= local ? 2 : 0
  low = high = naive
  if (doubtful != "") { if (doubtful < low) low = doubtful; if (doubtful > high) high = doubtful }
  if (zone == 2) { low -= 50400; high += 43200; return low >= start ? 1 : high >= start ? 2 : 0 }
  return low >= local ? 1 : high + fold >= local ? 2 : 0
}
function reason() {
  if (zone == 2 || doubtful != "" || inside == 2) return inside == 2 ? "zone" : ""
  if (inside) {
    if (when > limit || (ahead && !firm && when < start + ahead)) return "ahead"
    return NR < turned ? "year" : ""
  }
  if (!firm && when < newest - 600 && NR > onward) return "order"
  return lag && !firm && when >= start - lag ? "shift" : ""
}
# Whether a line without a stamp looks like one with a stamp of its own, or like too many to belong to the one before.
# A date before that one's is a date that the line speaks of.
function own_kind(   was, past) {
  if ($0 !~ /^[^] \t})]/) return 0
  if (++loose > 100 || $0 ~ /^[\[(<@]?[0-9][0-9]/) return 1
  if (substr($0, 1, 60) !~ /(^|[^0-9])[0-9][0-9]?[:.h][0-9][0-9]/) return 0
  was = form; past = STAMP == "" && leftmost(substr($0, 1, 256)) && !goes_on(); form = was
  return !past
}
# What stands between the last line before the window and the first in it, or behind a line before it: to be passed on
# at its end, if nothing shows that it belongs together, as lines that are indented do.
function hold() {
  if (!held++) { dent = own_stamp = flush = 0; odd = 1 }
  held_at = NR
  if ($0 ~ /^[ \t]+[^ \t]/) { dent = 1; flush = 0 } else if (++flush > 10) own_stamp++
  if (own_kind() && !own_stamp++) odd = held
  if (held > 200) { own_stamp = 1; if (held == 201) pass_on(); print }
  else line_of[held] = $0
}
function end_hold() { if (held <= 200) pass_on(); held = 0 }
function pass_on(   i) {
  if (own_stamp || !dent) {
    sample(line_of[odd > 200 ? 1 : odd], held_at - held + odd)
    for (i = 1; i <= held && i <= 200; i++) print line_of[i]
  }
}
function sample(text, number,   n, i, word) {
  if (shown++) return
  n = split(substr(text, 1, 48), word, " "); text = ""
  for (i = 1; i <= n; i++) {
    if (word[i] ~ /[^]0-9.,:\/+[()-]/ || word[i] ~ /[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]/ || \
      word[i] ~ /^[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+/) {
      gsub(/[0-9]/, "9", word[i]); gsub(/[A-Za-z]/, "x", word[i]); gsub(/[^ -~]/, "x", word[i])
    }
    text = text (i > 1 ? " " : "") word[i]
  }
  printf "sample %s %d %s\n", mode ? mode : "none", number, text > "/dev/fd/3"
}
BEGIN {
  newest = -1; local = start + then; fold = then > soon ? then - soon : 0
  if (mode) {
    split(facts, fact, " "); total = fact[1]; first_at = fact[2]; last = fact[3]; begun = fact[4]; gap = fact[5]
    lag = fact[6]; ahead = fact[7]; turned = fact[8]; onward = fact[9]
  }
}
mode && NR > total { next }
NR == 1 { sub(/^\357\273\277/, "") }
last_text != "" && alike() {
  own = 1
  if (held) end_hold()
  at = NR; stamped++; loose = 0
  if (mode) { why = last_why; if (why == mode) { sample($0, NR); print } }
  else if (inside == 1) print
  next
}
{
  if (own = stamp()) {
    remember()
    if (held) end_hold()
    if (weak && naive - offset > limit) zone = weak = 0
    when = instant(); firm = zone == 1 && !weak; loose = 0
    if (!stamped++) { head = NR - 1; first = when }
    inside = class()
    if (stamped == 1) from = inside
    if (mode) last_why = why = reason()
    else if (inside == 1) {
      if (!begun) { begun = NR; if (stamped > 1 && NR - 1 > at) gap = at }
      if (when > limit) future = 1
      years += yearless
    } else if (inside == 2) unsure = 1
    else if (when >= newest - 600) { onward = NR; back = 0 }
    else if (!firm) { back = 1; if (begun && yearless && when < start - 86400) turned = NR }
    if (when > newest && zone != 2 && doubtful == "") { newest = when; sure = firm }
    at = NR
  } else if (mode) {
    if (!first_at || NR < first_at) why = mode == "none" ? "none" : "head"
    else if (NR > last && !inside && mode == "tail") why = "tail"
    else if (!inside && mode == "gap" && (gap && NR > gap && NR < begun || begun && NR > begun)) {
      hold()
    }
  }
  if (mode) { if (why == mode) { sample($0, NR); print } }
  else if (inside == 1) print
}
END {
  if (mode) {
    if (held) end_hold()
    exit
  }
  late = mtime - newest
  other = late - here + then  # where the clocks were changed since
  if ((other < 0 ? -other : other) < (late < 0 ? -late : late)) late = other
  written = mtime >= start
  half = int(late / 1800 + 0.5) * 1800
  near = own && half && late - half <= 120 && half - late <= 120
  if (stamped && !sure && written && late > 0 && \
    (proven && (at_begin || known_key != "") ? proven == 2 && near && late <= 50400 : near || late >= 3600)) lag = late
  if (stamped && newest > limit) ahead = newest - (now > mtime ? now : mtime)
  if (NR && !stamped && written) why = "none"
  if (stamped) {
    if (head && written && (from || lag)) why = why " head"
    if (!own && inside != 1 && written && late > 300) why = why " tail"
    if (gap || back) why = why " gap"
    if (unsure) why = why " zone"
    if (back && written) why = why " order"
    if (lag) why = why " shift"
    if (future || ahead) why = why " ahead"
    if (turned && years) why = why " year"
  }
  printf "facts %d %d %d %d %d %d %d %d %d\n", NR, head + (stamped > 0), at, begun, gap, lag, ahead, turned, onward \
    > "/dev/fd/3"
  if (why != "") print "why " why > "/dev/fd/3"
  printf "read %d %d %d %d %d %s\n", NR, stamped, first, newest, mtime, name > "/dev/fd/3"
}
"""
)


_HARD = ("none", "tail", "shift", "ahead")
"""Reasons by which most of a file may be judged wrongly: no number is said then, not even bounds."""


@dataclass(frozen=True, slots=True)
class Stamps:
    """A file's time stamps: on how many lines, the first and the newest, and when the file was last written to.

    Moments are in seconds since 1970.
    """

    file: str
    lines: int
    stamped: int
    first: int
    newest: int
    written: int

    @classmethod
    def of(cls, line: str) -> Stamps:
        """Read what the script says of a file."""
        lines, stamped, first, newest, written, file = line.split(" ", 5)
        return cls(file, int(lines), int(stamped), int(first), int(newest), int(written))


@dataclass(frozen=True, slots=True)
class Doubt:
    """Lines that match, of which the time is not known for one reason; `line` shows the first, its number before it."""

    reason: str
    lines: int
    stamps: Stamps
    line: str

    @property
    def counted(self) -> bool:
        """Whether the lines are among those that were counted, or beside them."""
        return self.reason in ("ahead", "year")

    @property
    def hard(self) -> bool:
        """Whether that puts the whole file in doubt."""
        return self.reason in _HARD

    def __str__(self) -> str:
        number, _, text = self.line.partition(" ")
        shown = f"line {number} begins with {text!r}, in which x stands for letters"
        stamps = self.stamps
        hours = (stamps.written - stamps.newest) / 3600
        why = {
            "none": "no line has a time stamp such as 2026-11-20T10:00:00, [20/Nov/2026:10:00:00 +0000], "
            f"Nov 20 10:00:00 or 1795168800; {shown}; {STAMP_KEY}; a limit without a rate or `since` counts in the "
            "whole file",
            "tail": f"it was written to {hours:.1f} h after the last time stamp that is known; {shown}; {STAMP_KEY}",
            "head": f"what stands before the first time stamp that is known may be of any time; {shown}; {STAMP_KEY}",
            "gap": f"a time stamp is not understood; {shown}; {STAMP_KEY}",
            "zone": f"a time stamp can be read in several ways; {shown}; have the log write its zone as +01:00 or Z, "
            f"and the month before the day never; or {_ZONE_KEY}",
            "order": f"older time stamps stand behind newer ones; {shown}; {_ZONE_KEY}, or {STAMP_KEY}",
            "shift": f"its last time stamp is {hours:.1f} h before it was last written to; {_ZONE_KEY}",
            "ahead": f"its last time stamp is {-hours:.1f} h after it was last written to; {_ZONE_KEY}",
            "year": f"its time stamps say no year, and are of more than one; {shown}; let it be rotated more often",
        }
        return f"{stamps.file}: {why[self.reason]}"


def doubts_of(answers: dict[str, list[str]]) -> list[Doubt]:
    """Return what the script says of lines in doubt. Raises UnknownError for a reason that puts a file in doubt."""
    files = {stamps.file: stamps for stamps in map(Stamps.of, answers.get("read", ()))}
    found = []
    for line in answers.get("doubt", ()):
        reason, lines, file = line.split(" ", 2)
        first = next(
            (each.removeprefix(f"{reason} ") for each in answers.get("sample", ()) if each.startswith(f"{reason} ")), ""
        )
        if int(lines):
            found.append(Doubt(reason, int(lines), files[file], first))
    for doubt in found:
        if doubt.hard:
            raise UnknownError(str(doubt))
    return found
