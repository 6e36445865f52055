"""Who answers for what is not ok, and within what time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Duty:
    """Who answers for a breach of a severity, and within what time; of one that is older, since when that is over."""

    owner: str | None = None
    within_s: float | None = None
    overdue_since: dt.datetime | None = None

    def of(self, since: dt.datetime, now: dt.datetime) -> Duty:
        """Return it for a breach that began at a moment."""
        if self.within_s is None:
            return self
        end = since + dt.timedelta(seconds=self.within_s)
        return replace(self, overdue_since=end) if end <= now else self

    def to_json(self) -> dict[str, Any]:
        """Return it as the results file has it."""
        over = self.overdue_since.isoformat(timespec="milliseconds") if self.overdue_since is not None else None
        fields = {"owner": self.owner, "answer_within_s": self.within_s, "overdue_since": over}
        return {name: value for name, value in fields.items() if value is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Duty:
        """Make it of its plain data."""
        over = dt.datetime.fromisoformat(data["overdue_since"]) if "overdue_since" in data else None
        return cls(data.get("owner"), data.get("answer_within_s"), over)
