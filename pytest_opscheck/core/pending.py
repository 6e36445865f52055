"""How long, or how often, a limit has to be broken before that counts: `for = "10m"`, `of = "3 of 5"`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .units import LimitError, parse_duration, quantity

MOST_RUNS = 50


@dataclass(frozen=True, slots=True)
class Lasting:
    """A breach counts when it has lasted `seconds`, or else in `times` of the last `within` runs."""

    text: str
    seconds: float | None = None
    times: int = 1
    within: int = 1

    def __str__(self) -> str:
        return self.text


def parse_for(value: object) -> Lasting:
    """Parse `10m`. Raises LimitError with an example."""
    try:
        seconds = parse_duration(value)
    except LimitError as error:
        raise LimitError(str(error).replace("'30s'", "'10m'")) from None
    number, unit = re.fullmatch(r"(.*?)\s*([a-z]*)", value.strip()).groups() if isinstance(value, str) else (value, "s")  # type: ignore[union-attr]
    return Lasting(quantity(number, unit), seconds)


def parse_of(value: object) -> Lasting:
    """Parse `3 of 5`. Raises LimitError with an example."""
    match = re.fullmatch(r"\s*([0-9]{1,3})\s+of\s+([0-9]{1,3})\s*", value) if isinstance(value, str) else None
    if match is None:
        raise LimitError(f"{value!r} is not a number of runs; use for example '3 of 5': in 3 of the last 5 runs")
    times, within = int(match[1]), int(match[2])
    if not 1 < times <= within <= MOST_RUNS:
        raise LimitError(f"{value!r} makes no sense: use 2 or more, of at least as many runs, at most {MOST_RUNS}")
    return Lasting(f"{times} of {within}", None, times, within)
