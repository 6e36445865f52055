"""Of which measured values a limit can say something at all: of the others the verdict is unknown."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from decimal import Decimal

_NAN = re.compile(r"\s*[+-]*nan\s*", re.IGNORECASE)


class UnjudgeableError(ValueError):
    """A value of which a limit cannot say whether it holds: the verdict is unknown."""


def judgeable(value: object) -> object:
    """Return a value of which a limit can say something; a Decimal as float. Raises UnjudgeableError for any other."""
    if isinstance(value, Decimal):
        value = math.nan if value.is_nan() else float(value)
    if value is None or (isinstance(value, str) and not value.strip()):
        raise UnjudgeableError("there was no value")
    if isinstance(value, bytes | bytearray | memoryview):
        raise UnjudgeableError("the value is bytes, which are not text: decode them, as in value.decode()")
    if isinstance(value, Collection) and not isinstance(value, str):
        what = f"{len(value)} values" if value else "an empty list"
        raise UnjudgeableError(f"there was {what} where one value is compared")
    if (
        not isinstance(value, int | float) and type(value).__str__ is object.__str__
    ):  # what it is shown as says where it lies in memory, not what it is
        raise UnjudgeableError(
            f"the value is a {type(value).__name__}, and only numbers, texts and truths are compared"
        )
    if (isinstance(value, float) and math.isnan(value)) or (isinstance(value, str) and _is_nan(value)):
        raise UnjudgeableError("the value is not a number (NaN)")
    return value


def _is_nan(text: str) -> bool:
    return _NAN.fullmatch(text) is not None  # which copies nothing of a long text
