"""What makes a pytest function a check: the probe whose reading it judges, and what is expected by default."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from pydantic import BaseModel

from .core.dayparts import Limits
from .core.domains import Domain, domain_of
from .core.ladders import Ladder, parse_ladder, single
from .core.limits import SEVERITIES, Limit, parse_limit
from .core.suites import ATTRIBUTE, suite_problem
from .core.units import LimitError, dimension
from .probes import Probe
from .probes._kind import fields_of, params_of

F = TypeVar("F", bound=Callable[..., None])
EVERY_SUITE = "*"
"""A check of every suite in which one that depends on it runs: that of a target's reachability."""
WINDOW = "window_s"
"""The probe's parameter that gets the window of the limit's rate."""
ZONE = "zone"
"""The probe's parameter that gets the inventory's time zone, which decides what a day is."""
PAST = "past"
"""The probe's parameter that gets the place of the inventory's past runs."""
NOT_BEFORE = "not_before"
"""The probe's parameter by which a gate counts nothing from before the deploy: a moment, in seconds since 1970."""
GIVEN = (WINDOW, ZONE, PAST, NOT_BEFORE)
"""The parameters that are no keys of the inventory."""


@dataclass(frozen=True, eq=False)
class Check:
    """What `@check` says of a function, and what the inventory may say of it.

    `units` are those in which its value can be limited; `text` among them is any text, `rate` any rate, `set` a set of
    texts, `*` anything.
    `least` and `most` bound its value, as limits say it: `0`, `100%`.
    `takes` names the probe's parameter that the inventory's short form gives. `family` checks have a name in the
    inventory each, as `[postgres.main.query.NAME]`.
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
    function: Callable[..., object]
    params: type[BaseModel]
    least: str | None = "0"
    most: str | None = None
    formerly: Mapping[str, str] = field(default_factory=dict)
    asks: Mapping[str, Callable[..., object]] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The kind of target that is checked."""
        return self.probe.kind

    @property
    def id(self) -> str:
        """For example `host.disk`."""
        return f"{self.kind}.{self.name}"

    @cached_property
    def on_by_default(self) -> bool:
        """Whether the check runs for a target whose inventory does not say it: it then has all that it needs."""
        return self.limits is not None and not self.needs and not self.family

    @cached_property
    def needs(self) -> tuple[str, ...]:
        """The keys without which the inventory says too little."""
        return tuple(name for name in self.keys if self.params.model_fields[name].is_required())

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The parameters of its probe, and its own, that are keys of the inventory."""
        return _keys(self.params)

    @cached_property
    def options(self) -> tuple[str, ...]:
        """Its own parameters, which its function gets beside the reading: what should be; the probe sees what is."""
        probed = self.probe.params.model_fields.keys() - self.asks.keys()
        return tuple(name for name in self.params.model_fields if name not in probed)

    def asked(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return what its probe is asked with, given all parameters: those of the probe, and what its own ask of it."""
        asked = {name: value for name, value in params.items() if name not in self.options}
        return asked | {name: ask(**_taken(ask, params)) for name, ask in self.asks.items()}

    @property
    def carries_limits(self) -> bool:
        """Whether limits may stand among its keys, as in `json = { status = "== healthy" }`."""
        return bool(self.limit_keys)

    @cached_property
    def limit_keys(self) -> tuple[str, ...]:
        """Those of its keys in which limits may stand."""
        fields = self.params.model_fields
        return tuple(name for name in self.keys if _holds_limits(fields[name].annotation))

    @cached_property
    def dimensions(self) -> frozenset[str]:
        """What its limits may compare; empty for anything."""
        return frozenset() if "*" in self.units else frozenset(map(_dimension, self.units))

    def domain(self, measures: str) -> Domain | None:
        """Return the numbers of a dimension that its value can be; None for texts, and where it can be anything."""
        return None if "*" in self.units or measures == "text" else domain_of(measures, self.least, self.most)

    @property
    def well(self) -> str | None:
        """What it says of a target that is well, where its default limit is that word alone; else None."""
        limit = self.limits.ladders[0].rungs[-1].limit if self.limits is not None else None
        return limit.operand if limit is not None and limit.number is None and limit.operator == "==" else None


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
    least: str | None = "0",
    most: str | None = None,
    formerly: Mapping[str, str] | None = None,
    asks: Mapping[str, Callable[..., object]] | None = None,
) -> Callable[[F], F]:
    """Turn a test function into a check. It receives the probe's reading as the argument named like the probe.

    The check is parametrized over the inventory's targets of the probe's kind. Its name is the function's without
    `test_`, its title the first line of the docstring. Keyword-only parameters of the function are keys of the
    inventory beside those of the probe, and say what should be: `*, replicas: LadderParam | None = None`. They have a
    default, which is NEEDED for one that has to be set.

    limit: the default: one limit with the default `severity`, or a ladder {"P3": "< 70%", "P1": "< 90%"}.
        Without one, the check runs only for targets whose inventory says what is expected.
    suites: the suites that it runs in; `*` means every suite.
    units: the units in which a limit may be said; by default those of `limit`. `text`, `rate`, `set` and `*` (anything)
        too.
    takes: the parameter that the inventory's short form sets.
    family: whether the inventory names the checks of this family, for example `[postgres.main.query.NAME]`.
    action: the next step to show with a breach. In it `{subject}` stands for what is worst, as `expect` was told it,
        and `{target}` for the target's address or name, both quoted for a shell; `{by_hand}` for the command by which
        people try the target themselves, and `{asked}` for the check's own command or query.
    least: what its value is never below, None for what may be negative. A limit of the inventory that no value can
        break, or none can keep, is an error.
    most: what its value is never above, for example `100%` for a part of a whole.
    formerly: what its keys were called before, and are called now: the old names are accepted, with a note.
    asks: for parameters of the probe that are not keys of the inventory, a function that makes them of the check's own
        parameters that it takes by name: `{"names": lambda tables: tuple(tables)}`. So a probe that looks at named
        things does not see what is expected of them. The check's own parameter may have the name of the probe's.

    Raises TypeError for a function or arguments that do not fit.
    """
    if severity not in SEVERITIES:
        raise TypeError(f"severity={severity!r} is not one of {', '.join(SEVERITIES)}")
    if isinstance(suites, str) or not suites:
        raise TypeError(f'suites={suites!r} is not a tuple of at least one suite; write suites=("daily",)')
    for suite in suites:
        if suite != EVERY_SUITE and (problem := suite_problem(suite)):
            raise TypeError(f"suites={suites!r}: {problem}")

    def decorate(function: F) -> F:
        name = function.__name__.removeprefix("test_")
        if probe.name not in inspect.signature(function).parameters:
            raise TypeError(
                f"{function.__name__} takes no argument {probe.name!r}, which would be the reading of {probe!r}"
            )
        params = _params(function, probe, asks or {})
        if takes is not None and takes not in _keys(params):
            raise TypeError(f"takes={takes!r} is not a parameter of {probe!r}; it has {', '.join(_keys(params))}")
        try:
            limits = _default_limits(limit, severity)
            made_units = units or _units(limits)
            _refuse_unfit(limits, made_units)
            domain_of("", least, most)  # raises for bounds that can't be meant
        except LimitError as error:
            raise TypeError(f"limit={limit!r}, units={units!r} of {function.__name__}: {error}") from None
        made = Check(
            name=name,
            probe=probe,
            title=_title(function),
            limits=limits,
            severity=severity,
            suites=suites,
            units=made_units,
            takes=takes,
            family=family,
            action=action,
            function=function,
            params=params,
            least=least,
            most=most,
            formerly=dict(formerly or {}),
            asks=dict(asks or {}),
        )
        setattr(function, ATTRIBUTE, made)
        return function

    return decorate


