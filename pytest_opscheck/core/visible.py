"""Text that others write, made safe to show: what would steer a terminal, end a line or turn it around is visible."""

from __future__ import annotations

import json
import os
import re
import shlex
import unicodedata
from collections.abc import Callable, Collection
from typing import Any

_CONTROLS = frozenset(("Cc", "Cs", "Zl", "Zp"))
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
"""The categories of what has no look of its own: controls, formats, halves of characters, ends of lines."""
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Letters and marks that nobody sees."""
_HAS_BLANK = re.compile(f"[{_BLANK}]")
_COMMAND = re.compile(r"^(?P<before>\s*):(?=:)|#(?=#\[)", re.MULTILINE)
"""What begins a command to GitHub's runner: `::error::` where a line begins, blanks aside, and `##[error]` anywhere."""


def plain(text: str) -> str:
    """Return text in one line, with what would steer a terminal or turn the reading direction made visible.

    A target's output is nobody's friend: an escape sequence in it must not clear the screen of who reads it.
    """
    return _made_visible(text if text.isprintable() and "  " not in text else re.sub(r"\s+", " ", text)).strip()


def is_plain(text: str) -> bool:
    """Tell whether text is shown just as it is."""
    return plain(text) == text


def has_controls(text: str) -> bool:
    """Tell whether text has an end of a line, another control character, or bytes that are not text."""
    return not text.isprintable() and any(unicodedata.category(character) in _CONTROLS for character in text)


def visible(text: str) -> str:
    """Return text whose lines stay lines and spaces spaces, and all else is made visible as in `plain`."""
    return _made_visible(text.replace("\r\n", "\n"), but="\n\t")


def in_line(text: str) -> str:
    """Return a line that is put together of others' texts as one line; blanks that align it stay."""
    return visible(text).replace("\n", " ").replace("\t", " ")


def inert(text: str) -> str:
    """Return text for a log of GitHub's, in which nothing is a command to its runner; what would be one is visible."""
    return _COMMAND.sub(lambda found: "\\x23" if found["before"] is None else f"{found['before']}\\x3a", text)


def typed(word: str) -> str:
    """Return a word as people type it in a shell; where it could not be read there, with escapes that bash knows."""
    if is_plain(word):
        return shlex.quote(word)
    return "$'" + "".join(chr(b) if chr(b).isalnum() and b < 128 else f"\\x{b:02x}" for b in os.fsencode(word)) + "'"  # noqa: PLR2004 - ASCII


def as_json(data: Any, **form: Any) -> str:
    """Return data as JSON for files, in which an escape stands for what is not visible: a line is a line to everybody.

    `form` is that of json.dumps. Bytes that are not UTF-8, which a target's output may hold, become escapes likewise.
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, **form)
    if text.isprintable():
        return text
    return _replaced(text, {each for each in set(text) if not each.isprintable()} - {"\n"}, _in_json)


def _in_json(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


def _made_visible(text: str, but: str = "") -> str:
    if text.isprintable() and not _HAS_BLANK.search(text):
        return text
    unseen = {each for each in set(text) if each in _BLANK or unicodedata.category(each) in _UNSEEN}
    return _replaced(text, unseen - set(but), lambda each: each.encode("unicode-escape").decode("ascii"))


def _replaced(text: str, characters: Collection[str], by: Callable[[str], str]) -> str:
    if not characters:
        return text
    return re.sub(f"[{re.escape(''.join(characters))}]", lambda found: by(found[0]), text)
