"""Keeps pytest's own logging from failing while the contacts' threads import what they need."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any


class _Steady(dict[str, Any]):
    """Python's loggers by name, of which a walk sees those that there were at its start.

    pytest walks them before each step of a test, without logging's lock. Where a thread makes a logger meanwhile, as an
    import does, a walk of a plain dict fails, and with it the test.
    """

    def values(self) -> Iterable[Any]:  # type: ignore[override]
        """Return the loggers, in a list: a list is made of a dict in one step of the interpreter."""
        return list(super().values())

    def items(self) -> Iterable[tuple[str, Any]]:  # type: ignore[override]
        """Return names and loggers, in a list."""
        return list(super().items())

    def keys(self) -> Iterable[str]:  # type: ignore[override]
        """Return the names, in a list."""
        return list(super().keys())


def steady_loggers() -> None:
    """Let loggers be made while others are walked over. It stays so: threads may outlive the run's last test."""
    manager = logging.Logger.manager
    with logging._lock:  # type: ignore[attr-defined]  # noqa: SLF001 - who makes a logger holds it
        if not isinstance(manager.loggerDict, _Steady):
            manager.loggerDict = _Steady(manager.loggerDict)
