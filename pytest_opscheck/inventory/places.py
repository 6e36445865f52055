"""Where each expectation stands in the file, for what points at it."""

from __future__ import annotations

from .model import Expectation, Inventory
from .positions import Key


def lines_of(inventory: Inventory) -> dict[str, int]:
    """Return the line of each expectation by result id; that of its target where no line says what is expected.

    What an included file says has none: it is another file.
    """
    found = ((each.id, _line(each, inventory)) for each in inventory.expectations)
    return {name: line for name, line in found if line is not None}


def _line(expectation: Expectation, inventory: Inventory) -> int | None:
    target, check = expectation.target.path, expectation.check.name
    own: Key = (*target, check, expectation.name) if expectation.name else (*target, "expect", check)
    place = inventory.written.place(own)
    if place.source is not inventory.written.main:
        return None
    known = place.source.lines.known
    return (known.get(place.path) if len(place.path) == len(own) else None) or known.get(place.path[:2])
