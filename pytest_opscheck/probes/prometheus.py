"""Prometheus, and what speaks its API: its rules and alerts, its targets, and what a query of one's own gives."""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from ._kind import Kind, Reach, UnknownError, UnreachableError
from ._units import in_unit, known_unit
from ._web import Answer, Web, WebTarget, connect

ALWAYS_FIRING = frozenset({"Watchdog", "InfoInhibitor", "DeadMansSwitch"})
"""Alerts that fire by design, in the widespread rule sets: they prove that alerting works, or only mute others."""
MOST_SAMPLES = 1000
Name = Annotated[str, Field(min_length=1)]
_OK, _STARTING = 200, 503


class PrometheusServer(WebTarget):
    """A Prometheus server."""


@contextmanager
def _connect(target: PrometheusServer, timeout_s: float) -> Iterator[Web]:
    # A query, because proxies and servers of the same API have no /-/ready.
    with connect(target, timeout_s, path="api/v1/query", query={"query": "1"}) as web:
        try:
            _data(web.answer)
        except UnknownError as error:
            raise UnreachableError(str(error), transient=web.answer.status == _STARTING) from None
        yield web


kind = Kind("prometheus", PrometheusServer, "a Prometheus server, or what speaks its API", _connect)


@kind.probe()
def reachable(web: Web) -> Reach:  # noqa: ARG001 - the query has been answered
    """The server answers a query."""
    return Reach("query")


@dataclass(frozen=True, slots=True)
class Alert:
    """An alerting rule, or one alert of it that fires. `state` is `firing` or `not firing`; pending is not."""

    subject: str
    state: str | None
    why: str | None = None


@kind.probe()
def alerts(web: Web, *, ignore: tuple[str, ...] = (), labels: dict[str, str] | None = None) -> tuple[Alert, ...]:
    """Every alerting rule, and where it fires every alert of it.

    Left out are alerts that fire by design (Watchdog, InfoInhibitor, DeadMansSwitch), those whose names are in
    `ignore`, and those without the `labels`. A rule that could not be evaluated, or has not been yet, tells nothing; a
    server without any rule neither.
    """
    rules = _alerting_rules(web)
    kept = [rule for rule in rules if rule["name"] not in ALWAYS_FIRING.union(ignore)]
    if not kept:
        beside = " beside those to ignore" if rules else ""
        raise UnknownError(
            f"no alerting rule is loaded{beside}, so no alert can fire; see rule_files in prometheus.yml"
        )
    return tuple(alert for rule in kept for alert in _of_rule(rule, labels or {}))


def _alerting_rules(web: Web) -> list[dict[str, Any]]:
    groups = _data(web.get(web.under("api/v1/rules", {"type": "alert"}))).get("groups") or []
    return [rule for group in groups for rule in group.get("rules") or [] if rule.get("type") == "alerting"]


def _of_rule(rule: dict[str, Any], labels: dict[str, str]) -> Iterator[Alert]:
    firing = [alert for alert in rule.get("alerts") or [] if alert.get("state") == "firing"]
    chosen = [alert for alert in firing if labels.items() <= alert["labels"].items()]
    for alert in chosen:
        yield Alert(_described(rule["name"], alert), "firing")
    if rule.get("health", "ok") == "ok":
        if not chosen:
            yield Alert(rule["name"], "not firing")
    else:
        why = rule.get("lastError") or "it has not been evaluated yet"
        yield Alert(rule["name"], None, f"the rule tells nothing: {why.splitlines()[0]}")


def _described(name: str, alert: dict[str, Any]) -> str:
    """Say which alert it is: its name, the labels by which people know a thing, and since when."""
    labels = alert["labels"]
    first = [key for key in ("job", "instance") if key in labels]
    rest = sorted(key for key in labels if key not in (*first, "alertname", "severity"))
    about = [f"{key}={labels[key]}" for key in [*first, *rest]]
    with suppress(KeyError, ValueError):
        about.append(f"since {dt.datetime.fromisoformat(alert['activeAt']).astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC")
    return f"{name} ({', '.join(about)})" if about else name


@dataclass(frozen=True, slots=True)
class Rule:
    """An alerting rule by name, and whether it is `loaded`, `missing`, or can't be evaluated: then `failing: why`.

    `state` is None where it has not been evaluated yet.
    """

    name: str
    state: str | None


@kind.probe()
def rules(web: Web, *, names: tuple[Name, ...]) -> tuple[Rule, ...]:
    """Whether each of these alerting rules is loaded, and whether its last evaluation has gone well."""
    loaded: dict[str, list[dict[str, Any]]] = {}
    for rule in _alerting_rules(web):
        loaded.setdefault(rule["name"], []).append(rule)
    return tuple(Rule(name, _health(loaded.get(name, []))) for name in dict.fromkeys(names))


