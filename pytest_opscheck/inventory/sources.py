"""Reads [source]: lists that others own, and the targets that their items are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..core.humanize import counted
from ..core.ladders import severity_of
from ..core.secrets import secrets_at
from ..core.shapes import is_secret_key
from ..core.units import LimitError
from ..probes.source import Source, State
from .asked import Asked
from .asking import Asking
from .kept import Kept, age, file_of, keep, moment, recalled, without_secrets
from .lists import Item, ListError
from .model import name_problem
from .placeholders import PLACES, Blank, choices, source_keys
from .positions import Key
from .problems import Problems
from .validation import note_validation, secrets_of

_SHOWN = 5
_NEEDED = "a source needs a name: [source.NAME]"
_WHERE = 'file = "sd/*.json", command = ["ansible-inventory", "--list"] or url = "https://sd.example.com/targets"'


@dataclass(frozen=True, slots=True)
class Listed:
    """A source, and the items of its list that are meant, by the names of their targets."""

    name: str
    source: Source
    members: Mapping[str, Item]

    @property
    def digested(self) -> Mapping[str, Mapping[str, str]]:
        """What tells this list from another one."""
        return {name: without_secrets(item.fields) for name, item in self.members.items()}

    @property
    def told(self) -> dict[str, Any]:
        """What a run tells its other processes of it."""
        state = self.source.state
        items = {name: dict(item.fields) for name, item in self.members.items()}
        return {"items": items, "problem": state.problem, "gone": dict(state.gone), "read": state.read}

    @property
    def note(self) -> str | None:
        """What there is to say of it beside its results; None where there is nothing."""
        state = self.source.state
        if state.problem is not None:
            return f"source.{self.name}: {state.problem}"
        if state.is_open:
            return f"source.{self.name}: no run has read this list yet, so its targets are not known here; {_ASK}"
        if state.read is None:
            return None
        number = counted(len(self.members), "item")
        return f"source.{self.name}: {number}, as of {state.read} ({age(state.read)}); {_ASK}"


_ASK = "opscheck validate --sources asks"


@dataclass(frozen=True, slots=True)
class Places:
    """Where lists are seen from, and where their last known items are."""

    folder: Path
    reports: Path


@dataclass(frozen=True, slots=True)
class _Said:
    """A source as the inventory has it: its keys, how its items are named, and what tells its items from others."""

    name: str
    source: Source
    naming: Blank
    file: Path

    @property
    def path(self) -> Key:
        return "source", self.name

    @property
    def meant(self) -> list[Any]:
        return [self.source.format, self.source.chosen, repr(self.naming)]


def read_sources(
    tables: object, places: Places, asked: Asked, words: Mapping[str, str], problems: Problems
) -> tuple[Listed, ...]:
    """Return the sources with their items, as far as they can be read; of one that can't be the last known items."""
    if not isinstance(tables, dict) or not tables:
        problems.add(("source",), _NEEDED)
        return ()
    entry = [_said(name, table, places, words, problems) for name, table in tables.items()]
    return _Reading(asked, places, problems).listed([each for each in entry if each is not None])


def _said(name: str, table: object, places: Places, words: Mapping[str, str], problems: Problems) -> _Said | None:
    path: Key = ("source", name)
    if problem := name_problem(name):
        problems.add(path, problem)
    if not isinstance(table, dict):
        problems.add(path, _NEEDED)
        return None
    if (source := _model(table, words, path, problems)) is None or problem:
        return None
    return _Said(name, source, table["name"], file_of(places.reports, name))


@dataclass(frozen=True, slots=True)
class _Reading:
    """How the lists of an inventory become items: a run asks for them, and everybody else knows what it has found."""

    asked: Asked
    places: Places
    problems: Problems

    def listed(self, stated: Collection[_Said]) -> tuple[Listed, ...]:
        """Return the sources with their items."""
        if (given := self.asked.given()) is not None:
            for each in (each for each in stated if each.name not in given):
                self.problems.add(each.path, "the run that this is a part of knows nothing of it; start the run again")
            return tuple(_given(each, given[each.name], self.problems) for each in stated if each.name in given)
        due = {each.name: each.source for each in stated if self.asked.asks or each.source.file is not None}
        replies = Asking(self.places.folder).replies(due)
        return tuple(filter(None, (self._listed(each, replies.get(each.name)) for each in stated)))

    def _listed(self, stated: _Said, reply: list[Item] | ListError | None) -> Listed | None:
        """Return a source with the items of a reply, or else with the last known ones."""
        try:
            known = recalled(stated.file, stated.meant)
            if isinstance(reply, list):
                return self._found(stated, known or Kept(stated.meant, "", {}), reply)
            return _recalled(stated, known, reply)
        except ListError as error:
            self.problems.add((*stated.path, stated.source.key), str(error))
            return None

    def _found(self, stated: _Said, known: Kept, found: list[Item]) -> Listed:
        _keep_secrets(found, stated.path, self.problems)
        members = _named(found, stated.naming, stated.path, self.problems)
        fields = {each: without_secrets(item.fields) for each, item in members.items()}
        kept = known.read_again(fields, moment())
        problem = _keep(stated.file, kept) if self.asked.keeps and not len(self.problems) else None
        return _with(stated, State(problem=problem, gone=kept.gone), members)


