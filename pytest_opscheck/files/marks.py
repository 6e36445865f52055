"""Files that show that a process is at something: the kernel knows whether it lives, whoever ended it.

What one that was killed has left goes with the next run, and never what another run still uses.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

_MODE = 0o640
ALIVE = "alive"
"""The mark in a temporary folder whose process lives."""
_DRAFT = re.compile(r"\..+\.[0-9]+")


def take(mark: Path) -> int:
    """Make such a file, and return its open end, by which it is held. Raises FileExistsError where it is there."""
    while True:
        held = os.open(mark, os.O_RDWR | os.O_CREAT | os.O_EXCL, _MODE)
        with contextlib.suppress(OSError):  # a file system without locks, where nothing is swept either
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(held), mark.stat()):
                return held
        os.close(held)  # somebody swept it away before it was held


def is_abandoned(mark: Path) -> bool:
    """Tell whether the process that has made such a file is gone."""
    try:
        held = os.open(mark, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(held)
    return True


def sweep(folder: Path, name: str = "", known: Callable[[str], object] = _DRAFT.fullmatch) -> None:
    """Remove what is abandoned in a folder: drafts, of one file or of all, or what is known by its name."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        found = [Path(entry.path) for entry in entries if entry.name.startswith(f".{name}") and known(entry.name)]
        for path in filter(is_abandoned, found):
            path.unlink(missing_ok=True)


def sweep_folders(prefix: str) -> None:
    """Remove the temporary folders of this user whose names begin so, and whose processes were killed."""
    folder_name = re.compile(rf"{re.escape(prefix)}[a-z0-9_]{{8}}")
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        found = [Path(each.path) for each in entries if folder_name.fullmatch(each.name) and not each.is_symlink()]
        for folder in found:
            if folder.stat().st_uid == os.geteuid() and is_abandoned(folder / ALIVE):
                shutil.rmtree(folder, ignore_errors=True)
