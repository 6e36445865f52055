"""Redis: what INFO, DBSIZE and SCAN say of a server, read without KEYS and without a write."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...core.errors import UnknownError
from ...core.units import rate_unit
from .._kind import Reach
from .._types import SampleParam
from ._keys import keys, keys_matching, keys_without_ttl
from ._safety import last_save, replication
from ._server import Info, RedisServer, info, kind, ping, setting

if TYPE_CHECKING:
    from redis import Redis

__all__ = [
    "RedisServer",
    "clients",
    "evicted",
    "hit_rate",
    "keys",
    "keys_matching",
    "keys_without_ttl",
    "kind",
    "last_save",
    "maxmemory_policy",
    "memory",
    "reachable",
    "replication",
    "version",
]


@kind.probe()
def reachable(redis: Redis) -> Reach:
    """The server answers PING: with PONG, or why it takes no writes."""
    return Reach(ping(redis))


@kind.probe()
def version(redis: Redis) -> str:
    """redis_version of INFO server: the version that it is, or says that it can stand for."""
    return str(info(redis, "server")["redis_version"])


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory in bytes: what Redis has allocated (used_memory), and its bound (maxmemory), None where it has none.

    `told` is False where the server does not say whether it has a bound.
    """

    used: int
    maximum: int | None
    told: bool = True

    @property
    def used_percent(self) -> float | None:
        """Used, of the bound; None without one."""
        return 100 * self.used / self.maximum if self.maximum else None


@kind.probe()
def memory(redis: Redis) -> Memory:
    """used_memory of INFO memory, and maxmemory: of that too (before 4 it had none), else of CONFIG."""
    section = info(redis, "memory")
    maximum = _maxmemory(redis, section)
    return Memory(section.number("used_memory"), maximum or None, maximum is not None)


def _maxmemory(redis: Redis, section: Info) -> int | None:
    if "maxmemory" in section:
        return section.number("maxmemory")
    configured = setting(redis, "maxmemory")
    return int(configured) if configured is not None and configured.isdigit() else None


@dataclass(frozen=True, slots=True)
class MaxmemoryPolicy:
    """What is evicted where memory is full; without maxmemory nothing ever is (`bounded` is False)."""

    policy: str
    bounded: bool


@kind.probe()
def maxmemory_policy(redis: Redis) -> MaxmemoryPolicy:
    """maxmemory_policy and maxmemory of INFO memory, which is open where CONFIG is not."""
    section = info(redis, "memory")
    return MaxmemoryPolicy(str(section["maxmemory_policy"]), _maxmemory(redis, section) != 0)


@dataclass(frozen=True, slots=True)
class Clients:
    """Connected clients beside the one that asks, those of them that wait in a blocking command, and maxclients."""

    connected: int
    blocked: int | None
    maximum: int | None

    @property
    def percent(self) -> float | None:
        """Connected, of maxclients; None where the server does not say that (before 6.2)."""
        return 100 * self.connected / self.maximum if self.maximum else None


@kind.probe()
def clients(redis: Redis) -> Clients:
    """connected_clients, blocked_clients and maxclients of INFO clients."""
    section = info(redis, "clients")
    return Clients(
        max(0, section.number("connected_clients") - 1),
        section.number("blocked_clients") if "blocked_clients" in section else None,
        section.number("maxclients") if "maxclients" in section else None,
    )


@dataclass(frozen=True, slots=True)
class HitRate:
    """Look-ups that found their key, and those that did not: in `sample_s` seconds, or (None) since the start."""

    hits: int
    misses: int
    sample_s: float | None = None
    server: str | None = None
    """The run_id of INFO server: another one has started counting again. None where a server like Redis has none."""

    @property
    def percent(self) -> float | None:
        """Hits of all look-ups; None where there were none."""
        return 100 * self.hits / (self.hits + self.misses) if self.hits + self.misses else None


@kind.probe()
def hit_rate(redis: Redis, *, sample: SampleParam = None) -> HitRate:
    """keyspace_hits and keyspace_misses of INFO stats.

    sample: over how long to count, between two looks; by default since the server's start.
    """
    counted = _counted(redis, ("keyspace_hits", "keyspace_misses"), sample)
    return HitRate(counted["keyspace_hits"], counted["keyspace_misses"], sample, info(redis, "server").get("run_id"))


@dataclass(frozen=True, slots=True)
class Evicted:
    """Keys evicted in the last N seconds: a number, or a rate where the limit is one."""

    keys: int
    seconds: float
    sampled: bool
    value: float
    unit: str
    server: str | None = None
    """The run_id of INFO server: another one has started counting again. None where a server like Redis has none."""


@kind.probe()
def evicted(redis: Redis, *, sample: SampleParam = None, window_s: int | None = None) -> Evicted:
    """evicted_keys of INFO stats.

    sample: over how long to count, between two looks; by default since the server's start. A rate is that of the whole
    time; of a server younger than the rate's window, all that it has evicted.
    """
    count = _counted(redis, ("evicted_keys",), sample)["evicted_keys"]
    server = info(redis, "server").get("run_id")
    if window_s is None:
        return Evicted(count, sample or _uptime(redis), sample is not None, count, "", server)
    seconds = sample or max(_uptime(redis), window_s)
    return Evicted(count, seconds, sample is not None, count * window_s / seconds, rate_unit(window_s), server)


def _counted(redis: Redis, names: tuple[str, ...], sample: float | None) -> Mapping[str, int]:
    """Return by how much counters have grown over a sample, or since the server's start."""
    first = info(redis, "stats")
    if sample is None:
        return {name: first.number(name) for name in names}
    time.sleep(sample)
    last = info(redis, "stats")
    grown = {name: last.number(name) - first.number(name) for name in names}
    if any(count < 0 for count in grown.values()):
        raise UnknownError("the server's counters were reset while they were watched: a restart, or CONFIG RESETSTAT")
    return grown


def _uptime(redis: Redis) -> float:
    return float(info(redis, "server").number("uptime_in_seconds"))