def check_of(function: object) -> Check | None:
    """Return what `@check` said of a function, None where it is none."""
    made = getattr(function, ATTRIBUTE, None)
    return made if isinstance(made, Check) else None


def _default_limits(limits: str | float | Mapping[str, str] | None, severity: str) -> Limits | None:
    if limits is None:
        return None
    ladder = parse_ladder(limits) if isinstance(limits, Mapping) else single(parse_limit(limits), severity)
    return Limits(((None, ladder),))


def _units(limits: Limits | None) -> tuple[str, ...]:
    if limits is None:
        return ("*",)
    limit = limits.ladders[0].rungs[0].limit
    return (limit.dimension,) if limit.number is None else ("rate",) if limit.window_s else (limit.unit,)


def _refuse_unfit(limits: Limits | None, units: tuple[str, ...]) -> None:
    dimensions = frozenset(_dimension(unit) for unit in units if unit != "*")
    for rung in limits.ladders[0].rungs if limits is not None and "*" not in units else ():
        if not rung.limit.measures(dimensions):
            raise LimitError(f"{rung.limit} is not one of {', '.join(sorted(dimensions))}")


def _keys(params: type[BaseModel]) -> tuple[str, ...]:
    return tuple(name for name in params.model_fields if name not in GIVEN)


def _params(function: Callable[..., None], probe: Probe, asks: Mapping[str, Callable[..., object]]) -> type[BaseModel]:
    """Return the parameters of a probe, and behind them the check's own. Raises TypeError for names that do not fit."""
    its = probe.params.model_fields
    if unknown := [name for name in asks if name not in its]:
        raise TypeError(f"asks={unknown[0]!r} of {function.__name__} is not a parameter of {probe!r}")
    keywords = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    if both := [name for name in keywords if name in its and name not in asks]:
        raise TypeError(f"{function.__name__} and {probe!r} both have the parameter {both[0]!r}; rename one")
    kept = fields_of(probe.params, without=asks.keys() - {*keywords})  # own ones of the same name take their places
    params = params_of(function, kept) if keywords or asks else probe.params
    for name, ask in asks.items():
        if missing := [word for word in inspect.signature(ask).parameters if word not in params.model_fields]:
            raise TypeError(f"asks={name!r} of {function.__name__} takes {missing[0]!r}, which is not a parameter")
    return params


def _taken(ask: Callable[..., object], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the parameters that a function takes."""
    return {name: params[name] for name in inspect.signature(ask).parameters}


def _dimension(unit: str) -> str:
    return unit if unit in ("text", "rate", "set") else dimension(unit)


def _holds_limits(annotation: object) -> bool:
    return annotation in (Limit, Ladder) or any(_holds_limits(part) for part in typing.get_args(annotation))


def _title(function: Callable[..., object]) -> str:
    first = (inspect.getdoc(function) or function.__name__).splitlines()[0]
    return re.sub(r"\.$", "", first)
