"""Metrics pages: which metrics they expose, what these say, their shares, and the quantiles of their histograms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

from ...core.errors import UnknownError
from ...core.units import rate_unit
from .._kind import Reach
from .._types import SampleParam
from .._units import in_unit, known_unit
from ._growth import Growth, buckets, growth, quantile, total
from ._page import Found, Labels, MetricsPage, Page, Series, kind

__all__ = ["MetricsPage", "Page", "kind", "p95", "present", "ratio", "reachable", "value"]

Name = Annotated[str, Field(min_length=1)]
Unit = Annotated[str, AfterValidator(known_unit)]
MOST_JUDGED = 1000
"""Series that are judged one by one: more results than anybody reads."""
_P95 = 0.95


@kind.probe()
def reachable(page: Page) -> Reach:  # noqa: ARG001 - that there is one is the answer
    """The address answers 200 with a page of metrics."""
    return Reach("metrics")


@dataclass(frozen=True, slots=True)
class Exposed:
    """A metric by name, and whether it is `present`, `missing`, or named on the page but `without a sample` of now."""

    name: str
    state: str


@kind.probe()
def present(page: Page, *, names: tuple[Name, ...]) -> tuple[Exposed, ...]:
    """Which metrics the page exposes, by the name of a family or of its series; a counter's with or without _total."""
    return tuple(Exposed(name, page.state(name)) for name in names)


@dataclass(frozen=True, slots=True)
class Value:
    """One value to judge, in `unit`. `why` says why there is no value, or that its unit does not fit the limit's."""

    subject: str
    value: float | None
    unit: str
    why: str | None


@kind.probe()
def value(
    page: Page,
    *,
    metric: Name,
    labels: Labels | None = None,
    each: bool = False,
    unit: Unit = "",
    sample: SampleParam = None,
    window_s: int | None = None,
) -> tuple[Value, ...]:
    """The value of a metric's series with these labels; with `each`, of every such series.

    unit: what the value is in, where the limit has a unit: "s", "B", "%", or "ratio" for a share from 0 to 1.
    sample: over how long to watch a counter; its value is then by how much it has grown. A rate needs that.
    """
    if window_s is not None and sample is None:
        raise UnknownError('a rate needs two samples; set the time between them, for example sample = "10s"')
    if sample is None:
        grown = Growth(page.series(metric, labels or {}, MOST_JUDGED), None)
    else:
        grown = growth(page, metric, labels or {}, sample, MOST_JUDGED)
    found = grown.series
    if not found:
        raise UnknownError(_missing(metric, grown.found, labels or {}))
    if len(found) > 1 and not each:
        several = "; ".join(series.subject for series in found[:3]) + ("; ..." if len(found) > 3 else "")  # noqa: PLR2004
        raise UnknownError(
            f"{len(found)} series match ({several}); judge each of them with each = true, or narrow them with labels"
        )
    if window_s is not None and grown.seconds:
        return tuple(
            Value(series.subject, series.value * window_s / grown.seconds, rate_unit(window_s), None)
            for series in found
        )
    return tuple(_value(series, unit) for series in found)


def _missing(metric: str, found: Found, labels: Labels) -> str:
    if found.example is None:
        return f"the page has no sample of {metric}; nothing was counted yet"
    asked = ", ".join(f"{key}={value}" for key, value in labels.items())
    return f"{metric} has no series with {asked}; it has for example {found.example}"


def _value(series: Series, unit: str) -> Value:
    if series.stale:
        return Value(series.subject, None, "", series.stale)
    number, shown, why = in_unit(series.value, unit)
    return Value(series.subject, number, shown, why)


@kind.probe()
def ratio(
    page: Page,
    *,
    metric: Name,
    labels: Labels | None = None,
    of: Name | None = None,
    of_labels: Labels | None = None,
    sample: SampleParam = None,
) -> Value:
    """The share that the series of a metric with some labels have in all of them, or in those of another metric.

    labels: those that count: a value, or `~ 5..` for a regular expression of the whole value. of, of_labels: the metric
    and labels of the whole; by default all series of the same metric. sample: over how long to count, between two
    looks; by default since the process has started.
    """
    whole_name = of or metric
    part = growth(page, metric, labels or {}, sample)
    whole = growth(page, whole_name, of_labels or {}, sample)
    counted, everything = total(part, labels or {}, metric), total(whole, of_labels or {}, whole_name)
    subject = f"share {part.named}"
    if not everything > 0:
        longer = "" if sample is None else "; use a longer sample"
        return Value(subject, None, "%", f"{whole_name} has counted nothing {whole.named}{longer}")
    return Value(f"{subject} ({counted:g} of {everything:g})", 100 * counted / everything, "%", None)


@kind.probe()
def p95(
    page: Page, *, metric: Name, labels: Labels | None = None, unit: Unit = "s", sample: SampleParam = None
) -> Value:
    """The 95th percentile of a histogram, of all its series with these labels together.

    unit: what was observed; Prometheus's own is seconds. sample: over how long, between two looks; by default since the
    process has started.
    """
    name = f"{metric.removesuffix('_bucket')}_bucket"
    found = growth(page, name, labels or {}, sample)
    subject = f"p95 {found.named}"
    histogram = buckets(found, name)
    number = quantile(_P95, histogram)
    if math.isnan(number):
        longer = "" if sample is None else "; use a longer sample"
        return Value(subject, None, "", f"nothing was observed {found.named}{longer}")
    if math.isinf(number):
        subject += f" (beyond its last bucket, {histogram[-2][0]:g})"
    shown, in_which, why = in_unit(number, unit)
    return Value(subject, shown, in_which, why)
