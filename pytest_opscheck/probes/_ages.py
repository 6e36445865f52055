"""How old is what a server says: by its own clock where it tells that, and whether a cache kept it."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._web import Answer

STALE_S = 300.0
"""What is older than this, or further in the future, says nothing of now: the time for which Prometheus looks back."""
_LONG_S = {"d": 86400.0, "h": 3600.0, "min": 60.0, "s": 1.0}


def server_now(answer: Answer) -> float:
    """Return when a server has answered, by its own clock or else this machine's, in seconds since 1970."""
    try:
        return parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return time.time()


def cached_s(answer: Answer) -> float:
    """Return for how long a cache on the way has kept an answer; 0 where none says so."""
    age = answer.headers.get("age", "").strip()
    return float(age) if age.isascii() and age.isdecimal() else 0.0


def aged(age_s: float, most_s: float = STALE_S) -> str | None:
    """Say how old something is, `3 h old` or `2 d in the future`, where it says nothing of now; None where it does."""
    if -STALE_S <= age_s <= most_s:
        return None
    return f"{said_s(abs(age_s))} {'old' if age_s > 0 else 'in the future'}"


def said_s(seconds: float) -> str:
    """Return a time in the largest unit of which it has three: `120 min`, `26 h`, `3 d`."""
    unit, length = next(((unit, length) for unit, length in _LONG_S.items() if seconds >= 3 * length), ("s", 1.0))
    return f"{seconds / length:.0f} {unit}"
