"""The broker, by Celery and kombu, which nothing but this module and `serving` knows. Orders are Celery's tasks.

No exchange is made, and no result backend is used: a queue for the orders of each vantage point, and one for the
replies of each run, which goes with it.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any, Self
from urllib.parse import urlsplit

from ..core.secrets import MASK, without_password
from .messages import SKEW_S, Of, queue_of, reply_queue_of
from .signing import CarrierError

VARIABLE = "OPSCHECK_BROKER"
TASK = "opscheck.part"
ANSWER_S = 5.0
"""How long the broker may take to accept a connection, or for an answer."""
_REDIS_S = 2.0
"""The same for Redis, whose client asks four times."""
_SCHEMES = ("redis", "rediss", "amqp", "amqps")
_EXAMPLE = "for example redis://broker.example.com:6379/0 or amqps://opscheck:PASSWORD@broker.example.com/"
_LEFT_S = 600.0
"""How long what nobody has fetched stays with the broker after the run's deadline."""


class BrokerError(Exception):
    """The broker can't be reached, or does not do what it is asked to; it may well do so later."""


class Broker:
    """Where the broker is, and how to get there."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.shown = without_password(url)
        self.is_redis = url.startswith("redis")

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Return the broker of an environment. Raises CarrierError, which shows no password."""
        url = environment.get(VARIABLE, "").strip()
        if not url:
            raise CarrierError(f"the environment variable {VARIABLE} is not set; set it to the broker, {_EXAMPLE}")
        try:
            parts = urlsplit(url)
            is_address = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_address = False
        if not is_address or without_password(url) == MASK:
            raise CarrierError(
                f"the environment variable {VARIABLE} is not the address of a broker: it begins with one of "
                f"{', '.join(f'{each}://' for each in _SCHEMES)}, and special characters of a password are written as "
                f"%XX, {_EXAMPLE}"
            )
        return cls(url)

    def app(self) -> Any:
        """Return an application of Celery's on this broker. Raises CarrierError where there is no Celery."""
        try:
            from celery import Celery
        except ImportError:
            raise CarrierError("Celery is not installed here: pip install 'pytest-opscheck[celery]'") from None
        app = Celery("opscheck", broker=self._url, set_as_current=False)
        app.conf.update(
            accept_content=["json"],
            broker_connection_max_retries=None,
            broker_connection_retry_on_startup=True,
            broker_connection_timeout=ANSWER_S,
            broker_use_ssl=self._tls(),
            task_create_missing_queues=False,
            task_ignore_result=True,
            task_serializer="json",
        )
        app.amqp.default_exchange = _nowhere()  # else it binds each queue to one of its own
        return app

    def _tls(self) -> dict[str, Any] | None:
        """Return how a connection is encrypted: certificate and name are verified. None where it is not."""
        parts = urlsplit(self._url)
        if parts.scheme == "rediss":
            return {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
        if parts.scheme == "amqps":
            return {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": parts.hostname}
        return None

    @contextlib.contextmanager
    def connected(self) -> Iterator[Line]:
        """Give a connection to the broker. Raises BrokerError, also for what goes wrong with it later."""
        from kombu.connection import Connection
        from kombu.exceptions import KombuError

        connection = Connection(
            self._url,
            ssl=self._tls() or False,
            connect_timeout=ANSWER_S,
            transport_options=self._options(),
        )
        try:
            line = Line(connection)
        except (KombuError, OSError, *connection.connection_errors, *connection.channel_errors) as error:
            connection.release()
            raise BrokerError(self._said(error)) from None
        try:
            yield line
        except (KombuError, OSError, *connection.connection_errors, *connection.channel_errors) as error:
            raise BrokerError(self._said(error)) from None
        finally:
            with contextlib.suppress(Exception):  # of a connection that is broken already
                connection.release()

    def _options(self) -> dict[str, Any]:
        if self.is_redis:
            return {"socket_timeout": _REDIS_S, "socket_connect_timeout": _REDIS_S}
        return {"read_timeout": ANSWER_S, "write_timeout": ANSWER_S, "confirm_publish": True}

    def _said(self, error: BaseException) -> str:
        """Return what went wrong, on one line and without the address's password."""
        password = urlsplit(self._url).password
        text = " ".join(str(error).split()) or type(error).__name__
        return f"the broker {self.shown} does not do its work: {text.replace(password, MASK) if password else text}"


class Line:
    """An open connection to the broker, for one thread."""

    def __init__(self, connection: Any) -> None:
        connection.connect()
        self._connection = connection
        self._channel = connection.channel()
        self._heard: list[str] = []

    def order(self, app: Any, of: Of, message: str, left_s: float) -> None:
        """Send an order, which is none any more when the deadline is over, in so many seconds."""
        queue = orders(of.vantage)
        app.send_task(
            TASK,
            (message,),
            task_id=f"{of.run}.{of.vantage or ''}.{of.shard.replace('/', '-')}.{of.attempt}",
            queue=queue,
            expires=left_s + SKEW_S,
            expiration=left_s + SKEW_S,
            argsrepr="...",
            kwargsrepr="...",
            ignore_result=True,
            retry=False,
            producer=app.amqp.Producer(self._channel, auto_declare=False),
        )
        self._expire(queue.name, left_s + _LEFT_S)

    def waiting(self, vantage: str | None) -> int:
        """Return how many orders wait that no worker has taken."""
        return int(orders(vantage)(self._channel).queue_declare().message_count)

    def listen(self, run: str) -> None:
        """Take what workers say of a run's parts from now on."""
        from kombu.messaging import Consumer

        queue = _queue(reply_queue_of(run), expires=_LEFT_S)  # from when nobody listens to it any more
        consumer = Consumer(self._channel, [queue], no_ack=True, on_message=self._hear)
        consumer.consume()

    def _hear(self, message: Any) -> None:
        body = message.body
        self._heard.append(body if isinstance(body, str) else bytes(body).decode("utf-8", "replace"))

    def heard(self, seconds: float) -> list[str]:
        """Return what came, waiting so long for something to come."""
        with contextlib.suppress(socket.timeout):
            self._connection.drain_events(timeout=seconds)
        heard, self._heard = self._heard, []
        return heard

    def reply(self, run: str, message: str, left_s: float) -> None:
        """Say something of a run's part to who has started the run; of nobody any more it goes with its time."""
        from kombu.messaging import Producer

        queue = reply_queue_of(run)
        Producer(self._channel, auto_declare=False).publish(
            message.encode(),
            routing_key=queue,
            content_type="application/json",
            content_encoding="utf-8",
            expiration=max(left_s, 0) + SKEW_S,
            retry=False,
        )
        self._expire(queue, max(left_s, 0) + _LEFT_S)

    def end(self, run: str, vantages: set[str | None]) -> None:
        """Take back the orders of a run that nobody has taken, and its replies."""
        with self._redis() as client:
            for name in map(queue_of, vantages) if client is not None else ():
                for message in client.lrange(name, 0, -1):
                    if run.encode() in message:
                        client.lrem(name, 1, message)
        self._channel.queue_delete(reply_queue_of(run))

    @contextlib.contextmanager
    def _redis(self) -> Iterator[Any]:
        """Give Redis itself, where it is the broker, else None: what is in it does not expire unless it is told to.

        It is not the connection on which the channel waits for messages: that would take what it says for an answer.
        """
        if not hasattr(self._channel, "conn_or_acquire"):
            yield None
            return
        with self._channel.conn_or_acquire() as client:
            yield client

    def _expire(self, queue: str, seconds: float) -> None:
        with self._redis() as client:
            if client is not None and client.ttl(queue) < seconds:
                client.expire(queue, int(seconds) + 1)


def orders(vantage: str | None) -> Any:
    """Return the queue with the orders for a vantage point."""
    return _queue(queue_of(vantage))


def _nowhere() -> Any:
    """Return the exchange that every broker has, and which brings a message to the queue that it names."""
    from kombu.entity import Exchange

    return Exchange("")


def _queue(name: str, expires: float | None = None) -> Any:
    from kombu.entity import Queue

    return Queue(name, _nowhere(), routing_key=name, durable=True, expires=expires)
