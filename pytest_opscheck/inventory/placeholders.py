"""Placeholders in the texts of defaults, templates and groups: `{name}` is each target's own name.

Where targets are the items of a list, any other word in braces of a target's own keys is a field of the item.

Only what is written there is looked at: what a variable brings in is a value, whatever braces it has.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..core.visible import has_controls
from .positions import Key
from .problems import Problems

NAMES = ("name",)
"""The placeholders that there are."""
FILLED = ("defaults", "template", "group", "source")
"""The tables in which they are filled."""
SOURCE_KEYS = ("file", "format", "kind", "template", "where", "name", "at_least", "gone")
"""The keys of a source that are not those of its targets, beside where its list is."""
PLACES = ("file", "command", "url")
"""The keys of a source that say where its list is."""
_KNOWN = re.compile(rf"(?<![$\\])\{{({'|'.join(NAMES)})\}}")
_FIELD = re.compile(r"(?<![$\\{])\{([A-Za-z_][\w.-]*)\}(?!\})")
"""The field of an item."""
_BRACES = re.compile(r"(?<![$\\{])(\{+)\s*([A-Za-z_][\w.-]*)\s*(\}+)(?!\})")
"""A word in braces: not a variable, nor a repeat of a regular expression, as {3}."""
_PART = re.compile(r"(?:[\w.:/\[\]+=~][\w.:/\[\]+=~-]*)?")
"""What a value may be that is a part of a text."""
_MOST_SHOWN = 20
_NEAR = 0.8
_DEEPEST_KEY = 4
"""So deep are a target's own keys: `template.web.headers.Host`. A question's are deeper: `template.web.query.x.sql`."""


@dataclass(frozen=True, repr=False)
class Blank:
    """A text with placeholders: the pieces of it around them, and the placeholder behind each piece but the last."""

    pieces: tuple[str, ...]
    names: tuple[str, ...]

    def __repr__(self) -> str:
        return repr(self.filled({name: f"{{{name}}}" for name in self.names}))

    def problem(self, values: Mapping[str, str]) -> str | None:
        """Return what keeps values from being filled in, None where nothing does.

        What is only a part of a text may not end that part: `web1?ssh_config=x` is more than a host.
        """
        for word in self.names:
            if word not in values:
                return f"its item has no {{{word}}} that is one value; it has {choices(values)}"
            if has_controls(value := values[word]) or not (self._is_whole or _PART.fullmatch(value)):
                return (
                    f"{{{word}}} of its item is {value!r}; as a part of a text it can have letters, digits and "
                    ". _ : / [ ] + = ~ - alone, and no - first"
                )
        return None

    @property
    def _is_whole(self) -> bool:
        return len(self.names) == 1 and self.pieces == ("", "")

    def filled(self, values: Mapping[str, str]) -> str:
        """Return the text with values in the places of its placeholders."""
        found = [piece + values[name] for piece, name in zip(self.pieces, self.names, strict=False)]
        return "".join((*found, self.pieces[-1]))


def choices(values: Collection[str]) -> str:
    """Return the names of fields as placeholders; of many the first ones."""
    named = sorted(values)
    more = f" and {len(named) - _MOST_SHOWN} more" if len(named) > _MOST_SHOWN else ""
    return ", ".join(f"{{{each}}}" for each in named[:_MOST_SHOWN]) + more


def blank(text: str, variables: Callable[[str], str], *, fields: bool = False) -> str | Blank:
    """Return a written text with its variables filled in, and its placeholders left blank; also those of fields."""
    pieces = (_FIELD if fields else _KNOWN).split(text)
    filled = tuple(map(variables, pieces[::2]))
    return Blank(filled, tuple(pieces[1::2])) if len(pieces) > 1 else filled[0]


def fill(data: Any, values: Mapping[str, str], note: Callable[[Key, str], object], path: Key = ()) -> Any:
    """Return data with its blanks filled; what has none is the same object. `note` is told of each filled text."""
    if isinstance(data, Blank):
        text = data.filled(values)
        note(path, text)
        return text
    if isinstance(data, dict):
        made = {key: fill(value, values, note, (*path, key)) for key, value in data.items()}
        return made if any(made[key] is not value for key, value in data.items()) else data
    if isinstance(data, list):
        entries = [fill(value, values, note, (*path, place)) for place, value in enumerate(data)]
        return entries if any(new is not old for new, old in zip(entries, data, strict=True)) else data
    return data


def blanks(data: Any, path: Key = ()) -> Iterator[tuple[Key, Blank]]:
    """Yield the blanks in data, with their places."""
    if isinstance(data, Blank):
        yield path, data
    elif isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from blanks(value, (*path, key))


def fielded(document: Mapping[str, Any]) -> frozenset[str]:
    """Return the templates of items of lists alone, in which their fields may stand."""
    used = {table: _templates(document.get(table)) for table in ("source", "group")}
    return used["source"] - used["group"]


def _templates(tables: object) -> frozenset[str]:
    named = (
        [each.get("template") for each in tables.values() if isinstance(each, dict)] if isinstance(tables, dict) else []
    )
    return frozenset(each for each in named if isinstance(each, str))


def takes_fields(path: Key, templates: Collection[str]) -> bool:
    """Tell whether the fields of an item may stand in a key: in a target's own ones, and in the name of an item."""
    if len(path) <= len(("source", "NAME")):
        return False
    if path[0] == "source":
        if is_word(path):
            return False
        return path[2:] == ("name",) or (_is_own(path) and path[2] not in SOURCE_KEYS)
    return path[0] == "template" and path[1] in templates and _is_own(path)


