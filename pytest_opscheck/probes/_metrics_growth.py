"""What a page's counters and histograms say of a while: by how much they have grown between two looks, or ever."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ._kind import UnknownError
from ._metrics_page import Page, Series, chosen

Key = tuple[str, frozenset[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Growth:
    """Series whose values are what was added in `seconds`; None means since whatever counts was started."""

    series: tuple[Series, ...]
    seconds: float | None

    @property
    def named(self) -> str:
        """Over which time, as a message says it."""
        return "since its start" if self.seconds is None else f"within {self.seconds:.3g} s"


def growth(page: Page, metric: str, sample: float | None) -> Growth:
    """Return by how much the series of a metric have grown. Raises UnknownError where that can't be told."""
    first = page.named(metric)
    _require_fresh(first)
    if sample is None:
        return Growth(tuple(first), None)
    later = page.later(sample)
    last = later.named(metric)
    _require_fresh(last)
    before = {_key(series): series.value for series in first}
    grown = tuple(Series(one.name, one.labels, one.value - before.get(_key(one), 0.0), one.age_s) for one in last)
    if any(one.value < 0 for one in grown) or before.keys() - {_key(one) for one in last}:
        raise UnknownError(f"{metric} went back while it was watched: its process was restarted, or it is no counter")
    return Growth(grown, later.at - page.at)


def _key(series: Series) -> Key:
    return series.name, frozenset(series.labels.items())


def _require_fresh(series: Iterable[Series]) -> None:
    for one in series:
        if one.stale:
            raise UnknownError(f"{one.subject}: {one.stale}")


def total(found: Growth, labels: Mapping[str, str], metric: str) -> float:
    """Return the sum of the series with these labels; 0 where none is, of labels that others have.

    Raises UnknownError for a label that no series has: where nothing was counted yet, or its name is misspelt.
    """
    if found.series and (unknown := sorted(set(labels) - set().union(*(one.labels for one in found.series)))):
        known = ", ".join(sorted(set().union(*(one.labels for one in found.series)))) or "none"
        raise UnknownError(f"no series of {metric} has a label {unknown[0]!r}; there are: {known}")
    return math.fsum(one.value for one in chosen(found.series, labels))


def buckets(found: Growth, labels: Mapping[str, str], metric: str) -> list[tuple[float, float]]:
    """Return a histogram's buckets, upper bound and cumulative count, of all series with these labels together."""
    series = chosen(found.series, labels)
    if not series:
        raise UnknownError(f"no series of {metric} fits the labels, or nothing was observed yet")
    counts: dict[float, float] = defaultdict(float)
    bounds: dict[frozenset[tuple[str, str]], set[float]] = defaultdict(set)
    for one in series:
        bound = float(one.labels["le"])
        counts[bound] += one.value
        bounds[frozenset((key, value) for key, value in one.labels.items() if key != "le")].add(bound)
    if len({frozenset(each) for each in bounds.values()}) > 1:
        raise UnknownError(
            f"the series of {metric} have different buckets, so they can't be added; narrow them by labels"
        )
    if math.inf not in counts:
        raise UnknownError(f"{metric} has no bucket +Inf, so how many were observed can't be told")
    return sorted(counts.items())


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
