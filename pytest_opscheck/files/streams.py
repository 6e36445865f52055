"""Where a file that is named is none: a pipe or a device, written to as it is, for as long as somebody reads."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import select
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

READER_S = 10.0
"""How long a pipe may have no reader, or one that takes nothing."""
_STREAM = re.compile(r"/dev/(?:std(in|out|err)|fd/(\d+))|/proc/(?:self|\d+)/fd/(\d+)")
_STANDARD = {"in": 0, "out": 1, "err": 2}
_PAUSE_S = 0.05


def stream(file: Path) -> int | None:
    """Return the number of the open stream that a path names, as /dev/stdout does; None for any other path."""
    found = _STREAM.fullmatch(os.path.normpath(file))
    if found is None:
        return None
    return _STANDARD[found[1]] if found[1] else int(found[2] or found[3])


def is_file(file: Path) -> bool:
    """Tell whether a path is that of a file, or of what may become one."""
    return stream(file) is None and (file.is_file() or not file.exists())


def uncaptured(config: pytest.Config) -> contextlib.AbstractContextManager[None]:
    """Give standard output and errors back for a moment, as far as pytest has taken them."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    return capture.global_and_fixture_disabled() if capture else contextlib.nullcontext()


def write(file: Path, content: bytes) -> None:
    """Write to a stream, pipe or device. Raises OSError, also where nobody reads for some time."""
    number = stream(file)
    for standard in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            standard.flush()
    target = _opened(file) if number is None else os.dup(number)
    try:
        left = memoryview(content)
        while left:
            if not select.select([], [target], [], READER_S)[1]:
                raise OSError(errno.ETIMEDOUT, f"nobody has read it for {READER_S:g} s", str(file))
            left = left[os.write(target, left[: select.PIPE_BUF]) :]  # so much does not block, as select has said
    finally:
        os.close(target)


def _opened(file: Path) -> int:
    """Open a pipe or device, a pipe once somebody reads it."""
    until = time.monotonic() + READER_S
    while True:
        try:
            return os.open(file, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if time.monotonic() > until:
                raise OSError(errno.ENXIO, "nobody reads it", str(file)) from None
        time.sleep(_PAUSE_S)
