"""Where an inventory keeps its past runs, and for how long: the table [history]."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..core.units import LimitError, parse_duration
from ..history._place import FILE, KEEP_S, History
from .positions import Key
from .problems import Problems, nearest

KEYS = ("url", "keep")
MOST_KEPT_S = 36500 * 86400.0


def read_history(value: object, folder: Path, inventory: str, problems: Problems) -> History:
    """Return what the table [history] says; `folder` is where the reports are, and the file with them."""
    path = folder / FILE
    if not isinstance(value, Mapping):
        problems.add(("history",), "it must be a table: [history]")
        return History(path, inventory)
    for key in value:
        if key not in KEYS:
            problems.add(("history", key), f"unknown key; {nearest(key, KEYS)}")
    return History(path, inventory, read_keep(value, ("history",), KEEP_S, problems), _url(value, problems))


def _url(table: Mapping[str, Any], problems: Problems) -> str | None:
    url = table.get("url")
    if url is None or (isinstance(url, str) and url.startswith(("postgresql://", "postgres://"))):
        return url
    problems.add(
        ("history", "url"),
        "it is not the address of a PostgreSQL database; write postgresql://USER:PASSWORD@HOST:5432/DATABASE, "
        "or leave it out, which keeps the history in a file beside the reports",
    )
    return None


def read_keep(table: Mapping[str, Any], path: Key, default: float, problems: Problems) -> float:
    """Return for how many seconds something is kept, as the key `keep` of the table at `path` says it."""
    keep = table.get("keep", f"{default / 86400:g}d")
    try:
        kept = parse_duration(keep) if isinstance(keep, str) else 0.0  # 400 would be 400 s, which nobody means
    except LimitError:
        kept = 0.0
    if not kept:
        problems.add((*path, "keep"), f"{keep!r} is not a length of time; use for example '{default / 86400:g}d'")
        return default
    if kept > MOST_KEPT_S:
        problems.add((*path, "keep"), f"{table['keep']!r} is more than a hundred years; use at most '36500d'")
    return min(kept, MOST_KEPT_S)
