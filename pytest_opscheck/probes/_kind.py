"""What the kinds are made of: a target's keys, probes and their parameters, and what a probe may fail with."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, create_model

from ..core.errors import UnknownError

DEFAULT_TIMEOUT_S = 10.0
TIMEOUT = "timeout_s"
"""The parameter by which a direct probe gets its own time limit; the inventory's key for it is `timeout`."""
SAMPLE = "sample"
"""The parameter that says over how long a probe watches, in seconds; its time limit is counted beside that."""
NEEDED: Any = object()
"""The default of a check's own parameter that the inventory has to set."""
SAID = 9
"""The exit status by which a script says that it cannot tell, and on its last line why, and what to do."""
F = TypeVar("F", bound=Callable[..., object])
Fields = dict[str, Any]
"""The fields of a model by name, each as its type and its default."""


@dataclass(frozen=True, slots=True)
class PastResults:
    """The past results of one check, by its id, over the last N seconds."""

    of: str
    over_s: float


class Target(BaseModel):
    """The keys of a target; each kind adds its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    def host(self) -> str | None:
        """Return the host target through which this one is reached, None for a connection of its own.

        An empty name is this machine.
        """
        return None

    def past(self) -> PastResults | None:
        """Return which past results it is about, None for a target that is looked at now."""
        return None

    def known(self) -> str | None:
        """Return how it is known without a contact, None where it is contacted."""
        return None if self.past() is None else "past runs, no contact"

    def members(self) -> Collection[str]:
        """Return the ids of the targets that there are because of it."""
        return ()

    def is_open(self) -> bool:
        """Tell whether there may be more targets because of it than are known."""
        return False

    def where(self) -> str | None:
        """Return where it is, as people would type it and without its secrets; None where its name says it better."""
        return None

    def by_hand(self) -> str | None:
        """Return the command by which people try it themselves where the check runs; None where there is none."""
        return None

    def unverified(self) -> str | None:
        """Say what is not verified of a server on another machine, and what to write instead; None where all is."""
        return None


@dataclass(frozen=True, slots=True)
class Reach:
    """The reading of every `reachable` probe: the target answered, and after how many attempts."""

    target: str
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a host's script: a constant shell script, and its arguments as `$1`, `$2`, ...

    `seconds` bounds its run, `bytes` what it may print.
    """

    script: str
    args: tuple[str, ...] = ()
    seconds: float = DEFAULT_TIMEOUT_S
    bytes: int = 65536


@dataclass(frozen=True, slots=True)
class Output:
    """What a part printed. `ended` is False where its time ran out: then there is no exit status.

    `ahead_s` is by how much the host's clock is ahead of this machine's: at least, and at most. `lost` says why it has
    not ended where that is not its time.
    """

    stdout: str
    stderr: str
    exit_status: int | None
    ended: bool = True
    truncated: bool = False
    seconds: float = DEFAULT_TIMEOUT_S
    ahead_s: tuple[float, float] | None = None
    lost: str | None = None

    def lines(self) -> list[str]:
        """Return standard output's lines. Raises UnknownError where the part failed or was cut off.

        A line feed ends a line, and nothing else does: a form feed, for example, may be part of a file's name.
        """
        self.require_end()
        if self.exit_status != 0:
            last = (self.stderr or self.stdout).strip().splitlines()[-1:]
            status = [] if last and self.exit_status == SAID else [f"exit status {self.exit_status}"]
            raise UnknownError(": ".join(status + last))
        return self.stdout.removesuffix("\n").split("\n") if self.stdout else []

    def require_end(self) -> None:
        """Raise UnknownError where the part's time ran out or it printed more than it may."""
        if self.lost is not None:
            raise UnknownError(self.lost)
        if not self.ended:
            raise UnknownError(
                f"no answer within {self.seconds:g} s; find out what slows it down there, or set a longer timeout"
            )
        if self.truncated:
            raise UnknownError("it printed more than is read; make it print less")


@dataclass(frozen=True, slots=True)
class Shell:
    """How a probe reads through a host's shell: what runs there, and what its output means."""

    part: Callable[..., Part]
    parse: Callable[..., object]


@dataclass(frozen=True, eq=False)
class Probe:
    """A function that observes a target, changes nothing and judges nothing.

    `read(connection, **params)` reads directly; `shells` are its kind's ways through a host, by the name of the probe.
    `latency` probes measure time, and run when nothing else does. `timed` ones take their own time limit, `timeout_s`.
    """

    kind: str
    name: str
    params: type[BaseModel]
    timeout_s: float
    latency: bool = False
    read: Callable[..., object] | None = None
    timed: bool = False
    shells: Mapping[str, Shell] = field(default_factory=dict, repr=False)

    @property
    def shell(self) -> Shell | None:
        """How it reads through a host's shell; None where it does not."""
        return self.shells.get(self.name)

    def __repr__(self) -> str:
        return f"{self.kind}.{self.name}"


