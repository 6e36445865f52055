"""Celery over Redis or RabbitMQ: its workers and their pools, and the messages that its queues hold."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field

from ...core.errors import UnknownError
from .._kind import Kind, Reach
from .._types import CountParam
from . import _rabbitmq, _redis
from ._target import RABBITMQ, Broker, CeleryApp, Oldest, Queue, Workers

__all__ = ["Broker", "CeleryApp", "concurrency", "kind", "oldest_task", "queue_length", "reachable", "workers"]

Names = tuple[Annotated[str, Field(min_length=1)], ...]


@contextmanager
def _connect(target: CeleryApp, timeout_s: float) -> Iterator[Broker]:
    rabbitmq = urlsplit(target.broker.get_secret_value()).scheme in RABBITMQ
    with (_rabbitmq if rabbitmq else _redis).connect(target, timeout_s) as broker:
        yield broker


kind = Kind(
    "celery",
    CeleryApp,
    "a Celery application, seen through its broker: Redis or RabbitMQ",
    _connect,
    libraries=("amqp", "redis"),
)


@kind.probe(timeout_s=5)
def reachable(broker: Broker) -> Reach:
    """The broker answers: Redis to PING, RabbitMQ by opening a channel."""
    return Reach(broker.check())


@kind.probe()
def workers(broker: Broker, *, names: tuple[str, ...] = ()) -> Workers:
    """Which workers answer a ping. `names` are those that have to, for example `scoring@*`."""
    answered = broker.workers()
    return Workers(answered.answering, answered.connected, names)


@dataclass(frozen=True, slots=True)
class Pool:
    """The size of the pool of a worker whose name a pattern matches; None for a pattern to which no worker answered."""

    pattern: str
    worker: str
    size: int | None


WorkerLimits = dict[str, CountParam]
"""How many tasks workers should work on at once, by their names, or patterns of names."""


@kind.probe()
def concurrency(broker: Broker, *, workers: tuple[str, ...]) -> tuple[Pool, ...]:
    """How many tasks each worker works on at once: the pool's max-concurrency in `celery inspect stats`.

    workers: names, or patterns such as `scoring@*`.
    """
    answers = broker.ask("stats").by_worker
    return tuple(pool for name in workers for pool in _pools(name, answers))


def _pools(pattern: str, answers: Mapping[str, Any]) -> list[Pool]:
    found = sorted(worker for worker in answers if fnmatch.fnmatchcase(worker, pattern))
    return [Pool(pattern, worker, _size(answers[worker])) for worker in found] or [Pool(pattern, pattern, None)]


def _size(stats: Any) -> int:
    try:
        return int(stats["pool"]["max-concurrency"])
    except (KeyError, TypeError, ValueError):
        raise UnknownError("a worker's stats say no max-concurrency; see celery -A APP inspect stats") from None


@kind.probe()
def queue_length(broker: Broker, *, queues: Names = ("celery",)) -> tuple[Queue, ...]:
    """How many messages queues hold: in every priority, and taken by workers that have not yet done them."""
    return broker.queues(queues)


@kind.probe()
def oldest_task(broker: Broker, *, queues: Names = ("celery",)) -> tuple[Oldest, ...]:
    """How long the oldest message of each queue waits for a worker to take it."""
    return broker.oldest(queues)
