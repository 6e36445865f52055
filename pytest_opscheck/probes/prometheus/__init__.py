"""Prometheus, and what speaks its API: its rules and alerts, its targets, and what a user-defined query gives."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from ...core.errors import UnknownError
from .._ages import aged, server_now
from .._kind import Reach
from .._units import in_unit, known_unit
from .._web import Web
from ._api import PrometheusServer, ask, instant, kind, outdated, seconds, unlike
from ._rules import Alert, AlertingRule, alerting_rules, alerts_of, require_possible

__all__ = ["Alert", "PrometheusServer", "alerts", "kind", "query", "reachable", "rules", "targets_up"]

ALWAYS_FIRING = frozenset({"Watchdog", "InfoInhibitor", "DeadMansSwitch"})
"""Alerts that fire by design, in the widespread rule sets: they prove that alerting works, or only mute others."""
MOST_SAMPLES = 1000
Name = Annotated[str, Field(min_length=1)]


@kind.probe()
def reachable(web: Web) -> Reach:  # noqa: ARG001 - the query has been answered
    """The server answers a query."""
    return Reach("query")


@kind.probe()
def alerts(web: Web, *, ignore: tuple[str, ...] = (), labels: dict[str, str] | None = None) -> tuple[Alert, ...]:
    """Every alerting rule, and where it fires every alert of it.

    Left out are alerts that fire by design (Watchdog, InfoInhibitor, DeadMansSwitch), those whose names are in
    `ignore`, and those without the `labels`. A rule that could not be evaluated, has not been yet, or not for some time
    tells nothing; a server without any rule neither, and labels that no rule has.
    """
    loaded = alerting_rules(web)
    kept = [rule for rule in loaded if rule.name not in ALWAYS_FIRING.union(ignore)]
    if not kept:
        beside = " beside those to ignore" if loaded else ""
        raise UnknownError(
            f"no alerting rule is loaded{beside}, so no alert can fire; see rule_files in prometheus.yml"
        )
    if labels:
        require_possible(web, kept, labels)
    return tuple(alert for rule in kept for alert in alerts_of(rule, labels or {}))


@dataclass(frozen=True, slots=True)
class Rule:
    """An alerting rule by name, and whether it is `loaded`, `missing`, or can't be evaluated: then `failing: why`.

    `state` is None where that can't be told, and `why` says why.
    """

    name: str
    state: str | None
    why: str | None = None


@kind.probe()
def rules(web: Web, *, names: tuple[Name, ...]) -> tuple[Rule, ...]:
    """Whether each of these alerting rules is loaded, and whether its last evaluation has gone well."""
    loaded: dict[str, list[AlertingRule]] = {}
    for rule in alerting_rules(web):
        loaded.setdefault(rule.name, []).append(rule)
    return tuple(_health(name, loaded.get(name, [])) for name in dict.fromkeys(names))


def _health(name: str, rules: list[AlertingRule]) -> Rule:
    """Return the state of all the rules of one name, the worst first."""
    if not rules:
        return Rule(name, "missing")
    if error := next((rule.error for rule in rules if rule.error), None):
        return Rule(name, f"failing: {error}")
    doubt = next((rule.doubt for rule in rules if rule.doubt), None)
    return Rule(name, None if doubt else "loaded", doubt)


@dataclass(frozen=True, slots=True)
class ScrapeTarget:
    """A target that Prometheus scrapes, and its health: up, or down with an `error`; None where `why` says why."""

    subject: str
    health: str | None
    error: str = ""
    why: str | None = None


@kind.probe()
def targets_up(web: Web, *, jobs: tuple[Name, ...]) -> tuple[ScrapeTarget, ...]:
    """Every active target that Prometheus scrapes for these jobs: names, or patterns; `*` is every job.

    A job of the configuration for which no target is found is one whose health is unknown.
    """
    found, answer = ask(web, "targets", {"state": "active"})
    now = server_now(answer)
    active = found.get("activeTargets") or []
    try:
        scraped = [(_job(active_target), _scraped(active_target, now)) for active_target in active]
        pools = {str(active_target.get("scrapePool")) for active_target in active}
    except (KeyError, TypeError, AttributeError, ValueError):
        raise unlike("a target") from None
    empty = [pool for pool in _pools(web) if pool not in pools and any(fnmatch.fnmatchcase(pool, job) for job in jobs)]
    for job in jobs:
        if not any(fnmatch.fnmatchcase(name, job) for name in [*(name for name, _ in scraped), *empty]):
            known = ", ".join(sorted({name for name, _ in scraped})) or "none"
            raise UnknownError(
                f"no target of the job {job!r} is scraped, so none can be down; there are: {known}; "
                "see scrape_configs in prometheus.yml"
            )
    chosen = [target for name, target in scraped if any(fnmatch.fnmatchcase(name, job) for job in jobs)]
    why = (
        "no target of the job is scraped, so none can be down; see its service discovery, or name the jobs that matter"
    )
    return (*chosen, *(ScrapeTarget(pool, None, why=why) for pool in empty))


def _pools(web: Web) -> list[str]:
    """Return the jobs of the configuration; none where the server does not tell, as before version 2.42."""
    try:
        return [str(name) for name in ask(web, "scrape_pools", {})[0].get("scrapePools") or []]
    except UnknownError:
        return []


def _job(data: dict[str, Any]) -> str:
    return str((data.get("labels") or {}).get("job") or data.get("scrapePool") or "")


def _scraped(data: dict[str, Any], now: float) -> ScrapeTarget:
    error = (data.get("lastError") or "").partition("\n")[0].rpartition('": ')[2]  # without the address, `Get "..."`
    subject = f"{_job(data)} {(data.get('labels') or {}).get('instance', '')}"
    interval = data.get("scrapeInterval") or (data.get("discoveredLabels") or {}).get("__scrape_interval__")
    age = outdated(data.get("lastScrape"), now, seconds(interval))
    health = str(data["health"]).lower()
    if health == "unknown" or age == "never":
        return ScrapeTarget(subject, None, error, "it has not been scraped yet; ask again in a minute")
    if age and health == "up":
        why = f"its last scrape is {age}; check whether Prometheus still scrapes, and the clock there"
        return ScrapeTarget(subject, None, error, why)
    return ScrapeTarget(subject, health, error)


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
    found, answer = instant(web, query)
    try:
        pairs = list(_pairs(found))
        if not pairs:
            raise UnknownError("the query gives no sample; where that can be meant, add `or vector(0)`, or count()")
        if len(pairs) > MOST_SAMPLES:
            raise UnknownError(
                f"the query gives {len(pairs)} samples; narrow it to {MOST_SAMPLES}, or wrap it in topk()"
            )
        return tuple(_sample(labels, pair, unit, server_now(answer)) for labels, pair in pairs)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError):
        raise unlike("a sample") from None


def _pairs(found: dict[str, Any]) -> Iterator[tuple[dict[str, str], list[Any] | None]]:
    """Yield the labels of each sample, and its time and value: None of a histogram."""
    match found.get("resultType"):
        case "scalar":
            yield {}, found["result"]
        case "vector":
            yield from ((sample.get("metric") or {}, sample.get("value")) for sample in found["result"] or [])
        case other:
            raise UnknownError(f"the query gives a {other}, not samples; wrap it, for example in avg_over_time()")


def _sample(labels: dict[str, str], pair: list[Any] | None, unit: str, now: float) -> Sample:
    subject = ", ".join(f"{key}={labels[key]}" for key in sorted(labels) if key != "__name__") or "value"
    if pair is None:
        return Sample(subject, None, "", "it is a histogram; take histogram_quantile() or histogram_avg() of it")
    when, value = pair
    if age := aged(now - float(when)):
        return Sample(
            subject, None, "", f"its sample is {age}, so it says nothing about now; see the clock there, and caches"
        )
    number, shown, why = in_unit(float(value), unit)
    return Sample(subject, number, shown, why)
