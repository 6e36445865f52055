"""Celery over Redis: which workers answer, and how many messages its queues hold, of every priority and taken."""

from __future__ import annotations

import base64
import datetime as dt
import fnmatch
import json
import re
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from . import redis as _redis
from ._kind import Kind, Reach, Target, UnknownError, UnreachableError

if TYPE_CHECKING:
    from redis import Redis

_SUPPORTED = ("redis", "rediss")
ANSWER_SECONDS = 2.0
"""How long to wait for the workers' answers: one takes milliseconds, on a busy machine up to a second."""
MOST_TAKEN = 20_000
"""Messages that workers have taken are read one by one; beyond so many it would weigh on the broker."""
MOST_KEYS_SCANNED = 500_000


def _broker(broker: SecretStr) -> SecretStr:
    scheme = urlsplit(broker.get_secret_value()).scheme
    if scheme not in _SUPPORTED:
        raise ValueError(
            f"a broker of the kind {scheme!r} can't be read yet; what can is {', '.join(_SUPPORTED)}, "
            "for example redis://host:6379/0"
        )
    return broker


class CeleryApp(Target):
    """A Celery application, seen through its Redis broker.

    The keys beside `broker` are needed where the application sets the option of the same name in Celery's
    broker_transport_options, or control_exchange.
    """

    broker: Annotated[SecretStr, AfterValidator(_broker)] = Field(
        description="redis://host:6379/0, or rediss:// for TLS"
    )
    global_keyprefix: str = Field(default="", description="what all of the application's keys in Redis start with")
    sep: str = Field(default="\x06\x16", description="what stands between a queue's name and a priority")
    unacked_key: str = Field(default="unacked", description="the hash of messages that workers have taken")
    control_exchange: str = Field(default="celery", description="the exchange through which workers are asked")


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

    `scheduled` are among neither: a worker holds them until their time (eta, countdown) comes.
    """

    name: str
    waiting: int
    taken: int
    scheduled: int = 0

    @property
    def length(self) -> int:
        """All that is still to be done now."""
        return self.waiting + self.taken


@dataclass(frozen=True)
class Broker:
    """A broker to read from."""

    redis: Redis
    target: CeleryApp

    def __repr__(self) -> str:
        return "<a Celery broker>"

    def workers(self, seconds: float = ANSWER_SECONDS) -> Workers:
        """Ping the workers, as `celery inspect ping` does, and wait for their answers."""
        return _Ping(self).workers(seconds)

    def queue(self, name: str) -> Queue:
        """Return a queue's length."""
        return self.queues((name,))[0]

    def queues(self, names: Iterable[str]) -> tuple[Queue, ...]:
        """Return the lengths of queues. Raises UnknownError for one that the broker knows nothing of."""
        names = tuple(dict.fromkeys(names))
        taken, scheduled = self._taken()
        waiting = {name: self._waiting(name) for name in names}
        unseen = [name for name in names if not waiting[name] and not taken[name] and not scheduled[name]]
        if unseen:
            declared = self._declared(unseen)
            for name in unseen:
                if name not in declared:
                    known = ", ".join(sorted(declared)) or "none"
                    raise UnknownError(f"no worker has declared a queue {name!r} in this broker; there are: {known}")
        return tuple(Queue(name, waiting[name], taken[name], scheduled[name]) for name in names)

    def key(self, name: str) -> str:
        """Return a key as the application has it."""
        return self.target.global_keyprefix + name

    def _waiting(self, name: str) -> int:
        """Count a queue's list, and those of its priorities: kombu keeps 3, 6 and 9, an application any of 1 to 9."""
        with self.redis.pipeline(transaction=False) as pipe:
            for priority in range(10):
                pipe.llen(self.key(f"{name}{self.target.sep}{priority}" if priority else name))
            return sum(int(length) for length in pipe.execute())

    def _taken(self) -> tuple[Counter[str], Counter[str]]:
        """Count the messages that workers have taken by queue: those to be done now, and those for later."""
        key = self.key(self.target.unacked_key)
        count = int(self.redis.hlen(key))
        if count > MOST_TAKEN:
            raise UnknownError(f"workers have taken {count} messages, more than are read one by one ({MOST_TAKEN})")
        now, later = Counter[str](), Counter[str]()
        if not count:
            return now, later
        routes: dict[str, list[tuple[str, str, str]]] = {}
        for _, value in self.redis.hscan_iter(key, count=200):
            message, exchange, routing_key = json.loads(value)
            eta = (message.get("headers") or {}).get("eta")
            if exchange not in routes:
                routes[exchange] = self._bindings(f"_kombu.binding.{exchange}") if exchange else []
            for queue in _queues(routing_key, routes[exchange]):
                (later if eta and _is_later(eta) else now)[queue] += 1
        return now, later

    def _bindings(self, key: str) -> list[tuple[str, str, str]]:
        """Return an exchange's bindings: routing key, pattern, queue."""
        members = (_text(member).split(self.target.sep) for member in self.redis.smembers(self.key(key)))
        return [(member[0], member[1], member[2]) for member in members if len(member) == 3]  # noqa: PLR2004 - the three

    def _declared(self, wanted: list[str]) -> set[str]:
        """Return the queues that were ever declared; Redis keeps no empty list, so only their bindings tell."""
        near = [*wanted, "celery", "default"]
        found = {queue for name in near for _, _, queue in self._bindings(f"_kombu.binding.{name}")}
        if found.issuperset(wanted):
            return found
        cursor, scanned = 0, 0
        while scanned < MOST_KEYS_SCANNED:
            cursor, keys = self.redis.scan(cursor, match=self.key("_kombu.binding.*"), count=1000)
            scanned += 1000
            for key in map(_text, keys):
                if not key.endswith((".pidbox", "celeryev")):
                    found |= {queue for _, _, queue in self._bindings(key.removeprefix(self.target.global_keyprefix))}
            if not cursor:
                return found
        return found


