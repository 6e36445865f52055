"""The shell script that reads the newest backup to its end, by what would restore it."""

from __future__ import annotations

from ._open import OPEN
from ._text import TEXT

# First what is compressed is tested, then what is inside. pg_restore --list would read the table of contents alone,
# which stands in front, so the whole dump is turned into SQL and thrown away. What has no end that can be seen, and
# what has no program here, is said, not passed.
INTACT = (
    OPEN
    + r"""
restoring() {
  case $1 in *"unsupported version"*) printf 'old %s\n' "$1" | tail -n 1; exit 0;; esac
  bad "$1"
}
# A folder of pg_dump's directory format is read as a whole.
folder=${newest%/*}
if [ -r "$folder/toc.dat" ] && [ "$(head -c 5 < "$folder/toc.dat")" = PGDMP ]; then
  echo "format pg_dump"; need pg_restore
  said=$(gentle pg_restore -f /dev/null -- "$folder" 2>&1) || restoring "$said"
  for part in "$folder"/*; do
    case $part in
      *.gz) said=$(gzip -t < "$part" 2>&1) || bad "${part##*/}: $said";;
      *.lz4|*.zst)
        case $part in *.lz4) by=lz4;; *) by=zstd;; esac
        need $by; said=$($by -t < "$part" 2>&1) || bad "${part##*/}: $said";;
      */toc.dat|*/blob*|*.toc) ;;
      */[0-9]*.dat)
        [ "$(tail -c 5 < "$part" | od -An -tx1 | tr -d ' \n')" = 5c2e0a0a0a ] || bad "${part##*/} has no end";;
    esac
  done
  echo intact; exit 0
fi
if [ -n "$tool" ]; then
  checked() { said=$(packed | gentle "$tool" -t ${long:+"$long"} 2>&1); status=$?; }
  checked
  case $tool$long$said in *"too much memory"*|*"Window size larger"*) window 2097152; checked;; esac
  case $said in *"trailing garbage"*) bad "behind its end stands something else: trailing garbage";; esac
  [ "$status" = 0 ] || [ "$tool$status" = gzip2 ] || bad "$said"
  first=$(plain | magic)
  [ -n "$first" ] || bad "there is nothing in it"
  case $name in
    *.tgz|*.tbz|*.tbz2|*.txz|*.tzst) name=${name%.*}.tar;;
    *.gz|*.bz2|*.xz|*.zst|*.lz4|*.lz|*.lzo|*.Z) name=${name%.*};;
  esac
fi
claims() {
  [ -n "$tool" ] || case $name in
    *.gz|*.tgz|*.bz2|*.tbz2|*.xz|*.txz|*.zst|*.tzst|*.lz4|*.zip|*.7z|*.rar)
      bad "by its name it is ${name##*.}, and it does not begin like that: $line";;
  esac
}
lite() {
  echo "format SQLite"
  size=$((0x$(byte 16)$(byte 17)))
  [ "$size" != 1 ] || size=65536
  if [ "$(byte 24)$(byte 25)$(byte 26)$(byte 27)" = "$(byte 92)$(byte 93)$(byte 94)$(byte 95)" ]; then
    [ $((size * 0x$(byte 28)$(byte 29)$(byte 30)$(byte 31))) -le "$(plain | wc -c)" ] || bad "it is cut off: SQLite"
  fi
  by_path "an SQLite database"
  need sqlite3
  place=$(printf '%s' "$newest" | sed 's/%/%25/g; s/?/%3f/g; s/#/%23/g')
  said=$(gentle sqlite3 -batch -init /dev/null "file:$place?immutable=1" 'pragma integrity_check' 2>&1 </dev/null)
  [ "$said" = ok ] || bad "$said"
  echo intact; exit 0
}
toc() {
  [ "$(plain | head -c 7)" = toc.dat ] && command -v pg_restore >/dev/null || return 0
  said=$(plain | gentle pg_restore -f /dev/null 2>&1) || case $said in *seekable*) ;; *) restoring "$said";; esac
}
by_path() { [ -z "$tool$parts" ] || unverified "$1 that has been packed or split once more"; }
case $first in
  5047444d50*)
    echo "format pg_dump"
    need pg_restore
    said=$(plain | { gentle pg_restore -f /dev/null 2>&1 || echo failed; echo "left $(wc -c)"; })
    case $said in
      *"failed
left "*)
        case $said in *seekable*) by_path "a dump whose parts are not in order";; esac
        case $said in
          *seekable*) said=$(gentle pg_restore -f /dev/null "$newest" 2>&1) || restoring "$said";;
          *) restoring "$(printf '%s\n' "$said" | sed '/^failed$/d; /^left [0-9]*$/d')";;
        esac;;
      *"left 0") ;;
      *) bad "behind the end of the dump stands more";;
    esac
    # The custom format ends with an empty block: its length is a zero of four bytes.
    [ "$(plain | tail -c 4 | od -An -v -tx1 | tr -d ' \n')" = 00000000 ] || bad "behind the end of the dump stands more"
    echo intact; exit 0;;
  504b0304*|504b0506*|504b0708*)
    echo "format zip"
    by_path "a zip archive"
    need unzip
    said=$(gentle unzip -tq "$newest" </dev/null 2>&1) && echo intact && exit 0
    case $said in *assword*|*"compression method 99"*|*"PK compat"*) unverified encrypted;; esac
    bad "$said";;
  53514c69746520666f726d6174203300*) lite;;
  5245444953*)
    echo "format RDB"
    by_path "an RDB file"
    need redis-check-rdb
    said=$(gentle redis-check-rdb "$newest" 2>&1) && echo intact && exit 0
    case $said in *"handle RDB format version"*) unverified "an RDB file newer than the host's redis-check-rdb";; esac
    bad "$said";;
  2d2d2d2d2d424547494e20504750*|2d2d2d2d2d424547494e20414745*)
    plain | tail -c 200 | grep -q -e '^-----END ' || bad "it has a beginning and no end: encrypted"
    unverified encrypted;;
  53616c7465645f5f*|6167652d656e6372797074696f6e*) unverified encrypted;;
  377abcaf271c*) unverified "a 7z archive";;
  fffe*|feff*) bad "it is UTF-16 text, as PowerShell's > writes, which neither psql nor mysql reads";;
esac
listed() {
  echo "format tar"
  need tar
  said=$(plain | gentle tar -tf - 2>&1 >/dev/null) || bad "$said"
  end=$(plain | tail -c 1024 | od -An -v -tx1 | tr -d ' 0\n')
  [ -z "$end" ] || bad "the end of the archive is missing"
  case $(tar --version 2>&1) in *GNU*) ;; *)
    # Another tar does not say where it met the end: then what it lists has to fill the archive.
    filled='{ bytes += 512 * (1 + int(($3 + 511) / 512)) } END { print bytes + 0 }'
    filled=$(plain | gentle tar -tvf - 2>/dev/null | awk "$filled")
    [ $(($(plain | wc -c) - filled)) -le 11264 ] || unverified "a tar archive that GNU tar alone can verify"
    return;;
  esac
  blocks=$(plain | gentle tar -tRf - 2>/dev/null | tail -n 1)
  blocks=$(printf '%s\n' "$blocks" | sed -n 's/^block \([0-9]*\): \*\* Block of NULs \*\*$/\1/p')
  [ -n "$blocks" ] || bad "the end of the archive is missing"
  rest=$(plain | tail -c +$((blocks * 512 + 1)) | wc -c)
  filled=$(plain | tail -c +$((blocks * 512 + 1)) | tr -d '\000' | head -c 1 | wc -c)
  [ "$filled" = 0 ] || bad "behind the end of the archive stands more"
  [ "$rest" -ge 1024 ] || bad "the end of the archive is missing"
  [ "$rest" -gt 10752 ] || return 0
  for record in 32768 65536 131072 262144 524288 1048576; do
    if [ "$rest" -le $((record + 512)) ] && [ $(((blocks * 512 + rest) % record)) = 0 ]; then
      unverified "a tar archive with $rest zeros at its end, which may be a record of tar -b or what was not written"
    fi
  done
  bad "$rest zeros stand where members may have been"
}
if tar_magic; then listed; toc; echo intact; exit 0; fi
case $first in *[!0]*) ;; *)
  case $name in
    *.tar|*.sql|*.dump|*.gz|*.tgz|*.zip|*.xz|*.zst|*.bz2|*.lz4|*.rdb|*.sqlite*|*.gpg|*.age) bad "it begins with zeros";;
  esac
  unverified "of no known format, and begins with zeros";;
esac
if [ "$(plain | head -c 4096 | tr -d '\000' | wc -c)" != "$(plain | head -c 4096 | wc -c)" ] ||
  [ "$(plain | head -c 4096 | tr -cd '\001-\010\016-\032\034-\037' | wc -c)" != 0 ]; then
  claims
  case $name in
    *.gpg|*.pgp|*.age|*.enc|*.aes) unverified encrypted;;
    *.tar|*.tgz|*.tbz2|*.txz|*.tzst) listed; echo intact; exit 0;;
  esac
  unverified "of no known format"
fi
text=$(plain | head -c 4096)
"""
    + TEXT
    + r"""
claims
case $name in
  *.tar|*.tgz|*.tbz|*.tbz2|*.txz|*.tzst|*.rdb|*.sqlite|*.sqlite3|*.gpg|*.pgp|*.age|*.enc) bad "it is text: $line";;
  *.sql) unverified "SQL without the last line of pg_dump or mysqldump";;
esac
unverified "text, which does not tell where it ends"
"""
)
