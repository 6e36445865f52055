"""What a gate found of one check, and what it counts for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Sort(StrEnum):
    """What came of a check since before the deploy, in the order in which people want to know."""

    BROKE = "broke"
    WORSE = "worse than before"
    FLAPPING = "flapping"
    UNKNOWN = "unknown"
    GONE = "not judged any more"
    INCOMPARABLE = "not comparable"
    ALREADY = "already broken"
    MILD = "broke, but is too mild to count"
    BLIP = "broken for a moment"
    WAIVED = "waived"
    MENDED = "recovered"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check that is not simply as before. `rolls_back` and `leaves_undecided` say what it counts for.

    details: lines on a comparison with the baseline: n, both values, the interval, what it could not have seen.
    """

    id: str
    sort: Sort
    severity: str | None
    message: str
    rolls_back: bool = False
    leaves_undecided: bool = False
    details: tuple[str, ...] = ()
    runbook: str | None = None
    action: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {name: getattr(self, name) for name in self.__slots__} | {
            "sort": str(self.sort),
            "details": list(self.details),
        }
