"""What is exempt: `<!-- opscheck: none "why" until=DAY -->` before a block, or a heading for all of its section."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from .blocks import Block

EXAMPLE = '<!-- opscheck: none "the provider does this" until=2027-01-31 -->'


@dataclass(frozen=True, slots=True)
class Mark:
    """An exemption as the runbook says it; `problem` is what is wrong with it, or that it is over."""

    file: str
    line: int
    why: str
    problem: str = ""
    over: bool = False


def mark_of(file: str, block: Block, today: dt.date | None) -> Mark:
    """Return what an exemption says; without a day of today, none is over."""
    line, why = block.lines[0][0], block.language
    if not why:
        return Mark(file, line, why, f"an exemption without a reason in quotes; write for example {EXAMPLE}")
    try:
        until = dt.date.fromisoformat(block.until) if block.until else None
    except ValueError:
        return Mark(file, line, why, f"{block.until!r} is not a day; write for example {EXAMPLE}")
    if until is None or today is None or today <= until:
        return Mark(file, line, why)
    return Mark(
        file, line, why, f"the exemption ended on {until} ({why}); check it, or agree on a later day", over=True
    )


@dataclass
class Exemption:
    """The exemption that holds at the moment, if any; it ends behind its block or its section."""

    why: str = ""
    waits: bool = False
    level: int = 0
    item: int = 0

    def begin(self, why: str) -> None:
        """Begin an exemption: what it is of comes next."""
        self.why, self.waits, self.level, self.item = why, True, 0, 0

    def covers(self, block: Block) -> bool:
        """Tell whether a block is exempt."""
        if not self.why or not block.lines:
            return False
        if self.waits:
            self.waits = False
            self.level = block.section.level if block.kind == "heading" else 0
            self.item = block.item
            return True
        inside = self.level > 0 and not (block.kind == "heading" and block.section.level <= self.level)
        same_entry = self.level == 0 and self.item > 0 and block.item == self.item
        if not (inside or same_entry):
            self.why = ""
        return inside or same_entry
