"""Versions as limits compare them: number by number, so that 20.10 is newer than 20.9."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

from ..core.judgeable import UnjudgeableError
from ..core.ladders import Ladder, Rung, ladder_of, severity_of, single
from ..core.limits import SEVERITIES, Limit
from ..core.units import LimitError

_LIMIT = re.compile(r"(?P<operator><=|>=|==|!=|<|>)?\s*(?P<version>\d+(?:\.\d+)*)")
_VERSION = re.compile(r"v?(\d+(?:\.\d+)*)")


class VersionLimit(Limit):
    """A comparison of versions: of as many of their numbers as the limit names.

    So `== 15` holds for 15.3, `>= 20.10` for 20.10.24, and `> 20.10` for 20.11 but not for 20.10.24. What follows the
    numbers, as in 24.0.0-rc1, is not looked at.
    """

    __slots__ = ()

    def holds(self, value: object, unit: str = "") -> bool:  # noqa: ARG002 - a version has no unit
        """Tell whether a version keeps this limit. Raises UnjudgeableError for what is none."""
        match = _VERSION.match(str(value).strip())
        if match is None:
            raise UnjudgeableError(f"{value!r} is not a version")
        wanted = _numbers(self.operand)
        found = (_numbers(match[1]) + (0,) * len(wanted))[: len(wanted)]
        return {
            "<": found < wanted,
            "<=": found <= wanted,
            "==": found == wanted,
            "!=": found != wanted,
            ">=": found >= wanted,
            ">": found > wanted,
        }[self.operator]


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split("."))


def _limit(value: object) -> Limit:
    match = _LIMIT.fullmatch(value.strip()) if isinstance(value, str) else None
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return VersionLimit("==", str(value), "", None)
    if match is None:
        why = "a number loses its last zero; " if isinstance(value, float) else ""
        raise LimitError(f"{value!r} is not a limit for a version; {why}say a text such as '>= 20.10'")
    made = VersionLimit(match["operator"] or "==", match["version"], "", None)
    if made.operator in (">=", "<") and not any(_numbers(made.operand)):
        never = "can't be broken" if made.operator == ">=" else "can't hold"
        raise LimitError(f"'{made}' {never}: no version is below 0; use a text such as '>= 20.10'")
    return made


def _ladder(value: Any, info: ValidationInfo) -> Ladder:
    context = info.context or {}
    if isinstance(value, Mapping):
        words = context.get("words") or {}
        return ladder_of(Rung(severity_of(key, words), _limit(limit)) for key, limit in value.items())
    return single(_limit(value), context.get("severity", SEVERITIES[2]))


_TEXT = {"type": ["string", "integer"]}
VersionParam = Annotated[
    Ladder,
    BeforeValidator(_ladder),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "object", "additionalProperties": _TEXT}]}),
]
"""Limits of a version: `>= 20.10`, or several with the severity of breaking each."""
