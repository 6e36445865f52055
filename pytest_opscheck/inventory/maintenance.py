"""Reads when to be quiet, and about what: the tables [maintenance.NAME] and [[waiver]]."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ..core.units import LimitError
from .model import Expectation, name_problem
from .positions import Key
from .problems import Problems, nearest
from .tagged import TAG, at, places_of
from .validation import note_validation
from .waivers import Waiver
from .windows import EXAMPLE, RULE, Window, parse_at, parse_rule

T = TypeVar("T")
_DATE = "2026-12-31"
_DAY = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$|^(?![0-9]{4}-[0-9]{2}-[0-9]{2}$)"


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("it is empty; give a value")
    return text.strip()


Text = Annotated[str, AfterValidator(_said)]


class _Waiver(BaseModel):
    """An entry of [[waiver]]."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)
    check: Text
    target: Text
    subject: Text | None = None
    owner: Text
    reason: Text
    ticket: Text | None = None
    until: Any


class _Window(BaseModel):
    """A table [maintenance.NAME]."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True, populate_by_name=True)
    rule: Text
    at: Text
    why: Text
    first: Any = Field(default=None, alias="from")
    targets: list[str] | None = Field(default=None, min_length=1)
    checks: list[str] | None = Field(default=None, min_length=1)


def read_waivers(value: object, expectations: Collection[Expectation], problems: Problems) -> tuple[Waiver, ...]:
    """Return what [[waiver]] says, also those that are over. One of a check that the inventory lacks is an error."""
    if not isinstance(value, list):
        problems.add(("waiver",), "it must be a list of tables: [[waiver]]")
        return ()
    made: dict[tuple[str, str | None], Waiver] = {}
    for place, entry in enumerate(value):
        path: Key = ("waiver", place)
        waiver = _waiver(entry, path, expectations, problems)
        for result in sorted(waiver.results) if waiver is not None else ():
            if waiver is not None and made.setdefault((result, waiver.subject), waiver) is not waiver:
                problems.add(path, f"{_about(result, waiver.subject)} has two waivers; keep one of them")
                break
    return tuple(dict.fromkeys(made.values()))


def _waiver(entry: object, path: Key, expectations: Collection[Expectation], problems: Problems) -> Waiver | None:
    if not isinstance(entry, Mapping):
        problems.add(path, "it must be a table: [[waiver]]")
        return None
    try:
        model = _Waiver.model_validate(entry)
    except ValidationError as error:
        note_validation(error, problems, path, entry, _Waiver.model_fields)
        return None
    until = day(model.until, (*path, "until"), problems)
    if not (results := _waived(model, path, expectations, problems)) or until is None:
        return None
    about = f"{model.check}@{model.target}"
    return Waiver(about, model.owner, model.reason, until, model.subject, model.ticket, results)


def _waived(model: _Waiver, path: Key, expectations: Collection[Expectation], problems: Problems) -> frozenset[str]:
    """Return the ids of the results that a waiver names, of one target or of those of a tag."""
    own = [each for each in expectations if each.check_id == model.check]
    places = places_of(expectations)
    if not own and not places.is_open:
        known = {expectation.check_id for expectation in expectations}
        problem = f"there is no check {model.check!r} in this inventory; {nearest(model.check, known)}"
        problems.add((*path, "check"), problem)
        return frozenset()
    is_tag = model.target.startswith(TAG)
    if is_tag and (unknown := places.problem(model.target)):
        problems.add((*path, "target"), unknown)
        return frozenset()
    targets = {each.target.name for each in own}
    if is_tag:
        found = at([model.target], expectations)
    else:
        found = frozenset(each.id for each in own if model.target in (each.target.name, each.target.path[1]))
    results = frozenset(each.id for each in own).intersection(found)
    if not results and not places.is_open:
        problem = f"{model.check} has no target {model.target!r}; {nearest(model.target, targets)}"
        problems.add((*path, "target"), problem)
    return results


def _about(result: str, subject: str | None) -> str:
    return f"{result} {subject}" if subject is not None else result


def day(value: object, path: Key, problems: Problems) -> dt.date | None:
    """Return a day: 2026-12-31, with or without quotes."""
    if type(value) is dt.date:
        return value
    try:
        if isinstance(value, str):
            return dt.datetime.strptime(value.strip(), "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no time zone
    except ValueError:
        pass
    problems.add(path, f"{value!s} is not a day; use for example {_DATE}, which is the last one that counts")
    return None


def read_windows(
    value: object, expectations: Collection[Expectation], *, zoned: bool, problems: Problems
) -> tuple[Window, ...]:
    """Return what [maintenance.NAME] says. `zoned`: whether the inventory says by which clocks."""
    if not isinstance(value, Mapping):
        problems.add(("maintenance",), "a window needs a name: [maintenance.NAME]")
        return ()
    if value and not zoned:
        problems.add(
            ("maintenance",),
            "windows follow the inventory's time zone, so set it: timezone in [opscheck], for example 'Europe/Berlin'",
        )
    found = (_window(name, table, expectations, problems) for name, table in value.items())
    return tuple(window for window in found if window is not None)


def _window(name: str, value: object, expectations: Collection[Expectation], problems: Problems) -> Window | None:
    path: Key = ("maintenance", name)
    if problem := name_problem(name):
        problems.add(path, problem)
    if not isinstance(value, Mapping):
        problems.add(path, "a window needs a name: [maintenance.NAME]")
        return None
    try:
        model = _Window.model_validate(value)
    except ValidationError as error:
        note_validation(
            error, problems, path, value, ["from" if key == "first" else key for key in _Window.model_fields]
        )
        return None
    first = None if model.first is None else day(model.first, (*path, "from"), problems)
    at = _parsed(lambda: parse_at(model.at), (*path, "at"), problems)
    rule = _parsed(lambda: parse_rule(model.rule, first), (*path, "rule"), problems)
    results = narrowed(model.targets, model.checks, expectations, path, problems)
    return Window(name, rule, at, model.why, results) if rule is not None and at is not None else None


def _parsed(parse: Callable[[], T], path: Key, problems: Problems) -> T | None:
    try:
        return parse()
    except LimitError as error:
        problems.add(path, str(error))
        return None


def narrowed(
    targets: list[str] | None,
    checks: list[str] | None,
    expectations: Collection[Expectation],
    path: Key,
    problems: Problems,
) -> frozenset[str] | None:
    """Return the ids of the results that a window holds for, None for all; what names nothing is an error."""
    if targets is None and checks is None:
        return None
    places = places_of(expectations)
    for place, target in enumerate(targets or ()):
        if problem := places.problem(target):
            problems.add((*path, "targets", place), problem)
    for place, check in enumerate(checks or ()):
        if not any(_is_of(expectation, check) for expectation in expectations):
            known = {expectation.check_id for expectation in expectations}
            problems.add((*path, "checks", place), f"there is no check {check!r}; {nearest(check, known)}")
    meant = places.of(targets or ())
    return frozenset(
        each.id
        for each in expectations
        if (targets is None or each.target.id in meant)
        and (checks is None or any(_is_of(each, check) for check in checks))
    )


def _is_of(expectation: Expectation, check: str) -> bool:
    """Tell whether a check is meant by `host.disk@prod`, `host.disk`, or its kind, `host`."""
    return expectation.id == check or expectation.id.startswith((f"{check}@", f"{check}."))


def schema() -> dict[str, Any]:
    """Return the JSON Schema of both tables."""
    text = {"$ref": "#/$defs/text"}
    day = {"type": "string", "format": "date", "pattern": _DAY, "description": "a day: " + _DATE}
    names = {"type": "array", "minItems": 1, "items": text}
    waiver = {
        "check": {"description": "the id of a check: host.disk", **text},
        "target": {"description": "the name of its target, or a tag of several: tag:dc1", **text},
        "subject": {"description": "only this one of what it measures: /var", **text},
        "owner": {"description": "who is responsible for it", **text},
        "reason": {"description": "why the breach is accepted", **text},
        "ticket": {"description": "the ticket for it", **text},
        "until": {**day, "description": "the last day on which it is valid"},
    }
    window = {
        "rule": {"description": f"on which days, as an RFC 5545 rule: {EXAMPLE}", **text, "pattern": RULE},
        "at": {
            "description": "the time of day, in the inventory's time zone: 02:00-08:00; it may cross midnight",
            **text,
        },
        "why": {"description": "what is being done", **text},
        "from": {**day, "description": "the day of the first one, for rules that count from it"},
        "targets": {"description": "only these targets, and those reached through them: host.prod, tag:dc1", **names},
        "checks": {"description": "only these checks: host.disk, or host", **names},
    }
    return {
        "maintenance": {
            "type": "object",
            "description": "windows in which breaches count as maintenance and alert nobody",
            "additionalProperties": _closed(window, ["rule", "at", "why"]),
        },
        "waiver": {
            "type": "array",
            "description": "breaches that somebody has accepted, until a given day",
            "items": _closed(waiver, ["check", "target", "owner", "reason", "until"]),
        },
    }


def _closed(fields: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": required, "additionalProperties": False}
