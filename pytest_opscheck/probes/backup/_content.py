"""What is in the newest backup: whether it can be read to its end, and whether it includes what it should."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from ...core.errors import BlockedError, UnknownError
from .._files import said_of
from .._kind import Output
from ._files import Backup, kind, pattern
from ._formats import INTACT
from ._open import OPEN


@dataclass(frozen=True, slots=True)
class Integrity:
    """Whether the newest finished file can be read to its end, and as what: `intact`, or what is wrong with it."""

    path: str
    file: str
    state: str
    formats: tuple[str, ...]


_PACKAGES = {"pg_restore": "postgresql-client", "xz": "xz-utils", "redis-check-rdb": "redis-tools"}


def _opened(output: Output) -> dict[str, list[str]]:
    """Return what a script said of the newest file. Blocked by `fresh` where there is none."""
    if not output.ended and (file := re.search(r"^file (.*)", output.stdout, re.MULTILINE)):
        raise UnknownError(f"{file[1]} was not read to its end within {output.seconds:g} s; set a longer `timeout`")
    answers = said_of(output)
    if "file" not in answers:
        path = answers.get("path", ["the path"])[0]
        raise BlockedError("fresh", f"no finished file matches {path}")
    for tool in answers.get("missing", ()):
        raise UnknownError(
            f"{answers['file'][0]} can't be verified without {tool}; "
            f"install it on the host: apt-get install {_PACKAGES.get(tool, tool)}"
        )
    return answers


@kind.shell(INTACT, args=pattern, timeout_s=300)
def intact(output: Output) -> Integrity:
    """Whether the newest finished file is whole: read to its end by what would restore it.

    That is gzip, xz, zstd, bzip2, lz4, unzip, tar or pg_restore; SQL has pg_dump's or mysqldump's last line.
    `timeout` is for files that need longer than five minutes.
    """
    answers = _opened(output)
    path, file = answers["path"][0], answers["file"][0]
    for why in answers.get("old", ()):
        raise UnknownError(
            f"the host's pg_restore is older than the dump {file} ({why}); install the newer postgresql-client"
        )
    for what in answers.get("unverified", ()):
        raise UnknownError(
            f"{file} can't be verified: it is {what}; check it by a command of your own, [host.NAME.command.NAME]"
        )
    if "bad" in answers:
        return Integrity(
            path,
            file,
            f"damaged ({answers['bad'][0].strip() or 'it does not read to its end'})",
            tuple(answers.get("format", ())),
        )
    if "intact" not in answers:
        raise UnknownError(f"nobody said whether {file} is intact")
    return Integrity(path, file, "intact", tuple(answers.get("format", ())))


# Lists the members of the newest archive by the program that would unpack it, and says which of the wanted are among
# them: a file, or a folder with something beneath it.
_INCLUDES = (
    OPEN
    + r"""
shift
members() {
  case $first in
    504b0304*) unzip -l "$newest" | sed -n 's/^ *[0-9][0-9]*  *[-0-9][-0-9]*  *[0-9][0-9]*:[0-9:]*  *//p';;
    *) plain | gentle tar -tf -;;
  esac || echo "failed $newest" >&3
}
[ -z "$tool" ] || first=$(plain | magic)
case $first in
  504b0304*) need unzip;;
  *) tar_magic || { echo "unverified"; exit 0; }; need tar;;
esac
{ members 2>/dev/null | awk '
  function clean(name) { sub(/^(\.?\/)+/, "", name); sub(/\/+$/, "", name); return name }
  BEGIN { for (i = 1; i < ARGC; i++) { wanted[i] = ARGV[i]; plain[i] = clean(ARGV[i]) }; last = ARGC; ARGC = 1 }
  {
    folder = /\/$/; name = clean($0); members++
    for (i = 1; i < last; i++) if (!folder && (name == plain[i] || index(name, plain[i] "/") == 1)) has[i] = 1
  }
  END { print "members " members + 0; for (i = 1; i < last; i++) if (has[i]) print "has " wanted[i] }
' "$@"; } 3>&1
"""
)


@dataclass(frozen=True, slots=True)
class Included:
    """Which of the wanted files and folders are in the newest archive, and which are not."""

    file: str
    found: tuple[str, ...]
    missing: tuple[str, ...]


def _one_line(path: str) -> str:
    if "\n" in path or "\0" in path:
        raise ValueError("a path is one line")
    if not path.strip("./"):
        raise ValueError(f"{path!r} names no file in the archive; write for example etc/nginx/nginx.conf")
    return path


def _wanted(target: Backup, paths: tuple[str, ...]) -> tuple[str, ...]:
    return (target.path, *paths)


@kind.shell(_INCLUDES, args=_wanted, timeout_s=300)
def includes(output: Output, *, paths: tuple[Annotated[str, AfterValidator(_one_line)], ...]) -> Included:
    """Whether files and folders are members of the newest finished tar or zip archive, compressed or not.

    Paths are as the archive has them; a leading / or ./ makes no difference. A folder is in it where a file beneath is.
    """
    answers = _opened(output)
    file = answers["file"][0]
    if "bad" in answers or "failed" in answers:
        raise BlockedError("intact", f"{file} can't be read to its end")
    if "unverified" in answers:
        raise UnknownError(f"{file} is neither a tar nor a zip archive, so nothing is included in it; name an archive")
    if "members" not in answers:
        raise UnknownError(f"nobody said what is in {file}")
    found = set(answers.get("has", ()))
    return Included(
        file, tuple(path for path in paths if path in found), tuple(path for path in paths if path not in found)
    )
