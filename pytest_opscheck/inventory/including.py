"""Reads the files that an inventory includes: targets, templates and groups, as if they stood in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..core.suites import TABLES
from ..files.matching import matched
from .document import parse, read, shown_path
from .positions import Key
from .problems import Fault, InventoryError, Problems
from .written import Source

INCLUDE = "include"
Known = Mapping[Path, tuple[str, dict[str, Any]]]
"""The texts and documents of files that somebody has read already."""
_HELD = ("template", "group")
_EXAMPLE = 'for example include = ["teams/*.toml"]'
_HINT = "let whoever runs this read it, or leave it out of `include`"


def joined(
    file: Path, document: Mapping[str, Any], known: Known, problems: Problems
) -> tuple[dict[str, Any], list[Fault]]:
    """Return a document with all that it includes, and which of these files can't be read and why."""
    faults: list[Fault] = []
    made = {key: dict(value) if isinstance(value, dict) else value for key, value in document.items() if key != INCLUDE}
    for path in _files(file, document[INCLUDE], problems) if INCLUDE in document else ():
        shown = shown_path(path)
        try:
            text, found = known.get(path) or (read(path, shown, _HINT), None)
            found = parse(text, shown, found)
        except InventoryError as error:
            faults += error.faults
            continue
        problems.written.sources.append(source := Source(shown, text, path))
        _join(made, found, source, problems)
    return made, faults


def _files(file: Path, value: object, problems: Problems) -> Iterator[Path]:
    """Yield every file that is included, once."""
    if not isinstance(value, list) or not value or not all(isinstance(pattern, str) for pattern in value):
        problems.add((INCLUDE,), f"it must be a list of at least one file or pattern, {_EXAMPLE}")
        return
    seen = {file.resolve()}
    for place, pattern in enumerate(value):
        found = _matched(file, pattern, (INCLUDE, place), problems)
        for path in (path for path in found if path.resolve() not in seen):
            seen.add(path.resolve())
            yield path


def _matched(file: Path, pattern: str, path: Key, problems: Problems) -> list[Path]:
    if "${" in pattern or "\0" in pattern:
        problems.add(path, f"a pattern has no variables; write the files out, {_EXAMPLE}")
        return []
    try:
        found = matched(file.absolute().parent, pattern)
    except OSError as error:
        problems.add(path, f"{error.filename}: {error.strerror}; {_HINT}")
        return []
    if not found:
        problems.add(
            path, f"{pattern!r} matches no file, seen from the inventory's folder; {_EXAMPLE}, or leave it out"
        )
    elif file.resolve() in {each.resolve() for each in found}:
        problems.add(path, f"{pattern!r} matches this file itself; put the others into a folder, {_EXAMPLE}")
    return found


def _join(made: dict[str, Any], found: Mapping[str, Any], source: Source, problems: Problems) -> None:
    """Add what an included file holds to what is there."""
    for key, tables in found.items():
        if key in TABLES and key not in _HELD:
            move = f"move [{key}] into {problems.written.main.shown}" if key != INCLUDE else "leave it out"
            problems.add((key,), f"an included file holds targets, templates and groups alone; {move}", source)
        elif not isinstance(tables, dict):
            problems.add((key,), f"a {key} needs a name: [{key}.NAME]", source)
        elif isinstance(there := made.setdefault(key, {}), dict):
            for name, entry in tables.items():
                _add(there, (key, name), entry, source, problems)


def _add(there: dict[str, Any], path: Key, value: object, source: Source, problems: Problems) -> None:
    name = str(path[1])
    if name in there:
        other = problems.written.place(path)
        problems.add(path, f"it is in {other.source.shown}:{other.line} too; keep one of the two", source)
        return
    there[name] = value
    problems.written.owners[path] = source
