"""What a result says: its worst measurements as sentences."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..core.results import Measurement
from ..core.sets import is_set

_SHOWN_BREACHES = 5


def message(
    breached: list[Measurement],
    unjudged: list[Measurement],
    measurements: Collection[Measurement],
    attempts: int,
    unkept: Mapping[str | None, int],
) -> str:
    """Return the sentences of a result, the worst first."""
    if breached or unjudged:
        sentences = [sentence(m) for m in (*breached, *unjudged)]
        more = len(sentences) - _SHOWN_BREACHES + sum(count - 1 for sort, count in unkept.items() if sort)
        text = "; ".join(sentences[:_SHOWN_BREACHES]) + (f"; and {more} more" if more > 0 else "")
    elif not measurements:
        text = "the check measured nothing"
    else:
        first = next(iter(measurements))
        text = (
            sentence(first) if len(measurements) == 1 else f"all {len(measurements) + unkept.get(None, 0)} as expected"
        )
    return text + (f" (at attempt {attempts})" if attempts > 1 else "")


def sentence(measurement: Measurement) -> str:
    """Return a measurement as a sentence: `/var is at 75.2 %, expected < 70 %`, `A records: 10.0.0.1, 10.0.0.2`."""
    about = measurement.subject or ""
    if measurement.problem:
        return f"{about}: {measurement.problem}" if about else measurement.problem
    number = isinstance(measurement.value, int | float) and not isinstance(measurement.value, bool)
    verb = " is at" if number and measurement.unit == "%" else ":" if is_set(measurement.value) else " is"
    observed = f"{about}{verb} {measurement.observed}" if about else measurement.observed
    return f"{observed}, expected {measurement.expected}" if measurement.breached else observed
