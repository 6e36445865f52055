"""An import as a document for programs: its proposals, and what became of each line."""

from __future__ import annotations

from typing import Any

from ..core.masks import masked
from .asks import Todo
from .entries import Entry
from .importing import Imported
from .statements import LineFate, counted

SCHEMA = "opscheck.runbook-import/1"


def document(made: Imported) -> dict[str, Any]:
    """Return an import as plain data."""
    return {
        "schema": SCHEMA,
        "summary": {fate.value: number for fate, number in counted(made.lines).items()},
        "warnings": list(made.warnings),
        "proposals": [_proposal(entry, made) for entry in made.entries],
        "lines": [_line(line) for line in made.lines],
    }


def _proposal(entry: Entry, made: Imported) -> dict[str, Any]:
    first = min(entry.statements, key=lambda each: (each.file, each.line))
    return {
        "id": f"{entry.id}@{made.names.of_target(entry.target)}",
        "check": entry.check,
        "target": made.names.of_target(entry.target),
        "subject": masked(entry.subject) or None,
        "limits": [
            {"severity": severity, "limit": rung.limit, "line": rung.line} for severity, rung in entry.limits.items()
        ],
        "contradictions": [
            {"severity": severity, "limit": rung.limit, "line": rung.line}
            for severity, rungs in entry.contradictions.items()
            for rung in rungs
        ],
        "keys": _plain(entry.keys),
        "file": first.file,
        "line": first.line,
        "anchor": entry.anchor,
        "text": masked(first.text),
        "lines": sorted({each.line for each in entry.statements if each.file == first.file}),
        "confidence": round(entry.sure, 2),
        "status": {"active": "active", "look": "look", "off": "commented out"}[entry.status],
        "looks": [*entry.looks, *([masked(entry.refused)] if entry.refused else [])],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Todo):
        return str(value)
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return masked(value) if isinstance(value, str) else value


def _line(line: LineFate) -> dict[str, Any]:
    return {
        "file": line.file,
        "line": line.number,
        "fate": line.fate.value,
        "reason": masked(line.reason) or None,
        "section": line.section.anchor,
        "text": masked(line.text),
    }
