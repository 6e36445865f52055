"""How containers were made: how many of each service, with which limits, variables and image."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationInfo

from ...core.ladders import Ladder
from .._kind import Output
from .._types import LadderParam, of_amounts
from ._containers import Container, Stack, image_id
from ._shell import IMAGES, INSPECT, answered, stack_of, tagged
from ._target import MAX_BYTES, Containers, Engine, kind, require_containers, where
from ._why import understood

_MISSING = "it has no container"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_SHORT_ID = 12


def _count_of(what: str) -> AfterValidator:
    """Return the validator of a limit that is a number of things."""

    def checked(ladder: Ladder) -> Ladder:
        if any(rung.limit.dimension != "count" for rung in ladder.rungs):
            raise ValueError(f"it must be a number of {what}, for example 8 or '>= 8'")
        return of_amounts(ladder)

    return AfterValidator(checked)


HealthyCount = Annotated[LadderParam, _count_of("services")]
"""How many services should be healthy."""
ReplicaLimits = dict[str, Annotated[LadderParam, _count_of("containers")]]
"""How many containers services should have, by their names."""


@dataclass(frozen=True, slots=True)
class Replicas:
    """How many containers of a service run."""

    service: str
    running: int


@kind.probe()
def replicas(engine: Engine, *, services: tuple[str, ...]) -> tuple[Replicas, ...]:
    """How many containers of each service are in the engine's state `running`."""
    return _replicas(engine.stack, services)


@kind.through_host(replicas, INSPECT, args=where, max_bytes=MAX_BYTES)
def _replicas_there(output: Output, *, services: tuple[str, ...]) -> tuple[Replicas, ...]:
    """The same, of the host's docker command."""
    return _replicas(stack_of(answered(output)), services)


def _replicas(stack: Stack, services: Iterable[str]) -> tuple[Replicas, ...]:
    return tuple(Replicas(name, sum(each.stays for each in stack.of_services((name,)))) for name in services)


@dataclass(frozen=True, slots=True)
class Bounded:
    """A container of a service, and what it may use: processors, and bytes of memory; None where it has no bound."""

    name: str
    service: str
    cpus: float | None
    memory: int | None


def _size(ladder: Ladder) -> Ladder:
    if any(rung.limit.dimension != "size" for rung in ladder.rungs):
        raise ValueError("it must be a size, for example '4GiB' or '<= 4GiB'")
    return of_amounts(ladder)


Cpus = Annotated[LadderParam, _count_of("processors")]
Size = Annotated[LadderParam, AfterValidator(_size)]


class Bounds(BaseModel):
    """What a service's containers may use."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    cpus: Cpus | None = None
    memory: Size | None = None


def _table(value: Any) -> Any:
    if isinstance(value, Mapping | Bounds):
        return value
    raise ValueError(
        "unknown key; use cpus, memory, or a service with a table of these, as api = { cpus = 2, memory = '4GiB' }"
    )


def _any(services: Mapping[str, Bounds] | None, info: ValidationInfo) -> Mapping[str, Bounds] | None:
    if not services and {"cpus", "memory"} <= {*info.data} and info.data["cpus"] is info.data["memory"] is None:
        raise ValueError("it sets no limit; use for example { cpus = 2, memory = '4GiB' }")
    return services


ByService = Annotated[dict[str, Annotated[Bounds, BeforeValidator(_table)]] | None, AfterValidator(_any)]
"""What the containers of services should be bounded to, by the services' names."""


@kind.probe()
def limits(engine: Engine) -> tuple[Bounded, ...]:
    """The containers, with the bounds that the engine enforces."""
    return _limits(engine.stack)


@kind.through_host(limits, INSPECT, args=where, max_bytes=MAX_BYTES)
def _limits_there(output: Output) -> tuple[Bounded, ...]:
    """The same, of the host's docker command."""
    return _limits(stack_of(answered(output)))


def _limits(stack: Stack) -> tuple[Bounded, ...]:
    require_containers(stack)
    return tuple(Bounded(each.name, each.service, each.cpus, each.memory_limit) for each in stack.containers)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a container's environment: `set`, `empty` or `missing`. Its value is not read.

    `state` is None where it cannot be told, for which `why` gives the reason.
    """

    container: str
    name: str
    state: str | None
    why: str | None = None


def _variable(text: str) -> str:
    if not _VARIABLE.fullmatch(text):
        raise ValueError(f"{text!r} can't be the name of a variable; give only the name, never its value")
    return text


Names = tuple[Annotated[str, AfterValidator(_variable)], ...]


@kind.probe()
def env(engine: Engine, *, names: Names | dict[str, Names]) -> tuple[Variable, ...]:
    """Whether variables are set in the environment that the engine gives containers: in all, or by service."""
    return tuple(_env(engine.stack, names))


@kind.through_host(env, INSPECT, args=where, max_bytes=MAX_BYTES)
def _env_there(output: Output, *, names: tuple[str, ...] | dict[str, tuple[str, ...]]) -> tuple[Variable, ...]:
    """The same, of the host's docker command."""
    return tuple(_env(stack_of(answered(output)), names))


def _env(stack: Stack, names: tuple[str, ...] | Mapping[str, tuple[str, ...]]) -> Iterable[Variable]:
    require_containers(stack)
    wanted = names if isinstance(names, Mapping) else {"": names}
    for service, variables in wanted.items():
        containers = stack.of_services((service,) if service else ())
        if not containers:
            yield Variable(service, ", ".join(variables), None, _MISSING)
        for container in containers:
            found = dict(container.environment)
            for name in variables:
                state = "missing" if name not in found else "set" if found[name] else "empty"
                yield Variable(container.name, name, state)


