"""Time stamps as programs write them: an awk library that finds a line's own, where lines of its kind have theirs."""

from __future__ import annotations

from .._files import CIVIL
from ._zones import ZONES

# No function is used that mawk, busybox and the original awk lack, and no repetition such as {2}, which old mawks lack.
# A form is tried where stamps stand: at the line's beginning, behind a key (JSON, logfmt), or behind words that look
# like those before the first stamp of the file. A date anywhere else is a date that the line speaks of. After `stamp()`
# has returned 1: `naive` is the clock's time in seconds since 1970; `zone` is 1 where the line says its zone, of which
# `offset` is the distance from UTC, 2 where what it says may be several, else 0; `doubtful` is another reading of
# `naive`, or nothing; `yearless` is 1 where the year is guessed.
FORMS = (
    CIVIL
    + ZONES
    + r"""
function month(name,   i) {
  name = tolower(name)
  i = index("janfebmaraprmayjunjulaugsepoctnovdec", substr(name, 1, 3))
  if (length(name) < 3 || i % 3 != 1) return 0
  i = (i + 2) / 3
  return index(full[i], name) == 1 ? i : 0
}
function moment(y, m, d, hour, min, s) {
  y += 0; m += 0; d += 0; hour += 0; min += 0; s += 0
  if (m < 1 || m > 12 || d < 1 || hour > 24 || min > 59 || s > 60) return 0
  if (y < 100) y += 2000
  key = y " " m " " d
  if (!(key in days)) {
    if (d > substr("312931303130313130313031", 2 * m - 1, 2) || (m == 2 && d == 29 && (y % 4 || !(y % 100)))) return 0
    if (++kept > 1000) { split("", days); split("", day_of); kept = 0 }
    days[key] = civil(y, m, d) * 86400
  }
  naive = days[key] + hour * 3600 + min * 60 + s
  return 1
}
# Without a year: the last time that it was that day.
function recent(m, d, hour, min, s,   y) {
  yearless = 1
  for (y = year + 1; y > year - 8; y--)
    if (moment(y, m, d, hour, min, s) && naive <= now + here + 86400) return 1
  return 0
}
# Whether it is of a day that has been read before, as most stamps are: then only the clock has to be read.
function known_day(f, head, cut, text,   h, m, key) {
  key = f substr(head, 1, cut - 8)
  if (!(key in day_of) || substr(head, cut - 5, 1) != ":" || substr(head, cut - 2, 1) != ":") return 0
  if (f == "sys" && substr(text, cut + 1, 2) !~ /^ [a-z]/) return 0
  h = substr(head, cut - 7, 2); m = substr(head, cut - 4, 2)
  if (!index("012", substr(h, 1, 1)) || h + 0 > 24 || m + 0 > 59) return 0
  naive = day_of[key] + h * 3600 + m * 60 + substr(head, cut - 1)
  return 1
}
# Reads the stamp with which a text begins, in a form that it has. Returns 0 where that is no moment.
function parse(f, text,   head, n, a, name, hour, ok, cut) {
  if (!match(text, hat[f])) return 0
  cut = RLENGTH; head = substr(text, 1, cut)
  if (f == "epoch") {
    match(text, /^[0-9]+/)
    if (RLENGTH != 10 && RLENGTH != 13 && RLENGTH != 16 && RLENGTH != 19) return 0
    naive = substr(text, 1, 10) + 0; zone = 1; offset = 0; doubtful = ""; yearless = 0; same = ""
    return !stamped || form == f || goes_on()
  }
  if (head == same) {
    naive = same_naive; doubtful = same_doubtful; yearless = same_yearless
  } else if (known_day(f, head, cut, text)) {
    doubtful = ""; yearless = f == "sys"
    same = head; same_naive = naive; same_doubtful = ""; same_yearless = yearless
  } else {
    doubtful = ""; yearless = 0
    if (f == "month" || f == "sys") {
      match(head, names); name = substr(head, RSTART, RLENGTH); gsub(/[^A-Za-z]/, "", name)
    } else if (f == "clf" || f == "day") {
      name = head; sub(/^[^0-9]*[0-9]+[^A-Za-z]*/, "", name); sub(/[^A-Za-z].*/, "", name)
    }
    n = split(head, a, /[^0-9]+/)
    if (a[1] == "") { for (ok = 1; ok < n; ok++) a[ok] = a[ok + 1]; a[n--] = "" }
    if (f == "iso") ok = moment(a[1], a[2], a[3], a[4], a[5], a[6])
    else if (f == "dense") {
      name = head; gsub(/[^0-9]/, "", name)
      ok = moment(substr(name, 1, 4), substr(name, 5, 2), substr(name, 7, 2), substr(name, 9, 2), substr(name, 11, 2),
        substr(name, 13, 2))
    } else if (f == "short")
      ok = moment(substr(a[1], 1, 2), substr(a[1], 3, 2), substr(a[1], 5, 2), a[2], a[3], a[4])
    else if (f == "clf") ok = moment(a[2], month(name), a[1], a[3], a[4], a[5])
    else if (f == "day") ok = recent(month(name), a[1], a[2], a[3], a[4])
    else if (f == "sys") {
      if (match(text, /^[^:]*:[0-9][0-9]:[0-9][0-9]([.][0-9]+)?( [A-Z][A-Z]+| [-+][0-9]+)? 20[0-9][0-9]/) && \
        substr(text, RLENGTH + 1, 1) !~ /[-0-9:.\/]/)
        ok = moment(substr(text, RLENGTH - 3, 4), month(name), a[1], a[2], a[3], a[4])
      else ok = recent(month(name), a[1], a[2], a[3], a[4])
    } else if (f == "month") ok = moment(a[2], month(name), a[1], a[3], a[4], a[5])
    else if (f == "glog") {
      n = length(a[1])
      if (n == 8) ok = moment(substr(a[1], 1, 4), substr(a[1], 5, 2), substr(a[1], 7, 2), a[2], a[3], a[4])
      else ok = recent(substr(a[1], 1, 2), substr(a[1], 3, 2), a[2], a[3], a[4])
    } else if (f == "num") ok = numeric(head, a)
    if (!ok) return 0
    same = head; same_naive = naive; same_doubtful = doubtful; same_yearless = yearless
    if (doubtful == "" && !index(head, "24:00") && \
      (f ~ /^(iso|clf)$/ || (f == "sys" && yearless && naive < now + here)))
      day_of[f substr(head, 1, cut - 8)] = naive - naive % 86400
  }
  behind(substr(text, cut + 1, 32))
  if (half != "") {
    hour = int(naive % 86400 / 3600)
    if (hour == 12) hour = half == "a" ? -43200 : 0
    else hour = half == "p" && hour < 12 ? 43200 : 0
    naive += hour; if (doubtful != "") doubtful += hour
  }
  return 1
}
# Day, month and year in an order that the numbers do not always tell: 27.11.2026 does, 03/04/2026 and 26/11/27 do not.
function numeric(head, a,   found, late, i) {
  late = now + 50400 + 86400; found = ""
  for (i = 1; i <= 3; i++) {
    if (head ~ /^[0-9]+[.]/ && i != 1) continue
    if (length(a[3]) == 4 && i == 3) continue
    if (i == 1 && order == "mdy" || i == 2 && order == "dmy") continue
    if (!(i == 1 ? moment(a[3], a[2], a[1], a[4], a[5], a[6]) : \
      i == 2 ? moment(a[3], a[1], a[2], a[4], a[5], a[6]) : moment(a[1], a[2], a[3], a[4], a[5], a[6]))) continue
    if (naive > late) continue
    if (found == "") { found = naive; got = i } else if (doubtful == "" || naive < doubtful) doubtful = naive
  }
  if (found == "") return 0
  naive = found
  if (doubtful == naive) doubtful = ""
  if (doubtful == "" && length(a[3]) == 4 && a[1] != a[2] && head !~ /^[0-9]+[.]/ && (a[1] > 12 || a[2] > 12))
    order = got == 1 ? "dmy" : "mdy"
  return 1
}
# Reads a stamp in the form that `stamp` says.
function said(text,   i, c, v, y, m, d, hour, min, s, pm, ns, ok) {
  y = ""; hour = min = s = 0; pm = ""; ns = ""; zone = 0; doubtful = ""; yearless = 0; same = ""; half = ""; weak = 0
  for (i = 1; i <= length(STAMP); i++) {
    c = substr(STAMP, i, 1)
    if (c == "%" && (c = substr(STAMP, ++i, 1)) != "%") {
      if (!match(text, "^" piece[c])) return 0
      v = substr(text, 1, RLENGTH); text = substr(text, RLENGTH + 1)
      if (c == "Y" || c == "y") y = v + 0
      else if (c == "m") m = v + 0
      else if (c ~ /[bBh]/) m = month(v)
      else if (c ~ /[de]/) d = v + 0
      else if (c ~ /[HIkl]/) hour = v + 0
      else if (c == "M") min = v + 0
      else if (c == "S") s = v + 0
      else if (c == "p") pm = tolower(substr(v, 1, 1))
      else if (c == "s") { ns = v + 0; y = 1970 }
      else if (c == "j") { m = 0; d = v + 0 }
      else if (c ~ /[zZ]/) {
        v = zoned(v)
        if (v == "?" || v == "") zone = 2; else { zone = 1; offset = v + 0 }
      }
    } else if (c == " ") {
      if (!match(text, /^[ \t]+/)) return 0
      text = substr(text, RLENGTH + 1)
    } else if (substr(text, 1, 1) == c) text = substr(text, 2)
    else return 0
  }
  if (ns != "") { naive = ns; zone = 1; offset = 0; return 1 }
  if (pm != "") hour = hour % 12 + (pm == "p" ? 12 : 0)
  if (m == 0 && d != "" && index(STAMP, "%j")) {
    ok = y != "" && d > 0 && d < 367 && moment(y, 1, 1, hour, min, s)
    naive += (d - 1) * 86400
    return ok
  }
  return y == "" ? recent(m, d, hour, min, s) : moment(y, m, d, hour, min, s)
}
# Reads the stamp with which a text begins, whatever its form.
function begins(text,   i, f) {
  if (STAMP != "" && match(text, "^" stamp_re) && said(text)) { form = "said"; return 1 }
  if (text !~ /^[0-9A-Z]/) return 0
  if (form != "said" && parse(form, text)) return 1
  for (i = 1; i <= forms; i++)
    if ((f = form_of[i]) != form && parse(f, text) && (!stamped || goes_on())) { form = f; return 1 }
  return 0
}
function opened(line,   c) {
  if (index(line, "\033")) gsub(/\033\[[0-9;]*[A-Za-z]/, "", line)
  c = substr(line, 1, 1)
  if (c ~ /[0-9A-Za-z]/) return substr(line, 1, 72)
  if (c == "\t") return ""
  if (c == "<") { if (sub(/^<[0-9]+>(1 )?/, "", line)) return substr(line, 1, 72) }
  if (c == " " && !indented) return ""
  return substr(line, 2, 72)
}
# What stands behind a key. The same word may be a value before.
function keyed(line, key,   i, text) {
  for (turns = 0; turns < 4 && (i = index(line, key)); turns++) {
    line = substr(line, i + length(key)); text = substr(line, 1, 96)
    if (sub(/^[ \t]*[:=][ \t]*"?/, "", text) && begins(text)) return 1
  }
  return 0
}
function shape(prefix) {
  if (!(prefix in shapes)) {
    if (++shaped > 500) { split("", shapes); shaped = 0 }
    shapes[prefix] = shape_of(prefix)
  }
  return shapes[prefix]
}
function shape_of(s) {
  gsub(/\033\[[0-9;]*[A-Za-z]/, "", s)
  gsub(/(::)?[A-Za-z0-9_*]+([-.:@\/$]+[A-Za-z0-9_*]+)*/, "\001", s)
  gsub(/(^| )-( |$)/, " \001 ", s)
  gsub(/[ \t]+/, "", s); gsub(/\[\001+\]/, "[\001]", s)
  return s
}
# The first stamp anywhere in a line: 1, and in `where` its column.
function leftmost(line,   i, f, from, best, at, tail) {
  best = 0; f = ""
  if (STAMP != "") {
    if (match(line, stamp_re)) { where = RSTART; if (said(substr(line, RSTART))) { form = "said"; return 1 } }
    return 0
  }
  for (i = 1; i <= forms; i++) {
    if (form_of[i] == "epoch" || form_of[i] == "glog" || form_of[i] == "short") continue
    tail = line; at = 0
    while (match(tail, re[form_of[i]])) {
      from = RSTART; at += from
      if ((at == 1 || substr(line, at - 1, 1) !~ /[0-9A-Za-z]/) && (!best || at < best) && \
        parse(form_of[i], substr(line, at, 72))) { best = at; f = form_of[i]; break }
      tail = substr(tail, from + 1)
    }
  }
  if (!best) return 0
  where = best; form = f
  return parse(f, substr(line, best, 72))
}
# The line's key with a time, of those that such keys are called; those of JSON in the order of how sure they are.
function find_key(line,   i) {
  if (line ~ /^[ \t]*[\[{]/ || index(line, "{\"")) {
    for (i = 1; i <= keys; i++)
      if (keyed(line, "\"" key_of[i] "\"")) { known_key = "\"" key_of[i] "\""; return 1 }
  } else if (match(line, /(^|[ \t])(time|ts|t|timestamp|datetime|date)="?[0-9]/)) {
    i = substr(line, RSTART, RLENGTH); sub(/^[ \t]/, "", i); sub(/=.*/, "", i)
    if (keyed(" " line, " " i)) { known_key = " " i; return 1 }
  }
  return 0
}
function prefixed(line,   p) {
  if (form != "epoch" && form != "said" && match(line, re[form])) {
    where = RSTART; p = substr(line, 1, where - 1)
    if ((where == word_at && p !~ /^[ \t]/ || shape(p) == known_shape) && parse(form, substr(line, where, 72)))
      return 1
    if (form == "clf" && p ~ /\[$/ && p !~ /"/ && parse(form, substr(line, where, 72)) && zone == 1) return 1
  }
  p = form
  if (leftmost(line) && (where == word_at ? line !~ /^[ \t]/ : shape(substr(line, 1, where - 1)) == known_shape))
    return 1
  form = p
  return 0
}
function instant() { return zone == 1 ? naive - offset : naive - (naive < now - window + then + 3600 ? then : here) }
# Whether a stamp where none has stood so far can be the line's own: logs go on, and do not go back.
function goes_on(   t) {
  t = instant()
  return zone == 2 || doubtful != "" || (t >= newest - 600 && t <= limit)
}
function stamp(   line, was) {
  line = $0
  if (!stamped) {
    indented = line ~ /^ /
    if (STAMP == "" && begins(opened(line))) { at_begin = 1; return 1 }
    indented = 0
    line = substr(line, 1, 4096)
    if (STAMP == "" && find_key(line)) return 1
    if (!leftmost(line)) return 0
    if (where <= 2) { at_begin = 1; indented = line ~ /^ / }
    else {
      if (!doubtful && instant() < mtime - 31622400) return 0  # a date of something else: no log lasts so long
      known_shape = shape(substr(line, 1, where - 1)); word_at = where
    }
    return 1
  }
  if (at_begin && begins(opened(line))) return 1
  if (known_key != "" && keyed(substr(known_key, 1, 1) == " " ? " " line : line, known_key)) return 1
  if (word_at && prefixed(substr(line, 1, 512))) return 1
  was = form
  if (!at_begin && line ~ /^[^ \t]/ && begins(opened(line)) && form != "epoch" && goes_on()) {
    at_begin = 1
    return 1
  }
  if (known_key == "" && substr(line, 1, 1) == "{" && find_key(substr(line, 1, 4096))) {
    if (goes_on()) return 1
    known_key = ""
  }
  if (!word_at && index(line, "[") && match(substr(line, 1, 256), /\[[0-3][0-9]\/[A-Z][a-z]+\/20[0-9][0-9]:/)) {
    where = RSTART + 1
    if (substr(line, 1, where) !~ /"/ && parse("clf", substr(line, where, 72)) && zone == 1 && goes_on()) {
      form = "clf"; word_at = where; known_shape = shape(substr(line, 1, where - 1)); return 1
    }
  }
  form = was
  return 0
}
# Whether a line has the stamp of the one before it, to the second, and at the same place: as most lines do.
function alike(   i, n) {
  if (at_begin) {
    if (substr($0, 1, last_end) != last_text) return 0
    i = last_end + 1
  } else {
    if (!(i = index($0, last_text)) || i > 256) return 0
    if (known_key == "" && shape(substr($0, 1, i - 1)) != known_shape) return 0
    i += last_end
  }
  n = tail_of(substr($0, i, 32))
  return n == "" ? last_code == "0  " : (n in codes) && codes[n] == last_code
}
# Remembers the stamp of a line for that. It stands where `same` does.
function remember(   i, n) {
  last_text = ""; last_code = tail_code
  if (same == "" || half != "") return
  if (at_begin) {
    i = index(substr($0, 1, 72), same)
    if (i && i <= 2) { last_text = substr($0, 1, i - 1) same; last_end = length(last_text) }
  } else if (known_key == "" || substr(known_key, 1, 1) == "\"") {
    if (known_key == "") { last_text = same; last_end = length(same); return }
    i = index($0, known_key)
    if (i && (n = index(substr($0, i, 96), same))) {
      last_text = substr($0, i, n - 1) same; last_end = length(last_text)
    }
  }
}
function add(f, regex) { form_of[++forms] = f; re[f] = regex; hat[f] = "^(" regex ")" }
function stamp_regex(   i, c, s) {
  for (i = 1; i <= length(STAMP); i++) {
    c = substr(STAMP, i, 1)
    if (c == "%" && (c = substr(STAMP, ++i, 1)) != "%") s = s piece[c]
    else if (c == " ") s = s "[ \t]+"
    else if (c ~ /[A-Za-z0-9]/) s = s c
    else if (c == "^" || c == "\\") s = s "\\" c
    else s = s "[" c "]"
  }
  return s
}
BEGIN {
  d = "[0-9][0-9]"; h = "[0-9]?[0-9]"; t = h ":" d "(:" d ")?"; m = "[A-Z][a-z][a-z][a-z]*"
  w = "([A-Z][a-z][a-z][a-z]*,? +)?"; names = m ",? +[0-9]"
  add("iso", "[12][09]" d "[-/.]" h "[-/.]" h ",?[Tt _:-] *(" t "|" d "[.]" d "[.]" d ")")
  add("clf", w h "[-/ .]" m "[-/ .,]+(20" d "[: T,]+|" d "[ ,]+)" t)
  add("month", w m " +" h ",? +20" d "(,| at)? +" t)
  add("sys", w m " +" h " +" h ":" d ":" d)
  add("day", w h "[- ]" m "[- ]+" h ":" d ":" d)
  add("num", h "[-./]" h "[-./](20)?" d ",?[ T-] *" t)
  add("dense", "20" d d d "[T _-]?" d ":?" d "(:?" d ")?")
  add("short", d d d " +" h ":" d ":" d)
  add("glog", "[IWEFD](20" d ")?" d d " " h ":" d ":" d)
  add("epoch", "[12]" d d d d "[0-9]")
  form = "iso"
  keys = split("@timestamp timestamp time ts t @t $date asctime datetime eventTime event_time Timestamp Time date", \
    key_of, " ")
  split("january february march april may june july august september october november december", full, " ")
  STAMP = ENVIRON["STAMP"]
  piece["d"] = piece["e"] = piece["m"] = piece["H"] = piece["I"] = piece["k"] = piece["l"] = "[ 0-9]?[0-9]"
  piece["M"] = piece["S"] = piece["y"] = d; piece["Y"] = d d; piece["f"] = "[0-9]+"; piece["j"] = "[ 0-9][ 0-9][0-9]"
  piece["b"] = piece["B"] = piece["h"] = piece["a"] = piece["A"] = "[A-Za-z]+[.]?"
  piece["p"] = "[AaPp][.]?[Mm][.]?"; piece["z"] = "(Z|z|[-+]" d "(:?" d ")?)"; piece["Z"] = "[A-Za-z]+"
  piece["s"] = "[12]" d d d d "[0-9]"
  if (STAMP != "") stamp_re = stamp_regex()
  year = int((now + here) / 31556952) + 1970
  limit = (now > mtime ? now : mtime) + 300
}
"""
)