def _health(rules: list[dict[str, Any]]) -> str | None:
    """Return the state of all the rules of one name, the worst first."""
    if not rules:
        return "missing"
    for rule in rules:
        if rule.get("health") == "err":
            return "failing: " + (rule.get("lastError") or "it says not why").splitlines()[0]
    return None if any(rule.get("health") == "unknown" for rule in rules) else "loaded"


@dataclass(frozen=True, slots=True)
class ScrapeTarget:
    """A target that Prometheus scrapes, and its health: up, down or unknown (not scraped yet). `error` says why."""

    job: str
    instance: str
    health: str
    error: str


@kind.probe()
def targets_up(web: Web, *, jobs: tuple[Name, ...]) -> tuple[ScrapeTarget, ...]:
    """Every active target that Prometheus scrapes for these jobs: names, or patterns; `*` is every job."""
    asked = web.under("api/v1/targets", {"state": "active"})
    found = [_scraped(said) for said in _data(web.get(asked)).get("activeTargets") or []]
    for job in jobs:
        if not any(fnmatch.fnmatchcase(target.job, job) for target in found):
            known = ", ".join(sorted({target.job for target in found})) or "none"
            raise UnknownError(
                f"no target of the job {job!r} is scraped, so none can be down; there are: {known}; "
                "see scrape_configs in prometheus.yml"
            )
    return tuple(target for target in found if any(fnmatch.fnmatchcase(target.job, job) for job in jobs))


def _scraped(said: dict[str, Any]) -> ScrapeTarget:
    labels = said.get("labels") or {}
    error = (said.get("lastError") or "").partition("\n")[0].rpartition('": ')[2]  # without the address, `Get "..."`
    return ScrapeTarget(
        labels.get("job") or said.get("scrapePool", ""),
        labels.get("instance", ""),
        said["health"],
        error,
    )


@dataclass(frozen=True, slots=True)
class Sample:
    """One value that a query gave, in `unit`, and the labels that it came with. `why` says why there is no value."""

    subject: str
    value: float | None
    unit: str
    why: str


@kind.probe()
def query(
    web: Web,
    *,
    query: Annotated[str, Field(min_length=1)],
    unit: Annotated[str, AfterValidator(known_unit)] = "",
) -> tuple[Sample, ...]:
    """Every sample of an instant query, which is a vector or a scalar.

    unit: what the query gives, where the limit has a unit: "s", "B", "%", or "ratio" for a share from 0 to 1.
    """
    asked = {"query": query, "timeout": f"{web.timeout_s:g}s"}
    answer = web.get(web.under("api/v1/query", asked))
    data = _data(answer)
    samples: list[tuple[dict[str, str], list[Any] | None]]
    match data.get("resultType"):
        case "scalar":
            samples = [({}, data["result"])]
        case "vector":
            samples = [(sample.get("metric") or {}, sample.get("value")) for sample in data["result"]]
        case other:
            raise UnknownError(f"the query gives a {other}, not samples; wrap it, for example in avg_over_time()")
    if not samples:
        raise UnknownError("the query gives no sample; where that can be meant, add `or vector(0)`, or count()")
    if len(samples) > MOST_SAMPLES:
        raise UnknownError(f"the query gives {len(samples)} samples; narrow it to {MOST_SAMPLES}, or wrap it in topk()")
    return tuple(_sample(labels, value, unit) for labels, value in samples)


def _sample(labels: dict[str, str], pair: list[Any] | None, unit: str) -> Sample:
    subject = ", ".join(f"{key}={labels[key]}" for key in sorted(labels) if key != "__name__") or "value"
    if pair is None:
        return Sample(subject, None, "", "it is a histogram; take histogram_quantile() or histogram_avg() of it")
    value, shown, why = in_unit(float(pair[1]), unit)
    return Sample(subject, value, shown, why)


def _data(answer: Answer) -> dict[str, Any]:
    """Return what an answer of the API holds. Raises UnknownError where it holds an error, or only a part."""
    try:
        said = answer.json()
    except UnknownError:
        said = None
    if not isinstance(said, dict) or "status" not in said:
        hint = (
            "see the credentials in headers"
            if answer.status in (401, 403)
            else "see whether the url is Prometheus's own"
        )
        raise UnknownError(f"{answer.url} answered {answer.status} and not as Prometheus does; {hint}")
    if said["status"] != "success" or answer.status != _OK or not isinstance(said.get("data"), dict):
        why = str(said.get("error") or f"status {answer.status}").splitlines()[0]
        raise UnknownError(f"{said.get('errorType') or 'an error'}: {why}")
    if warnings := said.get("warnings"):
        raise UnknownError(f"the answer may be incomplete: {str(warnings[0]).splitlines()[0]}")
    data: dict[str, Any] = said["data"]
    return data
