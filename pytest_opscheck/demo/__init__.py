"""`opscheck demo`: a small shop of real servers, and a daily run on it.

Everything lives in a temporary folder and listens on free loopback ports; all of it is stopped at the end.
"""

from __future__ import annotations

from .faults import faults
from .show import for_make, run

__all__ = ["faults", "for_make", "run"]
