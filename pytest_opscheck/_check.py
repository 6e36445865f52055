"""What makes a pytest function a check: the probe whose reading it judges, and what is expected by default."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from .limits import SEVERITIES, LimitError, Limits, dimension, parse_ladder, parse_limit, single
from .probes import Probe

F = TypeVar("F", bound=Callable[..., None])
_ATTRIBUTE = "__opscheck__"
EVERY_SUITE = "*"
"""A check of every suite in which one that depends on it runs: that of a target's reachability."""


@dataclass(frozen=True, eq=False)
class Check:
    """What `@check` says of a function, and what the inventory may say of it.

    `units` are the units in which its value can be limited; `text` among them is any text, `*` anything. `takes` names the
    probe's parameter that the inventory's short form gives. `family` checks have a name in the inventory each, as
    `[postgres.main.query.NAME]`.
    """

    name: str
    probe: Probe
    title: str
    limits: Limits | None
    severity: str
    suites: tuple[str, ...]
    units: tuple[str, ...]
    takes: str | None
    family: bool
    action: str | None

    @property
    def kind(self) -> str:
        """The kind of target that is checked."""
        return self.probe.kind

    @property
    def id(self) -> str:
        """For example `host.disk`."""
        return f"{self.kind}.{self.name}"

    @property
    def on_by_default(self) -> bool:
        """Whether the check runs for a target whose inventory does not say it: it then has all that it needs."""
        needed = any(parameter.is_required() for parameter in self.probe.params.model_fields.values())
        return self.limits is not None and not needed and not self.family

    @property
    def dimensions(self) -> frozenset[str]:
        """What its limits may compare; empty for anything."""
        if "*" in self.units:
            return frozenset()
        return frozenset("text" if unit == "text" else "rate" if unit == "rate" else dimension(unit) for unit in self.units)


def check(
    probe: Probe,
    *,
    limit: str | float | Mapping[str, str] | None = None,
    severity: str = "P2",
    suites: tuple[str, ...] = ("daily",),
    units: tuple[str, ...] | None = None,
    takes: str | None = None,
    family: bool = False,
    action: str | None = None,
) -> Callable[[F], F]:
    """Make a check of a test function, which gets the probe's reading as the argument of the probe's name.

    The check is parametrized over the inventory's targets of the probe's kind. Its name is the function's without
    `test_`, its title the first line of the docstring.

    limit: what is expected by default: one limit of the default `severity`, or a ladder `{"P3": "< 70%", "P1": "< 90%"}`.
        Without one, the check runs only for targets whose inventory says what is expected.
    units: the units in which a limit may be said; by default those of `limit`.
    takes: the probe's parameter that the inventory's short form sets.
    family: whether the inventory names checks of this family itself, as `[postgres.main.query.NAME]`.
    action: the next step to show when it is not ok.

    Raises TypeError for a function or words that do not fit.
    """
    if severity not in SEVERITIES:
        raise TypeError(f"severity={severity!r} is none of {', '.join(SEVERITIES)}")
    for suite in suites:
        if suite != EVERY_SUITE and not suite.isidentifier():
            raise TypeError(f"suites={suites!r}: {suite!r} cannot be a pytest marker; use letters, digits and _")
    if takes is not None and takes not in probe.params.model_fields:
        raise TypeError(f"takes={takes!r} is no parameter of {probe!r}; it has {', '.join(probe.params.model_fields)}")

    def decorate(function: F) -> F:
        name = function.__name__.removeprefix("test_")
        if probe.name not in inspect.signature(function).parameters:
            raise TypeError(f"{function.__name__} takes no argument {probe.name!r}, which would be the reading of {probe!r}")
        try:
            limits = default_limits(limit, severity)
        except LimitError as error:
            raise TypeError(f"limit={limit!r} of {function.__name__}: {error}") from None
        made = Check(
            name=name,
            probe=probe,
            title=_title(function),
            limits=limits,
            severity=severity,
            suites=suites,
            units=units or _units(limits),
            takes=takes,
            family=family,
            action=action,
        )
        setattr(function, _ATTRIBUTE, made)
        return function

    return decorate


def check_of(function: object) -> Check | None:
    """Return what `@check` said of a function, None where it is none."""
    made = getattr(function, _ATTRIBUTE, None)
    return made if isinstance(made, Check) else None


def default_limits(said: str | float | Mapping[str, str] | None, severity: str) -> Limits | None:
    """Return limits as Python code says them. Raises LimitError."""
    if said is None:
        return None
    ladder = parse_ladder(said) if isinstance(said, Mapping) else single(parse_limit(said), severity)
    return Limits(((None, ladder),))


def _units(limits: Limits | None) -> tuple[str, ...]:
    if limits is None:
        return ("*",)
    limit = next(iter(limits.ladders)).rungs[0].limit
    return ("text",) if limit.number is None else ("rate",) if limit.window_s else (limit.unit,)


def _title(function: Callable[..., object]) -> str:
    first = (inspect.getdoc(function) or function.__name__).splitlines()[0]
    return re.sub(r"\.$", "", first)
