"""What a command that takes long says meanwhile: one line that changes on a terminal, a line now and then in CI."""

from __future__ import annotations

import math
import sys
import time
from typing import Self

import click

from ..core.visible import visible
from .options import say

_EVERY_S = 10.0
_COLUMNS = 100
_CLEAR = "\r\x1b[K"


class Progress:
    """Tells how far a command is, on standard error: of the same matter at most every 10 s where nobody watches."""

    def __init__(self) -> None:
        self._matter, self._told = "", -math.inf

    def __call__(self, text: str) -> None:
        """Tell. What stands before the first colon is the matter."""
        if sys.stderr.isatty():
            click.echo(f"{_CLEAR}{visible(text)[:_COLUMNS]}", nl=False, err=True)
            return
        matter, now = text.partition(":")[0], time.monotonic()
        if matter != self._matter or now - self._told >= _EVERY_S:
            self._matter, self._told = matter, now
            say(text, err=True)

    def __enter__(self) -> Self:
        """Begin; the line is left to what comes at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the line to what comes."""
        if sys.stderr.isatty():
            click.echo(_CLEAR, nl=False, err=True)
