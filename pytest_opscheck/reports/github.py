"""What GitHub shows of a run or a decision: annotations, the summary of the step, and its outputs.

GitHub's runner reads commands in whatever a step prints, and takes the rest from files that it names to the step. So
what a target says gets nowhere unescaped: a line of it may not be a command, an output or a mark of Markdown.
"""

from __future__ import annotations

import bisect
import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..core.visible import inert, plain

Level = Literal["error", "warning", "notice"]
MOST = 9
"""GitHub shows ten annotations of a kind for each step; the tenth says how many more there are."""
MOST_SUMMARY = 900_000
"""The bytes of a step's summary; GitHub shows none of one that is over 1 MiB."""
_SENTENCE = 100
"""Bytes for the sentence that says that a summary is cut."""
_ESCAPES = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY_ESCAPES = _ESCAPES | str.maketrans({":": "%3A", ",": "%2C"})


@dataclass(frozen=True, slots=True)
class Annotation:
    """A sentence that GitHub shows beside a line of a file, where there is one; its details are lines below it."""

    level: Level
    title: str
    text: str
    details: tuple[str, ...] = ()
    file: Path | None = None
    line: int | None = None

    def __str__(self) -> str:
        """The command to GitHub's runner."""
        place = _in_repository(self.file) if self.file is not None else None
        known = {"file": place, "line": self.line if place else None, "title": inert(plain(self.title))}
        properties = ",".join(
            f"{name}={str(value).translate(_PROPERTY_ESCAPES)}" for name, value in known.items() if value
        )
        text = "\n".join(map(plain, (self.text, *self.details)))
        return f"::{self.level} {properties}::{inert(text).translate(_ESCAPES)}"


def is_here() -> bool:
    """Tell whether this runs as a step of a workflow of GitHub's."""
    return os.environ.get("GITHUB_ACTIONS", "").lower() not in ("", "false")


def commands(found: Sequence[Annotation]) -> Iterator[str]:
    """Yield what has GitHub show annotations, the worst of which come first, at most nine of them."""
    yield from map(str, found[:MOST])
    if (more := len(found) - MOST) > 0:
        yield str(Annotation("notice", "opscheck", f"and {more} more, which the summary of this step names"))


def add_summary(text: str) -> None:
    """Add Markdown to the summary of this step, as much as there is room for. Raises OSError."""
    if file := _named("GITHUB_STEP_SUMMARY"):
        room = MOST_SUMMARY - (file.stat().st_size if file.exists() else 0)
        _append(file, shortened(text, room))


def add_outputs(values: Mapping[str, str]) -> None:
    """Set outputs of this step, each between marks that nobody can know beforehand. Raises OSError."""
    if file := _named("GITHUB_OUTPUT"):
        mark = f"opscheck_{os.urandom(16).hex()}"
        _append(file, "".join(f"{name}<<{mark}\n{value}\n{mark}\n" for name, value in values.items()))


def shortened(text: str, room: int) -> str:
    """Return as many whole lines of a text as there are bytes for, and a sentence on how many are missing."""
    lines = text.splitlines(keepends=True)
    sizes = list(itertools.accumulate(len(line.encode("utf-8", "backslashreplace")) for line in lines))
    if not sizes or sizes[-1] <= room:
        return text
    fitting = bisect.bisect_right(sizes, room - _SENTENCE)
    return f"{''.join(lines[:fitting])}\n{len(lines) - fitting} more lines do not fit here; the step's log says more.\n"


def _named(variable: str) -> Path | None:
    return Path(file) if (file := os.environ.get(variable)) else None


def _append(file: Path, text: str) -> None:
    with file.open("a", encoding="utf-8", errors="backslashreplace", newline="\n") as opened:
        opened.write(text)


def _in_repository(file: Path) -> str | None:
    """Return a file's path as annotations have it; None for one outside of the repository."""
    root = Path(os.environ.get("GITHUB_WORKSPACE") or ".").resolve()
    whole = file.resolve()
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else None
