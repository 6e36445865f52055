"""What an inventory says of one target's checks, put together with each check's defaults."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any, get_args, get_origin

from pydantic import ValidationError

from .._check import GIVEN, WINDOW, Check
from ..core.dayparts import Limits
from ..core.domains import refuse_blind
from ..core.ladders import Ladder, severity_of, single
from ..core.limits import SEVERITIES
from ..core.units import LimitError, parse_duration
from ..probes import SAMPLE
from .actions import read_action, read_ids, read_lasting, read_links, read_says
from .limit_reader import ENTRY_KEYS, LimitReader, example_of
from .model import Expectation, InventoryTarget, name_problem
from .positions import Key
from .problems import Problems, nearest
from .validation import is_empty, note_validation

COMMON = ("suites", "severity", "id", "runbook", "runbook_says", "action", "timeout", "for", "of")
"""The keys of every long form, beside the severities and the check's own parameters."""
LONGEST_TIMEOUT_S = 3600


@dataclass(frozen=True)
class Resolver:
    """Reads the expectations of an inventory's targets, and notes what is wrong with them."""

    checks: Collection[Check]
    words: Mapping[str, str]
    suites: Collection[str]
    given: Mapping[str, Any]
    problems: Problems
    notes: list[str] = field(default_factory=list)
    """What is accepted, and is to be written otherwise."""
    _of_kind: dict[str, dict[str, Check]] = field(default_factory=dict)
    _families: dict[str, frozenset[str]] = field(default_factory=dict)
    _read: dict[tuple[str, str], tuple[Expectation, ...]] = field(default_factory=dict)
    """What was read of a check without an error, by the check's id and what is said of it: targets say much alike."""

    def families(self, kind: str) -> frozenset[str]:
        """Return the user-defined questions that the targets of a kind can have."""
        if kind not in self._families:
            self._families[kind] = frozenset(name for name, check in self._checks(kind).items() if check.family)
        return self._families[kind]

    def _checks(self, kind: str) -> dict[str, Check]:
        if kind not in self._of_kind:
            self._of_kind[kind] = {check.name: check for check in self.checks if check.kind == kind}
        return self._of_kind[kind]

    def _once(
        self, check: Check, target: InventoryTarget, value: object, read: Callable[[], Iterable[Expectation]]
    ) -> Iterable[Expectation]:
        """Return what is read of a check, as it was for another target of which the same is said."""
        key = check.id, repr(value)
        if (known := self._read.get(key)) is not None:
            return [replace(expectation, target=target) for expectation in known]
        before = len(self.problems), len(self.notes)
        found = tuple(read())
        if before == (len(self.problems), len(self.notes)):
            self._read[key] = found
        return found

    def resolve(
        self, target: InventoryTarget, value: object, questions: Mapping[str, object], path: Key
    ) -> list[Expectation]:
        """Return a target's expectations: those said, and the defaults of the others."""
        checks = self._checks(target.kind)
        found: list[Expectation] = []
        for family, named in questions.items():
            family_read = partial(self._family, checks[family], target, named, (*path, family))
            found += self._once(checks[family], target, named, family_read)
        here = (*path, "expect")
        if not isinstance(value, dict | None):
            self.problems.add(here, "it must be a table, for example expect = { disk = '< 70%' }")
            return found
        if value == {}:
            self.problems.add(here, "this table is empty; leave it out, or add what is expected")
        plain = {name: check for name, check in checks.items() if not check.family}
        for name in value or ():
            if name in checks and name not in plain:
                self.problems.add((*here, name), f"a {name} needs its own name: [{target.id}.{name}.NAME]")
            elif name not in plain:
                self.problems.add((*here, name), f"unknown expectation; {nearest(name, plain)}")
        return [
            each for name in plain for each in self._said(plain[name], target, (value or {}).get(name), here)
        ] + found

    def _said(self, check: Check, target: InventoryTarget, value: object, here: Key) -> Iterable[Expectation]:
        """Return what is expected of a check: one expectation, or none where it is off."""

        def read() -> Iterator[Expectation]:
            if (made := self._plain(check, target, value, (*here, check.name))) is not None:
                yield made

        return self._once(check, target, value, read)

    def _family(self, check: Check, target: InventoryTarget, questions: object, path: Key) -> Iterator[Expectation]:
        """Yield the user-defined questions: [postgres.main.query.NAME]."""
        for name in (
            [name for name, question in questions.items() if question is False] if isinstance(questions, dict) else ()
        ):
            self.problems.add(
                (*path, name), f"there is no {check.name} {name!r} to switch off, in a template or a group"
            )
            return
        if not isinstance(questions, dict) or not all(isinstance(question, dict) for question in questions.values()):
            self.problems.add(path, f"a {check.name} needs its own name: [{target.id}.{check.name}.NAME]")
            return
        if not questions:
            self.problems.add(path, f"this table is empty; leave it out, or add one: [{target.id}.{check.name}.NAME]")
        for name, question in questions.items():
            here = (*path, name)
            if problem := name_problem(name):
                self.problems.add(here, problem)
                continue
            if "expect" in question and check.carries_limits:
                keys = ", ".join(check.limit_keys)
                self.problems.add((*here, "expect"), f"a {check.name} takes its expectations as separate keys: {keys}")
                continue
            table = {key: value for key, value in question.items() if key != "expect"}
            limit = (question["expect"], (*here, "expect")) if "expect" in question else None
            if (made := self._made(check, target, table, here, limit=limit, name=name)) is not None:
                yield made

    def _plain(self, check: Check, target: InventoryTarget, value: object, here: Key) -> Expectation | None:
        if value is False or (value is None and not check.on_by_default):
            return None
        if value is None or (value is True and not _takes_truth(check)):
            if check.needs:
                self.problems.add(here, f"true is not enough: {check.needs[0]} is needed")
                return None
            return self._made(check, target, {}, here)
        if isinstance(value, dict):
            return self._long(check, target, value, here)
        takes_limit = check.limits is not None or _limit_parameter(check) is not None
        if check.takes is not None and (takes_limit or not _looks_like_limit(value)):
            return self._made(check, target, {check.takes: value}, here, unsaid=check.takes)
        return self._made(check, target, {}, here, limit=(value, here))

    def _long(self, check: Check, target: InventoryTarget, table: dict[str, Any], here: Key) -> Expectation | None:
        """Read a table: severities or `limit` say what is expected, the other keys how."""
        if not table:
            self.problems.add(
                here, f"this table expects nothing; use for example {example_of(check)}, or false for off"
            )
            return None
        table = self._renamed(check, target, table)
        inner = inner_parameter(check)
        limit_keys = [
            *SEVERITIES,
            *self.words,
            *(() if inner else (key for key in ENTRY_KEYS if key not in check.keys)),
        ]
        limits = {key: value for key, value in table.items() if key in limit_keys}
        rest = {key: value for key, value in table.items() if key not in limits}
        if (carrier := _limit_parameter(check)) is not None and limits and carrier not in rest:
            return self._made(check, target, {**rest, carrier: limits}, here, unsaid=carrier)
        limit: tuple[object, Key] | None = (limits, here) if limits else None
        if set(limits) == {"limit"}:
            limit = (limits["limit"], (*here, "limit"))
        unsaid = None
        own = {key: value for key, value in rest.items() if inner and key not in (*COMMON, *check.keys)}
        if own and inner not in rest:
            unsaid = inner
            rest = {key: value for key, value in rest.items() if key not in own} | {str(inner): own}
        return self._made(check, target, rest, here, limit=limit, unsaid=unsaid)

    def _renamed(self, check: Check, target: InventoryTarget, table: dict[str, Any]) -> dict[str, Any]:
        """Return a table with the present names of its keys; an old one beside the present one is an unknown key."""
        renamed = {old: new for old, new in check.formerly.items() if old in table and new not in table}
        for old, new in renamed.items():
            self.notes.append(f"{check.id}@{target.name}: {old} is now called {new}; rename it")
        return {renamed.get(key, key): value for key, value in table.items()}

    def _made(
        self,
        check: Check,
        target: InventoryTarget,
        table: dict[str, Any],
        here: Key,
        *,
        limit: tuple[object, Key] | None = None,
        name: str | None = None,
        unsaid: str | None = None,
    ) -> Expectation | None:
        """Put an expectation together, None where anything is wrong with it.

        `limit` is what the inventory says as the limit, and where; `unsaid` names the parameter in `said` whose key the
        inventory leaves out.
        """
        before = len(self.problems)
        severity = self._severity(table.get("severity"), check, here)
        if limit is None:
            limits = _with_severity(check.limits, severity) if "severity" in table else check.limits
        else:
            limits = LimitReader(check, self.words, severity, self.problems).read(*limit)
        if len(self.problems) == before:
            self._refuse_missing_limits(check, limits, here, name, table)
            self._refuse_unused_severity(table, limits, severity, here)
        # Where the limit that says the window is wrong, nothing is known of the window, and no error follows from that.
        windowless = limits is None and limit is not None and WINDOW in check.probe.params.model_fields
        values = {} if windowless else self._params(check, table, limits, here, severity=severity, unsaid=unsaid)
        suites = self._suites(table.get("suites"), check, here)
        timeout_s = self._timeout(table.get("timeout"), check, here) + (values.get(SAMPLE) or 0)
        lasting = read_lasting(table, check.keys, here, self.problems)
        covers = read_ids(table["id"], (*here, "id"), self.problems) if "id" in table else ()
        action, steps = read_action(table.get("action", check.action), (*here, "action"), self.problems)
        runbooks = read_links(table["runbook"], (*here, "runbook"), self.problems) if "runbook" in table else ()
        says = (
            read_says(table["runbook_says"], (*here, "runbook_says"), self.problems) if "runbook_says" in table else ()
        )
        if len(self.problems) > before:
            return None
        return Expectation(
            check=check,
            target=target,
            limits=limits,
            severity=severity,
            suites=suites,
            params=values,
            timeout_s=timeout_s,
            name=name,
            runbooks=runbooks,
            runbook_says=says,
            action=action,
            steps=steps,
            covers=covers,
            lasting=lasting,
        )

    def _refuse_missing_limits(
        self, check: Check, limits: Limits | None, here: Key, name: str | None, table: Mapping[str, object]
    ) -> None:
        keys = (*check.limit_keys, inner_parameter(check))
        carried = check.carries_limits and (bool(check.needs) or any(key in table for key in keys))
        if limits is None and not carried:
            key = "expect" if name is not None else "P2"
            self.problems.add(here, f"it has no limit; add for example {key} = {example_of(check)}")

    def _refuse_unused_severity(
        self, table: Mapping[str, object], limits: Limits | None, severity: str, here: Key
    ) -> None:
        if (
            "severity" in table
            and limits is not None
            and any(each != severity for ladder in limits.ladders for each in ladder.texts())
        ):
            self.problems.add((*here, "severity"), f"its limits have their own severities ({limits}); leave this out")

    def _params(
        self,
        check: Check,
        table: dict[str, Any],
        limits: Limits | None,
        here: Key,
        *,
        severity: str,
        unsaid: str | None,
    ) -> dict[str, Any]:
        """Return the probe's arguments."""
        model = check.params
        given = {key: value for key, value in table.items() if key not in COMMON or key in check.keys}
        choices = [*COMMON, *check.keys, *SEVERITIES, *self.words]
        for key in (key for key in GIVEN if key in given):
            self.problems.add((*here, key), f"unknown key; {nearest(key, choices)}")
        if WINDOW in model.model_fields:
            windows = {ladder.window_s for ladder in limits.ladders} if limits is not None else {None}
            if len(windows) > 1:
                self.problems.add(here, "its limits count over the same window, for example all '/day'")
            given[WINDOW] = next(iter(windows))
        given |= {key: value for key, value in self.given.items() if key in model.model_fields}
        for key, value in given.items():
            if is_empty(value):
                where = here if key == unsaid else (*here, key)
                self.problems.add(where, "it is empty; give a value, or leave it out")
        try:
            refuse_blind(given.get("pattern"), given.get("ignore"))
        except LimitError as error:
            self.problems.add((*here, "ignore"), str(error))
        try:
            made = model.model_validate(given, context={"words": self.words, "severity": severity})
        except ValidationError as error:
            note_validation(error, self.problems, here, given, choices, unsaid=unsaid)
            return {}
        return {name: getattr(made, name) for name in model.model_fields}

    def _suites(self, value: object, check: Check, here: Key) -> tuple[str, ...]:
        if value is None:
            return check.suites
        if not isinstance(value, list) or not value or not all(isinstance(suite, str) for suite in value):
            self.problems.add((*here, "suites"), 'it must be a list of at least one suite, for example ["daily"]')
            return check.suites
        for suite in value:
            if suite not in self.suites:
                self.problems.add((*here, "suites"), f"unknown suite {suite!r}; {nearest(suite, self.suites)}")
        return tuple(dict.fromkeys(value))

    def _severity(self, value: object, check: Check, here: Key) -> str:
        try:
            return check.severity if value is None else severity_of(value, self.words)
        except LimitError as error:
            self.problems.add((*here, "severity"), str(error))
            return check.severity

    def _timeout(self, value: object, check: Check, here: Key) -> float:
        if value is None:
            return check.probe.timeout_s
        try:
            seconds = parse_duration(value)
        except LimitError as error:
            self.problems.add((*here, "timeout"), str(error))
            return check.probe.timeout_s
        if seconds > LONGEST_TIMEOUT_S:
            self.problems.add((*here, "timeout"), f"{value!r} is more than an hour; use for example '30s'")
        return seconds


