"""What an engine says of containers, as values: the same whether its API or its command line was asked."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

PROJECT = "com.docker.compose.project"
_SERVICE = "com.docker.compose.service"
_ONE_OFF = "com.docker.compose.oneoff"
_DEPENDS_ON = "com.docker.compose.depends_on"
_FEW = 3
_RECENT_S, _LOOPING_S = 60, 600
"""How long at most a container that was restarted a few times, or often, is not yet taken for one that runs."""
_SWARM_SERVICE, _SWARM_TASK = "com.docker.swarm.service.name", "com.docker.swarm.task.name"
_KILLED = 137
"""The exit status of a process that SIGKILL has ended: 128 + 9."""
_LONGEST_ERROR = 200
MOST_OTHERS = 10
"""Names that are told of what there is instead of what was looked for."""

# What is read of a container, in the shape of the API's own answer. The values of its environment, its command, its
# health check and what that printed stay behind: they may hold secrets.
TEMPLATE = (
    '{"Id":{{json .Id}},"Name":{{json .Name}},"Created":{{json .Created}},"Image":{{json .Image}},'
    '"RestartCount":{{.RestartCount}},'
    '"State":{"Status":{{json .State.Status}},"ExitCode":{{.State.ExitCode}},"OOMKilled":{{.State.OOMKilled}},'
    '"Error":{{json .State.Error}},"StartedAt":{{json .State.StartedAt}},'
    '"FinishedAt":{{json .State.FinishedAt}},'
    '"Health":{{with index .State "Health"}}{"Status":{{json .Status}},"Log":['
    "{{range $number, $each := .Log}}{{if $number}},{{end}}"
    '{"End":{{json $each.End}},"ExitCode":{{json $each.ExitCode}}}{{end}}]}{{else}}null{{end}}},'
    '"Config":{"Tty":{{.Config.Tty}},"Image":{{json .Config.Image}},'
    '"Env":[{{range $number, $each := .Config.Env}}{{if $number}},{{end}}{{$words := split $each "="}}'
    '[{{json (index $words 0)}},{{and (gt (len $words) 1) (ne $each (printf "%s=" (index $words 0)))}}]{{end}}],'
    '"Labels":{{with .Config.Labels}}{'
    f'"{_SERVICE}":{{{{json (index . "{_SERVICE}")}}}},'
    f'"{_ONE_OFF}":{{{{json (index . "{_ONE_OFF}")}}}},'
    f'"{_DEPENDS_ON}":{{{{json (index . "{_DEPENDS_ON}")}}}},'
    f'"{_SWARM_SERVICE}":{{{{json (index . "{_SWARM_SERVICE}")}}}},'
    f'"{_SWARM_TASK}":{{{{json (index . "{_SWARM_TASK}")}}}}'
    "}{{else}}null{{end}},"
    '"Healthcheck":{{with index .Config "Healthcheck"}}{{with index . "Test"}}'
    '{"Test":[{{json (index . 0)}}]}{{else}}null{{end}}{{else}}null{{end}}},'
    '"HostConfig":{"Memory":{{.HostConfig.Memory}},"NanoCpus":{{json .HostConfig.NanoCpus}},'
    '"CpuQuota":{{json .HostConfig.CpuQuota}},"CpuPeriod":{{json .HostConfig.CpuPeriod}}}}'
)
"""The template with which `docker inspect` prints what `container()` reads, a line a container."""


def _of_podman(health: str) -> str:
    """Return the template as podman's own command takes it: it names Go's fields, and those of a state by `health`."""
    fields = (
        ("{{json .Id}}", "{{json .ID}}"),
        ('{{with index .State "Health"}}', f"{{{{with .State.{health}}}}}"),
        ('{{with index .Config "Healthcheck"}}{{with index . "Test"}}', "{{with .Config.Healthcheck}}{{with .Test}}"),
    )
    text = TEMPLATE
    for docker, podman in fields:
        text = text.replace(docker, podman)
    return text


TEMPLATES = (TEMPLATE, _of_podman("Health"), _of_podman("Healthcheck"))
"""That of docker, and those of podman from 4 on and before."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container.

    `state` is the engine's word: created, running, paused, restarting, removing, exited, dead. `health` is healthy,
    unhealthy or starting, None without a health check. `restarts` counts those that the engine's restart policy made
    since the container was created. `memory_limit` is in bytes, None where the container has none of its own. `needs`
    are the services that Compose started before it, each with the condition it waited for.

    `cpus` is how many processors it may use, None without a bound. `image` is the id of the image that it was made of,
    `image_name` what that was called then. `environment` are the names of its variables, each with whether it has a
    value; nobody reads the value itself. `created`, `started` and `ended` are in seconds since 1970, by the engine's
    clock; `ended` is when its latest run was over, which is that before the present one where it runs. `health_log` has
    the end and the exit status of its last health checks, of which the engine keeps five. `back_s` is how many seconds
    ago it was restarted, where that is so lately that it may well end again; None otherwise. `slot` is whose place it
    has among the tasks of a swarm's service, such as web.1: the engine keeps the containers of tasks that it replaced.
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
    cpus: float | None = None
    image: str = ""
    image_name: str = ""
    environment: tuple[tuple[str, bool], ...] = ()
    created: float | None = None
    started: float | None = None
    ended: float | None = None
    health_log: tuple[tuple[float, int], ...] = ()
    back_s: float | None = None
    slot: str = ""

    @property
    def runs(self) -> bool:
        """Whether it runs; one that is paused or being restarted does not."""
        return self.state == "running"

    @property
    def stays(self) -> bool:
        """Whether it runs, and is not in a loop of restarts of which this is one of its runs."""
        return self.runs and self.back_s is None

    def at(self, now: float | None) -> Container:
        """Return the container as it is at a time by the engine's clock: whether it has run for long enough by then.

        It has where this run is twice as long as those before on average, as far as they can be told: since it was
        created. A container that ran for long before is believed after a minute, or after its third restart after ten.
        """
        if now is None or not self.runs or not self.restarts or self.started is None or self.created is None:
            return self
        mean = max(0.0, self.started - self.created) / self.restarts
        enough = min(2 * mean, _RECENT_S if self.restarts < _FEW else _LOOPING_S)
        age = max(0.0, now - self.started)
        return replace(self, back_s=age) if age < enough else self

    @property
    def log_begin(self) -> float:
        """From when on its log is that of its latest start.

        That is the end of the run before: the engine notes a start a little after the first lines.
        """
        if self.started is None or self.ended is None:
            return 0.0
        return min(self.started, self.ended)

    @property
    def healthy(self) -> bool:
        """Whether it runs, without a loop of restarts, and its health check says healthy."""
        return self.stays and self.health == "healthy"

    @property
    def described(self) -> str:
        """Its state as a message says it, with what is known of the reason."""
        why = ", out of memory" if self.out_of_memory else ", killed" if self.exit_status == _KILLED else ""
        match self.state:
            case "exited" | "dead":
                text = f"{self.state} with status {self.exit_status}{why}"
            case "restarting":
                text = f"restarting after exit status {self.exit_status}{why}"
            case "running" if self.back_s is not None:
                often = f" {self.restarts} times, the last" if self.restarts > 1 else ""
                text = f"restarted{often} {self.back_s:.0f} s ago"
            case _:
                text = self.state
        return f"{text} ({self.error})" if self.error else text

    @property
    def health_described(self) -> str:
        """Its health as a message says it: of one that does not run, why."""
        return self.described if not self.stays else self.health or "without a health check"


