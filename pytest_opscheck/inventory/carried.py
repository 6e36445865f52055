"""What of an inventory is carried to workers in other places: its texts, and by which variables they are its own.

Secrets stay where they are: a worker needs the variables of the targets that it looks at, and who has started the run
those of its reports, alerts and history.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path

from ..core.suites import TABLES
from .environment import FILE, Mention, Outside, mentions
from .model import Inventory
from .positions import Key
from .secret_files import SecretFileError

_TARGETS = ("defaults", "template", "group")
"""The tables of targets beside those of their kinds."""
_TOLD = ("report", "notify", "severity")
"""The tables that say who is told of the whole run, and how."""
_DECIDING = ("expect", "for", "of", "suites", "from", "names", "tags", "kind", "template", "on")
"""Keys of a target that say what is due, and from where: who makes one run of all parts has to know it."""


class NotCarriedError(Exception):
    """Something of an inventory that no worker in another place could have; the message says what to do."""


def texts_of(inventory: Inventory) -> dict[str, str]:
    """Return the texts of an inventory's files, by their paths in its folder; its own file is the first one.

    Raises NotCarriedError.
    """
    folder = inventory.file.absolute().parent
    found = {}
    for source in inventory.written.sources:
        try:
            path = source.file.absolute().relative_to(folder).as_posix()
        except ValueError:
            path = ".."
        if ".." in Path(path).parts or not path.endswith(".toml"):
            raise NotCarriedError(
                f"{source.shown} is not a .toml file in the inventory's folder, and workers get what is in that folder "
                "alone; move it there"
            )
        found[path] = source.text
    return found


def is_named(inventory: Inventory) -> bool:
    """Tell whether an inventory says its own name; else that is its folder's, which workers do not have."""
    general = tomllib.loads(inventory.written.main.text).get("opscheck", {})
    return isinstance(general, dict) and "name" in general


def mentioned(inventory: Inventory) -> Iterator[Mention]:
    """Yield the variables that workers read, as they are here. Raises NotCarriedError."""
    outside = Outside(os.environ, inventory.file.absolute().parent)
    for source in inventory.written.sources:
        try:
            for each in mentions(tomllib.loads(source.text), outside):
                if not _is_told(each.path):
                    _require_absolute(each)
                    yield each
        except SecretFileError as error:
            raise NotCarriedError(str(error)) from None


def _require_absolute(mention: Mention) -> None:
    word, _, path = mention.name.partition(":")
    if word == FILE and path and not Path(path).is_absolute():
        raise NotCarriedError(
            f"${{{mention.name}}} is seen from the inventory's folder, which workers do not have; write its whole path"
        )


def lacking_here(inventory: Inventory) -> list[str]:
    """Return the variables that are not set and that whoever starts a run needs, each with its place."""
    needed = (path for path in inventory.written.assumed if not _is_of_target(path) or _decides(path))
    return _said(inventory, needed)


def lacking_of_part(inventory: Inventory, vantage: str) -> list[str]:
    """Return the variables that are not set and that whoever looks from a vantage point needs, each with its place."""
    return _said(
        inventory,
        (
            path
            for path in inventory.written.assumed
            if not _is_told(path) and (not _is_of_target(path) or vantage in _vantages(inventory, path))
        ),
    )


def _said(inventory: Inventory, paths: Iterator[Key]) -> list[str]:
    written = inventory.written
    return [f"{written.placed(path)}: {name} is not there" for path in paths for name in sorted(written.assumed[path])]


def _is_of_target(path: Key) -> bool:
    return path[0] not in TABLES or path[0] in _TARGETS


def _decides(path: Key) -> bool:
    """Tell whether a key of a target says what is due."""
    return bool(set(path[2:]).intersection(_DECIDING))


def _is_told(path: Key) -> bool:
    return path[0] in _TOLD or (path[0] == "suites" and path[-1] == "heartbeat")


def _vantages(inventory: Inventory, path: Key) -> set[str]:
    """Return from where the targets are looked at of which a key is, be it one of a template or a group."""
    table, layers = path[:2], inventory.written.layers

    def has(target: Key) -> bool:
        return target == table or (target in layers and any(layer.path == table for layer in layers[target].layers))

    return {target.vantage for target in inventory.targets if has(target.path)}
