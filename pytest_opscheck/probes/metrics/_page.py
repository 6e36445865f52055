"""A metrics page in one of Prometheus's text formats: fetched, fetched again after a while, and its series chosen."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from ...core.errors import AnsweredError, UnknownError
from ...core.humanize import counted
from ...core.patterns import PatternError, searcher
from ...core.secrets import without_password
from .._ages import STALE_S, aged, cached_s, said_s
from .._kind import Kind
from .._web import Answer, Web, WebTarget, connect
from ._store import Store
from ._text import NoSampleError, written

_ACCEPT = "text/plain;version=0.0.4, */*;q=0.1"
"""The older text: some libraries write OpenMetrics wherever it is named at all, and not all of them well
(client_python, issue 1002). What has nothing but OpenMetrics still sends that."""
MOST_SERIES = 100_000
"""Series that are added up or compared: as many dictionaries of labels take some 80 MB."""
MOST_LABELS = 10_000_000
"""Characters of the labels of these."""
_OK = 200
_LET_IN = (401, 403)
_PATTERN = "~"
_SUFFIXES = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_count", "_sum"),
    "summary": ("_count", "_sum"),
    "info": ("_info",),
    "gaugehistogram": ("_bucket", "_gcount", "_gsum"),
}


class MetricsPage(WebTarget):
    """A page of metrics."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a page: a name, its labels, its value, and the time of the value, where the page says that."""

    name: str
    labels: Mapping[str, str]
    value: float
    stamp: float | None = None

    @property
    def subject(self) -> str:
        """The series as people write it."""
        return written(self.name, self.labels)

    @property
    def key(self) -> int:
        """What tells it from every other series of its name: a hash, as the labels themselves would be held twice."""
        return hash(tuple(sorted(self.labels.items())))

    @property
    def stale(self) -> str | None:
        """What to say of a value that is too old to say anything of now, or is stamped with the future; None else."""
        if self.stamp is None or (age := aged(time.time() - self.stamp)) is None:
            return None
        if age.endswith("old"):
            return f"its sample is {age}, so it says nothing about now; see what should write it"
        return f"its sample is stamped {age}; compare the clock there with this machine's"


