"""Where each expectation stands in the file, for what points at it."""

from __future__ import annotations

from collections.abc import Mapping

from .model import Expectation, Inventory
from .positions import Key, locate


def lines_of(inventory: Inventory) -> dict[str, int]:
    """Return the line of each expectation by result id; that of its target where no line says what is expected."""
    try:
        known = locate(inventory.file.read_text(encoding="utf-8", errors="replace")).known
    except OSError:  # it is gone since
        return {}
    found = ((each.id, _line(each, known)) for each in inventory.expectations)
    return {name: line for name, line in found if line is not None}


def _line(expectation: Expectation, known: Mapping[Key, int]) -> int | None:
    kind, target, check = expectation.target.kind, expectation.target.name, expectation.check.name
    own = (kind, target, check, expectation.name) if expectation.name else (kind, target, "expect", check)
    return known.get(own) or known.get((kind, target))
