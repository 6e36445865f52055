"""How much of processors and memory containers use, as `docker stats` counts it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ._containers import Container

_SIZE = re.compile(r"(\d+(?:\.\d+)?(?:e[+-]\d+)?)\s*([kKMGTP]?)(i?)B\Z")
_STEPS = " KMGTP"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a running container uses; None where the engine has no figure.

    `memory` and `memory_bound` are in bytes; the bound is the container's own limit, or the memory of the host where
    `limited` is False. `cpu` is in percent, and 100 % is one processor.
    """

    container: str
    memory: int | None
    memory_bound: int | None
    limited: bool
    cpu: float | None

    @property
    def memory_percent(self) -> float | None:
        """Memory, of its bound."""
        return 100 * self.memory / self.memory_bound if self.memory is not None and self.memory_bound else None


def from_api(container: Container, data: Mapping[str, Any]) -> Usage:
    """Read the two samples that the engine's API gives of a container."""
    memory = data.get("memory_stats") or {}
    used = memory.get("usage")
    bound = container.memory_limit or memory.get("limit")
    return Usage(
        container.name,
        _without_cache(used, memory.get("stats") or {}) if used else None,
        int(bound) if bound else None,
        container.memory_limit is not None,
        _cpu(data.get("cpu_stats") or {}, data.get("precpu_stats") or {}),
    )


def _without_cache(used: int, details: Mapping[str, int]) -> int:
    """Leave out what the kernel would give back first of the page cache: cgroup v1 and v2 name it differently."""
    cache = details.get("total_inactive_file", details.get("inactive_file", 0))
    return used - cache if cache < used else used


def _cpu(now: Mapping[str, Any], before: Mapping[str, Any]) -> float | None:
    try:
        spent = now["cpu_usage"]["total_usage"] - before["cpu_usage"]["total_usage"]
        of_all = now["system_cpu_usage"] - before["system_cpu_usage"]
    except (KeyError, TypeError):
        return None
    processors = now.get("online_cpus") or len(now["cpu_usage"].get("percpu_usage") or ())
    return 100 * processors * spent / of_all if of_all > 0 and spent >= 0 and processors else None


def from_cli(container: Container, line: Mapping[str, str] | None) -> Usage:
    """Read a line of `docker stats --format '{{json .}}'`, None where it said nothing of a container.

    It prints four digits of each figure.
    """
    used, _, bound = (line or {}).get("MemUsage", "").partition(" / ")
    cpu = (line or {}).get("CPUPerc", "").rstrip("%")
    return Usage(
        container.name,
        size(used) or None,
        container.memory_limit or size(bound) or None,
        container.memory_limit is not None,
        float(cpu) if re.fullmatch(r"\d+(\.\d+)?", cpu) else None,
    )


def size(text: str) -> int | None:
    """Read a size as docker prints it, `1.2GB` or `3.4MiB`, in bytes; None for what is none."""
    match = _SIZE.match(text.strip())
    if match is None:
        return None
    step = 1024 if match[3] else 1000
    return int(float(match[1]) * step ** _STEPS.index(match[2].upper() or " "))
