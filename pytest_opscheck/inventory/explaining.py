"""Says of what a target is made: each of its keys as it is written, where, and over what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..catalogue import checks_of
from .environment import mapped
from .groups import layer_of
from .layers import EXPECT, Layer, Layers
from .model import Inventory, InventoryTarget
from .placeholders import FILLED, blank, fill, takes_fields
from .positions import Key, shown
from .salvage import parsed
from .written import Place, Written


def explained(inventory: Inventory, target: InventoryTarget) -> Iterator[str]:
    """Yield a target's keys with their values as they are written, with `{name}` filled in, and their places.

    Of a key that several tables say, the last word is shown, and behind it where the others are.
    """
    layers = _as_written(inventory.written, target)
    fields = inventory.written.fields.get(target.path, {})
    made = fill(layers.merged(), {**fields, "name": target.path[1]}, lambda _path, _text: None)
    rows = [
        (f"{shown(path)} = {_toml(value)}", _places(inventory.written, layers, path))
        for path, value in _leaves(made, layers, ())
    ]
    rows += _unsaid(inventory, target, made.get(EXPECT, {}))
    width = max(len(text) for text, _ in rows)
    yield target.id
    yield from (f"  {text:{width}}  {place}" for text, place in rows)


def _unsaid(inventory: Inventory, target: InventoryTarget, value: Any) -> Iterator[tuple[str, str]]:
    """Yield what is expected of a target without a word of the inventory."""
    for each in inventory.expectations:
        if each.target.id == target.id and each.name is None and each.check.name not in value:
            yield f"{EXPECT}.{each.check.name}", f"the check's own: {each.limits or 'on'}"


def _as_written(written: Written, target: InventoryTarget) -> Layers:
    """Return the tables that a target is made of, as their files say them."""
    path: Key = target.path
    there = written.layers.get(path)
    places = [written.placed(layer.path) for layer in there.layers] if there is not None else [written.placed(path)]
    documents = {place.source: parsed(place.source.text) for place in places}
    families = frozenset(check.name for check in checks_of(target.kind) if check.family)
    return Layers(tuple(_layer(place, documents[place.source], written) for place in places), families)


def _layer(place: Place, document: dict[str, Any], written: Written) -> Layer:
    table, name = (str(step) for step in place.path[:2])
    table_of = document[table][name]
    if table in FILLED:
        table_of = mapped(
            table_of, lambda text, path: blank(text, str, fields=takes_fields(path, written.fielded)), place.path[:2]
        )
    return layer_of(place.path, table_of)


def _leaves(data: Any, layers: Layers, path: Key) -> Iterator[tuple[Key, Any]]:
    """Yield the keys that are replaced as a whole, with their values."""
    if isinstance(data, dict) and data and (not path or layers.merges(path)):
        for key, value in data.items():
            yield from _leaves(value, layers, (*path, key))
    else:
        yield path, data


def _places(written: Written, layers: Layers, path: Key) -> str:
    *below, last = [str(written.placed(key)) for key in layers.saying(path)]
    return last + (f", over {', '.join(reversed(below))}" if below else "")


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{shown((key,))} = {_toml(entry)}' for key, entry in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)
