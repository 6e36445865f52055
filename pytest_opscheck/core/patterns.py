"""Searches text from outside for regular expressions of the inventory, so that every search ends.

Some patterns take a time that doubles with every letter of a text, and Python's own `re` can't be ended and lets no
other thread run meanwhile. It searches where it can't take long; elsewhere the regex package does, with a time limit.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

SECONDS = 5.0
"""How long one search may take, of the processor's time."""
_STEPS = 1e7
"""What `re` does within tens of milliseconds."""
_WITHIN = re.compile(r"\)[*+?{]|\\[1-9]|\(\?P=")
"""A repeated group, or what a group has matched once more: the time may grow exponentially with the text."""
_BRACE = re.compile(r"(\\N\{[^}]*\}|\\.)|\{(?!(?:\d+|\d*,\d*)\})", re.DOTALL)
"""A brace that is not a repetition is one to `re`; to regex it may stand before how inexact a match may be."""
_REPEAT = re.compile(r"[*+{]")
_CHOICE = re.compile(r"[?|]")

Search = Callable[[str], object]


class PatternError(Exception):
    """A search that could not be made to its end; the message says what to do."""


def searcher(pattern: re.Pattern[str]) -> Search:
    """Return the pattern's search, which returns None where a text does not match. It raises PatternError."""
    longest = _longest(pattern)
    if longest is None:
        return pattern.search

    @cache
    def limited() -> Any:
        import regex

        plain = _BRACE.sub(lambda match: match[1] or r"\{", pattern.pattern)
        return regex.compile(plain, pattern.flags)

    def search(text: str) -> object:
        if len(text) <= longest:
            return pattern.search(text)
        try:
            return limited().search(text, timeout=SECONDS)
        except TimeoutError:
            raise PatternError(
                f"searching {len(text)} characters for {pattern.pattern!r} took more than {SECONDS:g} s; write it "
                "without a repeat inside of a repeat, such as (a+)+"
            ) from None

    return search


def _longest(pattern: re.Pattern[str]) -> int | None:
    """Return how long a text may be for `re` to search it at once; None for any length.

    From each place in the text, each repeat may take as many turns as there are letters, and each choice two.
    """
    source = pattern.pattern
    if _WITHIN.search(source) or pattern.flags & re.VERBOSE:
        return 0
    repeats, choices = len(_REPEAT.findall(source)), len(_CHOICE.findall(source))
    if not repeats and "(" not in source:
        return None
    return int((_STEPS / 2.0 ** min(choices, 64)) ** (1 / (1 + repeats)))
