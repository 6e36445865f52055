"""A Celery application: its keys, and what can be asked of its broker, whichever it is."""

from __future__ import annotations

import abc
import base64
import fnmatch
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from ...answers.bounds import MOST_BYTES, MOST_VALUES, loads, too_long, too_many, values_in
from .._kind import Target
from .._trust import of_amqp, of_redis

REDIS, RABBITMQ = ("redis", "rediss"), ("amqp", "amqps", "pyamqp")
ANSWER_SECONDS = 2.0
"""How long to wait for the workers' answers: one takes milliseconds, on a busy machine up to a second."""


def _broker(broker: SecretStr) -> SecretStr:
    scheme = urlsplit(broker.get_secret_value()).scheme
    if scheme not in REDIS + RABBITMQ:
        raise ValueError(
            f"a broker of the kind {scheme!r} can't be read; what can is {', '.join(REDIS + RABBITMQ)}, "
            "for example redis://host:6379/0 or amqp://user@host:5672/vhost"
        )
    return broker


class CeleryApp(Target):
    """A Celery application, seen through its broker, Redis or RabbitMQ.

    The keys beside `broker` are needed where the application sets control_exchange, or with Redis the option of the
    same name in Celery's broker_transport_options.
    """

    broker: Annotated[SecretStr, AfterValidator(_broker)] = Field(
        description="redis://host:6379/0 or amqp://user@host:5672/vhost; rediss://, amqps:// for TLS"
    )
    global_keyprefix: str = Field(default="", description="the prefix of all of the application's keys in Redis")
    sep: str = Field(default="\x06\x16", description="the separator between a queue's name and a priority in Redis")
    unacked_key: str = Field(default="unacked", description="Redis's hash of messages that workers have taken")
    control_exchange: str = Field(default="celery", description="the exchange used to query workers")

    def unverified(self) -> str | None:
        """Say whether whoever answers is taken for the broker."""
        url = self.broker.get_secret_value()
        return of_redis(url) or of_amqp(url)


@dataclass(frozen=True, slots=True)
class Answers:
    """What workers said to a question, by their names, and how many of them were connected for it, if that is known."""

    by_worker: Mapping[str, Any]
    connected: int


@dataclass(frozen=True, slots=True)
class Workers:
    """The names of the workers that answered a ping, and how many are connected for it.

    More connected than answering are busy in one process (the solo pool), or hang.
    """

    answering: tuple[str, ...]
    connected: int
    named: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """Of the names that were asked for, those (or patterns) that no worker answered to."""
        return tuple(name for name in self.named if not self.answers(name))

    def answers(self, name: str) -> bool:
        """Tell whether a worker of a name, or pattern such as `scoring@*`, has answered."""
        return any(fnmatch.fnmatchcase(worker, name) for worker in self.answering)


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue's messages: those that wait, of every priority, and those that a worker has taken and not yet done.

    `taken` is None where the broker does not tell (RabbitMQ). `scheduled` are among neither: a worker holds them until
    their time (eta, countdown) comes.
    """

    name: str
    waiting: int
    taken: int | None
    scheduled: int = 0

    @property
    def length(self) -> int:
        """All that is still to be done now, as far as the broker tells."""
        return self.waiting + (self.taken or 0)


@dataclass(frozen=True, slots=True)
class Oldest:
    """How many seconds a queue's oldest message waits, 0 in an empty queue; None, and `why`, where it can't be told."""

    queue: str
    seconds: float | None
    why: str | None = None


class Broker(abc.ABC):
    """A broker to read from."""

    def __init__(self, target: CeleryApp) -> None:
        self.target = target

    def __repr__(self) -> str:
        return "<a Celery broker>"

    @abc.abstractmethod
    def check(self) -> str:
        """Return what the broker answers to. Raises UnreachableError where it does not."""

    @abc.abstractmethod
    def ask(self, method: str, seconds: float = ANSWER_SECONDS) -> Answers:
        """Ask all workers what `celery inspect` asks, wait for their answers, and leave nothing in the broker."""

    @abc.abstractmethod
    def queues(self, names: Iterable[str]) -> tuple[Queue, ...]:
        """Return the lengths of queues. Raises UnknownError for one that the broker knows nothing of."""

    @abc.abstractmethod
    def oldest(self, names: Iterable[str]) -> tuple[Oldest, ...]:
        """Return how long the oldest messages of queues have waited."""

    def workers(self, seconds: float = ANSWER_SECONDS) -> Workers:
        """Ping the workers, as `celery inspect ping` does, and wait for their answers."""
        answers = self.ask("ping", seconds)
        answering = sorted(name for name, answer in answers.by_worker.items() if answer == {"ok": "pong"})
        return Workers(tuple(answering), max(answers.connected, len(answering)))

    def queue(self, name: str) -> Queue:
        """Return a queue's length."""
        return self.queues((name,))[0]


def question(method: str, ticket: str, reply_to: Mapping[str, str]) -> dict[str, Any]:
    """Return what kombu broadcasts to workers; `reply_to` is the exchange and routing_key for their answers."""
    return {
        "method": method,
        "arguments": {},
        "destination": None,
        "pattern": None,
        "matcher": None,
        "ticket": ticket,
        "reply_to": dict(reply_to),
    }


def question_headers(seconds: float) -> dict[str, Any]:
    """Return the headers of a question, which a worker that sees it too late leaves alone."""
    return {"clock": 0, "expires": time.time() + seconds}


class Heard:
    """What workers answer to a question, as it comes in. All of it together is bounded as one answer is."""

    def __init__(self) -> None:
        self.by_worker: dict[str, Any] = {}
        self._bytes = self._values = 0

    def add(self, body: str | bytes, encoding: str | None = None) -> None:
        """Read what a worker answered. Raises TooLongError where it is too much, ValueError where it is not one."""
        text = base64.b64decode(body) if encoding == "base64" else body
        self._bytes += len(text)
        self._values += values_in(text)
        if self._bytes > MOST_BYTES:
            raise too_long()
        if self._values > MOST_VALUES:
            raise too_many()
        answer = loads(text)
        if isinstance(answer, dict):
            self.by_worker.update(answer)