@dataclass(frozen=True, slots=True)
class Service:
    """A service and its containers, of which there may be none.

    `job` says that another service waits for this one to complete (Compose's `service_completed_successfully`), so that
    an end with status 0 is what is expected of it. `note` says what there is instead of one that is missing.
    """

    name: str
    containers: tuple[Container, ...] = ()
    job: bool = False
    note: str | None = None

    @property
    def completed(self) -> bool:
        """Whether it is a job, and each of its containers has ended with status 0."""
        ended = [container.state == "exited" and container.exit_status == 0 for container in self.containers]
        return self.job and bool(ended) and all(ended)

    @property
    def state(self) -> str:
        """`running` where a container stays up, `missing`, `completed`, or what its containers do instead."""
        if not self.containers:
            return "missing"
        if any(container.stays for container in self.containers):
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

    `by` and `values` say how they were looked for: project, name or label. `others` are names that the engine has, of
    projects or containers, where one that was looked for is not there; of many the first.
    """

    by: str
    values: tuple[str, ...]
    containers: tuple[Container, ...]
    others: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        by: str,
        values: Iterable[str],
        containers: Iterable[Container],
        now: float | None = None,
        others: Iterable[str] = (),
    ) -> Stack:
        """Make a stack of its containers; `now` is the engine's clock, if it is known."""
        values = tuple(values)
        found = {each.id: each.at(now) for each in containers}
        kept = [each for each in found.values() if not (each.one_off and by == "project")]
        if by == "name":  # the engine takes the start of an id for a name
            kept = [each for each in kept if each.name in values]
        return cls(by, values, tuple(sorted(_latest(kept), key=lambda each: each.name)), tuple(others))

    def of_services(self, services: Iterable[str]) -> tuple[Container, ...]:
        """Return the containers of some services, each under its service's name or its own; all of none named."""
        wanted = tuple(services)
        return tuple(each for each in self.containers if not wanted or {each.service, each.name} & {*wanted})

    @property
    def described(self) -> str:
        """What was looked for, as a message says it."""
        return f"{self.by} {', '.join(self.values)}"

    def services(self, wanted: tuple[str, ...] = ()) -> tuple[Service, ...]:
        """Return the services, or those that are wanted, by name.

        A container that was found by its name or a label is a service of its own, but for the tasks of a swarm's. A
        service that is wanted or named in the inventory, or that another one of the project depends on, is there also
        where it has no container (but for jobs: those that have ended are often pruned). So is the target itself where
        nothing was found.
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
        there = self._there
        found = [
            Service(name, tuple(by_name.get(name, ())), name in jobs, None if name in by_name else there)
            for name in names
        ]
        return tuple(found) or (Service(self.described, note=there),)

    @property
    def _there(self) -> str | None:
        """What there is instead of a project or a container that is missing, as a message says it."""
        if self.by == "label" or (self.by == "project" and self.containers):
            return None
        what = {"project": "Compose project", "name": "container"}[self.by]
        if not self.others:
            return f"the engine has no {what}"
        return f"there are {', '.join(self.others[:MOST_OTHERS])}{', ...' if len(self.others) > MOST_OTHERS else ''}"


def _latest(containers: Iterable[Container]) -> list[Container]:
    """Leave out the containers of a swarm's tasks that another task has replaced since."""
    found: dict[str, Container] = {}
    for each in sorted(containers, key=lambda each: each.created or 0):
        found[each.slot or each.id] = each
    return list(found.values())


