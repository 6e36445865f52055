"""Files and directories on a host: whether they are there, how old and how large, whose, and who may read them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationInfo, WithJsonSchema

from ...core.errors import UnknownError
from .._clock import require_clock
from .._files import CLOCK_SKEW_S, Path, said_of
from .._kind import Output
from .._types import LadderParam, measured_in
from ._target import kind

Age = Annotated[LadderParam, measured_in("s")]
Size = Annotated[LadderParam, measured_in("B")]
_MODE = re.compile(r"(?P<operator>==|<=)?\s*0?(?P<bits>[0-7]{3,4})")
_READ_BY_OTHERS = 0o004


@dataclass(frozen=True, slots=True)
class Mode:
    """What a file's permissions are to be: these exactly, or (`at_most`) none beyond these."""

    bits: int
    at_most: bool

    def __str__(self) -> str:
        return ("at most " if self.at_most else "") + f"{self.bits:04o}"

    def fits(self, bits: int) -> bool:
        """Tell whether permissions are as expected. 0604 is beyond 0640, though the smaller number."""
        return not bits & ~self.bits if self.at_most else bits == self.bits


def _mode(value: Any) -> Mode:
    match = _MODE.fullmatch(str(value).strip())
    if match is None or isinstance(value, bool):
        raise ValueError(
            f"{value!r} is not a mode; write '0640' for exactly that, or '<= 0640' for no permission beyond it"
        )
    return Mode(int(match["bits"], 8), at_most=match["operator"] == "<=")


def _alone(exists: bool, info: ValidationInfo) -> bool:
    keys = [key for key, value in info.data.items() if key != "path" and value is not None]
    if not exists and keys:
        raise ValueError(f"of a file that is not to exist nothing else can be expected; leave {', '.join(keys)} out")
    return exists


ModeParam = Annotated[Mode, BeforeValidator(_mode), WithJsonSchema({"type": "string"})]
Exists = Annotated[bool, AfterValidator(_alone)]


@dataclass(frozen=True, slots=True)
class File:
    """A file, after links: its age in seconds (since it was last written to), size in bytes, owner, group and mode."""

    path: str
    age_s: float
    size_bytes: int
    owner: str
    group: str
    mode: int

    @property
    def readable_by_others(self) -> bool:
        """Whether everybody may read it, by its mode; the folders that it lies in may still be closed to them."""
        return bool(self.mode & _READ_BY_OTHERS)


@dataclass(frozen=True, slots=True)
class Files:
    """The files that match a path."""

    path: str
    found: tuple[File, ...]


# What lies behind a folder that the user may not look into is not missing, it can't be seen; that goes for each folder
# that a pattern may stand for. A path in a folder that does not exist is misspelt rather than gone.
_FIND = r"""
IFS=
feed='
'
one_line() { printf '%s\n' "$1" | sed -e ':a' -e '$!N' -e '$!ba' -e 's/\n/\\n/g'; }
way= rest=${1#/}
while [ "$rest" != "${rest#*/}" ]; do
  way=$way/${rest%%/*} rest=${rest#*/}
  for folder in $way; do
    [ -d "$folder" ] || continue
    [ -x "$folder" ] || { echo "denied $folder"; exit 0; }
    case ${rest%%/*} in *[*?[]*) [ -r "$folder" ] || { echo "denied $folder"; exit 0; };; esac
  done
done
folder=${1%%[*?[]*}
folder=${folder%/*}
[ -d "${folder:-/}" ] || { echo "nowhere $folder"; exit 0; }
"""

_FILES = (
    _FIND
    + r"""
what='file %Y %s %a %u %g %U %G' failed=
echo "now $(date +%s)"
for file in $1; do
  if [ -L "$file" ] && [ ! -e "$file" ]; then
    case $(stat -L -- "$file" 2>&1) in *"Permission denied"*) echo "denied $(one_line "$file")"; exit 0;; esac
  fi
done
for file in $1; do
  case $file in *"$feed"*) continue;; esac
  [ ! -e "$file" ] || printf '%s\0' "$file"
done | xargs -0 -r stat -L -c "$what %n" -- || failed=1
for file in $1; do
  case $file in *"$feed"*) ;; *) continue;; esac
  [ ! -e "$file" ] || stat -L -c "$what $(one_line "$file" | sed 's/%/%%/g')" -- "$file" || failed=1
done
[ -z "$failed" ]
"""
)


def _path(_target: object, path: str) -> tuple[str, ...]:
    return (path,)


def _said(output: Output) -> dict[str, list[str]]:
    answers = said_of(output)
    for folder in answers.get("nowhere", ()):
        raise UnknownError(f"there is no folder {folder}, in which the path would be; check its spelling")
    return answers


@kind.shell(_FILES, args=_path, timeout_s=20, max_bytes=4_000_000)
def file(output: Output, *, path: Path, aged: bool = True) -> Files:
    """The files that match a path, in which *, ? and [...] stand for what a shell puts there. Links are followed.

    Where they are not `aged`, nobody asks for their age, and the host's clock need not be right.
    """
    answers = _said(output)
    if not answers.get("now"):
        raise UnknownError("the host did not say what matches")
    now = int(answers["now"][0])
    if aged:
        require_clock(output, "how old its files are")
    return Files(path, tuple(_file(line, now) for line in answers.get("file", ())))


def _file(line: str, now: int) -> File:
    written, size, mode, uid, gid, owner, group, name = line.split(" ", 7)
    if int(written) - now > CLOCK_SKEW_S:
        raise UnknownError(f"{name} was written {int(written) - now} s from now, by the host's clock; see timedatectl")
    known = {"UNKNOWN": ""}
    return File(
        path=name,
        age_s=float(max(0, now - int(written))),
        size_bytes=int(size),
        owner=known.get(owner, owner) or uid,
        group=known.get(group, group) or gid,
        mode=int(mode, 8),
    )


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory, and how many bytes it takes on its disk."""

    path: str
    size_bytes: int


# Only what vanishes while it is counted may be missing; what may not be read is not nothing.
_DIRECTORIES = (
    _FIND
    + r"""
gentle() { if command -v nice >/dev/null; then nice "$@"; else "$@"; fi; }
for folder in $1; do
  [ -d "$folder" ] || continue
  said=$({ gentle du -skxH -- "$folder" | sed -n '1s/^\([0-9]*\).*/size \1/p'; } 2>&1)
  case $said in *"size "[0-9]*) ;; *) said="$said${feed}du said nothing of $(one_line "$folder")";; esac
  printf '%s\n' "$said" | grep -v -e 'No such file or directory' -e '^size ' | sed 's/^/failed /'
  printf '%s\n' "$said" | sed -n 's/^size .*/&/p' | tail -n 1 | tr '\n' ' '
  one_line "$folder"
done
"""
)


@kind.shell(_DIRECTORIES, args=_path, timeout_s=60, max_bytes=1_000_000)
def directory(output: Output, *, path: Path) -> tuple[Directory, ...]:
    """What each directory that matches a path takes on its disk, with all that is in it on the same filesystem.

    As du counts: blocks, not lengths; what has several names counts once. `timeout` is for large trees.
    """
    answers = _said(output)
    for what in answers.get("failed", ()):
        raise UnknownError(f"not all of it can be read: {what}; give the user of the host access, or use ?sudo=true")
    found = [line.split(" ", 1) for line in answers.get("size", ())]
    if not found:
        raise UnknownError(f"no directory matches {path}")
    return tuple(Directory(name, 1024 * int(size)) for size, name in found)
