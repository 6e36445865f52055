"""Reads [source]: lists that others own, and the targets that their items are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..core.limits import severity_of
from ..core.secrets import secrets_at
from ..core.shapes import is_secret_key
from ..core.units import LimitError
from ..files.matching import matched
from ..files.reading import content
from ..probes.source import Source, State
from .document import shown_path
from .kept import Kept, file_of, keep, moment, recalled, without_secrets
from .lists import Item, ListError, items
from .model import name_problem
from .placeholders import SOURCE_KEYS, Blank, choices
from .positions import Key
from .problems import Problems
from .validation import note_validation

MOST_BYTES = 20_000_000
"""Of one file of a list."""
_SHOWN = 5
_NEEDED = "a source needs a name: [source.NAME]"


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


@dataclass(frozen=True, slots=True)
class Places:
    """Where lists are seen from, and where their last known items are; `keeps` is whether these are kept now."""

    folder: Path
    reports: Path
    keeps: bool = False


def read_sources(tables: object, places: Places, words: Mapping[str, str], problems: Problems) -> tuple[Listed, ...]:
    """Return the sources with their items, as far as they can be read; of one that can't be the last known items."""
    if not isinstance(tables, dict) or not tables:
        problems.add(("source",), _NEEDED)
        return ()
    return tuple(filter(None, (_source(name, said, places, words, problems) for name, said in tables.items())))


def _source(name: str, said: object, places: Places, words: Mapping[str, str], problems: Problems) -> Listed | None:
    path: Key = ("source", name)
    if problem := name_problem(name):
        problems.add(path, problem)
    if not isinstance(said, dict):
        problems.add(path, _NEEDED)
        return None
    if (source := _model(said, words, path, problems)) is None or problem:
        return None
    file, meant = file_of(places.reports, name), [source.format, source.chosen, repr(said["name"])]
    try:
        known = recalled(file, meant) or Kept(meant, "", {})
        try:
            found = _meant(source, places.folder)
        except ListError as error:
            return _recalled(name, source, known, error)
    except ListError as error:
        problems.add((*path, "file"), str(error))
        return None
    _keep_secrets(found, path, problems)
    members = _named(found, said["name"], path, problems)
    kept = known.read_again({each: without_secrets(item.fields) for each, item in members.items()}, moment())
    problem = _keep(file, kept) if places.keeps and not len(problems) else None
    source.tell(State((), problem, kept.gone, source.state.severity))
    return Listed(name, source, members)


def _recalled(name: str, source: Source, known: Kept, error: ListError) -> Listed:
    """Return the last known items of a list that can't be read. Raises the error where there are none."""
    if not known.items:
        raise error
    problem = f"{error}; the list as it was at {known.read} is checked instead"
    source.tell(State((), problem, known.gone, source.state.severity))
    return Listed(name, source, {each: Item(each, fields) for each, fields in known.items.items()})


def _keep(file: Path, kept: Kept) -> str | None:
    """Keep what is known of a list; returns what went wrong with that."""
    try:
        keep(file, kept)
    except OSError as error:
        return f"{file}: {error.strerror}; without it nobody knows what vanishes from the list"
    return None


def _model(said: Mapping[str, Any], words: Mapping[str, str], path: Key, problems: Problems) -> Source | None:
    """Return a source's own keys, None where anything is wrong with them; the others are its targets'."""
    for key in ("command", "url"):
        if key in said and "file" not in said:
            problems.add(
                (*path, key), "a list is read from a file; have it written into one before the run, and name that: file"
            )
            return None
    name = said.get("name")
    own = {key: value for key, value in said.items() if key in SOURCE_KEYS and key not in ("kind", "template")}
    try:
        source = Source.model_validate({**own, "name": "-"} if isinstance(name, Blank) else own)
    except ValidationError as error:
        note_validation(error, problems, path, own, SOURCE_KEYS)
        return None
    try:
        source.tell(State(severity=severity_of(source.vanished, words)))
    except LimitError as error:
        problems.add((*path, "gone"), str(error))
        return None
    if not isinstance(name, Blank):
        problems.add(
            (*path, "name"), "it has no field, so all items would have this name; write for example '{instance}'"
        )
        return None
    return source


def _meant(source: Source, folder: Path) -> list[Item]:
    """Return the items of a list that are meant. Raises ListError where there are none."""
    found = list(_items(source, folder))
    meant = [item for item in found if item.is_meant(source.chosen)]
    if not meant:
        raise ListError(
            f"{source.file!r}: " + (f"none of its {len(found)} items is one of `where`" if found else "it has no items")
        )
    return meant


def _items(source: Source, folder: Path) -> Iterator[Item]:
    """Yield the items of all files of a list. Raises ListError, with the file."""
    for file in _files(source.file, folder):
        shown = shown_path(file)
        try:
            yield from items(content(file, MOST_BYTES), source.format)
        except OSError as error:
            raise ListError(f"{shown}: {error.strerror}") from None
        except ListError as error:
            raise ListError(f"{shown}: {error}") from None


def _files(pattern: str, folder: Path) -> list[Path]:
    try:
        found = matched(folder, pattern)
    except (OSError, ValueError) as error:
        said = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
        raise ListError(f"{said}; let whoever runs this read it") from None
    if not found:
        raise ListError(f"{pattern!r} matches no file, seen from the inventory's folder")
    return found


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
