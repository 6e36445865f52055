"""How much of an answer is read: beyond a bound in bytes nothing more is, whatever a server sends."""

from __future__ import annotations

import json
from typing import Any

from ..core.errors import UnknownError

MOST_BYTES = 4_000_000
"""An answer of a broker, of Redis or a plan of PostgreSQL's: the largest that are meant have some 100 kB."""
MOST_VALUES = 50_000
"""Small values take much more memory than bytes on the wire: an empty list in JSON twenty times as much."""


class TooLongError(UnknownError):
    """An answer is longer than its bound. The connection has been closed, and what was read is thrown away."""


def too_long(most_bytes: int = MOST_BYTES) -> TooLongError:
    """Say that an answer has more bytes than are read."""
    return TooLongError(f"the answer is longer than {shown(most_bytes)}, so the rest was not read")


def too_many() -> TooLongError:
    """Say that an answer has more values than are read."""
    return TooLongError(f"the answer has more than {MOST_VALUES:,} values, so the rest was not read")


def shown(size: int) -> str:
    """Return a bound as people say it."""
    return f"{size / 1e6:g} MB"


def values_in(text: str | bytes) -> int:
    """Return how many values a JSON text has at most, without reading it."""
    if isinstance(text, str):
        return 1 + text.count(",") + text.count("[") + text.count("{")
    return 1 + text.count(b",") + text.count(b"[") + text.count(b"{")


def loads(text: str | bytes) -> Any:
    """Read JSON. Raises TooLongError where it has too many values, and ValueError for what can't be read."""
    if values_in(text) > MOST_VALUES:
        raise too_many()
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
