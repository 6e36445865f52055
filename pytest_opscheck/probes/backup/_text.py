"""What tells whether SQL text is a whole dump: what pg_dump, mysqldump and sqlite3 begin has its end, and no more."""

from __future__ import annotations

from .._files import awk_program

# Each dump in a file (a script may write roles and then a database into one) has a first and a last line, and each
# table's data has an end. What stands outside of dumps is SQL of the script's own; an error of a program there, or at
# the beginning of a line anywhere, was written by 2>&1. \001 stands for a byte of zeros, which no dump holds. A marker
# of PostgreSQL is one only behind a line `--`, so that a row of data is none.
_DUMPS = r"""
function fail(why) { if (bad == "") bad = why }
function begun(kind) {
  open[kind]++; depth++; dumps++; statements = 0
  if (!(kind in seen)) { seen[kind] = 1; print "format " kind }
}
function ended(kind) {
  if (!open[kind]) { fail("it has an end and no beginning: " kind); return }
  if (!statements) fail("there is nothing between its first line and its last: " kind)
  open[kind]--; depth--
}
function marker(line,   kind) {
  if (line ~ /^-- (MySQL|MariaDB) dump /) begun("mysqldump")
  else if (line ~ /^-- Dump completed/) ended("mysqldump")
  else if (before == "--" && line ~ /^-- PostgreSQL database (cluster )?dump( complete)?$/) {
    kind = substr(line, 4)
    if (sub(/ complete$/, "", kind)) ended(kind); else begun(kind)
  } else return 0
  return 1
}
function erring(line) {
  return tolower(line) ~ ("(^|[^a-z])(" \
    "error|fatal|fail(ed|ure)|denied|refused|reset by|cannot|can't|unable|unknown|killed|terminated|timed? ?out|" \
    "no such|not found|no space|segmentation|aborted|closed by|lost connection|broken pipe|exit code|is not running|" \
    "does not exist|usage:)([^a-z]|$)")
}
function sql(line) {
  return toupper(line) ~ ("^(" \
    "SET|RESET|SELECT|CREATE|ALTER|GRANT|REVOKE|INSERT|REPLACE|COPY|BEGIN|START|COMMIT|ROLLBACK|UPDATE|DELETE|DROP|" \
    "TRUNCATE|USE|LOCK|UNLOCK|COMMENT|DO|ANALYZE|VACUUM|REFRESH|REINDEX|CALL|DELIMITER|FLUSH|CHANGE|WITH|VALUES|" \
    "SECURITY|PRAGMA|REASSIGN|SAVEPOINT|RELEASE|END)([ \t;(]|$)")
}
# What stands outside of a dump: SQL, or something that does not belong there.
function outside(line) {
  if (comment) { if (line ~ /\*\//) comment = 0; return }
  if (inside) { if (erring(line) && line ~ /^[a-z_]+: /) error(line); if (line ~ /;[ \t]*$/) inside = 0; return }
  if (line ~ /^[ \t]*(--|#|\\)/) return
  if (line ~ /^[ \t]*\/\*/) { comment = line !~ /\*\//; return }
  if (sql(line)) { inside = line !~ /;[ \t]*$/; return }
  if (erring(line)) error(line); else if (stray == "") stray = NR
}
function error(line) { fail("an error stands in it, in line " NR ": " substr(line, 1, 200)) }
NR == 1 { sub(/^\357\273\277/, "") }
$0 == "\002" { torn = 1; next }
/\001/ { fail("zeros stand in it, in line " NR) }
/^(pg_dump|pg_dumpall|mysqldump|mariadb-dump): / { if (!copying || split($0, fields, "\t") != columns) error($0) }
copying && $0 == "\\." { copying = 0; before = $0; next }
copying && !(before == "--" && /^-- PostgreSQL database /) { before = $0; next }
copying { fail("it breaks off in the middle of a table, before line " NR); copying = 0 }
marker($0) { before = $0; next }
!dumps && /^-- PostgreSQL database (cluster )?dump complete$/ { orphan = $0 }
/^COPY .* FROM stdin/ {
  copying = 1; columns = split($0, fields, ","); statements++; before = $0; next
}
NR <= 2 && /^PRAGMA foreign_keys=OFF;/ { lite = 1; print "format sqlite3 .dump" }
!/^[ \t]*$/ { last = $0; if (depth) { if (!/^--/) statements++ } else if (!lite) outside($0) }
{ before = $0 }
END {
  for (kind in open) if (open[kind] > 0) fail("it has a beginning and no end: " kind)
  if (copying) fail("it breaks off in the middle of a table")
  if (lite && last ~ /^ROLLBACK/) fail("sqlite3 met errors: " last)
  if (lite && last != "COMMIT;") fail("it has a beginning and no end: sqlite3 .dump")
  if (orphan != "" && !dumps) fail("it has an end and no beginning: " substr(orphan, 4))
  if (bad == "" && inside) fail("it breaks off in the middle of a statement")
  if (bad != "") print "bad " bad
  else if (torn) print "unverified of lines too long to be read"
  else if (stray) print "unverified text that is not SQL, in line " stray
  else if (dumps || lite) print "intact"
  else print "unverified SQL without the last line of pg_dump or mysqldump"
}
"""

# Needs what OPEN defines, and text, the first 4096 bytes. Lines are cut, and awk's memory is bounded, so that a file of
# one endless line fills nothing.
_SCAN = r"""
dumps() {
  plain | tr -d '\001\015' | tr '\000' '\001' | (
    ulimit -v 1000000 2>/dev/null
    { cut -b1-1000 2>/dev/null || printf '\n\002\n'; } | gentle awk "$DUMPS"
  ) || echo "unverified of lines too long to be read"
  exit 0
}
bom=$(printf '\357\273\277')
line=$(printf '%s\n' "$text" | sed -n "s/^$bom//; s/^[[:space:]]*//; s/[[:space:]]*\$//; /./{p;q;}" | cut -b1-200)
like() { printf '%s\n' "$line" | grep -qiE -e "$1"; }
if like '^<(!doctype +html|html|head|body)'; then bad "it is a web page: $line"; fi
if like '^(pg_dump|pg_dumpall|pg_basebackup|mysqldump|mariadb-dump|mongodump): '; then
  bad "it begins with an error: $line"
fi
verbs='SET|RESET|SELECT|CREATE|ALTER|GRANT|INSERT|REPLACE|BEGIN|START|DROP|USE|PRAGMA|DO|COPY|DELETE'
if like "^(--|/\*|#|\\\\|($verbs)[ ;(])"; then dumps; fi
if like '^<\?xml' && printf '%s' "$text" | grep -q '<Error>'; then bad "it is an error of a storage: $line"; fi
begins='error|fatal|usage|cannot|can.t|could not|unable|permission denied|access denied'
begins="$begins|connection (refused|reset|closed|timed)|failed|killed|unknown|no such|not found|host key|warning"
begins="$begins|panic|traceback"
somewhere='error|fatal|denied|refused|not found|no such|cannot|can.t|could not|unable|failed|invalid|unknown|timed out'
somewhere="$somewhere|timeout|closed|does not exist|is not|usage|line [0-9]+"
anywhere='command not found|no such (file|container|host)|connection refused|permission denied|access denied'
anywhere="$anywhere|is not running|no space left"
if like "^($begins)([^a-z]|\$)" || like "^[^ ,;|]+: .*($somewhere)" || like "($anywhere)" ||
  like '^\{ *"?(error|errors|message|code|status)"? *:'; then
  bad "it is the text of an error: $line"
fi
"""
TEXT = f"\nDUMPS={awk_program(_DUMPS)}\n{_SCAN}"
