"""Redis as Celery's broker: kombu's lists, its hash of taken messages, and its broadcasts."""

from __future__ import annotations

import base64
import datetime as dt
import functools
import json
import re
import textwrap
import time
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from ...answers.bounds import loads
from ...core.errors import UnknownError
from ...core.patterns import PatternError, searcher
from ..redis import _server
from ._target import ANSWER_SECONDS, Answers, Broker, CeleryApp, Heard, Oldest, Queue, question, question_headers

if TYPE_CHECKING:
    from redis import Redis

MOST_TAKEN = 20_000
"""Messages that workers have taken are read one by one; more than this many would weigh on the broker."""
_PAGE = 20
"""Messages in one answer: each may well have some 100 kB, and an answer is bounded."""
_EXCHANGES = 8
"""Whose bindings are kept at a time."""
_MOST_QUEUES = 1000
MOST_KEYS_SCANNED = 500_000
_STAMPS = ("published_at", "sentry-task-enqueued-time", "timestamp")
"""Headers or properties that say when a message was sent, in seconds since 1970: our documents', Sentry's, AMQP's."""
_UNSTAMPED = (
    "its next message does not say when it was sent, which Celery does not write by itself; see the documentation of "
    "this check for the three lines that do, or use Sentry's"
)


class RedisBroker(Broker):
    """A Redis server that serves as Celery's broker."""

    def __init__(self, redis: Redis, target: CeleryApp) -> None:
        super().__init__(target)
        self.redis = redis

    def check(self) -> str:
        """Return PONG, or why the broker takes no writes."""
        return _server.ping(self.redis)

    def ask(self, method: str, seconds: float = ANSWER_SECONDS) -> Answers:
        """Ask all workers, and wait until as many have answered as listened, or the time is over."""
        return _Question(self, method).ask(seconds)

    def queues(self, names: Iterable[str]) -> tuple[Queue, ...]:
        """Return the lengths of queues. Raises UnknownError for one that the broker knows nothing of."""
        names = tuple(dict.fromkeys(names))
        taken, scheduled = self._taken(names)
        waiting = {name: self._waiting(name) for name in names}
        self._require_declared(
            [name for name in names if not waiting[name] and not taken[name] and not scheduled[name]]
        )
        return tuple(Queue(name, waiting[name], taken[name], scheduled[name]) for name in names)

    def oldest(self, names: Iterable[str]) -> tuple[Oldest, ...]:
        """Return how long the message that is next has waited, the longest of a queue's priorities."""
        names = tuple(dict.fromkeys(names))
        next_ones = {name: self._next(name) for name in names}
        self._require_declared([name for name in names if not next_ones[name]])
        now = time.time()
        return tuple(_waited(name, messages, now) for name, messages in next_ones.items())

    def _next(self, name: str) -> list[dict[str, Any]]:
        """Return the next message of every list of a queue; kombu pushes on the left and pops on the right."""
        with self.redis.pipeline(transaction=False) as pipe:
            for key in self._lists(name):
                pipe.lindex(key, -1)
            return [_message(message, name) for message in pipe.execute() if message is not None]

    def _require_declared(self, unseen: list[str]) -> None:
        """Raise UnknownError for a queue that no worker has ever declared."""
        declared = self._declared(unseen) if unseen else set()
        for name in unseen:
            if name not in declared:
                known = textwrap.shorten(", ".join(sorted(declared)) or "none", 300, placeholder="...")
                raise UnknownError(f"no worker has declared a queue {name!r} in this broker; there are: {known}")

    def key(self, name: str) -> str:
        """Return a key as the application has it."""
        return self.target.global_keyprefix + name

    def _lists(self, name: str) -> list[str]:
        """Return a queue's list, and those of its priorities: kombu keeps 3, 6 and 9, an application any of 1 to 9."""
        return [self.key(f"{name}{self.target.sep}{priority}" if priority else name) for priority in range(10)]

    def _waiting(self, name: str) -> int:
        with self.redis.pipeline(transaction=False) as pipe:
            for key in self._lists(name):
                pipe.llen(key)
            return sum(_server.number(length, "the answer to LLEN") for length in pipe.execute())

    def _taken(self, names: Collection[str]) -> tuple[Counter[str], Counter[str]]:
        """Count the messages that workers have taken from queues: those to be done now, and those for later."""
        key = self.key(self.target.unacked_key)
        count = _server.number(self.redis.hlen(key), "the answer to HLEN")
        if count > MOST_TAKEN:
            raise UnknownError(f"workers have taken {count} messages, more than are read one by one ({MOST_TAKEN})")
        now, later = Counter[str](), Counter[str]()
        if not count:
            return now, later
        bindings = functools.lru_cache(_EXCHANGES)(self._bindings)
        for _, value in self.redis.hscan_iter(key, count=_PAGE):
            message, exchange, routing_key = _taken_message(value, self.target.unacked_key)
            eta = _table(message, "headers").get("eta")
            routes = bindings(f"_kombu.binding.{exchange}") if exchange else []
            for queue in _queues(routing_key, routes):
                if queue in names:
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
        for key in self._exchanges():
            found |= {queue for _, _, queue in self._bindings(key)}
            if len(found) > _MOST_QUEUES:
                break
        return found

    def _exchanges(self) -> Iterator[str]:
        """Yield the names of the sets of bindings, without the application's prefix."""
        cursor, scanned = 0, 0
        while scanned < MOST_KEYS_SCANNED:
            cursor, keys = self.redis.scan(cursor, match=self.key("_kombu.binding.*"), count=1000)
            scanned += 1000
            for key in map(_text, keys):
                if not key.endswith((".pidbox", "celeryev")):
                    yield key.removeprefix(self.target.global_keyprefix)
            if not cursor:
                return


