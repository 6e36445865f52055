"""The script that counts a log's lines on their host: which files a log is in, and what of them is in the window."""

from __future__ import annotations

from .._files import GREP_BY, IN_SIGHT, awk_program
from ._stamps import WINDOW

# What a log is rotated into, by its name: app.log.1, app.log-20261120.gz, app.log.old, app.1.log, app-20261120.log,
# app__2026-11-20_00-00-00.log and the like. Letters other than those of dates and a few words make it another log, as
# app-worker.log is beside app.log. Before the ending a bare number may also be another process's: app-2.log.
_ROTATED = r"""
dated() {
  case $1 in
    *[!0-9._:TZW+-]*|*[TZW][TZW]*) return 1;;
    [._-]*[0-9]*) return 0;;
  esac
  return 1
}
suffixed() {
  case $1 in
    [._-][oO][lL][dD]*|[._-][bB][aA][kK]*) rest_=${1#????}; [ -z "$rest_" ] || dated "$rest_" || dated ".$rest_";;
    [._-]prev*) rest_=${1#?prev}; rest_=${rest_#ious}; [ -z "$rest_" ] || dated "$rest_";;
    [._-]rotated*|[._-]archive*|[._-]backup*|[._-]last*|[._-]save*)
      rest_=${1#?}; rest_=${rest_#rotated}; rest_=${rest_#archived}; rest_=${rest_#archive}; rest_=${rest_#backup}
      rest_=${rest_#last}; rest_=${rest_#saved}; rest_=${rest_#save}
      [ -z "$rest_" ] || dated "$rest_";;
    *) dated "$1";;
  esac
}
# Sets how to `whole` or `maybe` where $1 is a name that a file $2 is rotated into.
derived() {
  how=
  case $1 in *.gz|*.xz|*.zst|*.bz2|*.lz4|*.lzma|*.zip|*.Z) name_=${1%.*};; *) name_=$1;; esac
  if [ "$name_" = "$2" ]; then
    [ "$1" = "$2" ] || how=whole
    return
  fi
  case $name_ in
    "$2"*)
      part_=${name_#"$2"}
      if suffixed "$part_"; then how=whole; return; fi
      case $part_ in
        [._-]*[12][0-9][0-9][0-9][01][0-9][0-3][0-9]*|[._-]*[12][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]*) how=whole;;
      esac
      return;;
  esac
  case $2 in ?*.*) ;; *) return;; esac
  stem_=${2%.*} end_=.${2##*.}
  case $name_ in "$stem_"*"$end_") ;; *) return;; esac
  part_=${name_#"$stem_"} part_=${part_%"$end_"}
  suffixed "$part_" || return
  how=whole
  case $part_ in [_-][0-9]|[_-][0-9][0-9]|[_-][0-9][0-9][0-9]) how=maybe;; esac
}
"""

