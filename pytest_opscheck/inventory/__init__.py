"""opscheck.toml, read whole: to a typed, frozen Inventory, or to all of its errors at once."""

from __future__ import annotations

from ._load import FILE, load, suite_names
from .model import SUITES, Expectation, Inventory, Named, Suite
from .problems import InventoryError, nearest

__all__ = [
    "FILE",
    "SUITES",
    "Expectation",
    "Inventory",
    "InventoryError",
    "Named",
    "Suite",
    "load",
    "nearest",
    "suite_names",
]
