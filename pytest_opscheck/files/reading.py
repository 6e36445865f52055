"""Files that others write, read as far as they may be long."""

from __future__ import annotations

import errno
from pathlib import Path


def content(file: Path, most: int) -> bytes:
    """Return what is in a file. Raises OSError, also for one of more than N bytes, of which no more is read."""
    with file.open("rb") as opened:
        found = opened.read(most + 1)
    if len(found) > most:
        raise OSError(errno.EFBIG, f"it has more than the {most // 1_000_000} MB that are read", str(file))
    return found
