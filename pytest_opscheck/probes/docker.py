"""Containers: what a Docker engine says of them, through its API or, on a host, through its command line."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ..limits import Ladder
from ..patterns import PatternError
from ._docker_containers import PROJECT, Container, Health, Service, Stack
from ._docker_engine import connected, side_by_side
from ._docker_logs import LogLines, count_lines, opened
from ._docker_shell import ERRORS, INSPECT, REACHABLE, STATS, answered, portable, stack_of, tagged
from ._docker_stats import Usage, from_api, from_cli
from ._kind import BlockedError, Kind, Output, Reach, Target, UnknownError, UnreachableError
from ._types import LadderParam

if TYPE_CHECKING:
    from docker import APIClient

LOGS_TIMEOUT_S = 120
LOGS_AT_ONCE = 4
"""Logs read side by side: the engine reads each with one processor, and counting here has one for all of them."""
MAX_BYTES = 1_000_000
_NAME = re.compile(r"/?([A-Za-z0-9][A-Za-z0-9_.-]+)")
_SCHEMES = ("unix://", "tcp://", "http://", "https://")
_DAY = 86400


def _name(said: str) -> str:
    match = _NAME.fullmatch(said)
    if match is None:
        raise ValueError(f"{said!r} can't be a container's name")
    return match[1]


def _labels(said: object) -> object:
    """Return labels as docker's own filters say them: `key` or `key=value`."""
    return [f"{key}={value}" for key, value in said.items()] if isinstance(said, Mapping) else said


def _label(said: str) -> str:
    if not said.partition("=")[0].strip():
        raise ValueError(f"{said!r} is no label; say 'key' or 'key=value'")
    return said


def _engine_url(url: str) -> str:
    if url.startswith("ssh://"):
        raise ValueError("name that machine as [host.NAME], and say on = 'NAME' instead of a url")
    if not url.startswith(_SCHEMES):
        raise ValueError("an engine's url is for example unix:///run/docker.sock or tcp://10.0.0.5:2376")
    return url


class Containers(Target):
    """Containers of one Docker engine."""

    project: str | None = Field(
        None, min_length=1, description="a Compose project: docker compose ls shows their names"
    )
    names: tuple[Annotated[str, AfterValidator(_name)], ...] | None = Field(
        default=None, description="names of containers"
    )
    labels: Annotated[tuple[Annotated[str, AfterValidator(_label)], ...] | None, BeforeValidator(_labels)] = Field(
        default=None, description="labels that the containers have, all of them: 'key', 'key=value', or a table"
    )
    on: str | None = Field(
        None, min_length=1, description="the host target whose docker command is asked; by default the local engine is"
    )
    url: Annotated[str, AfterValidator(_engine_url)] | None = Field(
        None,
        description="the engine, such as unix:///run/user/1000/docker.sock; by default DOCKER_HOST or the local one",
    )

    @model_validator(mode="after")
    def _says_which(self) -> Containers:
        said = [key for key in ("project", "names", "labels") if getattr(self, key) is not None]
        if len(said) != 1:
            instead = f"not {' and '.join(said)}" if said else "to say which containers are meant"
            raise ValueError(f"one of project, names or labels is needed, {instead}")
        if not getattr(self, said[0]):
            raise ValueError(f"{said[0]} is empty: nothing would be checked")
        if self.on is not None and self.url is not None:
            raise ValueError("on and url are two ways to one engine; keep one of them")
        return self

    def host(self) -> str | None:
        """Return the host whose docker command is asked, None for the engine's own API."""
        return self.on

    @property
    def by(self) -> tuple[str, tuple[str, ...]]:
        """How the containers are found: project, name or label, and which."""
        if self.project is not None:
            return "project", (self.project,)
        return ("name", self.names) if self.names is not None else ("label", self.labels or ())


