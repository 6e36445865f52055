"""What observes targets: a module per kind, with its target's keys, how to connect, and its probes.

Adding a kind is adding a module here that has `kind = Kind(...)`, and a module `test_<kind>.py` of checks.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from ._kind import (
    TIMEOUT,
    BlockedError,
    Kind,
    Output,
    Part,
    Probe,
    Reach,
    Shell,
    Target,
    UnknownError,
    UnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "TIMEOUT",
    "BlockedError",
    "Kind",
    "Output",
    "Part",
    "Probe",
    "Reach",
    "Shell",
    "Target",
    "UnknownError",
    "UnreachableError",
    "kinds",
]


@cache
def kinds() -> Mapping[str, Kind]:
    """Return every kind by its name, in alphabetical order."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    return {name: importlib.import_module(f"{__name__}.{name}").kind for name in names}
