"""What an inventory says of one target's checks, put together with each check's defaults."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from .._check import Check
from ..limits import SEVERITIES, Ladder, LimitError, Limits, example, parse_during, parse_ladder, parse_limit, single
from .lines import Path
from .model import Expectation, Named
from .problems import Problems, nearest

COMMON = ("suites", "severity", "runbook", "action", "timeout")
"""The keys of every long form, beside the severities and the check's own parameters."""
LONGEST_TIMEOUT_S = 3600


@dataclass(frozen=True)
class Resolver:
    """Reads the expectations of an inventory's targets, and notes what is wrong with them."""

    checks: Mapping[str, Check]
    words: Mapping[str, str]
    suites: Iterable[str]
    problems: Problems

    def resolve(self, target: Named, said: object, families: Mapping[str, object], path: Path) -> list[Expectation]:
        """Return a target's expectations: those said, and the defaults of the others."""
        checks = {check.name: check for check in self.checks.values() if check.kind == target.kind}
        plain = {name: check for name, check in checks.items() if not check.family}
        if not isinstance(said, dict):
            self.problems.add((*path, "expect"), "expect is a table, for example expect = { disk = '< 70%' }")
            return []
        if not said and (*path, "expect") in self.problems.lines.known:
            self.problems.add((*path, "expect"), "this table says nothing; leave it out, or say what is expected")
        found = [e for name, check in plain.items() if (e := self._plain(check, target, said.get(name), path)) is not None]
        for name in said:
            if name not in plain:
                hint = nearest(name, plain)
                if name in checks:
                    hint = f"a {name} has a name of its own: [{target.id}.{name}.NAME]"
                self.problems.add((*path, "expect", name), f"unknown expectation; {hint}")
        for family, questions in families.items():
            found.extend(self._family(checks[family], target, questions, (*path, family)))
        return found

    def _family(self, check: Check, target: Named, questions: object, path: Path) -> Iterator[Expectation]:
        if not isinstance(questions, dict) or not all(isinstance(said, dict) for said in questions.values()):
            self.problems.add(path, f"a {check.name} has a name of its own: [{target.id}.{check.name}.NAME]")
            return
        if not questions:
            self.problems.add(path, "this table names nothing; leave it out, or name a question")
        for name, said in questions.items():
            here = (*path, name)
            if not _is_name(name):
                self.problems.add(here, f"{name!r} can't be a name; use letters, digits, '_', '-' and '.'")
                continue
            limits = check.limits
            if "expect" in said:
                limits = self._limits(check, said["expect"], (*here, "expect"))
            elif "expect" in _question_keys(check):
                self.problems.add(here, f"it says nothing that is expected; add for example expect = {self._example(check)}")
            table = {key: value for key, value in said.items() if key != "expect"}
            if (made := self._table(check, target, table, limits, here, name=name)) is not None:
                yield made

    def _plain(self, check: Check, target: Named, said: object, path: Path) -> Expectation | None:
        here = (*path, "expect", check.name)
        if said is False or (said is None and not check.on_by_default):
            return None
        if said is None or (said is True and not self._boolean(check)):
            return self._defaults(check, target, here)
        if isinstance(said, dict):
            return self._long(check, target, said, here)
        if check.takes is not None and not (isinstance(said, str) and _looks_like_limit(said) and check.limits is None):
            return self._table(check, target, {check.takes: said}, check.limits, here)
        return self._table(check, target, {}, self._limits(check, said, here), here)

    @staticmethod
    def _boolean(check: Check) -> bool:
        """Tell whether the check's short form takes true as a value rather than as `on`."""
        return check.takes is not None and check.probe.params.model_fields[check.takes].annotation is bool

    def _defaults(self, check: Check, target: Named, here: Path) -> Expectation | None:
        required = [name for name, info in check.probe.params.model_fields.items() if info.is_required()]
        if required:
            self.problems.add(here, f"true says too little: {required[0]} is needed")
            return None
        if check.limits is None:
            self.problems.add(here, f"there is no default; say what is expected, for example {self._example(check)}")
            return None
        return self._table(check, target, {}, check.limits, here)

    def _long(self, check: Check, target: Named, said: dict[str, Any], here: Path) -> Expectation | None:
        if not said:
            self.problems.add(here, f"this table expects nothing; say for example {self._example(check)}, or false for off")
            return None
        params = check.probe.params.model_fields
        rungs = {key: value for key, value in said.items() if key in SEVERITIES or key in self.words}
        rest = {key: value for key, value in said.items() if key not in rungs}
        limits = check.limits
        if "limit" in rest and "limit" not in params:
            limits = self._limits(check, rest.pop("limit"), (*here, "limit"), severity=str(rest.get("severity", check.severity)))
        if rungs:
            limits = self._limits(check, rungs, here)
        if check.takes is not None and _is_mapping(check, check.takes):
            inner = {key: value for key, value in rest.items() if key not in COMMON and key not in params}
            rest = {key: value for key, value in rest.items() if key not in inner}
            if inner:
                rest[check.takes] = {**rest.get(check.takes, {}), **inner}
        return self._table(check, target, rest, limits, here)

    def _table(
        self, check: Check, target: Named, said: dict[str, Any], limits: Limits | None, here: Path, *, name: str | None = None
    ) -> Expectation | None:
        before = len(self.problems.found)
        common = {key: value for key, value in said.items() if key in COMMON}
        params = {key: value for key, value in said.items() if key not in COMMON}
        suites = self._suites(common.get("suites"), check, here)
        severity = self._severity(common.get("severity"), check, here)
        timeout_s = self._timeout(common.get("timeout"), check, here)
        if "severity" in common and limits is not None and limits is check.limits:
            limits = _with_severity(limits, severity)
        if limits is None and not check.family and check.takes is None:
            self.problems.add(here, f"no limit; say what is expected, for example P2 = {self._example(check)}")
        values = self._params(check, params, limits, here, severity)
        for key in ("runbook", "action"):
            if not isinstance(common.get(key), str | None):
                self.problems.add((*here, key), "it is a text")
        if len(self.problems.found) > before:
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
            runbook=common.get("runbook"),
            action=common.get("action", check.action),
        )

    def _params(
        self, check: Check, said: dict[str, Any], limits: Limits | None, here: Path, severity: str
    ) -> dict[str, Any]:
        model = check.probe.params
        given = dict(said)
        if "window_s" in model.model_fields and limits is not None:
            windows = {ladder.window_s for ladder in limits.ladders}
            if len(windows) > 1:
                self.problems.add(here, "its limits count over the same window, for example all '/day'")
            given.setdefault("window_s", windows.pop())
        try:
            made = model.model_validate(given, context={"words": self.words, "severity": severity})
        except ValidationError as error:
            choices = [*COMMON, *model.model_fields, *SEVERITIES, *self.words]
            note_validation(error, self.problems, here, choices)
            return {}
        empty = [name for name in said if name in model.model_fields and getattr(made, name) in ([], (), {}, "")]
        for name in empty:
            self.problems.add((*here, name) if name in said and name != check.takes else here, f"{name} is empty: nothing would be checked")
        return {name: getattr(made, name) for name in model.model_fields}

    def _suites(self, said: object, check: Check, here: Path) -> tuple[str, ...]:
        if said is None:
            return check.suites
        if not isinstance(said, list) or not said or not all(isinstance(suite, str) for suite in said):
            self.problems.add((*here, "suites"), 'suites is a list of at least one, for example ["daily"]')
            return check.suites
        for suite in said:
            if suite not in self.suites:
                self.problems.add((*here, "suites"), f"unknown suite {suite!r}; {nearest(suite, self.suites)}")
        return tuple(said)

    def _severity(self, said: object, check: Check, here: Path) -> str:
        severity = self.words.get(said, said) if isinstance(said, str) else said
        if severity is None:
            return check.severity
        if not isinstance(severity, str) or severity not in SEVERITIES:
            self.problems.add((*here, "severity"), f"{said!r} is no severity; {nearest(str(said), [*SEVERITIES, *self.words])}")
            return check.severity
        return severity

    def _timeout(self, said: object, check: Check, here: Path) -> float:
        if said is None:
            return check.probe.timeout_s
        try:
            limit = parse_limit(said)
            seconds = limit.number if limit.dimension == "duration" or isinstance(said, int | float) else None
        except LimitError:
            seconds = None
        if seconds is None or isinstance(said, bool) or not 0 < seconds <= LONGEST_TIMEOUT_S:
            self.problems.add((*here, "timeout"), f"{said!r} is no time limit up to an hour; say for example '30s'")
            return check.probe.timeout_s
        return seconds

    def _limits(self, check: Check, said: object, here: Path, severity: str | None = None) -> Limits | None:
        """Read a limit, a ladder, or a list of ladders each for its part of the day."""
        try:
            choices = list(self._choices(said, severity or check.severity))
        except LimitError as error:
            self.problems.add(here, str(error))
            return None
        for _, ladder in choices:
            self._fits(check, ladder, here)
        return Limits(tuple(choices))

    def _choices(self, said: object, severity: str) -> Iterator[tuple[Any, Ladder]]:
        entries = said if isinstance(said, list) else [said]
        if not entries:
            raise LimitError("this list is empty: nothing would be checked")
        for number, entry in enumerate(entries, start=1):
            if not isinstance(entry, dict):
                yield None, single(parse_limit(entry), self.words.get(severity, severity))
                continue
            rungs = {key: value for key, value in entry.items() if key != "during"}
            during = parse_during(entry["during"]) if "during" in entry else None
            if during is None and number < len(entries):
                raise LimitError(f"entry {number} has no `during`, so those after it would never apply")
            if during is not None and number == len(entries):
                raise LimitError("the last entry has a `during`; end with one without, for the rest of the day")
            yield during, parse_ladder(rungs, self.words)

    def _fits(self, check: Check, ladder: Ladder, here: Path) -> None:
        wrong = ladder.dimensions - check.dimensions if check.dimensions else frozenset()
        for rung in ladder.rungs:
            if rung.limit.dimension in wrong:
                measured = " or ".join(sorted(check.dimensions))
                self.problems.add(
                    here,
                    f"'{rung.limit}' limits a {rung.limit.dimension}, but {check.id} is a {measured}; "
                    f"say for example {self._example(check)}",
                )

    @staticmethod
    def _example(check: Check) -> str:
        if check.limits is not None:
            return f"'{next(iter(check.limits.ladders)).rungs[-1].limit}'"
        return example(min(check.dimensions)) if check.dimensions else "'< 10'"


