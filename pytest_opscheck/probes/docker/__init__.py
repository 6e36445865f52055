"""Containers: what a Docker engine says of them, through its API or, on a host, through its command line."""

from __future__ import annotations

import json
import time
from typing import Any

from ...core.errors import UnknownError
from .._kind import Output, Reach
from ._containers import Container, Health, Service, Stack
from ._disk import disk
from ._engine import side_by_side
from ._exec import exec  # noqa: A004 - the engine's word
from ._history import oom_killed, recovery
from ._lines import errors, logs
from ._settings import env, image, limits, replicas
from ._shell import INSPECT, REACHABLE, STATS, answered, stack_of, tagged
from ._stats import Usage, from_api, from_cli
from ._target import MAX_BYTES, Containers, Engine, kind, require_containers, running, where
from ._why import understood

__all__ = [
    "Containers",
    "Engine",
    "disk",
    "env",
    "errors",
    "exec",
    "healthy",
    "image",
    "kind",
    "limits",
    "logs",
    "oom_killed",
    "reachable",
    "recovery",
    "replicas",
    "restarts",
    "stats",
    "up",
    "version",
]


@kind.probe()
def reachable(engine: Engine) -> Reach:  # noqa: ARG001 - connecting has asked the engine for its version
    """The engine answers."""
    return Reach("engine")


@kind.through_host(reachable, REACHABLE)
def _reachable_there(output: Output) -> Reach:
    """The engine answers the host's docker command."""
    answered(output)
    return Reach("engine")


@kind.probe()
def version(engine: Engine) -> str:
    """The version of the engine, which may not be that of the docker command."""
    versions = engine.client.version()
    with understood("/version"):
        return str(versions["Version"])


@kind.through_host(version, REACHABLE)
def _version_there(output: Output) -> str:
    """The same, of the host's docker command."""
    return "".join(answered(output)[-1:])


@kind.probe()
def up(engine: Engine, *, services: tuple[str, ...] = ()) -> tuple[Service, ...]:
    """The services, or those that are named, with their containers."""
    return engine.stack.services(services)


@kind.through_host(up, INSPECT, args=where, max_bytes=MAX_BYTES)
def _up_there(output: Output, *, services: tuple[str, ...]) -> tuple[Service, ...]:
    """The same, of the host's docker command."""
    return stack_of(answered(output)).services(services)


@kind.probe()
def healthy(engine: Engine, *, counted: bool = False) -> Health:
    """The health of the services' containers; where they are `counted`, there may be none."""
    return _health(engine.stack, counted=counted)


@kind.through_host(healthy, INSPECT, args=where, max_bytes=MAX_BYTES)
def _healthy_there(output: Output, *, counted: bool) -> Health:
    """The same, of the host's docker command."""
    return _health(stack_of(answered(output)), counted=counted)


def _health(stack: Stack, *, counted: bool) -> Health:
    health = Health(stack.services())
    if not counted:
        require_containers(stack)
        if not health.checked:
            raise UnknownError(
                "no container has a health check; give the Compose file a healthcheck:, or set healthy = false"
            )
    return health


@kind.probe()
def restarts(engine: Engine) -> tuple[Container, ...]:
    """The containers, with how often each was restarted."""
    require_containers(engine.stack)
    return engine.stack.containers


@kind.through_host(restarts, INSPECT, args=where, max_bytes=MAX_BYTES)
def _restarts_there(output: Output) -> tuple[Container, ...]:
    """The same, of the host's docker command."""
    stack = stack_of(answered(output))
    require_containers(stack)
    return stack.containers


@kind.probe(timeout_s=30)
def stats(engine: Engine) -> tuple[Usage, ...]:
    """What each running container uses, between two samples a second apart."""
    import docker.errors

    def sampled(container: Container) -> Usage:
        try:
            with understood(f"/containers/{container.id[:12]}/stats"):
                return _sampled(engine, container)
        except docker.errors.NotFound:
            return from_api(container, {})

    return tuple(side_by_side(sampled, running(engine.stack)))


def _sampled(engine: Engine, container: Container) -> Usage:
    first = engine.client.stats(container.id, stream=False)
    usage = from_api(container, first)
    if usage.cpu is not None:
        return usage
    # Podman gives one sample at a time. Docker's first one is now and then without figures, while others ask.
    time.sleep(1)
    second = engine.client.stats(container.id, stream=False)
    return from_api(container, {"precpu_stats": first.get("cpu_stats"), **_without_empty(second)})


def _without_empty(data: dict[str, Any]) -> dict[str, Any]:
    """Leave out the sample before this one where it has no figures."""
    before = data.get("precpu_stats") or {}
    return data if before.get("system_cpu_usage") else {key: data[key] for key in data if key != "precpu_stats"}


@kind.through_host(stats, STATS, args=where, max_bytes=MAX_BYTES)
def _stats_there(output: Output) -> tuple[Usage, ...]:
    """The same, of the host's docker command."""
    lines = answered(output)
    found = running(stack_of(lines))
    samples = [json.loads(line) for (line,) in tagged(lines, "stats")]
    by_id = {each["ID"]: each for each in samples}
    return tuple(from_cli(container, by_id.get(container.id)) for container in found)
