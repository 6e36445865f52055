"""The forms of texts that a schema can know: addresses, ways to connect, zones. What it is unsure of it lets pass."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from typing import Any

from ..probes.celery._target import RABBITMQ, REDIS
from ..probes.host._target import BACKENDS
from ..probes.redis._server import SCHEMES

Schema = dict[str, Any]
_FILLED = r"[{]"
"""A text with a variable or a placeholder may become anything."""
_PORT = "0*(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"
_ADDRESS = rf"^[^\s/@]+:{_PORT}$"
_WEB = r"^\s*[hH][tT][tT][pP][sS]?://"
_FORMS = {
    ("celery", "broker"): f"^({'|'.join((*REDIS, *RABBITMQ))})://",
    ("docker", "url"): "^(unix|tcp|https?)://",
    ("host", "connect"): f"^({'|'.join(BACKENDS)})://",
    ("http", "url"): _WEB,
    ("metrics", "url"): _WEB,
    ("postgres", "dsn"): r"^\s*postgres(ql)?://|^\s*\w+\s*=",
    ("prometheus", "url"): _WEB,
    ("redis", "url"): f"^({'|'.join(SCHEMES)})://",
    ("tcp", "address"): _ADDRESS,
    ("tls", "address"): _ADDRESS,
}
_ZERO = r"^\s*[+]?0*[.]?0*\s*(ms|s|m|h|d)\s*$"
_EVEN = {"m": "1|2|3|4|5|6|10|12|15|20|30|60|120|180|240|360|480|720", "h": "1|2|3|4|6|8|12"}
"""How often a suite may run, in whole minutes and hours."""


def formed(kind: str, fields: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return the keys of a kind's targets with the forms of their texts."""
    return {
        name: {**field, "pattern": f"{_FORMS[kind, name]}|{_FILLED}"} if (kind, name) in _FORMS else field
        for name, field in fields.items()
    }


def zone() -> Schema:
    """Return the schema of a time zone."""
    return {"anyOf": [{"enum": sorted(zoneinfo.available_timezones())}, {"$ref": "#/$defs/variable"}]}


def every(schema: Schema) -> Schema:
    """Return the schema of how often a suite runs, which divides an hour or a day evenly."""
    even = [
        {"if": {"pattern": f"^[0-9]+{unit}$"}, "then": {"pattern": f"^0*({numbers}){unit}$"}}
        for unit, numbers in _EVEN.items()
    ]
    return {**schema, "allOf": [*even, {"not": {"type": "string", "pattern": "^[0-9]+d$|" + _ZERO}}]}


def lasting() -> dict[str, Schema]:
    """Return the schemas of `for` and `of`."""
    number = "([2-9]|[1-4][0-9]|50)"
    return {
        "for": {
            "description": "a breach counts after it has lasted this long: 10m",
            "$ref": "#/$defs/time",
            "not": {"type": "string", "pattern": _ZERO},
        },
        "of": {
            "description": "a breach counts when it occurs in this many of the last runs: 3 of 5",
            "anyOf": [
                {"type": "string", "pattern": rf"^\s*0*{number}\s+of\s+0*{number}\s*$"},
                {"$ref": "#/$defs/variable"},
            ],
        },
    }


def with_variables(field: Any) -> Any:
    """Let a variable stand where a number or a truth does, and drop pydantic's titles, which only repeat the key."""
    if isinstance(field, list):
        return [with_variables(entry) for entry in field]
    if not isinstance(field, dict):
        return field
    made = {
        key: with_variables(value) for key, value in field.items() if not (key == "title" and isinstance(value, str))
    }
    if made.get("type") in ("integer", "number", "boolean"):
        words = {key: made.pop(key) for key in ("description", "default") if key in made}
        return {**words, "anyOf": [made, {"$ref": "#/$defs/variable"}]}
    return made
