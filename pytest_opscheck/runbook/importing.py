"""Runbooks become a draft of an inventory: read, put together, checked against the inventory's own rules."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from .._check import Check
from ..catalogue import checks as shipped
from ..inventory import InventoryError, load
from . import page as pages
from . import reader, schedules, targets
from .asks import named
from .draft import Draft, Written, write
from .entries import Entry, put_together
from .page import Page
from .statements import Finding, LineFate, Reading, Statement
from .words import Vocabulary

_VARIABLE = re.compile(r"(?<!\$)\$\{([A-Za-z_]\w*)\}")
_EXAMPLES = (("URL", "http://127.0.0.1"), ("DSN", "postgresql://127.0.0.1/x"))
_ROUNDS = 12
_NO_NAME = re.compile(
    r"\b(?:operational|operations?|ops|run ?books?|guide|hand ?books?|manual|play ?books?"
    r"|notes?|for|of|the|a|document\w*|betriebshandbuch|guide d['\u2019]exploitation)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Imported:
    """What was made of runbooks."""

    draft: str
    entries: Sequence[Entry]
    lines: Sequence[LineFate]
    statements: Sequence[Statement]
    warnings: Sequence[str] = field(default_factory=list)
    names: targets.Names = field(default_factory=lambda: targets.Names({}))
    readings: Sequence[Reading] = field(default_factory=list)


def imported(files: Iterable[Path], into: Path, words: tuple[str, ...] = ()) -> Imported:
    """Read runbooks and return a draft that is to stand in the file `into`. Raises UnreadableError."""
    found = [pages.read(file) for file in dict.fromkeys(files)]
    return of_pages(found, into, words)


def of_pages(found: Sequence[Page], into: Path, words: tuple[str, ...] = (), today: dt.date | None = None) -> Imported:
    """Return what is made of the texts of runbooks; with a day of today, exemptions that are over exempt nothing."""
    vocabulary = Vocabulary.of(words)
    readings = [reader.read(page, vocabulary, today) for page in found]
    checks = {check.id: check for check in shipped()}
    entries = put_together(_findings(readings))
    lines = [line for reading in readings for _, line in sorted(reading.lines.items())]
    paths = [_relative(page.name, into) for page in found]
    links = {page.name: "" if place == 0 else paths[place] for place, page in enumerate(found)}
    draft = Draft(_title(found), paths, entries, lines, checks, _zone(found), links)
    written = _accepted(draft, into, tuple(shipped()))
    statements = [each for reading in readings for each in reading.statements]
    warnings = [each for reading in readings for each in reading.warnings]
    return Imported(written.text, entries, lines, statements, warnings, draft.names, readings)


def _findings(readings: Sequence[Reading]) -> list[Finding]:
    urls = list(dict.fromkeys(url for reading in readings for url in reading.urls))
    return targets.resolved([each for reading in readings for each in reading.findings], urls)


def _relative(name: str, into: Path) -> str:
    return PurePath(os.path.relpath(name, into.absolute().parent)).as_posix()


def _title(found: Sequence[Page]) -> str:
    """Return a name for the inventory: the words of the first heading that are its own."""
    first = next((line.lstrip("# ") for page in found for line in page.lines if re.match(r"#\s+\S", line)), "")
    words = named(_NO_NAME.sub(" ", re.sub(r"[^\x20-\x7e]", " ", first)), "").replace("_", "-")
    return words or named(PurePath(found[0].name).stem, "inventory").replace("_", "-") if found else "inventory"


def _zone(found: Sequence[Page]) -> str | None:
    return next((zone for page in found for line in page.lines if (zone := schedules.time_zone(line[:500]))), None)


def _accepted(draft: Draft, into: Path, checks: tuple[Check, ...]) -> Written:
    """Return a draft that the inventory's own reader takes but for its TODOs: what it refuses is commented out."""
    for _ in range(_ROUNDS):
        refused = _refused(write(draft, filled=True), into, checks)
        if not refused:
            break
        for entry, why in refused:
            entry.refused = why
    return write(draft)


def _refused(written: Written, into: Path, checks: tuple[Check, ...]) -> list[tuple[Entry, str]]:
    import tomllib

    names = _VARIABLE.findall(written.text)
    environment = {name: next((shown for part, shown in _EXAMPLES if part in name), "x") for name in names}
    environment |= {name: "http://127.0.0.1" for name in names if re.search(rf"\burl = \"\${{{name}}}", written.text)}
    environment |= {
        name: "postgresql://127.0.0.1/x" for name in names if re.search(rf"dsn = \"\${{{name}}}", written.text)
    }
    environment |= {
        name: "redis://127.0.0.1:6379/0"
        for name in names
        if re.search(rf"(?:\[redis[^\[]*url|broker) = \"\${{{name}}}", written.text)
    }
    if not written.places:
        return []
    try:
        file = into.absolute()
        load(file, checks, environment, known={file: (written.text, tomllib.loads(written.text))})
    except InventoryError as error:
        return _of_error(written, error)
    return []


def _of_error(written: Written, error: InventoryError) -> list[tuple[Entry, str]]:
    """Return the entries that an error is of; of a target's own keys, all that are on it."""
    texts = str(error).splitlines()
    found: dict[int, tuple[Entry, str]] = {}
    for key in error.wrong:
        path = tuple(str(step) for step in key)
        why = next((text.partition(": ")[2] for text in texts if f" {'.'.join(path[:4])}" in text), "")
        for entry in _at(written, path):
            found[id(entry)] = (entry, why or "see opscheck validate")
    return list(found.values()) or [(entry, texts[0] if texts else "") for entry in written.places.values()]


def _at(written: Written, key: tuple[str, ...]) -> list[Entry]:
    """Return the entries that a key is of: the one that it is in, else all of its target."""
    places = written.places.items()
    inside = [entry for place, entry in places if place == key[: len(place)] or key == place[: len(key)]]
    return inside or [entry for place, entry in places if place[:2] == key[:2]]
