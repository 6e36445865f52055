"""Whether what a Redis server holds would outlive it: background saves, the append-only file, and replicas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator

from ..limits import Ladder, Limit
from ._kind import UnknownError
from ._redis_server import info, kind
from ._types import LadderParam, LimitParam, measured_in

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
    said = info(redis, "persistence")
    now = int(info(redis, "server")["server_time_usec"]) / 1e6
    return LastSave(
        status=str(said["rdb_last_bgsave_status"]),
        changes=int(said["rdb_changes_since_last_save"]),
        seconds=max(0.0, now - int(said["rdb_last_save_time"])),
        saves=_setting(redis, "save"),
        append_only=str(said["aof_last_write_status"]) if int(said["aof_enabled"]) else None,
    )


def _setting(redis: Redis, name: str) -> str | None:
    """Return a setting, None where the server does not let it be read: managed services often don't have CONFIG."""
    import redis as library

    try:
        return str(redis.config_get(name)[name])
    except (library.ResponseError, UnknownError, KeyError):
        return None


@dataclass(frozen=True, slots=True)
class Link:
    """One end of a replication: who is at the other end, its state, and seconds since that was heard of."""

    to: str
    state: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Replication:
    """What a server is, master or replica, its links, and what is expected of role and number of replicas."""

    role: str
    links: tuple[Link, ...]
    expected_role: Limit | None
    expected_replicas: Ladder | None

    @property
    def replicas(self) -> int:
        """How many replicas are in step with this server."""
        return sum(link.state == "online" for link in self.links) if self.role == "master" else 0


def _role(said: Limit) -> Limit:
    if said.operator != "==" or said.operand not in ("master", "replica"):
        raise ValueError(f"it is 'master' or 'replica', not '{said.operand}'")
    return said


@kind.probe()
def replication(
    redis: Redis,
    *,
    role: Annotated[LimitParam, AfterValidator(_role)] | None = None,
    replicas: Annotated[LadderParam, measured_in("")] | None = None,
) -> Replication:
    """INFO replication.

    role: what the server has to be. replicas: how many of them have to be connected and online.
    """
    said = info(redis, "replication")
    if said["role"] == "slave":
        return Replication("replica", (_to_master(said),), role, replicas)
    found = (said[f"slave{number}"] for number in range(int(said["connected_slaves"])) if f"slave{number}" in said)
    return Replication("master", tuple(_to_replica(each) for each in found), role, replicas)


def _to_master(said: dict[str, Any]) -> Link:
    state = str(said["master_link_status"])
    if int(said.get("master_sync_in_progress", 0)):
        state += ", a full copy is under way"
    heard = int(said["master_last_io_seconds_ago"])
    return Link(f"its master {said['master_host']}:{said['master_port']}", state, heard if heard >= 0 else None)


def _to_replica(said: dict[str, Any]) -> Link:
    return Link(f"its replica {said['ip']}:{said['port']}", str(said["state"]), float(said["lag"]))