# $1 pattern, $2 what to ignore, $3 -i or nothing; $4 the window's seconds, $5 or the moment when it began, or nothing
# for both; $6, $7 and $8 the seconds by which time stamps without a zone are ahead of UTC at the window's start, an
# hour later and now, and the zone's name, or nothing for the host's own; $9 the form of time stamps, or nothing; $10 a
# unit of the journal, or else the paths from $11 on.
COUNT = (
    f"AWK={awk_program(WINDOW)}\n"
    + IN_SIGHT
    + GREP_BY
    + _ROTATED
    + r"""
export LC_ALL=C STAMP
IFS= nl='
'
pattern=$1 ignore=$2 case=$3 window=$4 start=$5 then=$6 soon=$7 here=$8 STAMP=$9
shift 9
unit=$1
shift
for regex in "$pattern" "$ignore"; do
  printf '' | grep_by "$regex" -E >/dev/null; [ $? -le 1 ] || exit 2
done
now=$(date +%s)
[ -z "$window" ] || start=$((now - window))
if [ -n "$start" ] && [ -z "$then" ]; then
  then=$(date -d "@$start" '+z%z %Z') && soon=$(date -d "@$((start + 3600))" +z%z) && here=$(date '+z%z %Z') || exit 2
fi
echo "now $now"
[ -z "$start" ] || echo "start $start"
seen=$nl list=
# $1 a file, $2 how it belongs to the log: live, whole or maybe.
add() {
  case $seen in *"$nl$1$nl"*) return;; esac
  if behind_rights "$1"; then denied "$1"; fi
  [ -f "$1" ] || return
  [ -r "$1" ] || denied "$1"
  seen=$seen$1$nl list=$list$2\ $1$nl
}
# What a file was rotated into, as far as it was written to in the window.
rotated() {
  folder_=${1%/*} base_=${1##*/}
  if [ ! -r "${folder_:-/}" ]; then echo "unlisted $1"; return; fi
  case $base_ in ?*.*) begin_=${base_%.*};; *) begin_=$base_;; esac
  for file_ in "$folder_/$begin_"*; do
    derived "${file_##*/}" "$base_"
    [ -n "$how" ] || continue
    if [ -f "$file_" ]; then
      [ "$(stat -L -c %Y -- "$file_")" -lt "$start" ] || add "$file_" "$how"
    elif behind_rights "$file_"; then denied "$file_"
    fi
  done
}
files() {
  for path; do
    echo "log $path"
    in_sight "$path"
    before=$seen folder=
    for file in $path; do
      [ ! -d "$file" ] || folder=$file
      add "$file" live
      [ -z "$start" ] || [ ! -f "$file" ] || rotated "$file"
    done
    [ "$seen" != "$before" ] || case $seen in *"$nl$path$nl"*) ;; *)
      [ -z "$folder" ] || echo "folder $folder"
      echo "none $path"; exit 0;;
    esac
  done
}
text() {
  case $1 in
    *.gz|*.Z) gzip -dc -- "$1";;
    *.bz2) bzip2 -dc -- "$1";;
    *.xz|*.lzma) xz -dc -- "$1";;
    *.zst) zstd -dcq -- "$1";;
    *.lz4) lz4 -dcq -- "$1";;
    *.zip) unzip -p -- "$1";;
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
# Neither is part of a line: NUL of UTF-16 or of a disk that was full, CR of line ends as Windows has them.
plain() { tr -d '\000\r'; }
window() {
  awk -v mode="$1" -v facts="$facts" -v now="$now" -v start="$start" -v then="$then" -v soon="$soon" -v here="$here" \
    -v mtime="$mtime" -v proven="$proven" -v name="$file" "$AWK"
}
lines() {
  if [ -n "$unit" ]; then
    { journalctl -q -u "$unit" ${start:+--since="@$start"} -o cat --no-pager || echo "failed the journal of $unit" >&3
    } | plain
    echo "whole $unit" >&3
    return
  fi
  exec 5>&1
  began= stamped=0
  while [ -n "$list" ]; do
    file=${list%%"$nl"*} list=${list#*"$nl"}
    how=${file%% *} file=${file#* }
    if [ -z "$start" ]; then
      text "$file" | plain
      echo "whole $file" >&3
      continue
    fi
    mtime=$(stat -L -c %Y -- "$file") || { echo "failed $file" >&3; continue; }
    if [ "$how" = live ]; then began=$mtime proven= stamped=0; else proven=$((stamped ? 1 : 2)); fi
    [ "$how" != maybe ] || [ "$mtime" -le "$began" ] || continue
    facts=
    told=$({ text "$file" | plain | window ''; } 3>&1 >&5)
    printf '%s\n' "$told" >&3
    facts=${told#*"facts "} facts=${facts%%"$nl"*} why=
    case $told in *"why "*) why=${told#*"why "} why=${why%%"$nl"*};; esac
    if [ "$how" = live ]; then
      first=${told##*"read "} first=${first#* } stamped=${first%% *} first=${first#* } first=${first%% *}
      [ "$stamped" = 0 ] || began=$first
    fi
    while [ -n "$why" ]; do
      each=${why%% *}
      case $why in *" "*) why=${why#* };; *) why=;; esac
      [ -n "$each" ] || continue
      echo "doubt $each $({ text "$file" | plain | window "$each"; } | wanted | unwanted | wc -l) $file" >&3
    done
  done
}
search() { grep_by "$@"; [ $? -le 1 ] || echo "failed grep" >&3; }
wanted() { search "$pattern" -aE $case; }
unwanted() { if [ -n "$ignore" ]; then search "$ignore" -avE $case; else cat; fi; }
{ echo "count $(lines | wanted | unwanted | wc -l)"; } 3>&1
"""
)
