"""Who answers for a breach of a severity, and within what time: the tables [severity.P1]."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..core.duty import Duty
from ..core.limits import SEVERITIES
from ..core.units import LimitError, parse_duration
from ..core.visible import has_controls
from .positions import Key
from .problems import Problems, nearest

KEYS = ("owner", "answer_within")


def read_duties(value: object, words: Mapping[str, str], problems: Problems) -> dict[str, Duty]:
    """Return who answers for breaches, by severity; `words` are the inventory's own names of severities."""
    if not isinstance(value, Mapping):
        problems.add(("severity",), "it must be tables: [severity.P1]")
        return {}
    found: dict[str, Duty] = {}
    for name, table in value.items():
        path: Key = ("severity", name)
        severity = name if name in SEVERITIES else words.get(name)
        if severity is None:
            problems.add(path, f"{name!r} is not a severity; {nearest(name, (*SEVERITIES, *words))}")
        elif severity in found:
            problems.add(path, f"{severity} is in the file under another name, too; keep one of them")
        else:
            found[severity] = _duty(table, path, problems)
    return found


def _duty(table: object, path: Key, problems: Problems) -> Duty:
    if not isinstance(table, Mapping):
        problems.add(path, f"it must be a table: [{'.'.join(map(str, path))}]")
        return Duty()
    for key in table:
        if key not in KEYS:
            problems.add((*path, key), f"unknown key; {nearest(key, KEYS)}")
    if not table:
        problems.add(path, "it says nothing; add owner, or answer_within, or remove it")
    return Duty(_owner(table, path, problems), _within_s(table, path, problems))


def _owner(table: Mapping[str, Any], path: Key, problems: Problems) -> str | None:
    owner = table.get("owner")
    if owner is None or (isinstance(owner, str) and owner.strip() and not has_controls(owner)):
        return owner
    problems.add((*path, "owner"), "it must be a text on one line, for example 'ops on call'")
    return None


def _within_s(table: Mapping[str, Any], path: Key, problems: Problems) -> float | None:
    within = table.get("answer_within")
    if within is None:
        return None
    try:
        seconds = parse_duration(within) if isinstance(within, str) else 0.0  # 1 would be a second, which nobody means
    except LimitError:
        seconds = 0.0
    if seconds > 0:
        return seconds
    problems.add((*path, "answer_within"), f"{within!r} is not a length of time; use for example '1h'")
    return None


def schema(severities: Iterable[str]) -> dict[str, Any]:
    """Return the JSON Schema of the tables."""
    fields = {
        "owner": {"description": "who answers for a breach: ops on call", "$ref": "#/$defs/text"},
        "answer_within": {"description": "how soon somebody has to: 1h", "$ref": "#/$defs/time"},
    }
    duty = {"type": "object", "properties": fields, "minProperties": 1, "additionalProperties": False}
    return {
        "type": "object",
        "description": "who answers for a breach of a severity, and within what time",
        "properties": dict.fromkeys(severities, duty),
        "additionalProperties": False,
    }
