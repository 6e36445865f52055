"""The keys of a Redis database: how many there are, how many of a pattern, and how many that never expire."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator

from ...core.errors import UnknownError
from ...core.ladders import Ladder
from .._types import LadderParam, measured_in
from ._server import info, kind, number

if TYPE_CHECKING:
    from redis import Redis

MOST_MATCHES = 250_000
"""Keys are told apart by their names, for SCAN may give one twice. At most this many are kept."""
MOST_BYTES_OF_NAMES = 16_000_000
_PAGE = 1000
_RESERVE_S = 1.0
"""How long before the time limit a search ends, so that it can still say how far it has come."""


def _table(value: Any) -> Any:
    if not isinstance(value, Mapping) or "" in value:
        raise ValueError("it says patterns and how many keys match each, for example { 'income:*' = '> 0' }")
    return value


Patterns = Annotated[dict[str, Annotated[LadderParam, measured_in("")]], BeforeValidator(_table)]
"""How many keys should match, by pattern."""


def enough(patterns: Mapping[str, Ladder]) -> dict[str, float]:
    """Return of each pattern the number beyond which all its limits are decided."""
    return {pattern: ladder.largest for pattern, ladder in patterns.items()}


@kind.probe()
def keys(redis: Redis) -> int:
    """How many keys the database of the url holds (DBSIZE)."""
    return number(redis.dbsize(), "the answer to DBSIZE")


@dataclass(frozen=True, slots=True)
class Matching:
    """How many keys match a pattern; where there are `more`, these are not counted."""

    pattern: str
    count: int
    more: bool


@kind.probe(timeout_s=20)
def keys_matching(redis: Redis, *, patterns: Mapping[str, float], timeout_s: float) -> tuple[Matching, ...]:
    """How many keys match each of these patterns, as KEYS would have them, found with SCAN.

    Of a pattern they are counted until there are more than its number.
    """
    until = time.monotonic() + timeout_s - min(_RESERVE_S, timeout_s / 2)
    return tuple(_matching(redis, pattern, enough, until) for pattern, enough in patterns.items())


def _matching(redis: Redis, pattern: str, enough: float, until: float) -> Matching:
    found: set[bytes | str] = set()
    cursor = seen = size = 0
    while True:
        cursor, page = redis.scan(cursor, match=pattern, count=_PAGE)
        found.update(page)
        seen += _PAGE
        size += sum(map(len, page))
        if not cursor or len(found) > enough:
            return Matching(pattern, len(found), bool(cursor))
        if len(found) > MOST_MATCHES or size > MOST_BYTES_OF_NAMES or time.monotonic() > until:
            raise UnknownError(
                f"{len(found)} keys match {pattern} among the first {seen} of {redis.dbsize()}, and the search ended "
                "there; set a longer timeout, or count a part: a longer pattern, another database"
            )


@dataclass(frozen=True, slots=True)
class Persistent:
    """How many keys of the database have no expiry, and how many keys it has."""

    count: int
    keys: int

    @property
    def percent(self) -> float:
        """Keys without an expiry, of all; 0 where there is no key, for then none stays for ever."""
        return 100 * self.count / self.keys if self.keys else 0.0


@kind.probe()
def keys_without_ttl(redis: Redis) -> Persistent:
    """INFO keyspace's keys less its expires, of the database of the url."""
    database = redis.connection_pool.connection_kwargs.get("db") or 0
    section = info(redis, "keyspace").get(f"db{database}", {"keys": 0, "expires": 0})
    if not isinstance(section, dict) or not {"keys", "expires"} <= section.keys():
        raise UnknownError("INFO keyspace does not say how many keys have an expiry; switch this check off for it")
    keys, expiring = (number(section[name], f"{name} of INFO keyspace") for name in ("keys", "expires"))
    return Persistent(keys - expiring, keys)