@dataclass(frozen=True, slots=True)
class Image:
    """What an engine has as an image: its id, names, digests in registries, and labels."""

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Image:
        """Read what `docker image inspect` says."""
        labels = (data.get("Config") or {}).get("Labels") or {}
        return cls(
            image_id(data["Id"]),
            tuple(data.get("RepoTags") or ()),
            tuple(data.get("RepoDigests") or ()),
            tuple(labels.items()),
        )


@dataclass(frozen=True, slots=True)
class Running:
    """What a container was made of, as text, and what it is expected to be made of.

    `image` is None where it cannot be told, for which `why` gives the reason.
    """

    subject: str
    image: str | None
    expected: str
    why: str | None = None


_REFERENCE = re.compile(
    r"(?P<label>[A-Za-z0-9][A-Za-z0-9._/-]*)=(?P<value>.+)"
    r"|(?P<id>sha256:[0-9a-f]{12,64})"
    r"|(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?/)?[a-z0-9][a-z0-9._/-]*(?P<tag>:[A-Za-z0-9_][A-Za-z0-9_.-]*)?"
    r"(?P<digest>@sha256:[0-9a-f]{64})?"
)


_TAGGED = re.compile(r":[A-Za-z0-9_][A-Za-z0-9_.-]*@")
"""A tag in front of a digest: the digest alone says which image is meant."""


def _reference(text: str) -> str:
    match = _REFERENCE.fullmatch(text)
    if match is None or not any(match.groups()):
        raise ValueError(
            f"{text!r} names no image; use for example registry/app:v1.2, registry/app@sha256:..., an id sha256:..., "
            "or a label of the image as org.opencontainers.image.revision=4f2a91c"
        )
    return text


def _references(services: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of images among what is expected: those are asked of the engine, as what is there now."""
    found = ((reference, _REFERENCE.fullmatch(reference)) for reference in services.values())
    return tuple(
        dict.fromkeys(reference for reference, match in found if match and not match["label"] and not match["id"])
    )


@kind.probe()
def image(engine: Engine, *, services: dict[str, Annotated[str, AfterValidator(_reference)]]) -> tuple[Running, ...]:
    """Of which images the services' containers were made, beside what each is expected to be made of."""
    import docker.errors

    def there(name: str) -> Image | None:
        try:
            inspected = engine.client.inspect_image(name)  # type: ignore[no-untyped-call]
        except docker.errors.ImageNotFound:
            return None
        with understood(f"/images/{name}/json"):
            return Image.of(inspected)

    stack = engine.stack
    ids = dict.fromkeys(each.image for name in services for each in stack.of_services((name,)))
    found = {name: there(name) for name in (*_references(services), *ids)}
    return tuple(_images(stack, services, found))


def _image_args(target: Containers, services: Mapping[str, str]) -> tuple[str, ...]:
    return (" ".join(_references(services)), *where(target))


@kind.through_host(image, IMAGES, args=_image_args, max_bytes=MAX_BYTES)
def _image_there(output: Output, *, services: dict[str, str]) -> tuple[Running, ...]:
    """The same, of the host's docker command."""
    lines = answered(output)
    found = {image_id(name): Image.of(json.loads(inspected)) for name, inspected in tagged(lines, "image", 2)}
    return tuple(_images(stack_of(lines), services, found))


def _images(stack: Stack, services: Mapping[str, str], found: Mapping[str, Image | None]) -> Iterable[Running]:
    require_containers(stack)
    for service, expected in services.items():
        containers = [each for each in stack.of_services((service,)) if each.runs]
        if not containers:
            yield Running(service, None, expected, "no container of it runs")
        for container in containers:
            what, why = _made_of(container, expected, found)
            yield Running(f"{container.name}'s image", what, expected, why)


def _made_of(container: Container, expected: str, found: Mapping[str, Image | None]) -> tuple[str | None, str | None]:
    """Return what a container was made of, as `expected` says it where it is that, or why that cannot be told."""
    match = _REFERENCE.fullmatch(expected)
    assert match is not None  # noqa: S101 - for the type checker; the inventory was refused otherwise
    own = found.get(container.image)
    shown = f"{container.image_name} ({container.image[: len('sha256:') + _SHORT_ID]})"
    if match["label"]:
        return _label(match["label"], own, shown)
    same_id = match["id"] and container.image.startswith(expected)
    if same_id or (match["digest"] and own is not None and _TAGGED.sub("@", expected) in own.digests):
        return expected, None
    if match["id"]:
        return shown, None
    named = found.get(expected)
    if named is not None and named.id == container.image:
        return expected, None
    if named is None:
        return f"{shown}, and no {expected} is there", None
    older = ", an older one of that name" if container.image_name == expected else ""
    return f"{shown}{older}; {expected} is now {named.id[: len('sha256:') + _SHORT_ID]}", None


def _label(name: str, image: Image | None, shown: str) -> tuple[str | None, str | None]:
    if image is None:
        return None, f"its image {shown} is not there any more, so its labels are not known"
    value = dict(image.labels).get(name)
    return (f"without a label {name}" if value is None else f"{name}={value}"), None
