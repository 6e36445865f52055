"""Finds secrets in a text: in each form in which programs write them, and parts of them that are long enough."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property

from ._plain import Places, folded, plain

WINDOW = 8
"""Parts of a secret that are as long as this are masked; quotes, backslashes and white space don't count."""
_QUAD = 4
_STRIDE = WINDOW - _QUAD + 1
"""A window holds a quad that stands at a multiple of this, so that the others need not be looked at."""
_BLOCK, _LAP = 16384, 1024
"""A text is read in blocks, that overlap by more than a window takes in any form."""
_SHORTEST = 4
_LONGEST = 16384
_SHORTEST_ENCODED = 6
"""A form of fewer bytes stands in many a long number by chance."""
_FEWEST_LETTERS = 3
"""A window of fewer different letters, such as 00000000, says nothing."""
_MOST_PLACES = 2
"""Where a window stands several times in one secret, which repeats itself then."""
_CUT = re.compile(r"\[?(?:\.{3,}|…)\]?")
_WORD = re.compile(r"(?<![^\W\d_])(?:[A-Z]?[a-z]{1,15}|[A-Z]{1,15})(?![^\W\d_])|(?<!\d)\d{1,8}(?!\d)")
"""What a secret consists of may be an ordinary word or number, which alone tells nothing."""
_ARMOUR = re.compile(r"-----[A-Z ]+-----")


class Needles:
    """All forms of some secrets, and where a text has them."""

    def __init__(self, secrets: Iterable[str], pairs: Iterable[str] = ()) -> None:
        """Take secrets, and pairs of a user and a password: of these no part is told, but what encodes them."""
        self._windows: dict[str, list[tuple[str, int]]] = {}
        self._short: set[str] = set()
        self._starts: set[str] = set()
        self._ends: set[str] = set()
        for secret in sorted(set(secrets)):
            self._add(_ARMOUR.sub("", secret)[:_LONGEST])
        for pair in sorted(pairs):
            self._short.add(plain(pair))
            self._add_encoded(pair)
        self._quads = {window[start : start + _QUAD] for window in self._windows for start in range(WINDOW - _QUAD + 1)}

    def _add(self, secret: str) -> None:
        words = {plain(word) for word in _WORD.findall(secret)} - {plain(secret)}
        for needle in {folded(secret), *map(plain, _written(secret))}:
            self._add_needle(needle, words)
            self._add_ends(needle, words)
        self._add_encoded(secret)

    def _add_encoded(self, secret: str) -> None:
        for needle in set(map(plain, _encoded(secret))):
            self._add_needle(needle, frozenset())

    def _add_needle(self, needle: str, words: Collection[str]) -> None:
        told = False
        for start in range(len(needle) - WINDOW + 1):
            window = needle[start : start + WINDOW]
            if _tells(window) and not any(window in word for word in words):
                told = True
                places = self._windows.setdefault(window, [])
                if len(places) < _MOST_PLACES:
                    places.append((needle, start))
        if not told and len(needle) >= _SHORTEST:
            self._short.add(needle)

    def _add_ends(self, needle: str, words: Collection[str]) -> None:
        """Note how a needle begins and ends where somebody has shortened it: `'wJalr...EKEY'`."""
        for length in range(_SHORTEST, min(len(needle), 2 * WINDOW)):
            for ends, part in ((self._starts, needle[:length]), (self._ends, needle[-length:])):
                if any(part in word for word in words) == (length >= WINDOW):
                    ends.add(part)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return from where to where a text has secrets, in order and apart from each other."""
        if len(text) <= _BLOCK:
            return _joined(self._spans(text))
        found: list[tuple[int, int]] = []
        for start in range(0, len(text), _BLOCK):
            first = max(start - _LAP, 0)
            found += ((first + a, first + b) for a, b in self._spans(text[first : start + _BLOCK + _LAP]))
        return _joined(found)

    def _spans(self, text: str) -> list[tuple[int, int]]:
        read = plain(text)
        found = list(self._parts(read))
        if "..." in read or "…" in read:
            found += self._shortened(read)
        short = [(at, at + len(needle)) for needle in self._short if needle in read for at in _all(needle, read)]
        if not found and not short:
            return []
        places = Places(text)
        alone = (places.span(*each) for each in short if _is_alone(text, read[slice(*each)], places.span(*each)))
        return [*(places.span(*each) for each in found), *alone]

    @cached_property
    def _slices(self) -> list[slice]:
        """The quads to look at."""
        return [slice(start, start + _QUAD) for start in range(0, _BLOCK + 2 * _LAP, _STRIDE)]

    def _parts(self, read: str) -> Iterator[tuple[int, int]]:
        """Yield where a text that was read has a window or more of a secret."""
        slices, end = self._slices[: len(read) // _STRIDE + 1], 0
        if len(read) < _LAP and self._quads.isdisjoint(map(read.__getitem__, slices)):
            return  # and soon: most texts are short
        for at in [n * _STRIDE for n, quad in enumerate(map(read.__getitem__, slices)) if quad in self._quads]:
            for start in range(max(at - _STRIDE + 1, end - WINDOW + 1, 0), at + 1):
                for needle, offset in self._windows.get(read[start : start + WINDOW], ()):
                    part = _extended(read, start, needle, offset)
                    end = max(end, part[1])
                    yield part

    def _shortened(self, read: str) -> Iterator[tuple[int, int]]:
        """Yield where a secret's start stands before an ellipsis, or its end behind one."""
        for cut in _CUT.finditer(read):
            for length in range(_SHORTEST, 2 * WINDOW):
                start, end = max(cut.start() - length, 0), cut.end() + length
                if read[start : cut.start()] in self._starts:
                    yield start, cut.start()
                if read[cut.end() : end] in self._ends:
                    yield cut.end(), min(end, len(read))