class Page:
    """A metrics page, fetched once. `at` is when, in monotonic seconds."""

    def __init__(self, web: Web, answer: Answer, store: Store) -> None:
        store.finish()
        _require(web, answer, store)
        self.web = web
        self.at = time.monotonic()
        self.cached_s = cached_s(answer)
        self._store = store
        self._later: dict[float, Page] = {}

    def later(self, seconds: float) -> Page:
        """Return the page as it is N seconds after this one: fetched once for all who ask for the same."""
        if seconds not in self._later:
            time.sleep(max(0.0, self.at + seconds - time.monotonic()))
            store = Store()
            self._later[seconds] = Page(self.web, self.web.get(taker=store), store)
        return self._later[seconds]

    def state(self, metric: str) -> str:
        """Tell whether a metric, or its family, is `present`, `without a sample`, of now or at all, or `missing`."""
        names, types = self._store.names, self._store.types
        base = metric.removesuffix("_total")
        having = {metric, f"{metric}_total", *self._parts(metric), self._counter(metric)} & names.keys()
        lines = (line for name in having for line in self._store.lines(name or ""))
        if any(line.stamp is None or aged(time.time() - line.stamp) is None for line in lines):
            return "present"
        if having:
            return "without a sample of now"
        return "without a sample" if {metric, f"{metric}_total", base} & types.keys() else "missing"

    def _parts(self, family: str) -> list[str]:
        """Return the names of the series that belong to a family of this name and have not that name themselves."""
        suffixes = _SUFFIXES.get(self._store.types.get(family) or "", ())
        return [name for name in (family + suffix for suffix in suffixes) if name in self._store.names]

    def _counter(self, metric: str) -> str | None:
        """Return the counter of a name without its _total, which older programs leave out."""
        base = metric.removesuffix("_total")
        is_one = base != metric and base in self._store.names and self._store.types.get(base) == "counter"
        return base if is_one else None

    def name_of(self, metric: str) -> str | None:
        """Return the name under which a metric's series stand; None where it is described and nothing was counted yet.

        Raises UnknownError for a name that the page does not have, or that has no value of its own.
        """
        names = self._store.names
        for name in (metric, f"{metric}_total", self._counter(metric)):
            if name in names:
                return name
        if parts := self._parts(metric):
            raise UnknownError(f"{metric} has no value of its own; take one of {', '.join(parts)}")
        if self.state(metric) == "without a sample":
            return None
        from difflib import get_close_matches

        close = get_close_matches(metric, names, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"the page has {counted(len(names), 'other metric')}"
        raise UnknownError(f"the page has no sample of {metric}; {hint}")

    def series(self, metric: str, labels: Mapping[str, str], most: int = MOST_SERIES) -> Found:
        """Return the series of a metric that have these labels. There is none where nothing was counted yet.

        Of several points in time of one series it is the newest. Raises UnknownError where one stands there twice with
        different values, where there are more than `most`, and as `name_of` does.
        """
        name = self.name_of(metric)
        found: dict[int, Series] = {}
        known: set[str] = set()
        example, size = None, 0
        for one in self._of_name(name, labels, known):
            example = example or one.subject
            if not fits(one.labels, labels):
                continue
            before = found.setdefault(one.key, one)
            if before is not one:
                found[one.key] = _newer(before, one)
                continue
            size += len(one.subject)
            if len(found) > most:
                raise UnknownError(f"more than {most} series of {name} match; narrow them with labels")
            _require_short(size, name)
        return Found(tuple(found.values()), frozenset(known), example)

    def _of_name(self, name: str | None, labels: Mapping[str, str], known: set[str]) -> Iterator[Series]:
        """Yield the series of a name, and note their labels; those that can't fit are left out once these are known."""
        plain = [value for value in labels.values() if re.fullmatch(r"[\w./:@-]+", value)]
        size = 0
        try:
            for line in self._store.lines(name or ""):
                if labels.keys() <= known and not all(value in (line.labels or "") for value in plain):
                    continue
                one = Series(line.name, line.parsed(), line.value(), line.stamp)
                size += sum(len(label) for label in one.labels.keys() - known)
                _require_short(size, name)
                known.update(one.labels)
                yield one
        except NoSampleError as error:
            raise UnknownError(f"{error}; Prometheus refuses that too") from None


def _require_short(size: int, name: str | None) -> None:
    if size > MOST_LABELS:
        raise UnknownError(
            f"the labels of {name} have more than {MOST_LABELS // 1_000_000} MB; narrow them with labels, "
            "and see what writes so much into them"
        )


@dataclass(frozen=True, slots=True)
class Found:
    """The chosen series of a metric; the label names that any of its series has, and one series as an example."""

    series: tuple[Series, ...]
    labels: frozenset[str]
    example: str | None


def _newer(one: Series, other: Series) -> Series:
    if one.stamp == other.stamp:
        if one.value == other.value:
            return one
        raise UnknownError(
            f"{one.subject} is on the page twice, with {one.value:g} and {other.value:g}; see who else exposes it"
        )
    return max(one, other, key=lambda each: each.stamp or 0.0)


def _labels(values: dict[str, str]) -> dict[str, str]:
    for name, value in values.items():
        if value.startswith(_PATTERN):
            try:
                re.compile(value.removeprefix(_PATTERN).strip())
            except re.error as error:
                raise ValueError(f"{value!r} of {name} is not a regular expression: {error}") from None
    return values


Labels = Annotated[dict[str, str], AfterValidator(_labels)]
"""Labels to choose series by: a value, or `~ 5..` for a regular expression of the whole value."""


def fits(have: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Tell whether a series has these labels."""
    return all(_fits(have.get(name, ""), value) for name, value in wanted.items())


def _fits(value: str, text: str) -> bool:
    if not text.startswith(_PATTERN):
        return value == text
    try:
        return searcher(re.compile(f"^(?:{text.removeprefix(_PATTERN).strip()})$"))(value) is not None
    except PatternError as error:
        raise UnknownError(str(error)) from None


@contextmanager
def _connect(target: MetricsPage, timeout_s: float) -> Iterator[Page]:
    store = Store()
    with connect(target, timeout_s, accept=_ACCEPT, taker=store) as web:
        try:
            page = Page(web, web.answer, store)
        except UnknownError as error:
            raise AnsweredError(str(error)) from None
        yield page


kind = Kind(
    "metrics",
    MetricsPage,
    "a page of metrics in one of Prometheus's text formats",
    _connect,
    libraries=("requests",),
)


def _require(web: Web, answer: Answer, store: Store) -> None:
    """Raise UnknownError where an answer is not a page of metrics of now."""
    asked = without_password(web.url)
    where = answer.url if answer.url == asked else f"{asked} redirects to {answer.url}, which"
    if answer.status != _OK:
        hint = "; check the credentials in headers" if answer.status in _LET_IN else ""
        raise UnknownError(f"{where} answered {answer.status} and not with metrics{hint}")
    if answer.problem:
        raise UnknownError(f"{answer.url}: {answer.problem}; ask again, and see what writes that page")
    if store.problem:
        raise UnknownError(f"{where} is not a page of metrics: {store.problem}")
    if not store.names:
        raise UnknownError(f"{where} has no sample at all; check whether the exporter there measures anything")
    if (kept := cached_s(answer)) > STALE_S:
        raise UnknownError(f"{where} was kept by a cache for {said_s(kept)}; have it not keep this page")
