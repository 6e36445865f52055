"""Ranges of names, as Ansible writes them: `web[001:400]`, `db-[a:f]`, `r[1:9:2]`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

MOST = 100_000
"""So many names one range can stand for."""
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_NUMBERS = re.compile(r"([0-9]{1,9}):([0-9]{1,9})(?::([0-9]{1,9}))?")
_LETTERS = re.compile(r"([a-z]):([a-z])(?::([0-9]{1,9}))?|([A-Z]):([A-Z])(?::([0-9]{1,9}))?")


class RangeError(ValueError):
    """A range that can't be meant; the message says why, with an example."""


def names_of(text: str) -> list[str]:
    """Return the names that a text stands for, in their order; of a text without a range itself. Raises RangeError."""
    pieces = _BRACKETS.split(text)
    ranges = [_members(text, piece) for piece in pieces[1::2]]
    count = 1
    for each in ranges:
        count *= len(each)
    if count > MOST:
        raise RangeError(f"{text!r} stands for {count} names; one range can stand for at most {MOST}")
    between = [[piece] for piece in pieces[::2]]
    columns = [column for pair in itertools.zip_longest(between, ranges) for column in pair if column is not None]
    return ["".join(name) for name in itertools.product(*columns)]


def _members(inside: str, text: str) -> Sequence[str]:
    """Return what one pair of brackets stands for."""
    if (numbers := _NUMBERS.fullmatch(text)) is not None:
        return _numbers(inside, *numbers.groups())
    if (letters := _LETTERS.fullmatch(text)) is not None:
        first, last, step = (each for each in letters.groups()[:3]) if letters[1] else letters.groups()[3:]
        return [chr(code) for code in _counted(inside, ord(first), ord(last), step)]
    raise RangeError(
        f"{inside!r}: [{text}] is not a range; "
        "use for example 'web[001:400]', 'db-[a:f]' or, for each second one, 'r[1:9:2]'"
    )


def _numbers(text: str, first: str, last: str, step: str | None) -> Sequence[str]:
    """Return numbers with as many digits as the first has, where it begins with a zero."""
    is_padded = len(first) > 1 and first.startswith("0")
    if (is_padded and len(first) != len(last)) or (last.startswith("0") and len(last) > len(first)):
        raise RangeError(f"{text!r}: write the first and the last with as many digits, for example 'web[001:400]'")
    counted = _counted(text, int(first), int(last), step)
    if len(counted) > MOST:
        raise RangeError(f"{text!r} stands for {len(counted)} names; one range can stand for at most {MOST}")
    return [f"{number:0{len(first) if is_padded else 1}}" for number in counted]


def _counted(text: str, first: int, last: int, step: str | None) -> range:
    if step is not None and int(step) == 0:
        raise RangeError(f"{text!r}: its step is 0; use 1 or more, or leave it out")
    if first > last:
        raise RangeError(f"{text!r}: a range counts up; write the smaller end first")
    return range(first, last + 1, int(step or 1))
