"""What a gate asks of one run of a suite: results and nothing else, of some checks, with its own numbers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .results import Counted


@dataclass(frozen=True)
class Look:
    """One look of a gate.

    only: the ids of the results that it wants, None for all of the suite.
    params: the parameters by result id that differ from the inventory's: how many requests, since when.
    counters: what counters said before the deploy, by result id, and `since` when that was: growth counts from there.
    patience_s: the longest that it waits for an answer, where the inventory allows more.
    """

    only: frozenset[str] | None = None
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    counters: Mapping[str, tuple[Counted, ...]] = field(default_factory=dict)
    since: dt.datetime | None = None
    patience_s: float | None = None

    def noted(self, result_id: str) -> tuple[dt.datetime, tuple[Counted, ...]] | None:
        """Return what a check's counters said before the deploy, and when; None where nobody knows."""
        counters = self.counters.get(result_id)
        return (self.since, counters) if counters and self.since is not None else None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "only": None if self.only is None else sorted(self.only),
            "params": {name: dict(value) for name, value in self.params.items()},
            "counters": {name: [each.to_json() for each in value] for name, value in self.counters.items()},
            "since": self.since.isoformat() if self.since else None,
            "patience_s": self.patience_s,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Look:
        """Make it of its plain data."""
        return cls(
            None if data["only"] is None else frozenset(data["only"]),
            data["params"],
            {name: tuple(Counted(**each) for each in counts) for name, counts in data["counters"].items()},
            dt.datetime.fromisoformat(data["since"]) if data["since"] else None,
            data["patience_s"],
        )
