"""RabbitMQ as Celery's broker: passive declarations, and broadcasts answered into a queue that ends with us."""

from __future__ import annotations

import errno
import json
import ssl
import struct
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ...answers.bounds import TooLongError
from ...answers.next_steps import LISTENS, with_one_step
from ...core.errors import UnknownError, UnreachableError
from ...core.secrets import without_password
from .._wire import tls_failure
from ._target import ANSWER_SECONDS, Answers, Broker, CeleryApp, Heard, Oldest, Queue, question, question_headers

if TYPE_CHECKING:
    from amqp import Channel, Connection

_UNREADABLE = (OSError, struct.error, ValueError, LookupError, TypeError, AttributeError, RecursionError, TooLongError)
"""What the library raises beside its own errors, for answers that are none of RabbitMQ's too."""
_ENDED = (
    "it ended the connection before the handshake was over; check whether RabbitMQ listens there, "
    "and whether with TLS (amqps://)"
)
_STEPS = (
    (r"ACCESS_REFUSED - Login", "check the url's user and password"),
    (r"vhost .* not found|vhost .* refused for user '.*'$", "see the url's path, and rabbitmqctl list_vhosts"),
    (r"limit", "see rabbitmqctl list_connections"),
    (r"CONNECTION_FORCED", "its log says who stopped it"),
    (r"reset by peer", "check its log, and whether it speaks TLS (amqps://)"),
    (r"does not speak TLS", "write amqp:// in the url"),
)
"""What stands in RabbitMQ's own refusals and the like, and the step."""
_NOT_RABBITMQ = f"what answers there does not speak RabbitMQ's protocol (AMQP 0-9-1); {LISTENS}"
_GONE = (errno.EINVAL, errno.ENOTCONN, errno.EPIPE)
"""What the system says of a socket whose other end has hung up, depending on when that was."""
_PORTS = {"amqp": 5672, "pyamqp": 5672, "amqps": 5671}


class RabbitBroker(Broker):
    """A RabbitMQ server that serves as Celery's broker."""

    def __init__(self, connection: Connection, target: CeleryApp, timeout_s: float) -> None:
        super().__init__(target)
        self._connection = connection
        self._timeout_s = timeout_s

    def check(self) -> str:
        """Return PONG: the server has opened a connection and a channel."""
        import amqp

        try:
            self._channel().close()
        except (amqp.AMQPError, *_UNREADABLE) as error:
            url = without_password(self.target.broker.get_secret_value())
            raise UnreachableError(f"{url}: {_failure(error, self._timeout_s)}") from None
        return "PONG"

    def queues(self, names: Iterable[str]) -> tuple[Queue, ...]:
        """Return how many messages wait in queues; how many workers have taken is not told over AMQP."""
        return tuple(Queue(name, self._waiting(name), None) for name in dict.fromkeys(names))

    def oldest(self, names: Iterable[str]) -> tuple[Oldest, ...]:
        """Return for each queue that is not empty that nothing can be told."""
        why = "RabbitMQ shows no waiting message without taking it; limit the queue's length (queue_length) instead"
        lengths = [(name, self._waiting(name)) for name in dict.fromkeys(names)]
        return tuple(Oldest(name, None, why) if waiting else Oldest(name, 0.0) for name, waiting in lengths)

    def ask(self, method: str, seconds: float = ANSWER_SECONDS) -> Answers:
        """Ask all workers, and wait for the whole time: nothing tells how many listen.

        They answer through the default exchange into a queue of a connection of its own, which ends with it. While it
        is short of memory or disk, RabbitMQ reads nothing more from a connection that has published.
        """
        import amqp

        name = f"{self.target.control_exchange}.pidbox"
        heard = Heard()
        ticket = str(uuid.uuid4())

        def collect(message: amqp.Message) -> None:
            if (message.headers or {}).get("ticket") == ticket:
                heard.add(message.body)

        blocked: list[str] = []
        try:
            with _opened(self.target, self._timeout_s, blocked.append) as connection:
                channel = connection.channel()
                channel.exchange_declare(name, "fanout", passive=True)
                queue = channel.queue_declare(exclusive=True, auto_delete=True).queue
                channel.basic_consume(queue, no_ack=True, callback=collect)
                body = question(method, ticket, {"exchange": "", "routing_key": queue})
                channel.basic_publish(_message(body, seconds), exchange=name)
                _drain(connection, time.monotonic() + seconds)
                if blocked:
                    connection.collect()  # it would not be told good-bye either
        except amqp.NotFound:
            return Answers({}, 0)  # no worker has ever listened
        except amqp.AccessRefused as error:
            raise UnknownError(
                f"the broker refuses a question to workers: {_said(error)}; grant it: rabbitmqctl set_permissions -p "
                f"VHOST USER '^amq\\.gen-' '^(amq\\.gen-.*|{self.target.control_exchange}\\.pidbox)$' '.*'"
            ) from None
        except (amqp.AMQPError, *_UNREADABLE, UnreachableError) as error:
            why = str(error) if isinstance(error, UnreachableError) else _failure(error, self._timeout_s)
            raise UnknownError(f"the workers could not be asked: {why}") from None
        if blocked:
            raise UnknownError(
                "the broker takes no messages, neither this question to the workers nor tasks: "
                "it is short of memory or disk; see rabbitmqctl status"
            )
        return Answers(heard.by_worker, len(heard.by_worker))

    def _waiting(self, name: str) -> int:
        import amqp

        try:
            channel = self._channel()
            count = int(channel.queue_declare(name, passive=True).message_count)
            channel.close()
        except (amqp.NotFound, amqp.AccessRefused, amqp.ResourceLocked) as error:
            raise UnknownError(f"{_said(error)}; see rabbitmqctl list_queues -p VHOST name messages") from None
        except (amqp.AMQPError, *_UNREADABLE) as error:
            raise UnknownError(f"the length of {name}: {_failure(error, self._timeout_s)}") from None
        return count

    def _channel(self) -> Channel:
        """Open a channel; the server closes one after an error, so each question has its own."""
        return self._connection.channel()