def source_keys(table: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys of a source's table that are its own.

    A command that is a table is one of its targets', and so is an address where something else says where the list is.
    """
    command = () if isinstance(table.get("command"), dict) or "command" not in table else ("command",)
    url = ("url",) if not command and "file" not in table else ()
    return (*SOURCE_KEYS, *command, *url)


def is_word(path: Key) -> bool:
    """Tell whether a key is a word of a source's own command, in which nothing is filled in but variables."""
    return path[0] == "source" and path[2:3] == ("command",) and path[3:] != () and isinstance(path[3], int)


def _is_own(path: Key) -> bool:
    return len(path) <= _DEEPEST_KEY and "expect" not in path


def has_blanks(data: Any) -> bool:
    """Tell whether there is anything to fill in data."""
    if isinstance(data, dict | list):
        return any(map(has_blanks, data.values() if isinstance(data, dict) else data))
    return isinstance(data, Blank)


def refuse_odd_braces(document: Mapping[str, Any], problems: Problems) -> None:
    """Note what is like a placeholder and is none, in the tables in which they are filled."""
    templates = fielded(document)
    for table in FILLED:
        _look(document.get(table), (table,), templates, problems)


def _look(data: Any, path: Key, templates: Collection[str], problems: Problems) -> None:
    if isinstance(data, str):
        if not is_word(path) and not takes_fields(path, templates) and (problem := _problem(data, path)):
            problems.add(path, problem)
    elif isinstance(data, dict):
        for key, value in data.items():
            if _KNOWN.search(key):
                problems.add((*path, key), "a placeholder is filled in a value, not in a key; write the name out")
            if path[-1:] == ("capture",) and key in NAMES:
                problems.add((*path, key), f"{{{key}}} is the target's name here; capture it under another word")
            _look(value, (*path, key), templates, problems)
    elif isinstance(data, list):
        for place, value in enumerate(data):
            _look(value, (*path, place), templates, problems)


def _problem(text: str, path: Key) -> str | None:
    """Return what is wrong with a text's braces. A target's own keys have no others than those of placeholders."""
    own = _is_own(path)
    choices = ", ".join(f"{{{name}}}" for name in NAMES)
    for found in _BRACES.finditer(text):
        opened, word, _ = found.groups()
        if word in NAMES and (found[0] == f"{{{word}}}" or not own):
            continue
        if own and word in NAMES:
            return f"{found[0]} has too many braces; write {{{word}}}"
        if own or (len(opened) == 1 and "flow" not in path and _is_near(word)):
            return f"there is no placeholder {{{word}}}; use {choices}"
    return None


def _is_near(word: str) -> bool:
    """Tell whether a word may well be meant as a placeholder's."""
    word = word.lower()
    return any(
        sorted(word) == sorted(name) or difflib.SequenceMatcher(None, word, name).ratio() >= _NEAR for name in NAMES
    )
