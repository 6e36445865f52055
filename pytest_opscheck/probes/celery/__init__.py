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
from ...core.limits import Ladder
from .._kind import Kind, Reach
from .._types import LadderParam, measured_in
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
    """The size of a worker's pool, and what is expected; None for a name, or pattern, to which no worker answered."""

    worker: str
    size: int | None
    expected: Ladder


@kind.probe()
def concurrency(broker: Broker, *, workers: dict[str, Annotated[LadderParam, measured_in("")]]) -> tuple[Pool, ...]:
    """How many tasks each worker works on at once: the pool's max-concurrency in `celery inspect stats`.

    workers: names, or patterns such as `scoring@*`, each with what is expected of every worker of that name.
    """
    answers = broker.ask("stats").by_worker
    return tuple(pool for name, expected in workers.items() for pool in _pools(name, expected, answers))


def _pools(name: str, expected: Ladder, answers: Mapping[str, Any]) -> list[Pool]:
    found = sorted(worker for worker in answers if fnmatch.fnmatchcase(worker, name))
    return [Pool(worker, _size(answers[worker]), expected) for worker in found] or [Pool(name, None, expected)]


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
