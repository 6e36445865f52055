"""Limits as an inventory says them: one, a ladder, or a list of either with the part of the day when it applies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._check import Check
from ..core.dayparts import During, Limits, check_parts, parse_during
from ..core.domains import refuse_idle, refuse_open
from ..core.ladders import Ladder, RelativeRung, Rung, ladder_of
from ..core.limits import SEVERITIES, Limit, parse_limit
from ..core.relative import POINTS, RelativeLimit, parse_relative
from ..core.units import UNITS, LimitError, UnknownUnitError, dimension, example
from .absent import Absent
from .positions import Key
from .problems import Problems, nearest

ENTRY_KEYS = ("during", "limit")
"""What may stand beside the severities in one entry."""


@dataclass(frozen=True)
class LimitReader:
    """Reads the limits of one check, and notes everything that is wrong with them."""

    check: Check
    words: Mapping[str, str]
    severity: str
    problems: Problems

    def read(self, value: object, here: Key) -> Limits | None:
        """Return limits, None where anything is wrong."""
        before = len(self.problems)
        if value == []:
            self.problems.add(here, "this list is empty: nothing would be checked")
        entries = value if isinstance(value, list) else [value]
        choices: list[tuple[During | None, Ladder | None]] = []
        for number, entry in enumerate(entries):
            where = (*here, number) if isinstance(value, list) else here
            if isinstance(entry, dict):
                choices.append((self._during(entry, where), self._ladder(entry, where)))
            else:
                rung = self._rung(self.severity, entry, where)
                choices.append((None, ladder_of([rung]) if rung is not None else None))
        if len(self.problems) == before:
            try:
                check_parts([during for during, _ in choices])
            except LimitError as error:
                self.problems.add(here, str(error))
        made = tuple((during, ladder) for during, ladder in choices if ladder is not None)
        return Limits(made) if len(self.problems) == before else None

    def _during(self, entry: dict[str, Any], here: Key) -> During | None:
        try:
            return parse_during(entry["during"]) if "during" in entry else None
        except LimitError as error:
            self.problems.add((*here, "during"), str(error))
            return None

    def _ladder(self, entry: dict[str, Any], here: Key) -> Ladder | None:
        before = len(self.problems)
        rungs = []
        for key, value in entry.items():
            if key == "limit":
                rungs.append(self._rung(self.severity, value, (*here, key), part="during" in entry))
            elif key in SEVERITIES or key in self.words:
                rungs.append(self._rung(self.words.get(key, key), value, (*here, key), part="during" in entry))
            elif key != "during":
                choices = [*SEVERITIES, *self.words, *ENTRY_KEYS]
                self.problems.add((*here, key), f"unknown key; {nearest(key, choices)}")
        if "limit" in entry and len(rungs) > 1:
            self.problems.add((*here, "limit"), "use either `limit` or limits by severity")
        if len(self.problems) > before:
            return None
        try:
            return ladder_of(rung for rung in rungs if rung is not None)
        except LimitError as error:
            self.problems.add(here, str(error))
            return None

    def _rung(self, severity: str, value: object, here: Key, *, part: bool = False) -> Rung | RelativeRung | None:
        """Return a limit with its severity, None where anything is wrong with it."""
        if isinstance(value, Absent):
            value = example_of(self.check).strip("'")
        try:
            relative = parse_relative(value)
            if relative is not None:
                return RelativeRung(severity, self._fitting(relative))
        except LimitError as error:
            self.problems.add(here, str(error))
            return None
        limit = self._limit(value, here, part=part)
        return Rung(severity, limit) if limit is not None else None

    def _fitting(self, limit: RelativeLimit) -> RelativeLimit:
        """Return a limit relative to a baseline. Raises LimitError where the check measures no number, or another."""
        check, measured = self.check, self.check.dimensions
        if measured and not measured - {"text", "set"}:
            raise LimitError(
                f"'{limit}' is for numbers, and {check.id} is not one; use for example {example_of(check)}"
            )
        margin = "percentage" if limit.unit == POINTS else dimension(limit.unit)
        if limit.margin and not limit.is_ratio and measured and margin not in measured:
            raise LimitError(f"'{limit}' adds a {margin}, and {check.id} is {_said(measured)}; use 'baseline + 20%'")
        return limit

    def _limit(self, value: object, here: Key, *, part: bool = False) -> Limit | None:
        """Return a limit, None where anything is wrong; `part` tells whether it is for a part of the day."""
        try:
            limit = refuse_open(parse_limit(value))
        except UnknownUnitError as error:
            self.problems.add(here, self._with_units(error))
            return None
        except LimitError as error:
            self.problems.add(here, str(error))
            return None
        if limit.unit and isinstance(value, str) and not value.lstrip().startswith(limit.operator):
            self.problems.add(here, f"{value!r} has no operator; use for example {example_of(self.check)}")
            return None
        if self.check.dimensions and not limit.measures(self.check.dimensions):
            self.problems.add(
                here,
                f"'{limit}' is for a {limit.dimension}, and {self.check.id} is {_said(self.check.dimensions)}; "
                f"use for example {example_of(self.check)}",
            )
            return None
        try:
            self._refuse_idle(limit, part=part)
        except LimitError as error:
            self.problems.add(here, str(error))
            return None
        return limit

    def _with_units(self, error: UnknownUnitError) -> str:
        """Return an error with the units that fit the check, where it measures one thing."""
        measured = self.check.dimensions
        fitting = [unit for unit in UNITS if dimension(unit) in measured]
        if not fitting:
            return str(error)
        units = ", ".join(unit or "no unit" for unit in fitting)
        return f"unknown unit {error.unit!r}; {self.check.id} is {_said(measured)}: use {units}"

    def _refuse_idle(self, limit: Limit, *, part: bool) -> None:
        """Refuse a limit that decides nothing; for a part of the day, `>= 0` says that anything may be then.

        Raises LimitError.
        """
        check = self.check
        well = check.well
        if well is not None and not limit.holds(well):
            raise LimitError(
                f"'{limit}' can't hold: {check.id} is {well!r} where all is well; "
                "use true or false, without quotes, to switch it on or off"
            )
        measures = "count" if {"text", "count"} <= check.dimensions else limit.dimension
        domain = check.domain(measures) if measures in check.dimensions else None
        if domain is not None and not (part and limit.operator == ">=" and limit.number == domain.least):
            refuse_idle(limit, domain, check.id, example_of(check))


def _said(dimensions: Iterable[str]) -> str:
    return " or ".join(f"a {each}" for each in sorted(dimensions))


def example_of(check: Check) -> str:
    """Return a limit that a check can have, quoted, as an error's next step."""
    if check.limits is not None:
        return f"'{check.limits.ladders[0].rungs[-1].limit}'"
    return example(min(check.dimensions, default="count"))