def _with_severity(limits: Limits | None, severity: str) -> Limits | None:
    """Return default limits with the inventory's severity, where they are one limit."""
    if limits is None or len(limits.ladders[0].rungs) > 1:
        return limits
    return Limits(((None, single(limits.ladders[0].rungs[0].limit, severity)),))


def _limit_parameter(check: Check) -> str | None:
    """Return the parameter that the short form sets where it is itself a limit, as the count of `healthy = 8` is."""
    if check.takes is None:
        return None
    return check.takes if Ladder in _forms(check, check.takes) else None


def _takes_truth(check: Check) -> bool:
    """Tell whether the check's short form takes true as a value rather than as `on`."""
    return check.takes is not None and check.params.model_fields[check.takes].annotation is bool


def inner_parameter(check: Check) -> str | None:
    """Return the parameter whose own keys may stand in the long form, as the paths of `json` do; None without one."""
    if check.takes is None:
        return None
    return check.takes if {dict, Mapping}.intersection(_forms(check, check.takes)) else None


def _forms(check: Check, parameter: str) -> Iterator[object]:
    """Yield the classes that a parameter can have, and those of what is in a container, without their validators."""
    annotation = check.params.model_fields[parameter].annotation
    for form in (annotation, *get_args(annotation)):
        bare = form.__origin__ if get_origin(form) is Annotated else form
        yield get_origin(bare) or bare


def _looks_like_limit(value: object) -> bool:
    return isinstance(value, str) and value.lstrip().startswith(("<", ">", "=", "!", "~"))
