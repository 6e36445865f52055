"""The files that a pattern names, found without passing over what can't be looked into."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

_MAGIC = re.compile(r"[*?\[]")
_ANY_DEPTH = "**"


def matched(folder: Path, pattern: str) -> list[Path]:
    """Return the files that a pattern names, seen from a folder, in their order; hidden ones only by a dot of its own.

    Raises OSError where a folder on the way can't be read: `glob` would leave out what is in it.
    """
    pattern_path = Path(pattern)
    found = [Path(pattern_path.anchor) if pattern_path.is_absolute() else folder]
    parts = pattern_path.relative_to(pattern_path.anchor).parts
    for place, part in enumerate(parts):
        is_last = place == len(parts) - 1
        steps = (each for path in found for each in _step(path, part))
        found = [each for each in steps if is_last or each.is_dir()]
    return sorted(set(found) - {folder})


def _step(folder: Path, part: str) -> Iterator[Path]:
    if part == _ANY_DEPTH:
        for path, folders, _ in os.walk(folder, onerror=_raised):
            folders[:] = [name for name in folders if not name.startswith(".")]
            yield Path(path)
    elif _MAGIC.search(part):
        shown = (path for path in folder.iterdir() if part.startswith(".") or not path.name.startswith("."))
        yield from (path for path in shown if fnmatchcase(path.name, part))
    elif _is_there(folder / part):
        yield folder / part


def _raised(error: OSError) -> None:
    raise error


def _is_there(path: Path) -> bool:
    """Tell whether there is anything, be it a link that leads nowhere. Raises OSError where nobody may look."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
