"""opscheck.toml, read whole: to a typed, frozen Inventory, or to all of its errors at once."""

from __future__ import annotations

from ..core.suites import SUITES
from ..settings import FILE, suite_names
from ._load import load
from .model import Expectation, Inventory, InventoryTarget, Suite
from .problems import InventoryError, nearest

__all__ = [
    "FILE",
    "SUITES",
    "Expectation",
    "Inventory",
    "InventoryError",
    "InventoryTarget",
    "Suite",
    "load",
    "nearest",
    "suite_names",
]
