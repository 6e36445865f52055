"""The shell script that opens the newest backup: in how many parts it is, by what it was compressed, what it is."""

from __future__ import annotations

from ._files import NEWEST

# What a file is, its first bytes say, not its name. What split(1) has cut is put together again: the second part of a
# whole then does not begin as the first does, as the second file of a rotation would.
OPEN = (
    NEWEST
    + r"""
export LC_ALL
magic() { head -c 512 | od -An -v -tx1 | tr -d ' \n'; }
need() { command -v "$1" >/dev/null || { echo "missing $1"; exit 0; }; }
bad() { echo "bad $(printf '%s\n' "$1" | tail -n 1 | cut -b1-300)"; exit 0; }
unverified() { echo "unverified $1"; exit 0; }
byte() { printf '%s' "$first" | cut -c$((2 * $1 + 1))-$((2 * $1 + 2)); }
gentle() { if command -v nice >/dev/null; then nice "$@"; else "$@"; fi; }
[ -r "$newest" ] || denied "$newest"
tool= long= parts= name=${newest##*/}
split_from() {
  [ -f "$1" ] && [ -f "$2" ] && case $newest in "$3"$4) ;; *) false;; esac || return 0
  [ "$(head -c 4 < "$1" | od -An -tx1)" != "$(head -c 4 < "$2" | od -An -tx1)" ] || return 0
  parts=$3$4 name=${3##*/} name=${name%?}
}
case $newest in
  *[a-z][a-z][a-z]) split_from "${newest%???}aaa" "${newest%???}aab" "${newest%???}" '[a-z][a-z][a-z]';;
  *[0-9][0-9][0-9])
    split_from "${newest%???}000" "${newest%???}001" "${newest%???}" '[0-9][0-9][0-9]'
    [ -n "$parts" ] || split_from "${newest%???}001" "${newest%???}002" "${newest%???}" '[0-9][0-9][0-9]';;
esac
case $parts$newest in
  *[a-z][a-z]) split_from "${newest%??}aa" "${newest%??}ab" "${newest%??}" '[a-z][a-z]';;
  *[0-9][0-9])
    split_from "${newest%??}00" "${newest%??}01" "${newest%??}" '[0-9][0-9]'
    [ -n "$parts" ] || split_from "${newest%??}01" "${newest%??}02" "${newest%??}" '[0-9][0-9]';;
esac
packed() { if [ -n "$parts" ]; then cat -- $parts; else cat -- "$newest"; fi; }
for part in $parts; do [ -r "$part" ] || denied "$part"; done
first=$(packed 2>/dev/null | magic)
[ -n "$first" ] || bad "it is empty"
case $first in
  1f8b*|1f9d*) tool=gzip;; 425a68*) tool=bzip2;; fd377a585a00*) tool=xz;; 28b52ffd*|5?2a4d18*) tool=zstd;;
  04224d18*|02214c18*) tool=lz4;; 4c5a4950*) tool=lzip;; 894c5a4f*) tool=lzop;;
esac
# zstd asks to be told before it takes more than 128 MiB for the window that its --long has packed with.
window() {
  available=$(sed -n 's/^MemAvailable: *\([0-9]*\).*/\1/p' /proc/meminfo 2>/dev/null)
  [ "${available:-0}" -gt $(($1 * 5 / 4)) ] ||
    unverified "packed with a window of $(($1 / 1024)) MiB (zstd --long), more than the host has free memory for"
  long=--long=31
}
case $first in
  28b52ffd*)
    frame=$((0x$(byte 4)))
    if [ $((frame & 32)) = 0 ]; then
      log=$((($((0x$(byte 5))) >> 3) + 10))
      [ "$log" -le 27 ] || window $(((1 << (log - 10))))
    elif [ $((frame >> 6)) -ge 2 ]; then long=--long=31; fi;;
esac
plain() { if [ -n "$tool" ]; then packed | gentle "$tool" -dc ${long:+"$long"} 2>/dev/null; else packed; fi; }
tar_magic() { [ "$(plain | head -c 262 | tail -c 5 | tr -d '\000')" = ustar ]; }
[ -z "$tool" ] || { echo "format $tool"; need "$tool"; }
"""
)
