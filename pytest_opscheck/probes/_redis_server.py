"""The way to a Redis server: the keys of the target, and a client that sends only what reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import Field, SecretStr

from ._kind import Kind, Target, UnknownError, UnreachableError

if TYPE_CHECKING:
    from redis import Redis


class RedisServer(Target):
    """A Redis server."""

    url: SecretStr = Field(description="redis://host:6379/0, rediss:// for TLS, unix:// for a socket")


REFUSES_WRITES = "MISCONF"
"""How the answer to a PING begins where the server can't save and so takes no writes; it can still be read."""


@contextmanager
def _connect(target: RedisServer, timeout_s: float) -> Iterator[Redis]:
    import redis

    url = target.url.get_secret_value()
    try:
        client = _read_only_class().from_url(
            url,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            client_name="opscheck",
        )
    except ValueError as error:
        raise UnknownError(f"the url is none of Redis: {error}") from None
    try:
        client.ping()
    except (redis.AuthenticationError, redis.ResponseError) as error:
        if not str(error).startswith(REFUSES_WRITES):
            client.close()
            raise UnreachableError(f"{_place(client)}: {error}") from None
    except redis.BusyLoadingError as error:
        client.close()
        raise UnreachableError(f"{_place(client)}: {error}", transient=True) from None
    except (redis.RedisError, OSError) as error:
        client.close()
        raise UnreachableError(f"{_place(client)}: {error}", transient="reset" in str(error).lower()) from None
    try:
        yield client
    finally:
        client.close()


def _place(client: Redis) -> str:
    """Return where a client connects to. The url is masked as a whole where it comes from the environment."""
    said = client.connection_pool.connection_kwargs
    return str(said.get("path") or f"{said.get('host', 'localhost')}:{said.get('port', 6379)}")


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

    class ReadOnlyRedis(redis.Redis):
        """A client that refuses whatever could change the server, also to a user's own check."""

        def execute_command(self, *args: Any, **options: Any) -> Any:
            _require_read(args)
            try:
                return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
            except redis.exceptions.NoPermissionError as error:
                said = str(error).partition("\n")[0]
                raise UnknownError(f"{said}; grant it: ACL SETUSER NAME +{str(args[0]).lower()}") from None

        def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
            return ReadOnlyPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)

    return ReadOnlyRedis


kind = Kind("redis", RedisServer, "a Redis server", _connect)


def info(redis: Redis, section: str) -> dict[str, Any]:
    """Return a section of INFO. Raises UnknownError where the server says nothing there."""
    said = redis.info(section)
    if not isinstance(said, dict) or (not said and section != "keyspace"):
        raise UnknownError(f"INFO {section} says nothing; see whether the url leads to Redis itself")
    return said