def note_validation(error: ValidationError, problems: Problems, here: Path, choices: Iterable[str]) -> None:
    """Note each error that pydantic found, in the words of the inventory, without the values."""
    for detail in error.errors(include_url=False, include_input=False):
        where = tuple(step for step in detail["loc"] if isinstance(step, str | int))
        match detail["type"]:
            case "extra_forbidden":
                message = f"unknown key; {nearest(str(where[-1]), choices)}"
            case "missing":
                message = f"the key {where[-1]!r} is needed"
                where = where[:-1]
            case _:
                message = detail["msg"].removeprefix("Value error, ")
        problems.add((*here, *where), message)


def _with_severity(limits: Limits, severity: str) -> Limits:
    """Return default limits with the inventory's severity, where they are one limit."""
    choices = tuple(
        (during, single(ladder.rungs[0].limit, severity) if len(ladder.rungs) == 1 else ladder)
        for during, ladder in limits.choices
    )
    return Limits(choices)


def _question_keys(check: Check) -> tuple[str, ...]:
    """Return the keys that a question of this family has to say beside its parameters."""
    return ("expect",) if check.limits is None else ()


def _is_mapping(check: Check, name: str) -> bool:
    annotation = check.probe.params.model_fields[name].annotation
    return getattr(annotation, "__origin__", annotation) in (dict, Mapping)


def _looks_like_limit(said: str) -> bool:
    return said.lstrip().startswith(("<", ">", "=", "!", "~"))


def _is_name(name: str) -> bool:
    return bool(name) and name[0].isalnum() and all(c.isalnum() or c in "_-." for c in name) and name.isascii()
