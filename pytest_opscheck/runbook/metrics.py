"""What a text measures, by its words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from .bags import bag
from .measures import EITHER, EXTRA, HIGH, LOW, METRICS, Metric

__all__ = ["EITHER", "HIGH", "LOW", "Found", "Metric", "find", "is_likely", "named", "narrowed", "of_command", "scoped"]

LONGEST = 600


@dataclass(frozen=True, slots=True)
class Found:
    """A metric in a text, and where."""

    metric: Metric
    start: int
    end: int


def find(text: str) -> list[Found]:
    """Return the metrics of a text in their order; of two at one place, the one of more words."""
    return list(_found(text[:LONGEST]))


@lru_cache(maxsize=4096)
def _found(text: str) -> tuple[Found, ...]:
    """Find them once: several rules look at the same sentence."""
    taken: list[Found] = []
    for found in _all(text):
        if not any(found.start < other.end and other.start < found.end for other in taken):
            taken.append(found)
    return tuple(sorted(taken, key=lambda each: each.start))


def _all(text: str) -> Iterator[Found]:
    for metric in METRICS:
        for match in metric.words.finditer(text):
            if match.end() > match.start():
                yield Found(metric, match.start(), match.end())


def named(key: str) -> Metric:
    """Return a metric by its key."""
    return next(metric for metric in METRICS if metric.key == key)


_PLAIN = bag(
    """
    api http https request requests response service web app application overall average avg total global server
    client high higher max maximum p95 p99 mean median the a an our user users endpoint page pages health
    current elevated low lower site website frontend backend gateway nginx system host node vm machine disk root
    all any each of in for on at if when is are has db database postgres postgresql pg pool active open idle sql
    main primary production prod platform external public cluster warning critical normal target alert threshold
    monitor check keep ensure verify ms sec seconds s 5xx 4xx celery task job message mail default redis cache
    increased sustained peak expected p50 combined monthly daily weekly rolling
    """
)
_NARROWED = ("error_rate", "latency", "p95", "availability", "connections", "errors", "hit_rate", "restarts", "workers")
"""What is measured of one thing in particular where another word stands before it: the failure rate of token checks."""


def narrowed(found: Found, text: str) -> Metric:
    """Return a metric as unsure, where the word before it says that it is of one thing in particular."""
    metric = found.metric
    if metric.key not in _NARROWED:
        return metric
    words = re.findall(r"[A-Za-z][\w-]*", re.split(r"[.;:,(|]|\d", text[: found.start])[-1])[-2:]
    if all(word.lower() in _PLAIN for word in words):
        return metric
    return Metric(
        metric.key,
        metric.words,
        metric.check,
        metric.good,
        metric.dimensions,
        0.35,
        f"of {' '.join(words)} in particular: is there a metric of it?",
    )


_HOUR_S = 3600
_LONGEST_S = {"latency": 120, "p95": 120, "query_time": 600, "page_load": 120, "clock": 86400}


def is_likely(metric: Metric, seconds: float) -> bool:
    """Tell whether a time is one that such a thing takes: an answer within 30 days is one of people."""
    least = _HOUR_S if metric.key in ("certificate", "retention") else 0
    return least <= seconds <= _LONGEST_S.get(metric.key, float("inf"))


_CONTAINER = re.compile(
    r"\bcontainers?\b|\bpods?\b|conteneurs?|\bof its limit\b|docker stats"
    r"|\bapi\b(?= container|$)",
    re.IGNORECASE,
)
_REDIS = re.compile(r"\bredis\b|\bvalkey\b", re.IGNORECASE)
_DATABASE = re.compile(r"\b(?:database|db|postgres\w*|rds) (?:cpu|memory|ram|disk)\b", re.IGNORECASE)
_CONTAINERS = {"cpu": "docker.cpu", "memory": "docker.memory"}


def scoped(metric: Metric, text: str) -> Metric:
    """Return a metric as the words around it narrow it: the memory of a container, of Redis, of a database."""
    if metric.key == "memory" and _REDIS.search(text):
        return named("redis_memory")
    if metric.key == "connections" and _REDIS.search(text):
        return named("redis_clients")
    if metric.key in ("cpu", "memory", "disk") and _DATABASE.search(text):
        why = "the check of a host is for hosts of the inventory: is the database's one of them?"
        return Metric(metric.key, metric.words, metric.check, metric.good, metric.dimensions, 0.4, why)
    if metric.key in _CONTAINERS and _CONTAINER.search(text):
        return Metric(metric.key, metric.words, _CONTAINERS[metric.key], metric.good, metric.dimensions, 0.8)
    return metric


def of_command(key: str) -> Metric:
    """Return the metric of a command's number."""
    return next(metric for metric in (*METRICS, *EXTRA) if metric.key == key)
