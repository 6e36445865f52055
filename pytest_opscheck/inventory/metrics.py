"""Where a run's metrics go: the table [report.metrics]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .problems import Problems, nearest

KEYS = ("textfile", "push")


@dataclass(frozen=True)
class Metrics:
    """Where metrics go: into a file for each suite, named after `textfile`, and to the Pushgateway at `push`."""

    textfile: Path | None = None
    push: str | None = field(default=None, repr=False)

    def __bool__(self) -> bool:
        return self.textfile is not None or self.push is not None


def read_metrics(value: object, folder: Path, problems: Problems) -> Metrics:
    """Return what the table says; a relative file is taken from the inventory's folder."""
    path = ("report", "metrics")
    if value is None:
        return Metrics()
    if not isinstance(value, Mapping):
        problems.add(path, "it must be a table: [report.metrics]")
        return Metrics()
    for key in value:
        if key not in KEYS:
            problems.add((*path, key), f"unknown key; {nearest(key, KEYS)}")
    if not value:
        problems.add(path, "it names no destination; add textfile or push")
    textfile = value.get("textfile")
    if textfile is not None and not (isinstance(textfile, str) and textfile.endswith(".prom")):
        problems.add((*path, "textfile"), "node_exporter does not read that file; its name must end in .prom")
        textfile = None
    push = value.get("push")
    if push is not None and not _is_address(push):
        problems.add(
            (*path, "push"), "it is not the address of a Pushgateway; write for example http://pushgateway:9091"
        )
        push = None
    return Metrics(folder / textfile if textfile else None, push)


def _is_address(value: object) -> bool:
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def metrics_schema() -> dict[str, Any]:
    """Return the JSON Schema of the table."""
    variable = {"$ref": "#/$defs/variable"}
    return {
        "type": "object",
        "description": "where the metrics of a run go",
        "properties": {
            "textfile": {
                "description": "a file of node_exporter's textfile collector; each suite gets its own beside it",
                "anyOf": [{"type": "string", "pattern": r"\.prom$"}, variable],
            },
            "push": {
                "description": "a Pushgateway: http://pushgateway:9091",
                "anyOf": [{"type": "string", "pattern": "^https?://"}, variable],
            },
        },
        "minProperties": 1,
        "additionalProperties": False,
    }
