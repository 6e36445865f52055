"""What an engine keeps on its disk, and how much of that it could give back."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...core.errors import UnknownError
from .._kind import Output
from ._shell import DISK, answered
from ._stats import size
from ._target import Engine, kind
from ._why import EngineError, understood

DISK_TIMEOUT_S = 120
"""An engine walks through all that it keeps, which takes it minutes where that is much."""
_PAUSE_S = 0.5
"""An engine answers this question to one at a time."""
_NAMES = ("images", "containers", "volumes", "build cache")


@dataclass(frozen=True, slots=True)
class Share:
    """One sort of what an engine keeps: images, containers, volumes or build cache. In bytes."""

    name: str
    used: int
    reclaimable: int


@dataclass(frozen=True, slots=True)
class Disk:
    """What an engine keeps on its disk, in bytes, by sort."""

    shares: tuple[Share, ...]

    @property
    def used(self) -> int:
        """All of it."""
        return sum(share.used for share in self.shares)

    @property
    def reclaimable(self) -> int:
        """What is in use by nothing."""
        return sum(share.reclaimable for share in self.shares)

    @property
    def percent(self) -> float:
        """What is in use by nothing, of all."""
        return 100 * self.reclaimable / self.used if self.used else 0.0

    @property
    def most(self) -> str:
        """The sort that has most of what is in use by nothing."""
        return max(self.shares, key=lambda share: share.reclaimable).name


@kind.probe(timeout_s=DISK_TIMEOUT_S)
def disk(engine: Engine, *, timeout_s: float) -> Disk:
    """What the engine keeps on its disk, and what of it nothing uses, as `docker system df` counts it."""
    import docker.errors

    client, until = engine.client, time.monotonic() + timeout_s
    while (left := until - time.monotonic()) > 0:
        try:
            answer = client.get(f"{client.base_url}/v{client.api_version}/system/df", timeout=left)
        except docker.errors.APIError as refusal:
            if "already running" not in str(refusal):
                raise
            time.sleep(_PAUSE_S)
            continue
        except EngineError:
            if time.monotonic() < until:
                raise
            break
        with understood("/system/df"):
            return Disk(tuple(from_api(answer.json())))
    raise UnknownError(f"the engine did not answer within {timeout_s:g} s; give it a longer `timeout`")


@kind.through_host(disk, DISK)
def _disk_there(output: Output) -> Disk:
    """The same, of the host's docker command, which prints four digits of each size."""
    return Disk(tuple(from_cli(answered(output))))


def from_api(data: Mapping[str, Any]) -> Iterable[Share]:
    """Read an engine's answer; from version 1.52 of its API on the engine itself adds up."""
    for name, key in zip(_NAMES, ("ImageUsage", "ContainerUsage", "VolumeUsage", "BuildCacheUsage"), strict=True):
        if isinstance(each := data.get(key), Mapping):
            yield Share(name, int(each.get("TotalSize") or 0), max(0, int(each.get("Reclaimable") or 0)))
    if "LayersSize" not in data:
        return
    images, layers = data.get("Images") or (), int(data.get("LayersSize") or 0)
    unique = sum(each["Size"] - each["SharedSize"] for each in images if each["Containers"] and each["SharedSize"] >= 0)
    yield Share("images", layers, max(0, layers - unique))
    containers = [(int(each.get("SizeRw") or 0), each["State"]) for each in data.get("Containers") or ()]
    stopped = sum(size for size, state in containers if state not in ("running", "paused", "restarting"))
    yield Share("containers", sum(size for size, _ in containers), stopped)
    volumes = [each.get("UsageData") or {} for each in data.get("Volumes") or ()]
    sizes = [(max(0, int(each.get("Size", -1))), each.get("RefCount")) for each in volumes]
    yield Share("volumes", sum(size for size, _ in sizes), sum(size for size, used in sizes if used == 0))
    cache = [each for each in data.get("BuildCache") or () if not each.get("Shared")]
    yield Share(
        "build cache",
        sum(int(each["Size"]) for each in cache),
        sum(int(each["Size"]) for each in cache if not each.get("InUse")),
    )


def from_cli(lines: Iterable[str]) -> Iterable[Share]:
    """Read the lines of `docker system df`: the sort, its size, and what nothing uses of it, as `1.2GB (60%)`."""
    for line in lines:
        name, used, reclaimable = line.split(";")
        known, free = size(used), size(re.sub(r"\s*\(.*", "", reclaimable).lstrip("-"))
        if known is None or free is None:
            raise UnknownError(f"docker system df said what can't be read: {line!r}")
        yield Share(name.lower().removeprefix("local "), known, 0 if reclaimable.startswith("-") else free)
