"""Redis: what INFO and DBSIZE say of a server, read without KEYS and without a write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field, SecretStr

from ..secrets import without_password
from ._kind import Kind, Reach, Target, UnknownError, UnreachableError

if TYPE_CHECKING:
    from redis import Redis


class RedisServer(Target):
    """A Redis server."""

    url: SecretStr = Field(description="redis://host:6379/0, rediss:// for TLS, unix:// for a socket")


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
        client.close()
        raise UnreachableError(f"{without_password(url)}: {error}") from None
    except redis.BusyLoadingError as error:
        client.close()
        raise UnreachableError(f"{without_password(url)}: {error}", transient=True) from None
    except (redis.RedisError, OSError) as error:
        client.close()
        raise UnreachableError(f"{without_password(url)}: {error}", transient="reset" in str(error).lower()) from None
    try:
        yield client
    finally:
        client.close()


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


def _read_only_class() -> type[Redis]:
    import redis

    class ReadOnlyRedis(redis.Redis):
        """A client that refuses whatever could change the server, also to a user's own check."""

        def execute_command(self, *args: Any, **options: Any) -> Any:
            words = str(args[0]).lower().split()
            name = words[0]
            second = words[1] if len(words) > 1 else str(args[1]).lower() if len(args) > 1 else ""
            if name not in _READS and f"{name}|{second}" not in _READS:
                raise UnknownError(f"{args[0]} is not among the commands that only read, so it was not sent")
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    return ReadOnlyRedis


kind = Kind("redis", RedisServer, "a Redis server", _connect)


@kind.probe()
def reachable(redis: Redis) -> Reach:
    """The server answers PING."""
    redis.ping()
    return Reach("PONG")


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory in bytes: what Redis has allocated (used_memory), and its bound (maxmemory), None where it has none."""

    used: int
    maximum: int | None

    @property
    def used_percent(self) -> float | None:
        """Used, of the bound; None without one."""
        return 100 * self.used / self.maximum if self.maximum else None


@kind.probe()
def memory(redis: Redis) -> Memory:
    """used_memory and maxmemory of INFO memory."""
    info = _info(redis, "memory")
    return Memory(int(info["used_memory"]), int(info["maxmemory"]) or None)


@dataclass(frozen=True, slots=True)
class HitRate:
    """Look-ups that found their key, and those that did not, since the server's start or CONFIG RESETSTAT."""

    hits: int
    misses: int

    @property
    def percent(self) -> float | None:
        """Hits of all look-ups; None where there were none."""
        return 100 * self.hits / (self.hits + self.misses) if self.hits + self.misses else None


@kind.probe()
def hit_rate(redis: Redis) -> HitRate:
    """keyspace_hits and keyspace_misses of INFO stats."""
    info = _info(redis, "stats")
    return HitRate(int(info["keyspace_hits"]), int(info["keyspace_misses"]))


@kind.probe()
def keys(redis: Redis) -> int:
    """How many keys the database of the url holds (DBSIZE)."""
    return int(redis.dbsize())


def _info(redis: Redis, section: str) -> dict[str, Any]:
    info = redis.info(section)
    if not isinstance(info, dict) or not info:
        raise UnknownError(f"INFO {section} says nothing; the user of the url needs: ACL SETUSER NAME +info")
    return info