class Engine:
    """An engine's client, and the containers of a target as they were when they were first asked for.

    So all checks of a run judge the same moment, and the engine is asked once.
    """

    def __init__(self, client: APIClient, target: Containers) -> None:
        self.client = client
        self._target = target

    @cached_property
    def stack(self) -> Stack:
        """The target's containers: one list, and an inspection of each."""
        by, values = self._target.by
        if by == "name":
            found: Iterable[str] = values
        else:
            labels = [f"{PROJECT}={value}" if by == "project" else value for value in values]
            found = [each["Id"] for each in self.client.containers(all=True, filters={"label": labels})]
        inspected = side_by_side(self._inspected, found)
        return Stack.of(by, values, (said for said in inspected if said is not None))

    def _inspected(self, container: str) -> Mapping[str, Any] | None:
        """Return what the engine says of a container, None of one that is not there (any more)."""
        import docker.errors

        try:
            said: Mapping[str, Any] = self.client.inspect_container(container)
        except docker.errors.NotFound:
            return None
        return said


@contextmanager
def _connect(target: Containers, timeout_s: float) -> Iterator[Engine]:
    if target.on is not None:
        raise UnreachableError(
            f"it is reached through [host.{target.on}]; ask that host's docker command instead: host.docker(NAME)"
        )
    with connected(target.url, timeout_s) as client:
        yield Engine(client, target)


kind = Kind(
    "docker", Containers, "containers of a Docker engine: a Compose project, or some by name or label", _connect
)


def _where(target: Containers) -> tuple[str, ...]:
    by, values = target.by
    return (by, *values)


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
def up(engine: Engine, *, services: tuple[str, ...] = ()) -> tuple[Service, ...]:
    """The services, or those that are named, with their containers."""
    return engine.stack.services(services)


@kind.through_host(up, INSPECT, args=_where, max_bytes=MAX_BYTES)
def _up_there(output: Output, *, services: tuple[str, ...]) -> tuple[Service, ...]:
    """The same, of the host's docker command."""
    return stack_of(answered(output)).services(services)


def _count(ladder: Ladder) -> Ladder:
    if any(rung.limit.dimension != "count" for rung in ladder.rungs):
        raise ValueError("it is a number of services, for example 8 or '>= 8'")
    return ladder


Count = Annotated[LadderParam, AfterValidator(_count)]


@kind.probe()
def healthy(engine: Engine, *, count: Count | None = None) -> Health:
    """The health of the services' containers."""
    return _health(engine.stack, count)


@kind.through_host(healthy, INSPECT, args=_where, max_bytes=MAX_BYTES)
def _healthy_there(output: Output, *, count: Count | None) -> Health:
    """The same, of the host's docker command."""
    return _health(stack_of(answered(output)), count)


def _health(stack: Stack, count: Ladder | None) -> Health:
    health = Health(stack.services(), count)
    if count is None:
        _require_containers(stack)
        if not health.checked:
            raise UnknownError(
                "no container has a health check; give the Compose file a healthcheck:, or say healthy = false"
            )
    return health


def _require_containers(stack: Stack) -> None:
    if not stack.containers:
        raise BlockedError("up", f"no container of {stack.described} is there")


def _running(stack: Stack) -> list[Container]:
    _require_containers(stack)
    running = [container for container in stack.containers if container.runs]
    if running:
        return running
    if all(service.completed for service in stack.services()):
        raise UnknownError("no container runs any more: all of them are jobs that have completed")
    raise BlockedError("up", f"no container of {stack.described} runs")


@kind.probe()
def restarts(engine: Engine) -> tuple[Container, ...]:
    """The containers, with how often each was restarted."""
    _require_containers(engine.stack)
    return engine.stack.containers


@kind.through_host(restarts, INSPECT, args=_where, max_bytes=MAX_BYTES)
def _restarts_there(output: Output) -> tuple[Container, ...]:
    """The same, of the host's docker command."""
    stack = stack_of(answered(output))
    _require_containers(stack)
    return stack.containers


@kind.probe(timeout_s=30)
def stats(engine: Engine) -> tuple[Usage, ...]:
    """What each running container uses, between two samples a second apart."""
    import docker.errors

    def sampled(container: Container) -> Usage:
        try:
            return from_api(container, engine.client.stats(container.id, stream=False))
        except docker.errors.NotFound:
            return from_api(container, {})

    return tuple(side_by_side(sampled, _running(engine.stack)))