def _drain(connection: Connection, until: float) -> None:
    while (left := until - time.monotonic()) > 0:
        with suppress(TimeoutError):
            connection.drain_events(timeout=left)


def _message(body: dict[str, Any], seconds: float) -> Any:
    import amqp

    return amqp.Message(
        json.dumps(body),
        content_type="application/json",
        content_encoding="utf-8",
        application_headers=question_headers(seconds),
        delivery_mode=1,
    )


def _said(error: Exception) -> str:
    return (str(getattr(error, "reply_text", "") or error).splitlines() or [type(error).__name__])[0]


def _failure(error: Exception, timeout_s: float) -> str:
    """Return why there is no connection, and what to do."""
    return with_one_step(_why(error, timeout_s), _STEPS)


def _why(error: Exception, timeout_s: float) -> str:
    """Return why there is no connection: RabbitMQ's own words where it has said any."""
    import amqp

    if isinstance(error, TimeoutError) or "timed out" in str(error):
        return f"no answer within {timeout_s:g} s"
    if (reason := _system(error)) is not None:
        return reason
    if "closed connection" in str(error):
        return _ENDED
    wrong = (amqp.exceptions.UnexpectedFrame, amqp.exceptions.AMQPNotImplementedError)
    if isinstance(error, wrong) or not getattr(error, "reply_text", ""):
        return _NOT_RABBITMQ
    return _said(error).removesuffix(" For details see the broker logfile.").rstrip(".")


def _system(error: Exception) -> str | None:
    """Return what TLS, the system or a bound says of a connection."""
    if isinstance(error, TooLongError):
        return f"{error}; {LISTENS}"
    if isinstance(error, ssl.SSLError):
        return tls_failure(error)
    if isinstance(error, OSError) and error.errno in _GONE:
        return _ENDED
    return error.strerror.lower() if isinstance(error, OSError) and error.strerror else None


@contextmanager
def connect(target: CeleryApp, timeout_s: float) -> Iterator[RabbitBroker]:
    """Connect to the broker."""
    with _opened(target, timeout_s) as connection:
        yield RabbitBroker(connection, target, timeout_s)


@contextmanager
def _opened(
    target: CeleryApp, timeout_s: float, on_blocked: Callable[[str], None] | None = None
) -> Iterator[Connection]:
    """Open a connection; `on_blocked` is called where the server takes nothing that is published."""
    import amqp

    from ._amqp import BoundedConnection

    url = target.broker.get_secret_value()
    parts = urlsplit(url)
    connection = BoundedConnection(
        f"{parts.hostname or '127.0.0.1'}:{parts.port or _PORTS[parts.scheme]}",
        userid=unquote(parts.username or "guest"),
        password=unquote(parts.password or "guest"),
        virtual_host=unquote(parts.path[1:]) or "/",
        ssl=parts.scheme == "amqps",
        connect_timeout=timeout_s,
        read_timeout=timeout_s,
        write_timeout=timeout_s,
        client_properties={"product": "opscheck"},
        on_blocked=on_blocked,
    )
    try:
        connection.connect()
    except (amqp.AMQPError, *_UNREADABLE) as error:
        connection.collect()
        was_reset = isinstance(error, ConnectionResetError)  # as it comes of hanging up while the client still sends
        why = _ENDED if was_reset else _failure(error, timeout_s)
        raise UnreachableError(f"{without_password(url)}: {why}", transient=was_reset) from None
    try:
        yield connection
    finally:
        with suppress(amqp.AMQPError, *_UNREADABLE):
            connection.close()
