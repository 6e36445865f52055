"""The shipped checks, read from their files in `checks/`."""

from __future__ import annotations

import importlib
from functools import cache

from ._check import Check, check_of
from .selection import shipped_files


@cache
def checks() -> tuple[Check, ...]:
    """Return every shipped check, by kind and in the order of its file."""
    found = []
    for file in shipped_files():
        module = importlib.import_module(f"pytest_opscheck.checks.{file.stem}")
        found += [check for value in vars(module).values() if (check := check_of(value)) is not None]
    return tuple(found)
