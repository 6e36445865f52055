"""The way to a Redis server: the keys of the target, and a client that sends only what reads."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from ...answers.bounds import MOST_VALUES, TooLongError
from ...answers.next_steps import LISTENS, with_one_step
from ...core.errors import UnknownError, UnreachableError
from .._kind import Kind, Target
from .._trust import of_redis
from ._words import ASK_LESS, NOT_REDIS, UNREADABLE, failure, refusal, unknown_command

if TYPE_CHECKING:
    from redis import Redis

SCHEMES = ("redis", "rediss", "unix")


def _url(secret: SecretStr) -> SecretStr:
    """Return the address of a server. Raises ValueError for what the client would refuse, which would be too late."""
    problem = ValueError("it is not an address of Redis; write redis://HOST:6379/0, rediss:// for TLS, or unix:///PATH")
    try:
        parts = urlsplit(secret.get_secret_value())
        if parts.scheme not in SCHEMES or parts.port == 0 or (parts.scheme == "unix" and not parts.path):
            raise problem
    except ValueError:
        raise problem from None
    return secret


class RedisServer(Target):
    """A Redis server."""

    url: Annotated[SecretStr, AfterValidator(_url)] = Field(
        description="redis://host:6379/0, rediss:// for TLS, unix:// for a socket"
    )

    def unverified(self) -> str | None:
        """Say whether whoever answers is taken for the server."""
        return of_redis(self.url.get_secret_value())


REFUSES_WRITES = "MISCONF"
"""How the answer to a PING begins where the server can't save and so takes no writes; it can still be read."""
_TRANSIENT = ("LOADING", "BUSY")
_LONGEST_ANSWER = 60
_PATIENCE_S = 2.0
"""How long INFO is waited for where it is not what was asked for: the server has said PONG already."""


@contextmanager
def _connect(target: RedisServer, timeout_s: float) -> Iterator[Redis]:
    """Connect in the protocol that all speak: HELLO, which RESP3 begins with, is missing before 6 and in proxies."""
    from ._bound import BoundedParser, bound

    try:
        client = _read_only_class().from_url(
            target.url.get_secret_value(),
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            protocol=2,
            driver_info=None,
            parser_class=BoundedParser,
        )
        bound(client)
    except ValueError as error:
        raise UnknownError(f"the url is none of Redis: {error}") from None
    try:
        _require_redis(client)
        yield client
    finally:
        client.close()


def place(client: Redis) -> str:
    """Return where a client connects to."""
    options = client.connection_pool.connection_kwargs
    return str(options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}")


def _require_redis(client: Redis) -> None:
    """Raise UnreachableError where no Redis answers. A user who may not ask is let in, and each check says so itself.

    PONG alone tells little: a Sentinel says it too, and so may anything else. INFO tells, where the server has it.
    """
    import redis

    with contextlib.suppress(UnknownError):
        ping(client)
    try:
        section = info(client, "server", _PATIENCE_S)
    except NotRedisError as error:
        raise UnreachableError(f"{place(client)} {error}") from None
    except TooLongError as error:
        raise UnreachableError(f"{place(client)}: {error}") from None
    except UnknownError:
        return
    if section.get("redis_mode") == "sentinel":
        raise UnreachableError(
            f"{place(client)} is a Sentinel, not the server that it watches; let the url name that: "
            "redis-cli SENTINEL GET-MASTER-ADDR-BY-NAME NAME"
        )
    with contextlib.suppress(redis.RedisError, OSError):  # a courtesy to whoever reads CLIENT LIST; a proxy refuses it
        raw(client, "CLIENT", "SETNAME", "opscheck")


