"""The inventory's file before anything in it has a meaning: its place, its text, its TOML."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

from ..core.visible import has_controls, plain, visible
from ..files.reading import content as content_of
from ..settings import LONGEST
from . import mistakes
from .problems import InventoryError
from .salvage import parsed, shallow


def shown_path(file: Path) -> str:
    """Return a path as messages name it."""
    try:
        return plain(str(file.relative_to(Path.cwd())))
    except ValueError:
        return plain(str(file))


def refuse_odd_place(file: Path) -> None:
    """Refuse a path that would be several lines of a unit, a crontab or a report, or steer a terminal."""
    path = str(file.absolute())
    if has_controls(os.fsencode(path).decode(errors="replace")):
        raise InventoryError(
            f"{path!r}: the path of the inventory contains a line break or another control "
            "character; rename that folder or file"
        )


_ANOTHER = "name the inventory with --opscheck-inventory, or write one with `opscheck init`"


def read(file: Path, shown: str, hint: str = _ANOTHER) -> str:
    """Return the text of a file. Raises InventoryError, with what to do about one that can't be read."""
    try:
        content = content_of(file, LONGEST)
    except OSError as error:
        raise InventoryError(f"{shown}: {error.strerror}; {hint}") from None
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise InventoryError(f"{shown}:{line}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8") from None


def parse(text: str, shown: str, document: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the document of a text, which may be known. Raises InventoryError, which shows no value of it."""
    try:
        return parsed(text) if document is None else shallow(document)
    except tomllib.TOMLDecodeError as error:
        raise InventoryError(visible(_syntax_error(shown, text, str(error)))) from None
    except ValueError:  # Python refuses integers of thousands of digits
        raise InventoryError(f"{shown}: a number is larger than anything that can be measured") from None
    except RecursionError:
        raise InventoryError(
            f"{shown}: lists or tables are nested too deeply; no key needs more than ten levels"
        ) from None


def _syntax_error(shown: str, text: str, message: str) -> str:
    """Return the parser's error with its line, and the key that starts it.

    Nothing else of the line is shown: it may be a secret, or a part of one.
    """
    message, _, where = message.partition(" (at ")
    number = re.match(r"line ([0-9]+)", where)
    lines = text.rstrip("\n").split("\n")
    line = int(number[1]) if number else len(lines)
    key = re.match(r"\s*(?:([A-Za-z][\w.\"-]*)\s*=\s*[^=\s]|\[+\s*([^\]=]+?)\s*\])", lines[min(line, len(lines)) - 1])
    name = (key[1] or key[2]) + ": " if key and number else ""
    if (wrong := mistakes.in_document(text)) is not None:
        return f"{shown}: {wrong}"
    if message.startswith(("Cannot overwrite", "Cannot declare", "Cannot mutate", "Duplicate")):
        message = "this key is in the file twice; keep one of them"
    elif (wrong := mistakes.in_line(lines[min(line, len(lines)) - 1])) is not None:
        message = wrong
    elif message.startswith("Unclosed array"):
        message = "the list before this line is not closed: a ']' is missing"
    elif message == "Invalid value":
        message = "this is not a valid TOML value; put texts such as '< 70%' in quotes"
    return f"{shown}:{line}: {name}{message[0].lower() + message[1:]}"
