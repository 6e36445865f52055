"""Types of the inventory's keys that several kinds share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

from ..limits import SEVERITIES, Ladder, Limit, parse_ladder, parse_limit, single

_LIMIT_SCHEMA = {"anyOf": [{"type": ["string", "number", "boolean"]}]}


def _limit(said: Any) -> Limit:
    return said if isinstance(said, Limit) else parse_limit(said)


def _ladder(said: Any, info: ValidationInfo) -> Ladder:
    if isinstance(said, Ladder):
        return said
    context = info.context or {}
    if isinstance(said, Mapping):
        return parse_ladder(said, context.get("words"))
    return single(parse_limit(said), context.get("severity", SEVERITIES[2]))


LimitParam = Annotated[Limit, BeforeValidator(_limit), WithJsonSchema(_LIMIT_SCHEMA)]
"""One limit, as a text such as `== 0` or `~ regex`, or a bare number or truth."""

LadderParam = Annotated[
    Ladder,
    BeforeValidator(_ladder),
    WithJsonSchema({"anyOf": [*_LIMIT_SCHEMA["anyOf"], {"type": "object", "additionalProperties": _LIMIT_SCHEMA}]}),
]
"""One limit, or several with the severity of breaking each."""
