"""A run as plain data: what is hashed, exported, and given back from the tables just as it came."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any

from ..core.results import Result, Run

_SINGLE = ("samples", "share")
"""What a measurement was made of: the results file has it, and of many runs it would be most of the history."""
_EXACT = 2**53
"""Up to here a database's floating point number holds each integer."""


def document(run: Run) -> dict[str, Any]:
    """Return a run as its results file has it, with times in UTC, and without what follows from the rest."""
    head = {key: value for key, value in run.head().items() if key not in ("duration_s", "hash")}
    head |= {"started": utc(run.started), "finished": utc(run.finished), "narrowed": run.narrowed}
    return {"run": _storable(head), "results": [_result(result) for result in run.results]}


def _result(result: Result) -> dict[str, Any]:
    data = result.to_json()
    for measurement in data["measurements"]:
        for single in _SINGLE:
            measurement.pop(single, None)
    if (change := data.get("change")) is not None:
        change["since"] = utc(dt.datetime.fromisoformat(change["since"]))
    if (over := data.get("duty", {}).get("overdue_since")) is not None:
        data["duty"]["overdue_since"] = utc(dt.datetime.fromisoformat(over))
    stored: dict[str, Any] = _storable(data)
    return stored


def utc(moment: dt.datetime) -> str:
    """Return a moment in UTC, in a form whose order is that of time: 2026-11-20T13:00:00.000Z."""
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def hash_of(seq: int, before: str, data: dict[str, Any]) -> str:
    """Return the hash of a run in its place of the chain: SHA-256 of it as JSON with sorted keys and no spaces."""
    chained = {"seq": seq, "before": before, "run": data["run"], "results": data["results"]}
    text = json.dumps(chained, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _storable(data: Any) -> Any:
    """Return data that both databases and JSON give back as it is.

    They have no text with a zero byte or half a character, which a target's output may hold, and know 75.0 as 75.
    """
    if isinstance(data, dict):
        return {key: _storable(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_storable(value) for value in data]
    if isinstance(data, str):
        if data.isascii() and "\0" not in data:
            return data
        return data.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
    if isinstance(data, float):
        return number(data)
    return data


def number(value: float) -> int | float:
    """Return a number without a fraction as an integer."""
    return int(value) if value.is_integer() and abs(value) < _EXACT else value


def columns(value: Any) -> tuple[float | None, str | None]:
    """Return a measured value as a number to draw, and as JSON where that number is not the whole of it."""
    if isinstance(value, bool):
        return float(value), json.dumps(value)
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < _EXACT):
        return float(value), None
    return None, json.dumps(value, ensure_ascii=False)


def value_of(value: float | None, exact: str | None) -> Any:
    """Return a measured value from its columns."""
    if exact is not None:
        return json.loads(exact)
    return None if value is None else number(value)
