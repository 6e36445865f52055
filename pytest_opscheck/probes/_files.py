"""What the kinds share that read files on a host: their keys, and how to tell a missing file from one out of sight."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from ._kind import Output, Target, UnknownError


def absolute(path: str) -> str:
    """Return a path. Raises ValueError for one that is not absolute, or not one line."""
    if not path.startswith("/"):
        raise ValueError(f"{path!r} is no absolute path; start it with /")
    if "\n" in path or "\0" in path:
        raise ValueError("a path is one line")
    return path


class Files(Target):
    """Files on a host."""

    on: str = Field(
        default="", description="the host on which they are, the NAME of [host.NAME]; by default this machine"
    )
    path: Annotated[str, AfterValidator(absolute)] = Field(
        description="an absolute path, in which *, ? and [...] stand for what a shell puts there"
    )

    def host(self) -> str | None:
        """Return the host through which the files are read."""
        return self.on


# Names the folder on the way to $1 that the user of the host may not look into, where there is one: a file behind it is
# not missing, it can't be seen.
IN_SIGHT = r"""
in_sight() {
  way=${1%%[*?[]*}
  way=${way%/*}
  while [ -n "$way" ] && [ ! -d "$way" ]; do way=${way%/*}; done
  [ -x "${way:-/}" ] || { echo "denied ${way:-/}"; exit 0; }
  case $1 in *[*?[]*) [ -r "${way:-/}" ] || { echo "denied ${way:-/}"; exit 0; };; esac
}
"""


def said_of(output: Output) -> dict[str, list[str]]:
    """Return what a script printed, by the first word of each line. Raises UnknownError where it may not look."""
    found: dict[str, list[str]] = {}
    for line in output.lines():
        word, _, rest = line.partition(" ")
        found.setdefault(word, []).append(rest)
    for place in found.get("denied", ()):
        raise UnknownError(
            f"no permission to read {place}; give the user of the host access: setfacl -m u:USER:rX {place}"
        )
    return found