@contextmanager
def _no_connection(target: Target, timeout_s: float) -> Iterator[Target]:  # noqa: ARG001 - connect()'s signature
    yield target


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of target.

    `connect(target, timeout_s)` is a context manager that yields what the direct probes read from; it raises
    UnreachableError. `summary` is the sentence of the inventory's schema. `libraries` are imported before contacts
    start, by one thread: while some are, others can't ask whether a thing is callable (amqp's vine), or warnings show.
    A kind of another package says for which version of the `api` it was made, and in which module its `checks` are,
    `test_<kind>.py`; `example` is what `opscheck init` suggests, as TOML.
    """

    name: str
    target: type[Target]
    summary: str
    connect: Callable[[Any, float], AbstractContextManager[Any]] = _no_connection
    probes: dict[str, Probe] = field(default_factory=dict)
    shells: dict[str, Shell] = field(default_factory=dict)
    libraries: tuple[str, ...] = ()
    api: int | None = None
    checks: str | None = None
    example: str | None = None

    def probe(
        self, *, timeout_s: float = DEFAULT_TIMEOUT_S, latency: bool = False
    ) -> Callable[[Callable[..., object]], Probe]:
        """Make a probe of a function `(connection, *, params...)`; the keyword-only ones are keys of the inventory."""

        def made(read: Callable[..., object]) -> Probe:
            return self._add(read, timeout_s, latency=latency, reads=True)

        return made

    def shell(
        self,
        script: str,
        *,
        args: Callable[..., Sequence[str]] = lambda _target: (),
        timeout_s: float = DEFAULT_TIMEOUT_S,
        max_bytes: int = 65536,
    ) -> Callable[[Callable[..., object]], Probe]:
        """Make a probe of a function `(output, *, params...)` that reads what a script printed on the target's host.

        `args(target, params...)` gives the script's positional arguments; it names those of the parameters it needs.
        """

        def made(parse: Callable[..., object]) -> Probe:
            probe = self._add(parse, timeout_s, latency=False, reads=False)
            self.through_host(probe, script, args=args, max_bytes=max_bytes)(parse)
            return probe

        return made

    def through_host(
        self,
        probe: Probe,
        script: str,
        *,
        args: Callable[..., Sequence[str]] = lambda _target: (),
        max_bytes: int = 65536,
    ) -> Callable[[F], F]:
        """Give a probe that reads directly its way through a host's shell, for targets that say `on`.

        `args` may also name `timeout_s`, the probe's time limit.
        """
        wanted = list(inspect.signature(args).parameters)[1:]

        def part(target: Target, timeout_s: float, params: dict[str, Any]) -> Part:
            given = {name: timeout_s if name == TIMEOUT else params[name] for name in wanted}
            return Part(script, tuple(args(target, **given)), timeout_s, max_bytes)

        def made(parse: F) -> F:
            self.shells[probe.name] = Shell(part, parse)
            return parse

        return made

    def _add(self, function: Callable[..., object], timeout_s: float, *, latency: bool, reads: bool) -> Probe:
        probe = Probe(
            kind=self.name,
            name=function.__name__,
            params=params_of(function),
            timeout_s=timeout_s,
            latency=latency,
            read=function if reads else None,
            timed=TIMEOUT in inspect.signature(function).parameters,
            shells=self.shells,
        )
        self.probes[probe.name] = probe
        return probe


_PARAMS = ConfigDict(
    frozen=True,
    extra="forbid",
    validate_default=True,
    arbitrary_types_allowed=True,
    hide_input_in_errors=True,
    defer_build=True,  # an inventory sets the parameters of few probes
)


class _NoParams(BaseModel):
    """The parameters of a function that has none, as most probes."""

    model_config = _PARAMS


def params_of(function: Callable[..., object], beside: Fields | None = None) -> type[BaseModel]:
    """Return the keyword-only parameters of a function as a model that validates them, behind other fields.

    A default of NEEDED is none: pytest takes a parameter without a default for a fixture.
    """
    keywords = {
        name: parameter
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and name != TIMEOUT
    }

    if not keywords and not beside:
        return _NoParams

    def carrier() -> None:
        """Carry the parameters' annotations alone: the connection's type is imported for the type checker only."""

    carrier.__annotations__ = {name: parameter.annotation for name, parameter in keywords.items()}
    hints = typing.get_type_hints(carrier, globalns=function.__globals__, include_extras=True)
    fields: dict[str, Any] = {
        name: (hints[name], ... if parameter.default in (parameter.empty, NEEDED) else parameter.default)
        for name, parameter in keywords.items()
    }
    return create_model(f"{function.__name__}_params", __config__=_PARAMS, **{**(beside or {}), **fields})


def fields_of(model: type[BaseModel], without: Collection[str] = ()) -> Fields:
    """Return the fields of a model of parameters, but for some."""
    hints = typing.get_type_hints(model, include_extras=True)
    return {
        name: (hints[name], ... if info.is_required() else info.default)
        for name, info in model.model_fields.items()
        if name not in without
    }