def ping(client: Redis) -> str:
    """Return what the server answers to PING: PONG, or why it takes no writes.

    Raises UnreachableError for every other answer and for none, UnknownError where the user may not ask.
    """
    import redis

    try:
        answer = raw(client, "PING")
    except redis.exceptions.NoPermissionError:
        raise UnknownError("the url's user may not say PING; grant it: ACL SETUSER NAME +ping") from None
    except TooLongError as error:
        raise UnreachableError(f"{place(client)}: PING: {error}; {NOT_REDIS}") from None
    except (redis.RedisError, OSError, *UNREADABLE) as error:
        text = f"{getattr(error, 'status_code', None) or ''} {error}".strip()
        if isinstance(error, redis.ResponseError) and text.startswith(REFUSES_WRITES):
            return f"{text.partition('. ')[0]}; see its log, and whether its disk is full"
        transient = text.startswith(_TRANSIENT) or "reset" in text.lower()
        why = failure(error, _timeout(client))
        why += _other_scheme(client, why)
        raise UnreachableError(f"{place(client)}: {with_one_step(why)}", transient=transient) from None
    if answer not in (b"PONG", "PONG"):
        raise UnreachableError(f"{place(client)} answers PING with {_shown(answer)}, not with PONG; {NOT_REDIS}")
    return "PONG"


def raw(client: Redis, *command: str, seconds: float | None = None) -> Any:
    """Return a server's answer to a command as it came, waited for as long as the connection waits, or for less."""
    connection = client.connection_pool.get_connection()
    try:
        connection.send_command(*command)
        return connection.read_response(**({} if seconds is None else {"timeout": seconds}))
    except BaseException:
        connection.disconnect()
        raise
    finally:
        client.connection_pool.release(connection)


def _other_scheme(client: Redis, why: str) -> str:
    """Say what else the url may have to begin with: each side of TLS and none waits for the other, or hangs up."""
    if "ssl" in client.connection_pool.connection_class.__name__.lower():
        return "; where it does not speak TLS, the url begins with redis://" if why.startswith("no answer") else ""
    hung_up = why.endswith(("reset by peer", "before its answer was whole"))
    return "; where it speaks TLS, the url begins with rediss://" if hung_up else ""


def _timeout(client: Redis) -> float:
    return float(client.connection_pool.connection_kwargs.get("socket_timeout") or 0)


def _shown(answer: Any) -> str:
    if answer is None or isinstance(answer, list):
        return "nothing" if answer is None else f"a list of {len(answer)}"
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
    if "\N{REPLACEMENT CHARACTER}" in text:
        return "bytes that are not text"
    return repr(text if len(text) <= _LONGEST_ANSWER else text[:_LONGEST_ANSWER] + "...")


_READS = frozenset(
    {
        "auth",
        "bitcount",
        "client|getname",
        "client|list",
        "client|setinfo",
        "client|setname",
        "config|get",
        "dbsize",
        "exists",
        "get",
        "getrange",
        "hello",
        "hexists",
        "hget",
        "hgetall",
        "hkeys",
        "hlen",
        "hmget",
        "hscan",
        "hvals",
        "info",
        "lastsave",
        "latency|latest",
        "lindex",
        "llen",
        "lrange",
        "memory|usage",
        "mget",
        "object|encoding",
        "object|idletime",
        "ping",
        "pttl",
        "pubsub|channels",
        "pubsub|numsub",
        "role",
        "scan",
        "scard",
        "select",
        "sismember",
        "slowlog|get",
        "slowlog|len",
        "smembers",
        "sscan",
        "strlen",
        "time",
        "ttl",
        "type",
        "xinfo",
        "xlen",
        "xrange",
        "zcard",
        "zcount",
        "zrange",
        "zscan",
        "zscore",
    }
)


def _require_read(args: tuple[Any, ...]) -> None:
    """Refuse a command that could change something."""
    words = str(args[0]).lower().split()
    name = words[0]
    second = words[1] if len(words) > 1 else str(args[1]).lower() if len(args) > 1 else ""
    if name not in _READS and f"{name}|{second}" not in _READS:
        raise UnknownError(f"{args[0]} is not among the commands that only read, so it was not sent")


