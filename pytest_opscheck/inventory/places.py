"""Where each expectation stands in the files of an inventory, for what points at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .model import Expectation, Inventory
from .positions import Key
from .written import Place


def lines_of(inventory: Inventory) -> dict[str, int]:
    """Return the line of each expectation by result id; that of its target where no line says what is expected.

    What an included file says has none: it is another file.
    """
    main = inventory.written.main
    return {name: place.line for name, place in places_of(inventory).items() if place.source is main}


def places_of(inventory: Inventory) -> dict[str, Place]:
    """Return where each expectation is written, by result id; where its target is if no line says what is expected."""
    return {each.id: place for each in inventory.expectations for place in _place(each, inventory)}


def _place(expectation: Expectation, inventory: Inventory) -> Iterator[Place]:
    target, check = expectation.target.path, expectation.check.name
    own: Key = (*target, check, expectation.name) if expectation.name else (*target, "expect", check)
    place = inventory.written.place(own)
    known = place.source.lines.known
    if len(place.path) == len(own) and place.path in known:
        yield place
    elif place.path[:2] in known:
        yield replace(place, path=place.path[:2])
