"""How much of a text is kept and told: its beginning, and how long it is. What is secret is masked before it is cut."""

from __future__ import annotations

from collections.abc import Callable, Sized
from typing import Any

LONGEST = 500
"""Characters of a measured value, of its subject and of what is said of it."""
LONGEST_MESSAGE = 4_000
"""Characters of any other text of a result: of several sentences, or an error's."""
LONGEST_TRACE = 100_000
"""Characters of a traceback, and of what a test printed."""
_AROUND = 131_072
"""Characters beside those that are kept: as many as a variable of the environment has at most, so that no secret in
them is cut in half before it is masked."""
_MOST_SHOWN = 100
"""Items of a list that is shown itself, where one value was due."""

Clean = Callable[[str], str]


def beginning(text: str, clean: Clean, longest: int = LONGEST) -> str:
    """Return a text, where it is too long its beginning without secrets, and its length."""
    if len(text) <= longest:
        return text
    return f"{_masked_beginning(text, clean, longest)}… ({len(text):,} characters)"


def both_ends(text: str, clean: Clean, longest: int = LONGEST_TRACE) -> str:
    """Return a text, where it is too long its beginning and its end without secrets, and how much is between them."""
    if len(text) <= longest:
        return text
    window = clean(text[-longest // 2 - _AROUND :])
    end = window[min(_AROUND, len(window)) :] if len(text) > longest // 2 + _AROUND else window[-longest // 2 :]
    start = _masked_beginning(text, clean, longest // 2)
    return f"{start}…\n\n… ({len(text):,} characters, of which these are the first and the last)\n\n…{end}"


def _masked_beginning(text: str, clean: Clean, longest: int) -> str:
    window = clean(text[: longest + _AROUND])
    if len(text) > longest + _AROUND:  # its own end may be half a secret
        window = window[: max(0, len(window) - _AROUND)]
    return window[:longest]


def bounded(data: Any, clean: Clean) -> Any:
    """Return plain data (lists, mappings, texts, numbers) in which no text is longer than a message may be."""
    if isinstance(data, str):
        return beginning(data, clean, LONGEST_MESSAGE)
    if isinstance(data, dict):
        return {key: bounded(value, clean) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [bounded(value, clean) for value in data]
    return data


def as_shown(value: object) -> str:
    """Return what is not a number, a text or a truth as a text: of something large how much there is of it."""
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value):,} bytes"
    if isinstance(value, Sized) and len(value) > _MOST_SHOWN:
        return f"{len(value):,} values"
    return str(value)