def _written(secret: str) -> Iterator[str]:
    """Yield a secret as programs write it that change more than its quoting."""
    yield from (secret, secret.upper(), secret.lower(), secret.replace("\\", ""), secret.replace(" ", "+"))
    if not secret.isascii():
        yield secret.encode("utf-8", "surrogatepass").decode("latin-1")  # what reads a header does that


def _encoded(secret: str) -> Iterator[str]:
    """Yield a secret in hexadecimal and in base64, also at each alignment that it has in a longer text."""
    secret = secret.strip()
    for code in ("utf-8", "latin-1"):
        try:
            found = secret.encode(code)
        except UnicodeEncodeError:
            continue
        if len(found) >= _SHORTEST:
            yield base64.b64encode(found).decode().rstrip("=")
        if len(found) >= _SHORTEST_ENCODED:
            yield from (found.hex(), found.hex(":"))
            for before in range(3):
                text = base64.b64encode(b"\0" * before + found).decode()
                yield text[-(-8 * before // 6) : 8 * (before + len(found)) // 6]


def _tells(window: str) -> bool:
    return len(set(window)) >= _FEWEST_LETTERS and any(map(str.isalnum, window))


def _all(part: str, text: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def _extended(read: str, start: int, needle: str, offset: int) -> tuple[int, int]:
    """Return how far a window of a needle goes on in both directions."""
    if offset <= start and read.startswith(needle, start - offset):
        return start - offset, start - offset + len(needle)
    end, more = start + WINDOW, offset + WINDOW
    while end < len(read) and more < len(needle) and read[end] == needle[more]:
        end, more = end + 1, more + 1
    while start > 0 and offset > 0 and read[start - 1] == needle[offset - 1]:
        start, offset = start - 1, offset - 1
    return start, end


def _is_alone(text: str, needle: str, span: tuple[int, int]) -> bool:
    """Tell whether a short secret is not a part of a longer word or number."""
    around = text[max(span[0] - 1, 0) : span[0]], text[span[1] : span[1] + 1]
    if needle.isalpha():
        return not any(map(str.isalpha, around))
    return not needle.isdigit() or not any(map(str.isdigit, around))


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined
