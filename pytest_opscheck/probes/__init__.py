"""What observes targets: a module or a folder per kind, with its target's keys, how to connect, and its probes.

Adding a kind is adding a module here that has `kind = Kind(...)`, and a module `test_<kind>.py` of checks.
"""

from __future__ import annotations

from ..core.errors import BlockedError, UnknownError, UnreachableError
from ._kind import NEEDED, SAMPLE, TIMEOUT, Kind, Output, Part, PastResults, Probe, Reach, Shell, Target

__all__ = [
    "NEEDED",
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
]
