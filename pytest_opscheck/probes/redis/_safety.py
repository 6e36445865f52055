"""Whether what a Redis server holds would outlive it: background saves, the append-only file, and replicas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator

from ...core.errors import UnknownError
from ...core.limits import Limit
from .._types import LimitParam
from ._server import Info, info, kind, number, setting

if TYPE_CHECKING:
    from redis import Redis


@dataclass(frozen=True, slots=True)
class LastSave:
    """The last background save: its status, how many changes came after it, and how long ago it was (a start is one).

    `saves` is what redis.conf calls `save`, empty where nothing is ever saved, None where that can't be read;
    `append_only` the status of the last write to the append-only file, None where there is no such file.
    """

    status: str
    changes: int
    seconds: float
    saves: str | None
    append_only: str | None

    @property
    def off(self) -> bool:
        """Whether the server saves nothing by itself."""
        return self.saves == ""

    @property
    def at_risk_s(self) -> float:
        """For how long at most changes have been waiting to be saved, in seconds; 0 where there are none."""
        return self.seconds if self.changes else 0.0


@kind.probe()
def last_save(redis: Redis) -> LastSave:
    """rdb_last_bgsave_status, rdb_changes_since_last_save and rdb_last_save_time of INFO, by the server's own clock."""
    section = info(redis, "persistence")
    return LastSave(
        status=str(section["rdb_last_bgsave_status"]),
        changes=section.number("rdb_changes_since_last_save"),
        seconds=max(0.0, _now(redis) - section.number("rdb_last_save_time")),
        saves=setting(redis, "save"),
        append_only=str(section["aof_last_write_status"]) if section.number("aof_enabled") else None,
    )


def _now(redis: Redis) -> float:
    """Return the server's clock: INFO has it from 6.2 on."""
    section = info(redis, "server")
    if "server_time_usec" in section:
        return section.number("server_time_usec") / 1e6
    seconds, microseconds = redis.time()
    return float(seconds) + float(microseconds) / 1e6


@dataclass(frozen=True, slots=True)
class Link:
    """One end of a replication: who is at the other end, its state, and seconds since that was heard of."""

    to: str
    state: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Replication:
    """What a server is, master or replica, and its links."""

    role: str
    links: tuple[Link, ...]

    @property
    def replicas(self) -> int:
        """How many replicas are in step with this server."""
        return sum(link.state == "online" for link in self.links) if self.role == "master" else 0


def _role(limit: Limit) -> Limit:
    if limit.operator != "==" or limit.operand not in ("master", "replica"):
        raise ValueError(f"it is 'master' or 'replica', not '{limit.operand}'")
    return limit


RoleParam = Annotated[LimitParam, AfterValidator(_role)]
"""What a server has to be."""


@kind.probe()
def replication(redis: Redis) -> Replication:
    """INFO replication."""
    section = info(redis, "replication")
    if section["role"] in ("slave", "replica"):
        return Replication("replica", (_to_master(section),))
    if section["role"] != "master":
        raise UnknownError(f"the server's role is {section['role']!r}, and neither master nor replica")
    found = (section[f"slave{each}"] for each in range(section.number("connected_slaves")) if f"slave{each}" in section)
    return Replication("master", tuple(_to_replica(each) for each in found))


def _to_master(section: Info) -> Link:
    state = str(section["master_link_status"])
    if section.get("master_sync_in_progress", 0) not in (0, "0"):
        state += ", a full copy is under way"
    heard = section.number("master_last_io_seconds_ago")
    return Link(f"its master {section['master_host']}:{section['master_port']}", state, heard if heard >= 0 else None)


def _to_replica(replica: Any) -> Link:
    if not isinstance(replica, dict) or not {"ip", "port", "state", "lag"} <= replica.keys():
        raise UnknownError("INFO replication lists a replica in a form that can't be read; switch this check off")
    lag = number(replica["lag"], "a replica's lag")
    return Link(f"its replica {replica['ip']}:{replica['port']}", str(replica["state"]), float(lag))
