"""A Docker target: which containers of which engine are meant, and how the engine is asked for them."""

from __future__ import annotations

import datetime as dt
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ...core.errors import BlockedError, UnknownError, UnreachableError
from .._kind import Kind, Target
from .._trust import of_docker
from ._containers import MOST_OTHERS, PROJECT, Container, Stack, container, without_values
from ._engine import Room, connected, side_by_side
from ._why import understood

if TYPE_CHECKING:
    from docker import APIClient

MAX_BYTES = 1_000_000
"""What a host's docker command may say of all containers."""
LONGEST_STACK = 4_000_000
"""Bytes that are kept of what an engine says of all containers of a target: a few thousand."""
_NAME = re.compile(r"/?([A-Za-z0-9][A-Za-z0-9_.-]+)")
_SCHEMES = ("unix://", "tcp://", "http://", "https://")


def _name(text: str) -> str:
    match = _NAME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} can't be a container's name")
    return match[1]


def _labels(labels: object) -> object:
    """Return labels as docker's own filters say them: `key` or `key=value`."""
    return [f"{key}={value}" for key, value in labels.items()] if isinstance(labels, Mapping) else labels


def _label(text: str) -> str:
    if not text.partition("=")[0].strip():
        raise ValueError(f"{text!r} is not a label; use 'key' or 'key=value'")
    return text


def _engine_url(url: str) -> str:
    if url.startswith("ssh://"):
        raise ValueError("name that machine as [host.NAME], and set on = 'NAME' instead of a url")
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
        default=None, description="labels that the containers must have: 'key', 'key=value', or a table"
    )
    on: str | None = Field(
        None, min_length=1, description="the host target whose docker command is used; by default the local engine"
    )
    url: Annotated[str, AfterValidator(_engine_url)] | None = Field(
        None,
        description="the engine, such as unix:///run/user/1000/docker.sock; by default DOCKER_HOST or the local one",
    )

    @model_validator(mode="after")
    def _says_which(self) -> Containers:
        keys = [key for key in ("project", "names", "labels") if getattr(self, key) is not None]
        if len(keys) != 1:
            instead = f"not {' and '.join(keys)}" if keys else "to say which containers are meant"
            raise ValueError(f"one of project, names or labels is needed, {instead}")
        if not getattr(self, keys[0]):
            raise ValueError(f"{keys[0]} is empty: nothing would be checked")
        if self.on is not None and self.url is not None:
            raise ValueError("on and url are two ways to one engine; keep one of them")
        return self

    def by_hand(self) -> str:
        """Return the command that lists the containers; of a project, first the one that lists those there are."""
        by, values = self.by
        filters = [f"label={PROJECT}={each}" if by == "project" else f"{by}={each}" for each in values]
        listed = shlex.join(["docker", "ps", "-a", *(word for each in filters for word in ("--filter", each))])
        return f"docker compose ls -a; {listed}" if by == "project" else listed

    def host(self) -> str | None:
        """Return the host whose docker command is asked, None for the engine's own API."""
        return self.on

    def unverified(self) -> str | None:
        """Say whether whoever answers is trusted as the engine."""
        return None if self.on is not None else of_docker(self.url)

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
        """The target's containers, as they were when they were first asked for."""
        return self.look()

    def look(self) -> Stack:
        """Return the target's containers as they are now: one list, and an inspection of each."""
        by, values = self._target.by
        if by == "name":
            found: Iterable[str] = values
        else:
            labels = [f"{PROJECT}={value}" if by == "project" else value for value in values]
            listed = self.client.containers(all=True, filters={"label": labels})
            with understood("/containers/json"):
                found = [each["Id"] for each in listed]
        room = Room(LONGEST_STACK)
        containers = [each for each in side_by_side(partial(self._inspected, room), found) if each is not None]
        restarted = any(each.restarts for each in containers)
        others = self._others(by) if len({each.id for each in containers}) < len(values) else ()
        return Stack.of(by, values, containers, self.now if restarted else None, others)

    def _others(self, by: str) -> Iterable[str]:
        """Return the names of projects or containers that there are, one more at most than are told."""
        if by == "label":
            return ()
        listed = self.client.containers(all=True, filters={"label": PROJECT} if by == "project" else None)
        with understood("/containers/json"):
            names = [each["Labels"][PROJECT] if by == "project" else each["Names"][0].lstrip("/") for each in listed]
        return sorted(set(names))[: MOST_OTHERS + 1]

    def _inspected(self, room: Room, name: str) -> Container | None:
        """Return a container as the engine has it, None of one that is not there (any more)."""
        import docker.errors

        try:
            inspected = self.client.inspect_container(name)
        except docker.errors.NotFound:
            return None
        with understood(f"/containers/{name[:12]}/json"):
            found = container(without_values(inspected), self._target.by[0])
        if not room.take(len(repr(found))):
            raise UnknownError(
                f"the engine sends more than {LONGEST_STACK / 1_000_000:g} MB of the target's containers; "
                "let the target mean fewer"
            )
        return found

    @property
    def now(self) -> float:
        """The engine's clock, in seconds since 1970."""
        info = self.client.info()
        with understood("/info"):
            return dt.datetime.fromisoformat(info["SystemTime"]).timestamp()


@contextmanager
def _connect(target: Containers, timeout_s: float) -> Iterator[Engine]:
    if target.on is not None:
        raise UnreachableError(
            f"it is reached through [host.{target.on}]; ask that host's docker command instead: host.docker(NAME)"
        )
    with connected(target.url, timeout_s) as client:
        yield Engine(client, target)


kind = Kind(
    "docker",
    Containers,
    "containers of a Docker engine: a Compose project, or some by name or label",
    _connect,
    libraries=("requests", "docker"),
)


def where(target: Containers) -> tuple[str, ...]:
    """Return the arguments of the scripts that look for a target's containers on a host."""
    by, values = target.by
    return (by, *values)


def require_containers(stack: Stack) -> None:
    """Raise BlockedError where there is none."""
    if not stack.containers:
        raise BlockedError("up", f"no container of {stack.described} is there")


def running(stack: Stack) -> list[Container]:
    """Return the containers that run. Raises BlockedError where there is none, for which `up` fails."""
    require_containers(stack)
    found = [container for container in stack.containers if container.runs]
    if found:
        return found
    if all(service.completed for service in stack.services()):
        raise UnknownError("no container runs any more: all of them are jobs that have completed")
    raise BlockedError("up", f"no container of {stack.described} runs")
