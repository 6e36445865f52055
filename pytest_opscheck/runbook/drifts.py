"""One difference between a runbook and its inventory, as it is told and as the lock knows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..core.visible import plain
from .draft import quote
from .lock import Accepted
from .stated import Stated


@dataclass(frozen=True, slots=True)
class Drift:
    """A difference. `known` is how the lock knows it; file, line and text are of the runbook."""

    known: Accepted
    says: str
    file: str = ""
    line: int = 0
    text: str = ""
    inventory_at: str = ""

    @property
    def id(self) -> str:
        """By which it is accepted."""
        return self.known.id

    @property
    def sort(self) -> str:
        """What has drifted: limit, new, gone, anchor and the like."""
        return self.known.drift

    @property
    def runbook_at(self) -> str:
        """The file of the runbook with the line and what it says."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f'{where} "{quote(self.text)}"' if self.text else where

    def __str__(self) -> str:
        where = " / ".join(filter(None, (self.runbook_at, self.inventory_at)))
        return plain(f"{where}: {self.says}  [{self.id}]")

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "id": self.id,
            "drift": self.sort,
            "file": self.file or None,
            "line": self.line or None,
            "text": quote(self.text) or None,
            "inventory": self.inventory_at or None,
            "says": self.says,
        }


def of_statement(each: Stated, sort: str, says: str, *, runbook: str = "", inventory: str = "", at: str = "") -> Drift:
    """Return a difference of a statement; runbook and inventory are what both say."""
    anchor = each.section.anchor or ""
    known = Accepted(anchor, each.check, each.subject, each.ordinal, sort, runbook, inventory, quote(each.text))
    return Drift(known, says, each.file, each.line, each.text, at)