@kind.through_host(stats, STATS, args=_where, max_bytes=MAX_BYTES)
def _stats_there(output: Output) -> tuple[Usage, ...]:
    """The same, of the host's docker command."""
    lines = answered(output)
    running = _running(stack_of(lines))
    said = [json.loads(line) for (line,) in tagged(lines, "stats")]
    by_id = {each["ID"]: each for each in said}
    return tuple(from_cli(container, by_id.get(container.id)) for container in running)


def _regex(said: str) -> str:
    try:
        re.compile(said)
    except re.error as error:
        raise ValueError(f"{said!r} is not a regular expression: {error}") from None
    return said


Regex = Annotated[str, AfterValidator(_regex)]


@kind.probe(timeout_s=LOGS_TIMEOUT_S)
def errors(
    engine: Engine,
    *,
    window_s: int | None = None,
    pattern: Regex = "ERROR",
    ignore: Regex | None = None,
    ignore_case: bool = False,
    services: tuple[str, ...] = (),
) -> LogLines:
    """How many lines of the logs match, by the times at which the engine received them."""
    flags = re.IGNORECASE if ignore_case else re.NOFLAG
    search, drop = re.compile(pattern, flags), re.compile(ignore, flags) if ignore is not None else None
    until = dt.datetime.fromisoformat(engine.client.info()["SystemTime"]).timestamp()
    since = until - (window_s or _DAY)

    def counted(container: Container) -> int | str:
        try:
            with opened(engine.client, container.id, since=since, until=until, timeout_s=LOGS_TIMEOUT_S) as read:
                return count_lines(read, tty=container.tty, pattern=search, ignore=drop)
        except (UnknownError, PatternError) as error:
            return str(error)
        except TimeoutError:
            return f"the engine sent nothing for {LOGS_TIMEOUT_S} s"

    containers = _with_logs(engine.stack, services)
    answers = side_by_side(counted, containers, LOGS_AT_ONCE)
    said = {container.id: answer for container, answer in zip(containers, answers, strict=True)}
    return _log_lines(engine.stack, services, pattern, window_s, said)


def _errors_args(  # noqa: PLR0917 - the probe's parameters
    target: Containers,
    window_s: int | None,
    pattern: str,
    ignore: str | None,
    ignore_case: bool,
    services: tuple[str, ...],
) -> tuple[str, ...]:
    dialect = "-E" if portable(pattern) and portable(ignore or "") else "-P"
    case = "-i" if ignore_case else ""
    return (f"{window_s or _DAY}", case, dialect, pattern, ignore or "", " ".join(services), *_where(target))


@kind.through_host(errors, ERRORS, args=_errors_args, max_bytes=MAX_BYTES)
def _errors_there(
    output: Output,
    *,
    window_s: int | None,
    pattern: str,
    services: tuple[str, ...],
    **_counted_there: object,
) -> LogLines:
    """The same, counted on the host. The host's grep compares letters beyond ASCII byte by byte."""
    lines = answered(output)
    said: dict[str, int | str] = {id_: int(count) for id_, count in tagged(lines, "count", 2)}
    said |= {id_: why.removeprefix("Error response from daemon: ") for id_, why in tagged(lines, "unread", 2)}
    said |= {id_: "docker logs broke off" for (id_,) in tagged(lines, "failed")}
    return _log_lines(stack_of(lines), services, pattern, window_s, said)


def _with_logs(stack: Stack, services: tuple[str, ...]) -> list[Container]:
    return [container for container in stack.containers if not services or container.service in services]


def _log_lines(
    stack: Stack, services: tuple[str, ...], pattern: str, window_s: int | None, said: Mapping[str, int | str]
) -> LogLines:
    """Put the counts together; what has no count is unread, be it a container or a service without one."""
    _require_containers(stack)
    containers = _with_logs(stack, services)
    counts, unread = (
        [],
        [(name, "it has no container") for name in services if not any(c.service == name for c in containers)],
    )
    for container in containers:
        answer = said.get(container.id, "its log was not counted")
        if isinstance(answer, int):
            counts.append((container.name, answer))
        else:
            unread.append((container.name, f"its log can't be read: {answer}"))
    return LogLines(pattern, window_s or _DAY, tuple(counts), tuple(unread))
