"""What is expected of a command of the inventory's own: how it exits, what it prints, the number that it prints."""

from __future__ import annotations

import math
import re
from typing import Annotated

from pydantic import AfterValidator

from ..core.domains import Domain, refuse_idle
from ..core.ladders import Ladder
from ..core.limits import Limit
from ..core.units import LimitError
from ._types import LadderParam, LimitParam, refuse_unit

_STATUSES = Domain(0, 255)


def _exit(limit: Limit) -> Limit:
    refuse_unit(limit, "exit", "an exit status", equality=False)
    refuse_idle(limit, _STATUSES, "an exit status", "'== 0'")
    return limit


def _stdout(limit: Limit) -> Limit:
    refuse_unit(limit, "stdout", "a number that a command prints", equality=True)
    return limit


def _value(ladder: Ladder) -> Ladder:
    for rung in ladder.rungs:
        refuse_unit(rung.limit, "value", "the number that a command prints", equality=False)
        if rung.limit.number is None and rung.limit.operator != "~":
            raise LimitError(f"'{rung.limit}' is for a text, and this is a number; use '< 5', or stdout = '~ x'")
    return ladder


ExitParam = Annotated[LimitParam, AfterValidator(_exit)]
StdoutParam = Annotated[LimitParam, AfterValidator(_stdout)]
ValueParam = Annotated[LadderParam, AfterValidator(_value)]


def number_in(text: str) -> float | None:
    """Return the number that a text is; None where it is anything else, such as 1,234, two numbers or 1e999."""
    text = text.strip()
    if not re.fullmatch(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        return None
    return float(text) if math.isfinite(float(text)) else None
