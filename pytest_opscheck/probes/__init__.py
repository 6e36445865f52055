"""What observes targets: a module or a folder per kind, with its target's keys, how to connect, and its probes.

Adding a kind is adding a module here that has `kind = Kind(...)`, and a module `test_<kind>.py` of checks.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache

from ._kind import (
    SAMPLE,
    TIMEOUT,
    BlockedError,
    Kind,
    Output,
    Part,
    PastResults,
    Probe,
    Reach,
    Shell,
    Target,
    UnknownError,
    UnreachableError,
)

__all__ = [
    "SAMPLE",
    "TIMEOUT",
    "BlockedError",
    "Kind",
    "Output",
    "Part",
    "PastResults",
    "Probe",
    "Reach",
    "Shell",
    "Target",
    "UnknownError",
    "UnreachableError",
    "kinds",
]


class _Kinds(Mapping[str, Kind]):
    """The kinds by name; a kind's module is imported where it is asked for."""

    def __init__(self) -> None:
        modules = (module.name for module in pkgutil.iter_modules(__path__))
        self._names = tuple(sorted(name for name in modules if not name.startswith("_")))

    def __getitem__(self, name: str) -> Kind:
        if name not in self._names:
            raise KeyError(name)
        kind: Kind = importlib.import_module(f"{__name__}.{name}").kind
        return kind

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@cache
def kinds() -> Mapping[str, Kind]:
    """Return every kind by its name, in alphabetical order."""
    return _Kinds()
