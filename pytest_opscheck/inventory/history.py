"""Where an inventory keeps its past runs, and for how long: the table [history]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..limits import LimitError, parse_duration
from .problems import Problems, nearest

KEYS = ("url", "keep")
FILE = "history.sqlite3"
KEEP_S = 400 * 86400.0
"""A little more than a year, so that an audit of one finds all of it."""


@dataclass(frozen=True)
class History:
    """Where the runs of an inventory are kept: in PostgreSQL where there is a `url`, else in the SQLite file `path`.

    `inventory` is the name under which they stand there; `keep_s` is how long.
    """

    path: Path
    inventory: str
    keep_s: float = KEEP_S
    url: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return "the history in PostgreSQL" if self.url else f"the history {self.path}"


def read_history(said: object, folder: Path, inventory: str, problems: Problems) -> History:
    """Return what the table [history] says; `folder` is where the reports are, and the file with them."""
    path = folder / FILE
    if not isinstance(said, Mapping):
        problems.add(("history",), "it is a table: [history]")
        return History(path, inventory)
    for key in said:
        if key not in KEYS:
            problems.add(("history", key), f"unknown key; {nearest(key, KEYS)}")
    return History(path, inventory, _keep(said, problems), _url(said, problems))


def _url(said: Mapping[str, Any], problems: Problems) -> str | None:
    url = said.get("url")
    if url is None or (isinstance(url, str) and url.startswith(("postgresql://", "postgres://"))):
        return url
    problems.add(
        ("history", "url"),
        "it is no address of a PostgreSQL database; write postgresql://USER:PASSWORD@HOST:5432/DATABASE, "
        "or leave it out, which keeps the history in a file beside the reports",
    )
    return None


def _keep(said: Mapping[str, Any], problems: Problems) -> float:
    try:
        return parse_duration(said["keep"]) if "keep" in said else KEEP_S
    except LimitError as error:
        problems.add(("history", "keep"), str(error).replace("'30s'", "'400d'"))
        return KEEP_S
