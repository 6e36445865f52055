"""What is exempt: `<!-- opscheck: none "why" -->` before a block, or before a heading for all of its section."""

from __future__ import annotations

from dataclasses import dataclass

from .blocks import Block


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
