"""Metrics pages in Prometheus's text formats: which metrics they expose, and what these say."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from ..plural import counted
from ._kind import Kind, Reach, UnknownError, UnreachableError
from ._units import in_unit, known_unit
from ._web import Answer, Web, WebTarget, connect

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

_ACCEPT = "text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.5, */*;q=0.1"
_STALE_S = 300
"""A sample that is stamped and older than this is stale, as it is for Prometheus."""
_OK = 200


class MetricsPage(WebTarget):
    """A page of metrics."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a page: a name, its labels, its value now, and how old the value is, where the page says that."""

    name: str
    labels: Mapping[str, str]
    value: float
    age_s: float | None


class Page:
    """A metrics page, fetched once: each family's series by the family's name."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.families: dict[str, list[Series]] = {}
        for family, series in _families(web.answer):  # one that is not in one piece comes several times
            self.families.setdefault(family, []).extend(series)
        if not any(self.families.values()):
            raise UnknownError(f"{web.answer.url} has no sample at all")


@contextmanager
def _connect(target: MetricsPage, timeout_s: float) -> Iterator[Page]:
    with connect(target, timeout_s, accept=_ACCEPT) as web:
        try:
            page = Page(web)
        except UnknownError as error:
            raise UnreachableError(str(error)) from None
        yield page


kind = Kind("metrics", MetricsPage, "a page of metrics in one of Prometheus's text formats", _connect)


@kind.probe()
def reachable(page: Page) -> Reach:  # noqa: ARG001 - that there is one is the answer
    """The address answers 200 with a page of metrics."""
    return Reach("metrics")


@dataclass(frozen=True, slots=True)
class Exposed:
    """A metric by name, and whether it is `present`, `missing`, or named on the page but `without a sample`."""

    name: str
    state: str


@kind.probe()
def present(page: Page, *, names: tuple[Annotated[str, Field(min_length=1)], ...]) -> tuple[Exposed, ...]:
    """Which metrics the page exposes, by the name of a family or of its series; a counter's with or without _total."""
    told: dict[str, str] = {}
    for family, series in page.families.items():
        told.setdefault(family, "present" if series else "without a sample")
        told.setdefault(f"{family}_total", told[family])
        told.update({each.name: "present" for each in series})
    return tuple(Exposed(name, told.get(name, "missing")) for name in names)


@dataclass(frozen=True, slots=True)
class Value:
    """One value to judge, in `unit`. `why` says why there is no value, or that its unit does not fit the limit's."""

    subject: str
    value: float | None
    unit: str
    why: str


@kind.probe()
def value(
    page: Page,
    *,
    metric: Annotated[str, Field(min_length=1)],
    labels: dict[str, str] | None = None,
    each: bool = False,
    unit: Annotated[str, AfterValidator(known_unit)] = "",
) -> tuple[Value, ...]:
    """The value of a metric's series with these labels; with `each`, of every such series.

    unit: what the value is in, where the limit has a unit: "s", "B", "%", or "ratio" for a share from 0 to 1.
    """
    named = _named(page, metric)
    found = [series for series in named if (labels or {}).items() <= series.labels.items()]
    if not found:
        raise UnknownError(_missing(page, metric, named, labels or {}))
    if len(found) > 1 and not each:
        several = "; ".join(_subject(series) for series in found[:3]) + ("; ..." if len(found) > 3 else "")  # noqa: PLR2004
        raise UnknownError(
            f"{len(found)} series match ({several}); judge each of them with each = true, or narrow them with labels"
        )
    return tuple(_value(series, unit) for series in found)


def _named(page: Page, metric: str) -> list[Series]:
    """Return the series of a name; a counter's may lack `_total`."""
    everything = [series for family in page.families.values() for series in family]
    for name in (metric, f"{metric}_total"):
        if found := [series for series in everything if series.name == name]:
            return found
    if others := sorted({series.name for series in page.families.get(metric, ())}):
        raise UnknownError(f"{metric} has no value of its own; take one of {', '.join(others)}")
    return []


def _missing(page: Page, metric: str, named: list[Series], labels: Mapping[str, str]) -> str:
    if named:
        asked = ", ".join(f"{key}={value}" for key, value in labels.items())
        return f"{metric} has no series with {asked}; it has for example {_subject(named[0])}"
    from difflib import get_close_matches

    known = {series.name for family in page.families.values() for series in family}
    close = get_close_matches(metric, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"the page has {counted(len(known), 'other metric')}"
    return f"the page has no sample of {metric}; {hint}"


def _value(series: Series, unit: str) -> Value:
    if series.age_s is not None and series.age_s > _STALE_S:
        return Value(
            _subject(series), None, "", f"its sample is {series.age_s / 60:.0f} min old, so it says nothing of now"
        )
    number, shown, why = in_unit(series.value, unit)
    return Value(_subject(series), number, shown, why)


def _subject(series: Series) -> str:
    labels = ", ".join(f"{key}={value}" for key, value in sorted(series.labels.items()))
    return f"{series.name}{{{labels}}}" if labels else series.name


def _families(answer: Answer) -> Iterator[tuple[str, tuple[Series, ...]]]:
    """Yield the families of a page. Raises UnknownError where it is none."""
    if answer.status != _OK:
        raise UnknownError(f"{answer.url} answered {answer.status} and not with metrics")
    content_type = answer.headers.get("content-type", "")
    if content_type.startswith("text/html"):
        raise UnknownError(f"{answer.url} is a web page, not a page of metrics; its path is often /metrics")
    now = time.time()
    try:
        for family in _parsed(answer.whole().decode(), openmetrics=content_type.startswith("application/openmetrics")):
            yield (
                family.name,
                tuple(
                    Series(
                        sample.name,
                        sample.labels,
                        float(sample.value),
                        now - float(sample.timestamp) if sample.timestamp is not None else None,
                    )
                    for sample in family.samples
                ),
            )
    except (ValueError, KeyError, IndexError, TypeError) as error:
        why = str(error).partition("\n")[0][:200]
        raise UnknownError(f"{answer.url} is no page of metrics: {why}") from None


def _parsed(text: str, *, openmetrics: bool) -> Iterable[Metric]:
    if openmetrics:
        from prometheus_client.openmetrics import parser as strict

        families: Iterable[Metric] = strict.text_string_to_metric_families(text)  # theirs
        return families
    from prometheus_client import parser as lenient

    return lenient.text_string_to_metric_families(text)