def container(data: Mapping[str, Any], by: str) -> Container:
    """Read a container out of what `docker inspect` says of it; `by` is how it was looked for."""
    state, config = data["State"], data["Config"]
    labels = config.get("Labels") or {}
    name = data["Name"].lstrip("/")
    return Container(
        id=data["Id"],
        name=name,
        service=labels.get({"project": _SERVICE, "label": _SWARM_SERVICE}.get(by, "")) or name,
        state=state["Status"],
        exit_status=int(state.get("ExitCode") or 0),
        out_of_memory=bool(state.get("OOMKilled")),
        error=_first_line(state.get("Error") or ""),
        health=_health(state, config),
        restarts=int(data.get("RestartCount") or 0),
        memory_limit=int(data["HostConfig"].get("Memory") or 0) or None,
        tty=bool(config.get("Tty")),
        one_off=str(labels.get(_ONE_OFF)).lower() == "true",
        needs=_needs(labels.get(_DEPENDS_ON) or "") if by == "project" else (),
        cpus=_cpus(data["HostConfig"]),
        image=image_id(data.get("Image") or ""),
        image_name=config.get("Image") or "",
        environment=tuple((name, bool(is_set)) for name, is_set in config.get("Env") or ()),
        created=moment(data.get("Created")),
        started=moment(state.get("StartedAt")),
        ended=moment(state.get("FinishedAt")),
        health_log=_health_log(state),
        slot=(labels.get(_SWARM_TASK) or "").rpartition(".")[0],
    )


def image_id(text: str) -> str:
    """Return an image's id as docker writes it; podman leaves out that it is a SHA-256."""
    return f"sha256:{text}" if re.fullmatch(r"[0-9a-f]{64}", text) else text


def without_values(data: dict[str, Any]) -> dict[str, Any]:
    """Leave of the environment in an engine's answer only names, each with whether there is a value, as TEMPLATE."""
    pairs = (entry.partition("=") for entry in data["Config"].get("Env") or ())
    data["Config"]["Env"] = [[name, bool(value)] for name, _, value in pairs]
    return data


def moment(text: str | None) -> float | None:
    """Return the engine's time in seconds since 1970, None for what has not been yet: that is in the year 1."""
    found = dt.datetime.fromisoformat(text).timestamp() if text and not text.startswith("0001") else None
    return found or None


def _cpus(data: Mapping[str, Any]) -> float | None:
    """Return how many processors a container may use: of `--cpus`, or of `--cpu-quota` in a period of 0.1 s."""
    if nano := int(data.get("NanoCpus") or 0):
        return nano / 1e9
    quota = int(data.get("CpuQuota") or 0)
    return quota / int(data.get("CpuPeriod") or 100_000) if quota > 0 else None


def _health_log(state: Mapping[str, Any]) -> tuple[tuple[float, int], ...]:
    entries = (
        (moment(each.get("End")), int(each["ExitCode"])) for each in (state.get("Health") or {}).get("Log") or ()
    )
    return tuple((end, status) for end, status in entries if end is not None)


def _health(state: Mapping[str, Any], config: Mapping[str, Any]) -> str | None:
    """Return what the health check says, None without one: an image may have one that the container switches off."""
    status = (state.get("Health") or state.get("Healthcheck") or {}).get("Status")
    if status and status != "none":
        return str(status)
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
    """The services with their containers' health."""

    services: tuple[Service, ...]

    @property
    def checked(self) -> tuple[Container, ...]:
        """The containers that have a health check, but for jobs that have completed."""
        found = (each for service in self.services if not service.completed for each in service.containers)
        return tuple(each for each in found if each.health is not None)

    @property
    def healthy(self) -> int:
        """How many services are healthy: they have containers, all of which run and are healthy."""
        return sum(service.healthy for service in self.services)
