"""What has happened to containers: how long they took to become healthy, and whether they ran out of memory."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from ...core.ladders import Ladder
from ...core.units import parse_time
from .._kind import Output
from .._types import LadderParam, of_amounts
from ._containers import Container, Stack
from ._shell import OOM, RECOVERY, answered, stack_of, tagged
from ._target import MAX_BYTES, Containers, Engine, kind, require_containers, where
from ._why import understood

RECOVERY_TIMEOUT_S = 90
_MARGIN_S = 10
"""How much of its time limit the probe keeps for asking, while it waits for a container to become healthy."""
_PAUSE_S = 0.5
_LOG_LENGTH = 5
"""How many of a container's health checks the engine keeps."""
_NEAR_S = 5
"""How far the event of a start may be from the time that the engine notes as its start."""
_DAY = 86400


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the engine remembers of a container, and when, in seconds since 1970."""

    container: str
    action: str
    time: float


@dataclass(frozen=True, slots=True)
class Recovered:
    """How many seconds a container took from its start to its first successful health check.

    `seconds` is None where that cannot be told, for which `why` gives the reason. `at_most` says that it may have been
    less, for the engine has forgotten the beginning; `state` is how it is while it is not healthy yet.
    """

    container: str
    seconds: float | None
    why: str | None = None
    at_most: bool = False
    state: str = "healthy"

    @property
    def observed(self) -> str:
        """The time as a message says it."""
        if self.state != "healthy":
            return f"not over after {self.seconds:.0f} s ({self.state})"
        return f"{self.seconds:.1f} s" + (" or less" if self.at_most else "")


@dataclass(frozen=True, slots=True)
class Recovery:
    """The containers that were started in the last `back_s` seconds."""

    containers: tuple[Recovered, ...]
    back_s: float


def _times(ladder: Ladder) -> Ladder:
    if any(rung.limit.dimension != "duration" or rung.limit.operator not in ("<", "<=") for rung in ladder.rungs):
        raise ValueError("it must be a maximum duration, for example '< 60s'")
    return of_amounts(ladder)


TimeLimits = Annotated[LadderParam, AfterValidator(_times)]
"""How long it may take at most."""


def longest(within: Ladder) -> float:
    """Return the seconds after which all limits are broken."""
    return within.largest


def _seconds(value: object) -> float:
    return value if isinstance(value, float) else parse_time(value)  # the default is in seconds


Seconds = Annotated[float, BeforeValidator(_seconds)]


@kind.probe(timeout_s=RECOVERY_TIMEOUT_S)
def recovery(
    engine: Engine,
    *,
    within: float,
    since: Seconds = 3600.0,
    services: tuple[str, ...] = (),
    timeout_s: float,
) -> Recovery:
    """How long the containers that were started in the last hour, or `since`, took to become healthy.

    One that is not yet healthy is waited for until it has run for `within` seconds, or until the probe's own time ends.
    """
    until = time.monotonic() + _patience(within, timeout_s)
    stack, began = engine.stack, engine.now
    now = began
    while any(_waits(each, now, within) for each in stack.of_services(services)) and time.monotonic() < until:
        time.sleep(_PAUSE_S)
        stack, now = engine.look(), engine.now
    events = _events(engine, began - since - _NEAR_S, now, "health_status", "start")
    return _recovery(stack, began, now, events, since, services)


def _patience(within: float, timeout_s: float) -> float:
    return min(within + 1, max(1.0, timeout_s - _MARGIN_S))


def _waits(container: Container, now: float, longest: float) -> bool:
    """Tell whether a container may still become healthy in time."""
    unready = container.runs and container.health in ("starting", "unhealthy")
    return unready and container.started is not None and now - container.started <= longest


def _recovery_args(
    target: Containers, within: float, since: float, services: tuple[str, ...], timeout_s: float
) -> tuple[str, ...]:
    return (f"{since:.0f}", f"{_patience(within, timeout_s):.0f}", " ".join(services), *where(target))


@kind.through_host(recovery, RECOVERY, args=_recovery_args, max_bytes=MAX_BYTES)
def _recovery_there(
    output: Output,
    *,
    within: float,  # noqa: ARG001 - the script has waited
    since: float,
    services: tuple[str, ...],
) -> Recovery:
    """The same, of the host's docker command."""
    lines = answered(output)
    began, now = (float(next(tagged(lines, moment), ["0"])[0]) for moment in ("began", "now"))
    return _recovery(stack_of(lines), began, now, _told(lines), since, services)


