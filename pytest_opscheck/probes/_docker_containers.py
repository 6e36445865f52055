"""What an engine says of containers, as values: the same whether its API or its command line was asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..limits import Ladder

PROJECT = "com.docker.compose.project"
_SERVICE = "com.docker.compose.service"
_ONE_OFF = "com.docker.compose.oneoff"
_DEPENDS_ON = "com.docker.compose.depends_on"
_KILLED = 137
"""The exit status of a process that SIGKILL has ended: 128 + 9."""
_LONGEST_ERROR = 200

# What is read of a container, in the shape of the API's own answer. Environment, command, health check and what that
# printed stay behind: they may hold secrets.
TEMPLATE = (
    '{"Id":{{json .Id}},"Name":{{json .Name}},"RestartCount":{{.RestartCount}},'
    '"State":{"Status":{{json .State.Status}},"ExitCode":{{.State.ExitCode}},"OOMKilled":{{.State.OOMKilled}},'
    '"Error":{{json .State.Error}},'
    '"Health":{{with index .State "Health"}}{"Status":{{json .Status}}}{{else}}null{{end}}},'
    '"Config":{"Tty":{{.Config.Tty}},"Labels":{{with .Config.Labels}}{'
    f'"{_SERVICE}":{{{{json (index . "{_SERVICE}")}}}},'
    f'"{_ONE_OFF}":{{{{json (index . "{_ONE_OFF}")}}}},'
    f'"{_DEPENDS_ON}":{{{{json (index . "{_DEPENDS_ON}")}}}}'
    "}{{else}}null{{end}},"
    '"Healthcheck":{{with index .Config "Healthcheck"}}{{with index . "Test"}}'
    '{"Test":[{{json (index . 0)}}]}{{else}}null{{end}}{{else}}null{{end}}},'
    '"HostConfig":{"Memory":{{.HostConfig.Memory}}}}'
)
"""The template with which `docker inspect` prints what `container()` reads, a line a container."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container.

    `state` is the engine's word: created, running, paused, restarting, removing, exited, dead. `health` is healthy,
    unhealthy or starting, None without a health check. `restarts` counts those that the engine's restart policy made
    since the container was created. `memory_limit` is in bytes, None where the container has none of its own. `needs`
    are the services that Compose started before it, each with the condition it waited for.
    """

    id: str
    name: str
    service: str
    state: str
    exit_status: int = 0
    out_of_memory: bool = False
    error: str = ""
    health: str | None = None
    restarts: int = 0
    memory_limit: int | None = None
    tty: bool = False
    one_off: bool = False
    needs: tuple[tuple[str, str], ...] = ()

    @property
    def runs(self) -> bool:
        """Whether it runs; one that is paused or being restarted does not."""
        return self.state == "running"

    @property
    def healthy(self) -> bool:
        """Whether it runs and its health check says healthy."""
        return self.runs and self.health == "healthy"

    @property
    def described(self) -> str:
        """Its state as a message says it, with what is known of the reason."""
        why = ", out of memory" if self.out_of_memory else ", killed" if self.exit_status == _KILLED else ""
        match self.state:
            case "exited" | "dead":
                text = f"{self.state} with status {self.exit_status}{why}"
            case "restarting":
                text = f"restarting after exit status {self.exit_status}{why}"
            case _:
                text = self.state
        return f"{text} ({self.error})" if self.error else text

    @property
    def health_described(self) -> str:
        """Its health as a message says it: of one that does not run, why."""
        return self.described if not self.runs else self.health or "without a health check"


@dataclass(frozen=True, slots=True)
class Service:
    """A service and its containers, of which there may be none.

    `job` says that another service waits for this one to complete (Compose's `service_completed_successfully`), so that
    an end with status 0 is what is expected of it.
    """

    name: str
    containers: tuple[Container, ...] = ()
    job: bool = False

    @property
    def completed(self) -> bool:
        """Whether it is a job, and each of its containers has ended with status 0."""
        ended = [container.state == "exited" and container.exit_status == 0 for container in self.containers]
        return self.job and bool(ended) and all(ended)

    @property
    def state(self) -> str:
        """`running` where at least one container runs, `missing` without any, `completed`, or what they do instead."""
        if not self.containers:
            return "missing"
        if any(container.runs for container in self.containers):
            return "running"
        if self.completed:
            return "completed"
        return " and ".join(dict.fromkeys(container.described for container in self.containers))

    @property
    def healthy(self) -> bool:
        """Whether there are containers, and all of them run and are healthy."""
        return bool(self.containers) and all(container.healthy for container in self.containers)

    @property
    def health_described(self) -> str:
        """What its containers' health is, as a message says it."""
        if not self.containers:
            return "missing"
        return " and ".join(dict.fromkeys(container.health_described for container in self.containers))


@dataclass(frozen=True, slots=True)
class Stack:
    """The containers of a target, one-off ones (`docker compose run`) left out.

    `by` and `values` say how they were looked for: project, name or label.
    """

    by: str
    values: tuple[str, ...]
    containers: tuple[Container, ...]

    @classmethod
    def of(cls, by: str, values: Iterable[str], inspected: Iterable[Mapping[str, Any]]) -> Stack:
        """Make a stack of what `docker inspect` says of its containers."""
        values = tuple(values)
        found = {each.id: each for each in (container(said, by_service=by == "project") for said in inspected)}
        kept = [each for each in found.values() if not (each.one_off and by == "project")]
        if by == "name":  # the engine takes the start of an id for a name
            kept = [each for each in kept if each.name in values]
        return cls(by, values, tuple(sorted(kept, key=lambda each: each.name)))

    @property
    def described(self) -> str:
        """What was looked for, as a message says it."""
        return f"{self.by} {', '.join(self.values)}"

    def services(self, wanted: tuple[str, ...] = ()) -> tuple[Service, ...]:
        """Return the services, or those that are wanted, by name.

        A container that was found by its name or a label is a service of its own. A service that is wanted or named in
        the inventory, or that another one of the project depends on, is there also where it has no container (but for
        jobs: those that have ended are often pruned). So is the target itself where nothing was found.
        """
        by_name: dict[str, list[Container]] = {}
        for each in self.containers:
            by_name.setdefault(each.service, []).append(each)
        needs = [need for each in self.containers for need in each.needs]
        jobs = {service for service, condition in needs if condition == "service_completed_successfully"}
        expected = {service for service, _ in needs if service not in jobs} | set(
            self.values if self.by == "name" else ()
        )
        names = wanted or sorted({*by_name, *expected})
        found = [Service(name, tuple(by_name.get(name, ())), name in jobs) for name in names]
        return tuple(found) or (Service(self.described),)


def container(said: Mapping[str, Any], *, by_service: bool) -> Container:
    """Read a container out of what `docker inspect` says of it."""
    state, config = said["State"], said["Config"]
    labels = config.get("Labels") or {}
    name = said["Name"].lstrip("/")
    return Container(
        id=said["Id"],
        name=name,
        service=(labels.get(_SERVICE) if by_service else None) or name,
        state=state["Status"],
        exit_status=int(state.get("ExitCode") or 0),
        out_of_memory=bool(state.get("OOMKilled")),
        error=_first_line(state.get("Error") or ""),
        health=_health(state, config),
        restarts=int(said.get("RestartCount") or 0),
        memory_limit=int(said["HostConfig"].get("Memory") or 0) or None,
        tty=bool(config.get("Tty")),
        one_off=str(labels.get(_ONE_OFF)).lower() == "true",
        needs=_needs(labels.get(_DEPENDS_ON) or "") if by_service else (),
    )


def _health(state: Mapping[str, Any], config: Mapping[str, Any]) -> str | None:
    """Return what the health check says, None without one: an image may have one that the container switches off."""
    said = (state.get("Health") or {}).get("Status")
    if said and said != "none":
        return str(said)
    test = (config.get("Healthcheck") or {}).get("Test") or ["NONE"]
    return None if test[0] == "NONE" else "starting"


def _needs(label: str) -> tuple[tuple[str, str], ...]:
    """Read Compose's label of what a service depends on: `db:service_healthy:false,migrate:service_started`."""
    fields = [entry.split(":") for entry in label.split(",") if entry.strip()]
    return tuple((entry[0].strip(), entry[1] if len(entry) > 1 else "") for entry in fields)


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0][:_LONGEST_ERROR] if lines else ""


@dataclass(frozen=True, slots=True)
class Health:
    """The services with their containers' health, and how many of them are expected to be healthy."""

    services: tuple[Service, ...]
    count: Ladder | None

    @property
    def checked(self) -> tuple[Container, ...]:
        """The containers that have a health check, but for jobs that have completed."""
        found = (each for service in self.services if not service.completed for each in service.containers)
        return tuple(each for each in found if each.health is not None)

    @property
    def healthy(self) -> int:
        """How many services are healthy: they have containers, all of which run and are healthy."""
        return sum(service.healthy for service in self.services)
