"""A metrics page in one of Prometheus's text formats: fetched, fetched again after a while, and its series chosen."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator

from ..patterns import PatternError, searcher
from ..plural import counted
from ._kind import Kind, UnknownError, UnreachableError
from ._web import Answer, Web, WebTarget, connect

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

_ACCEPT = "text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.5, */*;q=0.1"
_STALE_S = 300
"""A sample that is stamped and older than this is stale, as it is for Prometheus."""
_OK = 200
_PATTERN = "~"


class MetricsPage(WebTarget):
    """A page of metrics."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a page: a name, its labels, its value now, and how old the value is, where the page says that."""

    name: str
    labels: Mapping[str, str]
    value: float
    age_s: float | None

    @property
    def subject(self) -> str:
        """The series as people write it."""
        labels = ", ".join(f"{key}={value}" for key, value in sorted(self.labels.items()))
        return f"{self.name}{{{labels}}}" if labels else self.name

    @property
    def stale(self) -> str | None:
        """What to say of a value that is too old to say anything of now; None of a fresh one."""
        if self.age_s is None or self.age_s <= _STALE_S:
            return None
        return f"its sample is {self.age_s / 60:.0f} min old, so it says nothing of now"


class Page:
    """A metrics page, fetched once: each family's series by the family's name. `at` is when, in monotonic seconds."""

    def __init__(self, web: Web, answer: Answer) -> None:
        self.web = web
        self.at = time.monotonic()
        self.families: dict[str, list[Series]] = {}
        self._later: dict[float, Page] = {}
        for family, series in _families(answer):  # one that is not in one piece comes several times
            self.families.setdefault(family, []).extend(series)
        if not any(self.families.values()):
            raise UnknownError(f"{answer.url} has no sample at all")

    def later(self, seconds: float) -> Page:
        """Return the page as it is so many seconds after this one: fetched once for all who ask for the same."""
        if seconds not in self._later:
            time.sleep(max(0.0, self.at + seconds - time.monotonic()))
            self._later[seconds] = Page(self.web, self.web.get())
        return self._later[seconds]

    def named(self, metric: str) -> list[Series]:
        """Return the series of a name; a counter's may lack `_total`. There is none where nothing was counted yet.

        Raises UnknownError for a name that the page does not have, or that has no value of its own.
        """
        everything = [series for family in self.families.values() for series in family]
        for name in (metric, f"{metric}_total"):
            if found := [series for series in everything if series.name == name]:
                return found
        if others := sorted({series.name for series in self.families.get(metric, ())}):
            raise UnknownError(f"{metric} has no value of its own; take one of {', '.join(others)}")
        if metric in self.families or metric.removesuffix("_total") in self.families:
            return []
        from difflib import get_close_matches

        known = {series.name for series in everything}
        close = get_close_matches(metric, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"the page has {counted(len(known), 'other metric')}"
        raise UnknownError(f"the page has no sample of {metric}; {hint}")


def _labels(said: dict[str, str]) -> dict[str, str]:
    for name, value in said.items():
        if value.startswith(_PATTERN):
            try:
                re.compile(value.removeprefix(_PATTERN).strip())
            except re.error as error:
                raise ValueError(f"{value!r} of {name} is not a regular expression: {error}") from None
    return said


Labels = Annotated[dict[str, str], AfterValidator(_labels)]
"""Labels to choose series by: a value, or `~ 5..` for a regular expression of the whole value."""


def chosen(series: Iterable[Series], labels: Mapping[str, str]) -> list[Series]:
    """Return the series that have these labels."""
    return [one for one in series if all(_fits(one.labels.get(name, ""), said) for name, said in labels.items())]


def _fits(value: str, said: str) -> bool:
    if not said.startswith(_PATTERN):
        return value == said
    try:
        return searcher(re.compile(f"^(?:{said.removeprefix(_PATTERN).strip()})$"))(value) is not None
    except PatternError as error:
        raise UnknownError(str(error)) from None


@contextmanager
def _connect(target: MetricsPage, timeout_s: float) -> Iterator[Page]:
    with connect(target, timeout_s, accept=_ACCEPT) as web:
        try:
            page = Page(web, web.answer)
        except UnknownError as error:
            raise UnreachableError(str(error)) from None
        yield page


kind = Kind("metrics", MetricsPage, "a page of metrics in one of Prometheus's text formats", _connect)


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
