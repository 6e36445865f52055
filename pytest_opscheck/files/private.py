"""Files and folders of ours: what runs found is for their owner and his group, whatever the umask."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import marks, streams

FILE = 0o640
FOLDER = 0o750
_OTHERS = 0o007


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing; one that is there stays as it is. Raises OSError."""
    if folder.is_dir():
        return
    if folder.parent != folder:
        make_folder(folder.parent)
    try:
        folder.mkdir(FOLDER)
    except FileExistsError:
        if not folder.is_dir():
            raise
        return
    # The group that a folder hands down, by its setgid bit, it hands down to this one as well.
    _set(folder, FOLDER | (folder.stat().st_mode & stat.S_ISGID))


def create(file: Path) -> None:
    """Make an empty file unless it is there; one that is there is closed to others. Raises OSError."""
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE))
    except FileExistsError:
        close_to_others(file)
    else:
        _set(file, FILE)


def close_to_others(file: Path) -> None:
    """Let nobody but a file's owner and group read it; what these may stays as it is."""
    with contextlib.suppress(OSError):
        mode = file.stat().st_mode
        if stat.S_ISREG(mode) and mode & _OTHERS:
            _set(file, stat.S_IMODE(mode) & ~_OTHERS)


@contextmanager
def draft(file: Path) -> Iterator[Path]:
    """Yield an empty file beside another, to be filled, which then takes its place at once and whole, or goes.

    Raises OSError, which names the file.
    """
    made = file.with_name(f".{file.name}.{os.getpid()}")
    marks.sweep(file.parent, f"{file.name}.")
    held = -1
    try:
        made.unlink(missing_ok=True)
        held = marks.take(made)
        _set(made, _mode(file))
        yield made
        made.replace(file)
    except OSError as error:
        named = {str(name) for name in (error.filename, error.filename2) if name is not None}
        if named and str(made) not in named:  # it is of another file, whose draft is made beside this one
            raise
        raise OSError(error.errno, error.strerror or str(error), str(file)) from None
    finally:
        with contextlib.suppress(OSError):
            made.unlink(missing_ok=True)
        if held >= 0:
            os.close(held)


def write(content: bytes, file: Path) -> None:
    """Write a file at once and whole; of a link, what it leads to. Raises OSError, which names it."""
    if not streams.is_file(file):  # a pipe or device is written to, not replaced
        streams.write(file, content)
        return
    with draft(file.resolve()) as made:
        made.write_bytes(content)


def _mode(file: Path) -> int:
    """Return the mode of what takes a file's place: a stricter one stays, and others have none."""
    try:
        return stat.S_IMODE(file.stat().st_mode) & ~_OTHERS
    except OSError:
        return FILE


def _set(path: Path, mode: int) -> None:
    """Set a mode, where the file system knows any."""
    with contextlib.suppress(OSError):
        path.chmod(mode)
