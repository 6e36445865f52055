"""The JSON Schema of an inventory as a file, by which editors complete and check it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from ..catalogue import checks
from ..core.visible import as_json
from ..inventory import InventoryError, load
from ..inventory.schema import ID
from ..inventory.schema import schema as made
from ..packages import PackageError
from .options import Usage

FILE = "opscheck.schema.json"
LINE = f"#:schema ./{FILE}"
"""The first line of an inventory, by which Even Better TOML and taplo find the schema beside it."""


def of(file: Path, indent: int | None = 2) -> str:
    """Return the schema of an inventory, also of one with errors, without variables, or that is still to be written."""
    try:
        return as_json(made(checks(), _words(file)), indent=indent) + "\n"
    except PackageError as error:
        raise Usage(str(error)) from None


def write(inventory: Path) -> Path | None:
    """Write the schema beside an inventory; None where something else of that name is there. Raises OSError."""
    file = inventory.with_name(FILE)
    if (file.exists() or file.is_symlink()) and not _is_ours(file):
        return None
    file.write_text(of(inventory, indent=None), encoding="utf-8")
    return file


def _words(file: Path) -> Iterable[str]:
    if not file.exists():
        return ()
    try:
        return tuple(load(file, checks(), assumes=True).severities)
    except InventoryError as error:
        return tuple(error.known.severities) if error.known is not None else ()


def _is_ours(file: Path) -> bool:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("$id") == ID