def _with(stated: _Said, state: State, members: Mapping[str, Item]) -> Listed:
    stated.source.tell(state, stated.source.state.severity)
    return Listed(stated.name, stated.source, members)


def _recalled(stated: _Said, known: Kept | None, error: ListError | None) -> Listed:
    """Return the last known items of a list that can't be read, or is not to be. Raises the error where there are none.

    Where it is not to be read, as nothing is asked for now, it may have no items that are known.
    """
    if known is None or not known.items:
        if error is not None:
            raise error
        return _with(stated, State(is_open=True), {})
    problem = f"{error}; the list as it was at {known.read} is checked instead" if error is not None else None
    members = {each: Item(each, fields) for each, fields in known.items.items()}
    return _with(stated, State(problem=problem, gone=known.gone, read=known.read), members)


def _given(stated: _Said, given: Mapping[str, Any], problems: Problems) -> Listed:
    """Return a source with what the run has found that this process is a part of."""
    members = {each: Item(each, fields) for each, fields in given["items"].items()}
    _keep_secrets(members.values(), stated.path, problems)
    return _with(stated, State(problem=given["problem"], gone=given["gone"], read=given["read"]), members)


def _keep(file: Path, kept: Kept) -> str | None:
    """Keep what is known of a list; returns what went wrong with that."""
    try:
        keep(file, kept)
    except OSError as error:
        return f"{file}: {error.strerror}; without it nobody knows what vanishes from the list"
    return None


def _model(table: Mapping[str, Any], words: Mapping[str, str], path: Key, problems: Problems) -> Source | None:
    """Return a source's own keys, None where anything is wrong with them; the others are its targets'."""
    name, keys = table.get("name"), source_keys(table)
    own = {key: value for key, value in table.items() if key in keys and key not in ("kind", "template")}
    if not _has_a_place(own, path, problems):
        return None
    try:
        source = Source.model_validate({**own, "name": "-"} if isinstance(name, Blank) else own)
    except ValidationError as error:
        note_validation(error, problems, path, own, keys)
        return None
    problems.keep_secret(path, *secrets_of(source))
    try:
        source.tell(State(), severity_of(source.vanished, words))
    except LimitError as error:
        problems.add((*path, "gone"), str(error))
        return None
    if not isinstance(name, Blank):
        problems.add(
            (*path, "name"), "it has no field, so all items would have this name; write for example '{instance}'"
        )
        return None
    return source


def _has_a_place(own: Mapping[str, Any], path: Key, problems: Problems) -> bool:
    """Tell whether exactly one key says where the list is, and of which no field of an item is a part."""
    there = [key for key in PLACES if key in own]
    if not there:
        problems.add(path, f"it does not say where its list is; write {_WHERE}")
    elif len(there) > 1:
        problems.add((*path, there[1]), f"{there[0]} says where its list is already; keep one of the two")
    elif isinstance(own[there[0]], Blank):
        problems.add(
            (*path, there[0]),
            "it is where the list is, so it has no fields of its items; the targets' own address is in the template",
        )
    else:
        return True
    return False


def _keep_secrets(found: Collection[Item], path: Key, problems: Problems) -> None:
    """Have the problems learn what is secret of the fields of items, by their names."""
    for item in found:
        for key, value in item.fields.items():
            if is_secret_key(key):
                problems.keep_secret(path, *secrets_at(key, value))


def _named(found: Collection[Item], name: Blank, path: Key, problems: Problems) -> dict[str, Item]:
    """Return items by the names of their targets; those that have none, or the same one, are noted."""
    members: dict[str, Item] = {}
    wrong = []
    for item in found:
        if lacking := [word for word in name.names if word not in item.fields]:
            wrong.append(f"item {item.shown!r} has no {{{lacking[0]}}}; it has {choices(item.fields)}")
        elif problem := name_problem(made := name.filled(item.fields)):
            wrong.append(f"item {item.shown!r}: {problem}")
        elif (other := members.setdefault(made, item)) is not item:
            wrong.append(
                f"items {other.shown!r} and {item.shown!r} both have the name {made!r}; use a field that differs"
            )
    for message in wrong[:_SHOWN]:
        problems.add((*path, "name"), message)
    if len(wrong) > _SHOWN:
        problems.add((*path, "name"), f"and {len(wrong) - _SHOWN} more items")
    return members
