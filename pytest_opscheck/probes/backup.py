"""Backups as files on a host: how old and how large the newest is, and whether it can be read to its end."""

from __future__ import annotations

from dataclasses import dataclass

from ._files import IN_SIGHT, Files, said_of
from ._kind import BlockedError, Kind, Output, UnknownError

CLOCK_SKEW_S = 300


class Backup(Files):
    """Backups that a job writes, each a file."""


kind = Kind("backup", Backup, "backups as files on a host; the newest is judged")

# Sets newest to the newest finished file. One is being written where it has changed within a minute and goes on
# changing, or where some process that can be looked into has it open for writing; then the one before counts.
_NEWEST = (
    IN_SIGHT
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
list=$(stat -L -c '%F:%Y %n' -- $1 2>/dev/null); [ $? != 126 ] || { echo "$1 matches too many files" >&2; exit 126; }
found=$(printf '%s\n' "$list" | sed -n 's/^regular[^:]*://p' | sort -k1,1nr -k2r | head -n 2)
if [ -z "$found" ]; then
  printf '%s\n' "$list" | sed -n 's/^directory:[0-9]* /folder /p' | head -n 1
  echo none; exit 0
fi
newest=$(printf '%s\n' "$found" | sed -n '1s/^[0-9]* //p')
if written "$newest"; then
  echo "writing $newest"
  newest=$(printf '%s\n' "$found" | sed -n '2s/^[0-9]* //p')
  [ -n "$newest" ] || exit 0
fi
echo "file $newest"
"""
)


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest finished file that matches `path`: its age in seconds, its size in bytes. None where there is none."""

    path: str
    file: str | None
    age_s: float | None
    size_bytes: int | None


def _newest(output: Output) -> Newest:
    said = said_of(output)
    path = said["path"][0]
    if "file" in said:
        moment, now, size = (int(word) for word in said["stat"][0].split())
        if moment - now > CLOCK_SKEW_S:
            raise UnknownError(
                f"{said['file'][0]} was written {moment - now} s from now, by the host's clock; "
                "see which clock is wrong: timedatectl"
            )
        return Newest(path, said["file"][0], float(max(0, now - moment)), size)
    if "writing" in said:
        raise UnknownError(
            f"{said['writing'][0]} is still being written, and no finished file matches {path}; ask again later"
        )
    if "folder" in said:
        raise UnknownError(
            f"{said['folder'][0]} is a folder; name the files in it: path = {said['folder'][0].rstrip('/') + '/*'!r}"
        )
    if "none" in said:
        return Newest(path, None, None, None)
    raise UnknownError("the host did not say what matches")


_STAT = _NEWEST + r"""echo "stat $(stat -L -c %Y -- "$newest") $(date +%s) $(stat -L -c %s -- "$newest")" """


def _pattern(target: Backup) -> tuple[str, ...]:
    return (target.path,)


@kind.shell(_STAT, args=_pattern, timeout_s=20)
def fresh(output: Output) -> Newest:
    """How old the newest finished file is: by when it was last written to (mtime), whatever date its name holds."""
    return _newest(output)


@kind.shell(_STAT, args=_pattern, timeout_s=20)
def size(output: Output) -> Newest:
    """How large the newest finished file is."""
    newest = _newest(output)
    if newest.file is None:
        raise BlockedError("fresh", f"no file matches {newest.path}")
    return newest


@dataclass(frozen=True, slots=True)
class Integrity:
    """Whether the newest finished file can be read to its end, and as what: `intact`, or what is wrong with it."""

    path: str
    file: str
    state: str
    formats: tuple[str, ...]


# What a file is, its first bytes say, not its name. It is read to its end by the program that would restore it: first
# what is compressed, then what is inside. pg_restore --list would read the table of contents alone, which stands in
# front, so the whole dump is turned into SQL and thrown away. What has no program here is said, not passed.
_INTACT = (
    _NEWEST
    + r"""
magic() { head -c 512 | od -An -v -tx1 | tr -d ' \n'; }
need() { command -v "$1" >/dev/null || { echo "missing $1"; exit 0; }; }
bad() { echo "bad $(printf '%s\n' "$1" | tail -n 1)"; exit 0; }
[ -r "$newest" ] || { echo "denied $newest"; exit 0; }
[ -s "$newest" ] || bad "it is empty"
gentle() { if command -v nice >/dev/null; then nice "$@"; else "$@"; fi; }
tool= first=$(magic < "$newest")
case $first in
  1f8b*) tool=gzip;; 425a68*) tool=bzip2;; fd377a585a00*) tool=xz;; 28b52ffd*) tool=zstd;; 04224d18*) tool=lz4;;
esac
plain() { if [ -n "$tool" ]; then gentle "$tool" -dc < "$newest" 2>/dev/null; else cat < "$newest"; fi; }
if [ -n "$tool" ]; then
  echo "format $tool"
  need "$tool"
  said=$(gentle "$tool" -t < "$newest" 2>&1) || [ "$tool$?" = gzip2 ] || bad "$said"
  first=$(plain | magic)
  [ -n "$first" ] || bad "there is nothing in it"
fi
ends_with() {
  echo "format $1"
  plain | tail -c 4096 | tr -d '\000' | grep -q "^-- $1 complete" || bad "it has a beginning and no end: $1"
  echo intact; exit 0
}
case $first in
  5047444d50*)
    echo "format pg_dump"
    need pg_restore
    said=$(plain | gentle pg_restore -f /dev/null 2>&1) && echo intact && exit 0
    case $said in *"unsupported version"*) echo "old $said" | tail -n 1; exit 0;; esac
    bad "$said";;
  53514c69746520666f726d6174*) echo "format SQLite"; echo "unverified an SQLite database"; exit 0;;
  53616c7465645f5f*|6167652d656e6372797074696f6e*|2d2d2d2d2d424547494e20504750*) echo "unverified encrypted"; exit 0;;
esac
if [ "$(plain | head -c 262 | tail -c 5 | tr -d '\000')" = ustar ]; then
  echo "format tar"
  need tar
  said=$(plain | gentle tar -tf - 2>&1 >/dev/null) || bad "$said"
  end=$(plain | tail -c 1024 | od -An -v -tx1 | tr -d ' 0\n')
  [ -z "$end" ] || bad "the end of the archive is missing"
  echo intact; exit 0
fi
text=$(plain | head -c 4096 | tr -d '\000')
case $text in
  pg_dump:*|pg_dumpall:*|mysqldump:*|mariadb-dump:*)
    bad "it begins with an error: $(printf '%s\n' "$text" | head -n 1)";;
  *"-- PostgreSQL database cluster dump"*) ends_with "PostgreSQL database cluster dump";;
  *"-- PostgreSQL database dump"*) ends_with "PostgreSQL database dump";;
  *"-- MySQL dump"*|*"-- MariaDB dump"*)
    echo "format mysqldump"
    plain | tail -c 4096 | tr -d '\000' | grep -q "^-- Dump completed" || bad "it has a beginning and no end: mysqldump"
    echo intact; exit 0;;
esac
case $newest in *.sql|*.sql.*) echo "unverified SQL without the last line of pg_dump or mysqldump"; exit 0;; esac
if [ -n "$tool" ]; then echo intact; else echo "unverified of no known format"; fi
"""
)
_PACKAGES = {"pg_restore": "postgresql-client", "xz": "xz-utils"}


@kind.shell(_INTACT, args=_pattern, timeout_s=300)
def intact(output: Output) -> Integrity:
    """Whether the newest finished file is whole: read to its end by gzip, xz, zstd, bzip2, lz4, tar or pg_restore.

    SQL is whole with pg_dump's or mysqldump's last line. `timeout` is for files that need longer than five minutes.
    """
    said = said_of(output)
    if "file" not in said:
        path = said.get("path", ["the path"])[0]
        raise BlockedError("fresh", f"no finished file matches {path}")
    path, file = said["path"][0], said["file"][0]
    for tool in said.get("missing", ()):
        raise UnknownError(
            f"{file} can't be verified without {tool}; "
            f"install it on the host: apt-get install {_PACKAGES.get(tool, tool)}"
        )
    for why in said.get("old", ()):
        raise UnknownError(
            f"the host's pg_restore is older than the dump {file} ({why}); install the newer postgresql-client"
        )
    for what in said.get("unverified", ()):
        raise UnknownError(
            f"{file} can't be verified: it is {what}; check it by a command of your own, [host.NAME.command.NAME]"
        )
    if "bad" in said:
        return Integrity(
            path,
            file,
            f"damaged ({said['bad'][0].strip() or 'it does not read to its end'})",
            tuple(said.get("format", ())),
        )
    if "intact" not in said:
        raise UnknownError(f"nobody said whether {file} is intact")
    return Integrity(path, file, "intact", tuple(said.get("format", ())))
