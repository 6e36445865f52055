"""What is wrong with an inventory, gathered so that all of it is shown at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..secrets import Redactor
from .lines import Lines, Path


class InventoryError(Exception):
    """An inventory that cannot be used; the message has a line for each of its errors."""


def nearest(key: str, choices: Iterable[str]) -> str:
    """Return an error's end: the valid key nearest to a wrong one, and all of them where they are few."""
    choices = sorted(choices)
    close = difflib.get_close_matches(key, choices, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"it can be: {', '.join(choices)}" if choices else "nothing is expected here"


@dataclass
class Problems:
    """Collects the errors of one file, each with its line and key."""

    file: str
    lines: Lines = field(default_factory=lambda: Lines({}))
    redactor: Redactor = field(default_factory=Redactor)
    found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, path: Path, message: str) -> None:
        """Note an error of a key."""
        line = self.lines.of(path)
        key = ".".join(str(step) for step in path)
        self.found.append((line, f"{self.file}:{line}: {key + ': ' if key else ''}{self.redactor.text(message)}"))

    def raise_any(self) -> None:
        """Raise InventoryError where anything was noted."""
        if self.found:
            raise InventoryError("\n".join(text for _, text in sorted(self.found, key=lambda error: error[0])))
