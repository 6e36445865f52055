"""Reads the environment while pytest writes it: it sets and removes PYTEST_CURRENT_TEST around each step of a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
ATTEMPTS = 1_000
"""Each lasts some microseconds, and so does each of pytest's changes; the last one's error is the caller's."""


def steady(read: Callable[[], T]) -> T:
    """Return what read returns, which lists the environment, and list it again where it changed on the way.

    Probes run in threads beside the tests, and Python's os.environ raises KeyError or RuntimeError when a variable goes
    away under who lists it, as requests does to find the proxies.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return read()
        except (KeyError, RuntimeError):
            continue
    return read()
