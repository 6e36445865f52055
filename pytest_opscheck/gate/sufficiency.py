"""Whether there is enough to judge at all: values that are what they say, and as many of them as an answer takes."""

from __future__ import annotations

import itertools
import math

from . import sentences
from .spread import FEWEST_WINDOWS
from .values import LOOKS, Series, Setting, Tally

FIRST_LOOK = LOOKS[0]
FEWEST_BEFORE = 200
"""Requests of a baseline, in at least `FEWEST_WINDOWS` windows."""
FEWEST_TO_GO = 100
"""Requests after the deploy before there is a go."""
FEWEST_TO_GO_BY_TAIL = 200
"""Where one request in twenty is slow, a hundred have too few of them to tell 5 from 9."""
_MOST_ALONE = 0.1
"""How many requests of two interleaved sides may have none of the other side beside them, where some failed."""
_LONGEST = 10**12
"""Microseconds: eleven days."""
_MOST_COUNTED = 10**10
_MOST_TOLERANCE = 100
"""A hundred times slower; a larger one is a slip of the pen."""


def why_no_times(before: Series, after: Series, tolerance: float, setting: Setting) -> str | None:
    """Return why two series can't be compared; None where they can."""
    return (
        _why_no_tolerance(tolerance)
        or _why_no_time("before", before)
        or _why_no_time("after", after)
        or _why_too_few(before, len(after), setting)
        or _why_no_clock("before", before)
        or _why_no_clock("after", after)
        or (_why_not_in_turn(before, after) if setting.interleaved else None)
    )


def why_no_shares(before: Tally, after: Tally, tolerance: float) -> str | None:
    """Return why two tallies can't be compared; None where they can."""
    return _why_no_tolerance(tolerance) or _why_no_tally("before", before) or _why_no_tally("after", after)


def missing(after: int, before: int, setting: Setting) -> int | None:
    """Return how many requests after the deploy are missing for the first look; None where the others are too few."""
    enough = before >= (FIRST_LOOK if setting.interleaved else FEWEST_BEFORE)
    return FIRST_LOOK - after if enough and after < FIRST_LOOK else None


def _why_no_tolerance(tolerance: float) -> str | None:
    return None if 0 <= tolerance <= _MOST_TOLERANCE else sentences.no_tolerance(tolerance, _MOST_TOLERANCE)


def _why_no_time(side: str, series: Series) -> str | None:
    wrong = [time for time in series.samples if not _whole(time) or not 0 < time <= _LONGEST]
    return sentences.no_time(side, wrong[0], len(wrong)) if wrong else None


def _why_no_tally(side: str, tally: Tally) -> str | None:
    counts = _whole(tally.hits) and _whole(tally.of) and 0 <= tally.hits <= tally.of <= _MOST_COUNTED
    if not (counts and 1 <= tally.inflation < math.inf):
        return sentences.no_tally(side, tally)
    return None if tally.of else sentences.no_requests(side)


def _why_too_few(before: Series, after: int, setting: Setting) -> str | None:
    if not len(before) or not after:
        return sentences.no_requests("after" if len(before) else "before")
    windows = sum(len(window) > 1 for window in before.windows)
    fewest, fewest_windows = (FIRST_LOOK, 1) if setting.interleaved else (FEWEST_BEFORE, FEWEST_WINDOWS)
    if len(before) < fewest or windows < fewest_windows:
        return sentences.small_baseline(len(before), windows, fewest, fewest_windows)
    return sentences.before_first_look(after, FIRST_LOOK) if after < FIRST_LOOK else None


def _why_no_clock(side: str, series: Series) -> str | None:
    samples = series.samples
    return sentences.all_equal(side, len(samples), samples[0]) if len(set(samples)) == 1 else None


def _why_not_in_turn(before: Series, after: Series) -> str | None:
    pairs = itertools.zip_longest(before.windows, after.windows, fillvalue=())
    alone = sum(abs(len(one) - len(other)) for one, other in pairs)
    return sentences.not_in_turn(alone) if alone > _MOST_ALONE * (len(before) + len(after)) else None


def _whole(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)
