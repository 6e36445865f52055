"""What a probe may fail with, and a run that was asked to end."""

from __future__ import annotations


class UnreachableError(Exception):
    """The target cannot be reached: its `reachable` check fails, its other checks are blocked by it.

    `transient` means that another attempt may succeed (a reset connection, not a refused key). `verb` is what a message
    says about the target.
    """

    verb = "can't be reached"

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


class AnsweredError(UnreachableError):
    """Something answers at the target's address, but it is not the target, or not ready to be queried."""

    verb = "answers, but not as it should"


class UnknownError(Exception):
    """A probe's result is unknown; the message says why, and what to do."""


class BlockedError(Exception):
    """A probe can't run because of a failure that another check of the same target reports: `by` names it."""

    def __init__(self, by: str, message: str) -> None:
        super().__init__(by, message)  # both, so that it can be made again in another process
        self.by = by

    def __str__(self) -> str:
        return str(self.args[1])


class HurriedError(BaseException):
    """What is waited for at the end of a run is given up: the run was asked to end. No Exception: all pass it on."""


LAST_WORDS_S = 2.0
"""How long what is waited for at the end may take from when the run was asked to end."""