def _message(text: bytes | str, queue: str) -> dict[str, Any]:
    """Read a message in kombu's envelope. Raises UnknownError for anything else, which no worker could read either."""
    with suppress(ValueError):
        data = loads(text)
        if isinstance(data, dict):
            return data
    raise UnknownError(f"the next entry of {queue} is not a message of Celery's; see what else writes to that list")


def _taken_message(text: bytes | str, key: str) -> tuple[dict[str, Any], str, str]:
    with suppress(ValueError):
        message, exchange, routing_key = loads(text)
        if isinstance(message, dict):
            return message, str(exchange), str(routing_key)
    raise UnknownError(f"an entry of {key} is not a message that a worker has taken; see what else writes to that hash")


def _table(message: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a part of a message, empty where it has none."""
    table = message.get(name)
    return table if isinstance(table, dict) else {}


def _queues(routing_key: str, bindings: list[tuple[str, str, str]]) -> list[str]:
    """Return the queues in which a message of an exchange stood; without an exchange its routing key is the queue."""
    found = {queue for key, pattern, queue in bindings if key == routing_key or _fits(pattern, routing_key)}
    return sorted(found) or [routing_key]


def _fits(pattern: str, routing_key: str) -> bool:
    """Tell whether a pattern fits; it is out of the broker, so anybody may have written it. Raises UnknownError."""
    if not pattern:
        return False
    try:
        return searcher(re.compile(rf"\A(?:{pattern})"))(routing_key) is not None
    except (re.error, PatternError) as error:
        raise UnknownError(f"a binding of the broker has a pattern that can't be used: {error}") from None


def _is_later(eta: Any) -> bool:
    try:
        moment = dt.datetime.fromisoformat(eta)
    except (TypeError, ValueError):
        return False
    return moment.replace(tzinfo=moment.tzinfo or dt.UTC) > dt.datetime.now(dt.UTC)


def _waited(queue: str, messages: list[dict[str, Any]], now: float) -> Oldest:
    """Return for how long the oldest of some messages has waited."""
    sent = [_sent(message) for message in messages]
    if None in sent:
        return Oldest(queue, None, _UNSTAMPED)
    return Oldest(queue, max((max(0.0, now - moment) for moment in sent if moment is not None), default=0.0))


def _sent(message: dict[str, Any]) -> float | None:
    headers = {**_table(message, "properties"), **_table(message, "headers")}
    for name in _STAMPS:
        try:
            return float(headers[name])
        except (KeyError, TypeError, ValueError):
            continue
    return None


class _Question:
    """One question: a broadcast to every worker, with an address of its own for the answers.

    An answer needs a place in the broker: a list, and a member in the exchange's set of bindings. Both are removed,
    whatever happens. It is written here because kombu's own client leaves more behind, and sweeps others' bindings.
    """

    def __init__(self, broker: RedisBroker, method: str) -> None:
        name = f"{broker.target.control_exchange}.pidbox"
        self._broker = broker
        self._method = method
        self._id, self._ticket = str(uuid.uuid4()), str(uuid.uuid4())
        self._exchange = f"reply.{name}"
        self._queue = f"{self._id}.{self._exchange}"
        database = broker.redis.connection_pool.connection_kwargs.get("db") or 0
        self._channel = broker.key(f"/{database}.{name}")

    def ask(self, seconds: float) -> Answers:
        """Ask, and collect answers until every connected worker has given one, or the time is over."""
        import redis

        given = self._broker.redis.connection_pool
        client = redis.Redis(connection_pool=given)  # one that may also write what a question needs
        bindings, queue = self._broker.key(f"_kombu.binding.{self._exchange}"), self._broker.key(self._queue)
        member = self._broker.target.sep.join((self._id, "", self._queue))
        with _server.told(client, "a question to the workers", grants="&* +publish +sadd +srem +del +blpop"):
            try:
                client.sadd(bindings, member)
                connected = _server.number(
                    client.publish(self._channel, self._message(seconds)), "the answer to PUBLISH"
                )
                heard = self._collect(client, queue, connected, time.monotonic() + seconds)
            finally:
                with suppress(redis.RedisError, OSError):  # what has failed before says why
                    client.srem(bindings, member)
                    client.delete(queue)
        return Answers(heard.by_worker, connected)

    def _collect(self, client: Redis, queue: str, connected: int, until: float) -> Heard:
        heard = Heard()
        while len(heard.by_worker) < connected and time.monotonic() < until:
            popped = client.blpop([queue], timeout=1)
            if popped is None:
                continue
            message = loads(popped[1])
            if message.get("headers", {}).get("ticket") == self._ticket:
                heard.add(message["body"], message.get("properties", {}).get("body_encoding"))
        return heard

    def _message(self, seconds: float) -> str:
        """Return the question in kombu's envelope."""
        body = question(self._method, self._ticket, {"exchange": self._exchange, "routing_key": self._id})
        envelope = {
            "body": base64.b64encode(json.dumps(body).encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": question_headers(seconds),
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
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


@contextmanager
def connect(target: CeleryApp, timeout_s: float) -> Iterator[RedisBroker]:
    """Connect to the broker."""
    url = target.broker.get_secret_value().replace("ssl_cert_reqs=CERT_", "ssl_cert_reqs=")
    url = re.sub(r"(?<=ssl_cert_reqs=)[A-Z]+", lambda match: match[0].lower(), url)
    with _server.kind.connect(_server.RedisServer(url=SecretStr(url)), timeout_s) as client:
        yield RedisBroker(client, target)
