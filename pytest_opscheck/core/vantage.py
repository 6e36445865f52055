"""From where it is looked: the machine's name, or what the environment calls this place."""

from __future__ import annotations

import os
import platform
from collections.abc import Collection

VARIABLE = "OPSCHECK_VANTAGE"
DEFAULT = "default"
"""The vantage point of what has no `from`, and of a machine of which nothing else is said."""


def here() -> str:
    """Return the name of this place. Runners of a pipeline have a new host name each, and may share one name."""
    return os.environ.get(VARIABLE) or platform.node()


def vantage_here(known: Collection[str]) -> str | None:
    """Return which of an inventory's vantage points this is, None where it has none. Raises ValueError.

    It is the same word as for pipelines: where a machine stands belongs to it, and not to each call.
    """
    if not known:
        return None
    name = os.environ.get(VARIABLE) or DEFAULT
    if name != DEFAULT and name not in known:
        raise ValueError(
            f"{VARIABLE} is {name!r}, which is none of the inventory's vantage points: {', '.join(known)}; "
            f"set it to one of them, or leave it out where this is the default one"
        )
    return name
