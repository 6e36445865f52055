"""What the kinds share that read files on a host: their keys, and how to tell a missing file from one out of sight."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from ..core.errors import UnknownError
from ..core.visible import typed
from ._kind import Output, Target


def absolute(path: str) -> str:
    """Return a path. Raises ValueError for one that is not absolute, or not one line."""
    if not path.startswith("/"):
        raise ValueError(f"{path!r} is not an absolute path; start it with /")
    if "\n" in path or "\0" in path:
        raise ValueError("a path is one line")
    return path


Path = Annotated[str, AfterValidator(absolute)]
"""An absolute path, in which *, ? and [...] are shell wildcards."""
CLOCK_SKEW_S = 300
"""A file that was written longer than this from now tells of a wrong clock."""


GREP_BY = r"""
# grep by the pattern $1, which `ps` does not show: it comes by a pipe, where there is a way to name one.
grep_by() {
  regex_=$1
  shift
  if [ ! -e /proc/self/fd/0 ]; then grep "$@" -e "$regex_"; return; fi
  { printf '%s\n' "$regex_" | grep "$@" -f /proc/self/fd/6 6<&0 <&4; } 4<&0
}
"""


class OnHost(Target):
    """What is read through a host's shell."""

    on: str = Field(default="", description="the host that it is on, the NAME of [host.NAME]; by default this machine")

    def host(self) -> str | None:
        """Return the host through which it is read."""
        return self.on


class Files(OnHost):
    """Files on a host."""

    path: Path = Field(description="an absolute path; *, ? and [...] are shell wildcards")


# Names a folder on the way to $1 that the user of the host may not look into, where there is one: a file behind it is
# not missing, it can't be seen. Where $1 has *, ? or [...], that may be any of many folders: each is looked at.
IN_SIGHT = r"""
denied() {
  echo "denied $1"
  echo "granted $(stat -L -c '%A %G' -- "$1" 2>/dev/null)"
  echo "user $(id -un 2>/dev/null)"
  exit 0
}
# A link that leads to where the user may not look is not there either, as far as a shell can see.
behind_rights() {
  [ -L "$1" ] && [ ! -e "$1" ] && case $(LC_ALL=C ls -L -d -- "$1" 2>&1) in *"ermission denied"*) ;; *) false;; esac
}
in_sight() {
  way= ahead=${1#/} ifs_=$IFS
  IFS=
  while :; do
    part=${ahead%%/*}
    case $ahead in */*) ahead=${ahead#*/};; *) ahead=;; esac
    for folder_ in ${way:-/}; do
      case $folder_ in */lost+found) continue;; esac
      if behind_rights "$folder_"; then denied "$folder_"; fi
      [ -d "$folder_" ] || continue
      [ -x "$folder_" ] || denied "$folder_"
      case $part in *[*?[]*) [ -r "$folder_" ] || denied "$folder_";; esac
    done
    [ -n "$ahead" ] || break
    way=$way/$part
  done
  IFS=$ifs_
}
"""

# Days since 1970 of a date; awk has no function for it that mawk and busybox have too.
CIVIL = r"""
function civil(y, m, d,   a) {
  a = y - (m + 0 <= 2)  # what substr gives is text, and compares as such
  return 365 * a + int(a / 4) - int(a / 100) + int(a / 400) + int((153 * ((m + 9) % 12) + 2) / 5) + d - 719469
}
"""


def awk_program(text: str) -> str:
    """Return an awk program as one word of a constant script."""
    return "'" + text.replace("'", "'\\''") + "'"


def said_of(output: Output) -> dict[str, list[str]]:
    """Return what a script printed, by the first word of each line. Raises UnknownError where it may not look."""
    found: dict[str, list[str]] = {}
    for line in output.lines():
        word, _, rest = line.partition(" ")
        found.setdefault(word, []).append(rest)
    for place in found.get("denied", ()):
        raise UnknownError(f"no permission to read {place}; {_grant(place, found)}")
    return found


def _grant(place: str, answers: dict[str, list[str]]) -> str:
    """Return the command that lets the user read a place: into its group, where that may read it."""
    mode, _, group = answers.get("granted", [""])[0].partition(" ")
    user = answers.get("user", [""])[0] or "USER"
    needed = "r-x" if mode.startswith("d") else "r"
    if group not in ("", "root", "UNKNOWN") and mode[4:7].replace("w", "-").startswith(needed):
        return f"its group may: usermod -aG {typed(group)} {typed(user)}"
    return f"give the user of the host access: setfacl -m {typed(f'u:{user}:rX')} {typed(place)}"
