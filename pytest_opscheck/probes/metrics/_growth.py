"""What a page's counters and histograms say of a while: by how much they have grown between two looks, or ever."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...core.errors import UnknownError
from ._page import MOST_SERIES, Found, Page, Series

_STARTED = "process_start_time_seconds"
_STARTS_APART_S = 2.0
"""What the start of one process may differ by: some programs work it out again at each look."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Series whose values are what was added in `seconds`; None means since whatever counts was started."""

    found: Found
    seconds: float | None

    @property
    def series(self) -> tuple[Series, ...]:
        """The series that were chosen."""
        return self.found.series

    @property
    def named(self) -> str:
        """Over which time, as a message says it."""
        return "since its start" if self.seconds is None else f"within {self.seconds:.3g} s"


def growth(page: Page, metric: str, labels: Mapping[str, str], sample: float | None, most: int = MOST_SERIES) -> Growth:
    """Return by how much the series of a metric with these labels have grown.

    Raises UnknownError where that can't be told.
    """
    first = page.series(metric, labels, most)
    _require_fresh(first.series)
    if sample is None:
        return Growth(first, None)
    later = page.later(sample)
    last = later.series(metric, labels, most)
    _require_fresh(last.series)
    _require_same(page, later, metric)
    before = {one.key: one for one in first.series}
    for one in last.series:
        if one.stamp is not None and one.key in before and before[one.key].stamp == one.stamp:
            raise UnknownError(f"{one.subject} has the same time stamp at both looks; use a longer sample")
    grown = tuple(
        Series(one.name, one.labels, one.value - (before[one.key].value if one.key in before else 0.0))
        for one in last.series
    )
    if any(one.value < 0 for one in grown) or before.keys() - {one.key for one in last.series}:
        raise UnknownError(
            f"{metric} went back while it was watched: its process was restarted, or it is not a counter; "
            "look again, or leave out sample"
        )
    return Growth(Found(grown, last.labels, last.example), later.at - page.at)


def _require_same(page: Page, later: Page, metric: str) -> None:
    """Raise UnknownError where two looks have not met the same process, or the second one met a cache."""
    starts = [
        [one.value for one in look.series(_STARTED, {}).series] if look.state(_STARTED) == "present" else []
        for look in (page, later)
    ]
    if len(starts[0]) == len(starts[1]) == 1 and not abs(starts[0][0] - starts[1][0]) <= _STARTS_APART_S:
        raise UnknownError(
            f"the two looks at {metric} met two processes, by their {_STARTED}: there are several behind the address, "
            "or it was restarted; ask one of them, or Prometheus"
        )
    if later.cached_s >= max(1.0, later.at - page.at):
        raise UnknownError(f"the second look at {metric} was answered by a cache; have it not keep this page")


def _require_fresh(series: Iterable[Series]) -> None:
    for one in series:
        if one.stale:
            raise UnknownError(f"{one.subject}: {one.stale}")


def total(grown: Growth, labels: Mapping[str, str], metric: str) -> float:
    """Return the sum of the chosen series; 0 where none is, of labels that others have.

    Raises UnknownError for a label that no series has: where nothing was counted yet, or its name is misspelt; and for
    what no counter counts.
    """
    found = grown.found
    if found.example and (unknown := sorted(set(labels) - found.labels)):
        known = ", ".join(sorted(found.labels)) or "none"
        raise UnknownError(f"no series of {metric} has a label {unknown[0]!r}; there are: {known}")
    for one in found.series:
        if not 0 <= one.value < math.inf:
            raise UnknownError(f"{one.subject} is {one.value:g}, and a share needs counts; see what exposes it")
    return math.fsum(one.value for one in found.series)


def buckets(grown: Growth, metric: str) -> list[tuple[float, float]]:
    """Return a histogram's buckets, upper bound and cumulative count, of all chosen series together."""
    if not grown.series:
        raise UnknownError(f"no series of {metric} fits the labels, or nothing was observed yet")
    counts: dict[float, float] = defaultdict(float)
    histograms: dict[frozenset[tuple[str, str]], dict[float, float]] = defaultdict(dict)
    for one in grown.series:
        bound = _bound(one)
        histogram = histograms[frozenset((key, value) for key, value in one.labels.items() if key != "le")]
        if bound in histogram:
            raise UnknownError(f"{metric} has the bucket {bound:g} twice; see what exposes it")
        histogram[bound] = one.value
        counts[bound] += one.value
    if len({frozenset(each) for each in histograms.values()}) > 1:
        raise UnknownError(
            f"the series of {metric} have different buckets, so they can't be added; narrow them by labels"
        )
    if math.inf not in counts:
        raise UnknownError(f"{metric} has no bucket +Inf, so the number of observations is unknown")
    if len(counts) == 1:
        raise UnknownError(
            f"{metric} has no bucket but +Inf, as the text of a native histogram has none; ask Prometheus"
        )
    for histogram in histograms.values():
        _require_rising(sorted(histogram.items()), metric)
    return sorted(counts.items())


def _bound(bucket: Series) -> float:
    edge = bucket.labels.get("le")
    try:
        bound = float(edge or "")
    except ValueError:
        bound = math.nan
    if math.isnan(bound):
        raise UnknownError(f"{bucket.subject} is not a bucket: its label le is {edge or 'missing'}, not a number")
    return bound


def _require_rising(histogram: list[tuple[float, float]], metric: str) -> None:
    """Raise UnknownError for counts that fall from one bucket to the next: each holds all that the ones below hold."""
    below, bound = 0.0, -math.inf
    for upper, count in histogram:
        if not below <= count < math.inf:
            raise UnknownError(
                f"the buckets of {metric} fall, from {below:g} up to {bound:g} to {count:g} up to {upper:g}, which no "
                "histogram does; see what exposes it"
            )
        below, bound = count, upper


def quantile(share: float, buckets: list[tuple[float, float]]) -> float:
    """Return a quantile of buckets, by linear interpolation within one, as Prometheus' histogram_quantile does.

    Beyond the last finite bound it is infinite, where Prometheus says that bound: a limit above it would always hold.
    NaN where nothing was observed.
    """
    observed = buckets[-1][1]
    if not observed > 0:
        return math.nan
    rank = share * observed
    lower, below = 0.0, 0.0
    for bound, count in buckets:
        if count >= rank:
            if math.isinf(bound) or (bound <= 0 and below == 0):
                return bound
            return lower + (bound - lower) * (rank - below) / (count - below)
        lower, below = bound, count
    return math.inf
