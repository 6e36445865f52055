"""From where it is looked: the machine's name, or what the environment calls this place."""

from __future__ import annotations

import os
import platform

VARIABLE = "OPSCHECK_VANTAGE"


def here() -> str:
    """Return the name of this place. Runners of a pipeline have a new host name each, and may share one name."""
    return os.environ.get(VARIABLE) or platform.node()