def _queues(routing_key: str, bindings: list[tuple[str, str, str]]) -> list[str]:
    """Return the queues in which a message of an exchange stood; without an exchange its routing key is the queue."""
    found = {
        queue for key, pattern, queue in bindings if key == routing_key or (pattern and re.match(pattern, routing_key))
    }
    return sorted(found) or [routing_key]


def _is_later(eta: str) -> bool:
    try:
        moment = dt.datetime.fromisoformat(eta)
    except ValueError:
        return False
    return moment.replace(tzinfo=moment.tzinfo or dt.UTC) > dt.datetime.now(dt.UTC)


class _Ping:
    """One ping: a broadcast to every worker, with an address of its own for the answers.

    An answer needs a place in the broker: a list, and a member in the exchange's set of bindings. Both are removed,
    whatever happens. It is written here because kombu's own client leaves more behind, and sweeps others' bindings.
    """

    def __init__(self, broker: Broker) -> None:
        name = f"{broker.target.control_exchange}.pidbox"
        self._broker = broker
        self._id, self._ticket = str(uuid.uuid4()), str(uuid.uuid4())
        self._exchange = f"reply.{name}"
        self._queue = f"{self._id}.{self._exchange}"
        database = broker.redis.connection_pool.connection_kwargs.get("db") or 0
        self._channel = broker.key(f"/{database}.{name}")

    def workers(self, seconds: float) -> Workers:
        """Ask, and collect answers until every connected worker has given one, or the time is over."""
        import redis

        given = self._broker.redis.connection_pool
        client = redis.Redis(connection_pool=given)  # one that may also write what a ping needs
        bindings, queue = self._broker.key(f"_kombu.binding.{self._exchange}"), self._broker.key(self._queue)
        member = self._broker.target.sep.join((self._id, "", self._queue))
        try:
            try:
                client.sadd(bindings, member)
                connected = int(client.publish(self._channel, self._message(seconds)))
                answering = self._collect(client, queue, connected, time.monotonic() + seconds)
            finally:
                client.srem(bindings, member)
                client.delete(queue)
        except redis.ResponseError as error:
            raise UnknownError(
                f"the broker refuses a ping: {error}; its user needs +publish, +sadd, +srem, +del, +blpop"
            ) from None
        return Workers(tuple(sorted(answering)), max(connected, len(answering)))

    def _collect(self, client: Redis, queue: str, connected: int, until: float) -> set[str]:
        found: set[str] = set()
        while len(found) < connected and time.monotonic() < until:
            answer = client.blpop([queue], timeout=1)
            if answer is None:
                continue
            message = json.loads(answer[1])
            if message.get("headers", {}).get("ticket") == self._ticket:
                body = message["body"]
                if message.get("properties", {}).get("body_encoding") == "base64":
                    body = base64.b64decode(body)
                found.update(worker for worker, said in json.loads(body).items() if said == {"ok": "pong"})
        return found

    def _message(self, seconds: float) -> str:
        """Return a ping in kombu's envelope."""
        body: dict[str, Any] = {
            "method": "ping",
            "arguments": {},
            "destination": None,
            "pattern": None,
            "matcher": None,
            "ticket": self._ticket,
            "reply_to": {"exchange": self._exchange, "routing_key": self._id},
        }
        envelope = {
            "body": base64.b64encode(json.dumps(body).encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {"clock": 0, "expires": time.time() + seconds},
            "properties": {
                "delivery_mode": 1,
                "delivery_info": {"exchange": f"{self._broker.target.control_exchange}.pidbox", "routing_key": ""},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid.uuid4()),
            },
        }
        return json.dumps(envelope)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


@contextmanager
def _connect(target: CeleryApp, timeout_s: float) -> Iterator[Broker]:
    url = target.broker.get_secret_value().replace("ssl_cert_reqs=CERT_", "ssl_cert_reqs=")
    url = re.sub(r"(?<=ssl_cert_reqs=)[A-Z]+", lambda match: match[0].lower(), url)
    with _redis.kind.connect(_redis.RedisServer(url=SecretStr(url)), timeout_s) as client:
        yield Broker(client, target)


kind = Kind("celery", CeleryApp, "a Celery application, seen through its Redis broker", _connect)


@kind.probe(timeout_s=5)
def reachable(broker: Broker) -> Reach:
    """The broker answers PING."""
    import redis

    try:
        broker.redis.ping()
    except (redis.RedisError, OSError) as error:
        raise UnreachableError(f"the broker: {error}") from None
    return Reach("PONG")


@kind.probe()
def workers(broker: Broker, *, names: tuple[str, ...] = ()) -> Workers:
    """Which workers answer a ping. `names` are those that have to, for example `scoring@*`."""
    answered = broker.workers()
    return Workers(answered.answering, answered.connected, names)


@kind.probe()
def queue_length(broker: Broker, *, queues: tuple[str, ...] = ("celery",)) -> tuple[Queue, ...]:
    """How many messages queues hold: in every priority, and taken by workers that have not yet done them."""
    return broker.queues(queues)
