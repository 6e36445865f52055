"""Reads what of the runbook need not be checked, for those who may not edit it: the tables [[runbook.exempt]]."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .maintenance import Text, day
from .positions import Key
from .problems import Problems, nearest
from .validation import note_validation

TABLE = "runbook"
_EXAMPLE = '[[runbook.exempt]] with quote = "the text", why = "the reason"'


@dataclass(frozen=True, slots=True)
class Exempt:
    """What need not be checked: a section by its anchor, or the statements with a text; until a last day.

    place: which of the tables it is, from 0 on.
    """

    place: int
    why: str
    anchor: str | None = None
    quote: str | None = None
    until: dt.date | None = None

    def holds(self, today: dt.date) -> bool:
        """Tell whether it is not over."""
        return self.until is None or today <= self.until


class ExemptTable(BaseModel):
    """An entry of [[runbook.exempt]]."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)
    anchor: Text | None = Field(default=None, description="the anchor of a section: all of it, or where the quote is")
    quote: Text | None = Field(default=None, description="a text by which the statement is found: a part of its line")
    why: Text = Field(description="the reason")
    until: Any = Field(default=None, description="the last day on which it is valid: 2026-12-31")


def read_exempt(value: object, problems: Problems) -> tuple[Exempt, ...]:
    """Return what the table [runbook] says."""
    if not isinstance(value, Mapping):
        problems.add((TABLE,), f"it must be a table, for example {_EXAMPLE}")
        return ()
    for key in value:
        if key != "exempt":
            problems.add((TABLE, key), f"unknown key; {nearest(str(key), ['exempt'])}")
    tables = value.get("exempt", [])
    if not isinstance(tables, list):
        problems.add((TABLE, "exempt"), f"it must be a list of tables, for example {_EXAMPLE}")
        return ()
    return tuple(_read(tables, problems))


def _read(tables: list[object], problems: Problems) -> Iterator[Exempt]:
    for place, table in enumerate(tables):
        path: Key = (TABLE, "exempt", place)
        if not isinstance(table, Mapping):
            problems.add(path, f"it must be a table, for example {_EXAMPLE}")
            continue
        try:
            model = ExemptTable.model_validate(table)
        except ValidationError as error:
            note_validation(error, problems, path, table, ExemptTable.model_fields)
            continue
        if model.anchor is None and model.quote is None:
            problems.add(path, "it says neither where nor what; add anchor, or quote")
        until = None if model.until is None else day(model.until, (*path, "until"), problems)
        yield Exempt(place, model.why, model.anchor and model.anchor.removeprefix("#"), model.quote, until)