def _read_only_class() -> type[Redis]:
    import redis
    from redis.client import Pipeline

    class ReadOnlyPipeline(Pipeline):
        """Several commands at once, each of which only reads."""

        def execute_command(self, *args: Any, **options: Any) -> Any:
            _require_read(args)
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

        def execute(self, raise_on_error: bool = True) -> list[Any]:
            names = ", ".join(dict.fromkeys(str(command[0][0]) for command in self.command_stack))
            with told(self, names):
                return super().execute(raise_on_error)

    class ReadOnlyRedis(redis.Redis):
        """A client that refuses whatever could change the server, also to a user's own check."""

        def execute_command(self, *args: Any, **options: Any) -> Any:
            _require_read(args)
            with told(self, " ".join(map(str, args[:1]))):
                return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

        def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
            return ReadOnlyPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)

    return ReadOnlyRedis


kind = Kind("redis", RedisServer, "a Redis server", _connect, libraries=("redis",))


@contextmanager
def told(client: Redis, command: str, grants: str | None = None) -> Iterator[None]:
    """Raise UnknownError in plain words for whatever goes wrong with a command; `grants` are the rights it needs."""
    import redis

    try:
        yield
    except TooLongError as error:
        raise TooLongError(f"{command}: {error}; {LISTENS if command == 'INFO' else ASK_LESS}") from None
    except redis.exceptions.NoPermissionError:
        grant = grants or "+" + command.lower().replace(" ", "|")
        raise UnknownError(f"the url's user has no right to {command}; grant it: ACL SETUSER NAME {grant}") from None
    except redis.ResponseError as error:
        text = str(error)
        if unknown_command(text):
            raise UnknownError(
                f"the server has no {command}: it was renamed, or a proxy or a service without it answers there; "
                "switch this check off for it"
            ) from None
        raise UnknownError(f"{command}: {with_one_step(refusal(text, str(error.status_code or '')))}") from None
    except (redis.RedisError, OSError, *UNREADABLE) as error:
        raise UnknownError(f"{command}: {with_one_step(failure(error, _timeout(client)))}") from None


class NotRedisError(UnknownError):
    """The answer is none that a server of the kind gives."""


class Info(dict[str, Any]):
    """A section of INFO. A field that the server does not say raises UnknownError: managed services leave some out."""

    def __init__(self, section: str, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        self._section = section

    def __missing__(self, name: str) -> Any:
        raise UnknownError(
            f"the server's INFO {self._section} has no {name}, as that of some managed services and servers like "
            "Redis; switch this check off for it"
        )

    def number(self, name: str) -> int:
        """Return a field that is a whole number. Raises UnknownError where it is missing, or is anything else."""
        return number(self[name], f"{name} of INFO {self._section}")


def number(value: Any, what: str) -> int:
    """Return an answer that is a whole number. Raises UnknownError for any other."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise UnknownError(f"{what} is {_shown(value)}, and no number; check whether Redis itself answers there")


def info(client: Redis, section: str, seconds: float | None = None) -> Info:
    """Return a section of INFO. Raises NotRedisError where the answer is none, UnknownError where there is none."""
    with told(client, "INFO"):
        answer = raw(client, "INFO", section, seconds=seconds)
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    if not isinstance(text, str) or (text.strip() and not text.startswith("#") and not _FIELD.match(text)):
        raise NotRedisError(f"answers INFO with {_shown(answer)}, which is none; {LISTENS}")
    if sum(text.count(mark) for mark in "\n,=") > MOST_VALUES:
        raise NotRedisError(f"answers INFO with more than {MOST_VALUES:,} values; {LISTENS}")
    section_read = client.response_callbacks["INFO"](text)
    if not section_read and not text.startswith("# Keyspace"):
        raise UnknownError(f"INFO {section} says nothing; check whether the url leads to Redis itself")
    return Info(section, section_read)


def setting(client: Redis, name: str) -> str | None:
    """Return a setting, None where the server does not let it be read: managed services often don't have CONFIG."""
    try:
        return str(client.config_get(name)[name])
    except (UnknownError, KeyError, TypeError):
        return None


_FIELD = re.compile(r"[a-z][a-z0-9_]*:", re.IGNORECASE)