def _events(engine: Engine, since: float, until: float, *names: str) -> list[Event]:
    """Return what the engine remembers; as `until` is over, it ends its answer there."""
    client = engine.client
    query = {"since": f"{since:.6f}", "until": f"{until:.6f}", "filters": json.dumps({"event": names})}
    answer = client.get(f"{client.base_url}/v{client.api_version}/events", params=query, timeout=client.timeout)
    with understood("/events"):
        events = [json.loads(line) for line in answer.text.splitlines() if line.strip()]
        return [Event(each["Actor"]["ID"], each["Action"], each["timeNano"] / 1e9) for each in events]


def _told(lines: list[str]) -> list[Event]:
    return [Event(id_, action, int(nano) / 1e9) for nano, id_, action in tagged(lines, "event", 3)]


def _recovery(  # noqa: PLR0917 - the probe's parameters
    stack: Stack,
    began: float,
    now: float,
    events: Sequence[Event],
    since: float,
    services: tuple[str, ...],
) -> Recovery:
    """Judge what was started up to `since` before the wait began: at its end that may be longer ago."""
    require_containers(stack)
    jobs = {each.id for service in stack.services() if service.completed for each in service.containers}
    found = [
        _recovered(each, now, [event for event in events if event.container == each.id])
        for each in stack.of_services(services)
        if each.started is not None and began - each.started <= since and each.id not in jobs
    ]
    missing = [Recovered(name, None, "it has no container") for name in services if not stack.of_services((name,))]
    return Recovery((*found, *missing), since)


def _recovered(container: Container, now: float, events: Sequence[Event]) -> Recovered:
    """Find a container's first successful health check since its start, in what the engine still remembers."""
    name, started = container.name, container.started or now
    if not container.runs:
        return Recovered(name, None, f"it is {container.described}")
    if container.health is None:
        return Recovered(name, None, "it has no health check, so it is unknown when it was ready")
    log = [(end, status) for end, status in container.health_log if end >= started]
    successes = [end for end, status in log if status == 0]
    successes += [each.time for each in events if each.action == "health_status: healthy" and each.time >= started]
    # The checks are all there while the engine has no need to drop one; the events, while it knows of the start itself.
    whole = len(container.health_log) < _LOG_LENGTH or len(log) < len(container.health_log)
    remembers = any(each.action == "start" and abs(each.time - started) < _NEAR_S for each in events)
    certain = whole or remembers
    if successes:
        return Recovered(name, max(0.0, min(successes) - started), at_most=not certain)
    if container.health == "healthy":
        return Recovered(name, now - started, at_most=True)
    if not certain:
        return Recovered(name, None, f"it is {container.health}, and the engine forgot whether it was healthy before")
    return Recovered(name, now - started, state=container.health)


@dataclass(frozen=True, slots=True)
class Kills:
    """How often a container ran out of memory, as far as the engine remembers."""

    container: str
    count: int


@kind.probe()
def oom_killed(engine: Engine) -> tuple[Kills, ...]:
    """How often the kernel killed a process of a container because its memory was full."""
    now = engine.now
    return _kills(engine.stack, _events(engine, now - _DAY, now, "oom"))


@kind.through_host(oom_killed, OOM, args=lambda target: (str(_DAY), *where(target)), max_bytes=MAX_BYTES)
def _oom_killed_there(output: Output) -> tuple[Kills, ...]:
    """The same, of the host's docker command."""
    lines = answered(output)
    return _kills(stack_of(lines), _told(lines))


def _kills(stack: Stack, events: Iterable[Event]) -> tuple[Kills, ...]:
    require_containers(stack)
    counts: dict[str, int] = {}
    for event in events:
        counts[event.container] = counts.get(event.container, 0) + 1
    return tuple(Kills(each.name, max(int(each.out_of_memory), counts.get(each.id, 0))) for each in stack.containers)
