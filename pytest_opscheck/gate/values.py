"""The values of a comparison of before and after: what goes in, and what comes out with all that is to be shown."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MOST_SAMPLES = 1000
"""So many samples of a series are kept: more tell little more, and travel in every baseline and results file."""
LOOKS = (20, 50, 100, 200, 500, 1000)
"""After how many requests a gate looks at what it has. Who looks as often gives `Setting(looks=len(LOOKS))`."""
_MICROSECONDS = 1_000_000


class Answer(StrEnum):
    """What a comparison says, worst first."""

    ROLL_BACK = "roll back"
    UNDECIDED = "undecided"
    GO = "go"


def worst(answers: Iterable[Answer]) -> Answer:
    """Return what several comparisons say together: roll back where one does, go where all do. None say nothing."""
    distinct = set(answers)
    return next((answer for answer in Answer if answer in distinct), Answer.UNDECIDED)


@dataclass(frozen=True, slots=True)
class Series:
    """The times of requests that were answered, in whole microseconds, in the order of time, in windows.

    A window is a stretch of time; those of both sides are best of the same length. A request that failed is none of
    the samples: it counts in a `Tally`. What a damaged file brings (NaN, a negative time) stays as it is: with it a
    comparison is undecided and says why.
    """

    windows: tuple[tuple[int, ...], ...]

    @classmethod
    def of_seconds(cls, windows: Iterable[Iterable[float]]) -> Series:
        """Make a series of seconds as they are measured. What is no time becomes 0, with which nothing is decided."""
        return cls(tuple(tuple(map(_microseconds, window)) for window in windows))

    @property
    def samples(self) -> tuple[int, ...]:
        """All samples, in the order of time."""
        return tuple(itertools.chain.from_iterable(self.windows))

    def __len__(self) -> int:
        return sum(map(len, self.windows))

    def thinned(self, most: int = MOST_SAMPLES) -> Series:
        """Return a series of at most N samples, taken evenly from all of it, in the same windows."""
        size = len(self)
        if size <= most:
            return self
        places = itertools.count()
        kept = (
            tuple(t for t in window if (place := next(places)) * most // size != (place - 1) * most // size)
            for window in self.windows
        )
        return Series(tuple(kept))


def _microseconds(time: float) -> int:
    return max(1, round(time * _MICROSECONDS)) if 0 < time * _MICROSECONDS < math.inf else 0


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of how many: failed requests of all that were sent.

    inflation: by how much the variance is larger than that of requests that fail each by itself; over 1 where they fail
    in bursts. `statistics.counted` finds it where the order of requests is known.
    """

    hits: int
    of: int
    inflation: float = 1.0


@dataclass(frozen=True, slots=True)
class Setting:
    """How a comparison came about.

    looks: how often the data is judged while it grows. A wrong roll back may come at any of them, so they share alpha.
    limits: how many limits of this gate use a baseline; they share alpha as well.
    interleaved: both sides were measured in turn (ABBA), so that nothing drifts between them.
    past: the typical times, in microseconds, of earlier runs of the same code or of code as fast (see `typical`), each
        of another moment; from 8 on their spread is in the interval.
    """

    looks: int = 1
    limits: int = 1
    interleaved: bool = False
    past: tuple[float, ...] = ()

    def shared(self, alpha: float) -> float:
        """Return the part of a probability of a wrong roll back that one look at one limit may have."""
        return self.shared_by_looks(alpha) / max(1, self.limits)

    def shared_by_looks(self, alpha: float) -> float:
        """Return the part of a probability that one look may have: of a wrong go, which all limits have to say."""
        return alpha / max(1, self.looks)


ONCE = Setting()
"""One look at one limit, one side after the other, without a history."""


class Source(StrEnum):
    """Where the width of an interval comes from."""

    REQUESTS = "requests"
    WINDOWS = "windows"
    PAST = "past"


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that was compared.

    before, after: microseconds where `unit` is "us", a share from 0 to 1 where it is "share".
    change: of times the ratio after / before, of shares the difference after - before.
    low, high: the bounds of the change: roll back looks at `low`, go at `high`. None where there is none.
    over: of a share of slow requests the time in microseconds from which one is slow.
    """

    name: str
    unit: str
    before: float
    after: float
    change: float
    low: float | None = None
    high: float | None = None
    over: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison of before and after says, and all that is to be shown of it.

    measure: "shift", "tail" or "errors".
    why: one sentence that gives the reason of the answer, with its numbers.
    before_n, after_n: how many samples (of errors: requests) there are of each side.
    figures: what was compared. Of a shift the first is the typical time; the second is p95, shown and not judged.
    spread: how much of the interval comes from what, as shares of 1 (empty where there is no interval).
    finds_from: the smallest change that such a comparison finds in 19 of 20 cases: a ratio of times (1.38), or a
        difference of shares (0.04); smaller ones it may not have seen.
    unseen: that, and what else it could not have seen, as one sentence.
    needed: where it is undecided how many more requests after the deploy decide it, if they are as those so far; None
        where more requests would not.
    """

    measure: str
    answer: Answer
    why: str
    before_n: int
    after_n: int
    figures: tuple[Figure, ...] = ()
    spread: tuple[tuple[Source, float], ...] = ()
    finds_from: float | None = None
    unseen: str = ""
    needed: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as plain data."""
        data = dataclasses.asdict(self)
        return data | {"answer": str(self.answer), "spread": {str(source): share for source, share in self.spread}}
