"""Where past runs are kept, and for how long."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

FILE = "history.sqlite3"
KEEP_S = 400 * 86400.0
"""A little more than a year, so that an audit of one finds all of it."""


@dataclass(frozen=True)
class History:
    """Where the runs of an inventory are kept: in PostgreSQL where there is a `url`, else in the SQLite file `path`.

    `inventory` is the name under which they stand there; `keep_s` is how long.
    """

    path: Path
    inventory: str
    keep_s: float = KEEP_S
    url: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return "the history in PostgreSQL" if self.url else f"the history {self.path}"
