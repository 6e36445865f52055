"""The shipped checks, read from their files in `checks/`."""

from __future__ import annotations

import importlib
from collections.abc import Collection
from functools import cache
from pathlib import Path

from ._check import Check, check_of
from .selection import kind_of_file, shipped_files


def checks(kinds: Collection[str] | None = None) -> tuple[Check, ...]:
    """Return every shipped check, or those of some kinds, by kind and in the order of its file."""
    files = [file for file in shipped_files() if kinds is None or kind_of_file(file) in kinds]
    return tuple(check for file in files for check in _of(file))


@cache
def _of(file: Path) -> tuple[Check, ...]:
    module = importlib.import_module(f"pytest_opscheck.checks.{file.stem}")
    return tuple(check for value in vars(module).values() if (check := check_of(value)) is not None)
