"""The line on which a run tells the command that has started it what an exit status does not."""

from __future__ import annotations

import contextlib
import os


class Line:
    """What a run says of itself to the command that has started it: whole or narrowed, done, and with all well.

    An exit status does not tell a whole run from one that only looked, or from one of a part of the suite.
    """

    VARIABLE = "OPSCHECK_LINE_FD"
    WHOLE, NARROWED, DONE, WELL = "whole", "narrowed", "done", "well"

    def __init__(self) -> None:
        """Take the open end of the pipe that the command has left in the environment, which nobody else is to use."""
        number = os.environ.pop(self.VARIABLE, "")
        self._end = int(number) if number.isdecimal() else None
        if self._end is not None:
            with contextlib.suppress(OSError):
                os.set_inheritable(self._end, False)
        self._told: set[str] = set()

    def tell(self, word: str) -> None:
        """Say a word, once."""
        if self._end is not None and word not in self._told:
            self._told.add(word)
            with contextlib.suppress(OSError):
                os.write(self._end, f"{word}\n".encode())
