"""Types of the inventory's keys that several kinds share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationInfo, WithJsonSchema

from ..core.domains import AMOUNT, refuse_idle, refuse_open
from ..core.ladders import Ladder, parse_ladder, parse_single
from ..core.limits import SEVERITIES, Limit, parse_limit
from ..core.units import LimitError, dimension, example, parse_duration

_LIMIT_SCHEMA = {"anyOf": [{"type": ["string", "number", "boolean"]}]}


def _limit(value: Any) -> Limit:
    return value if isinstance(value, Limit) else refuse_open(parse_limit(value))


def _ladder(value: Any, info: ValidationInfo) -> Ladder:
    if isinstance(value, Ladder):
        return value
    context = info.context or {}
    if isinstance(value, Mapping):
        made = parse_ladder(value, context.get("words"))
    else:
        made = parse_single(value, context.get("severity", SEVERITIES[2]))
    for rung in made.rungs:
        refuse_open(rung.limit)
    return made


def refuse_unit(limit: Limit, of: str, source: str, *, equality: bool) -> None:
    """Refuse a limit with a unit of a bare number, which says none: nothing could ever be judged by it.

    equality: whether `==` and `!=` may have one, because the value may be a text such as 60%.
    """
    if limit.unit and not (equality and limit.operator in ("==", "!=")):
        raise LimitError(
            f"'{limit}' of {of} has a unit, and {source} has none; use '{limit.operator} {limit.operand}', "
            "with the number in its own unit"
        )


LimitParam = Annotated[Limit, BeforeValidator(_limit), WithJsonSchema(_LIMIT_SCHEMA)]
"""One limit, as a text such as `== 0` or `~ regex`, or a bare number or truth."""


def measured_in(unit: str) -> AfterValidator:
    """Return a validator that refuses limits for anything but what a unit measures."""

    def fitting(ladder: Ladder) -> Ladder:
        for limit in (rung.limit for rung in ladder.rungs):
            if limit.dimension != dimension(unit):
                wanted = dimension(unit)
                raise LimitError(f"'{limit}' is for a {limit.dimension}, and this is a {wanted}; use {example(wanted)}")
        return of_amounts(ladder)

    return AfterValidator(fitting)


def of_amounts(ladder: Ladder) -> Ladder:
    """Return limits of what is never below 0. Raises LimitError for one that nothing can break, or keep."""
    for limit in (rung.limit for rung in ladder.rungs):
        refuse_idle(limit, AMOUNT, f"a {limit.dimension}", example(limit.dimension))
    return ladder


LadderParam = Annotated[
    Ladder,
    BeforeValidator(_ladder),
    WithJsonSchema({"anyOf": [*_LIMIT_SCHEMA["anyOf"], {"type": "object", "additionalProperties": _LIMIT_SCHEMA}]}),
]
"""One limit, or several with the severity of breaking each."""

Zone = Annotated[dt.tzinfo, WithJsonSchema({})]
"""The inventory's time zone. A parameter `zone` is not a key of the inventory: it is given."""

LONGEST_SAMPLE_S = 600


def _sample(value: Any) -> float | None:
    if value is None:
        return None
    seconds = parse_duration(value)
    if seconds > LONGEST_SAMPLE_S:
        raise LimitError(f"{value!r} is longer than a run may watch, 10 min; Prometheus can tell of a longer time")
    return seconds


SampleParam = Annotated[float | None, BeforeValidator(_sample), WithJsonSchema({"type": ["string", "number"]})]
"""How long a probe watches between two looks, as `10s` or a number of seconds; None for one look."""


CountParam = Annotated[LadderParam, measured_in("")]
"""Limits of a number of things."""
