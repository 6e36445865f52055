"""Reads a text as whoever looks for a secret in it would: without quoting, escapes, encodings and line breaks."""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate

_PERCENT = re.compile(r"%(?:25)*([0-9A-Fa-f]{2})")
_ENTITY = re.compile(r"&(?:amp;)*((?:#[xX][0-9A-Fa-f]{1,6}|#[0-9]{1,7}|[A-Za-z][A-Za-z0-9]{1,7});)")
_BYTE = re.compile(r"\\+x([0-9A-Fa-f]{2})")
_OCTAL = re.compile(r"\\+([0-7]{3})")
_UNIT = re.compile(r"\\+u([0-9A-Fa-f]{4})")
_POINT = re.compile(r"\\+(?:U([0-9A-Fa-f]{8})|u\{([0-9A-Fa-f]{1,6})\})")
# Its first letter is one of a set, which is found fast, and of backslashes in a row only the first one starts a search.
_ESCAPE = re.compile(
    rf"[%&\\](?:(?<=%)(?:25)*[0-9A-Fa-f]{{2}}(?:{_PERCENT.pattern})*|(?<=&){_ENTITY.pattern[1:]}"
    rf"|(?<=\\)(?<!\\\\)\\*(?:[nrt]|{_BYTE.pattern[3:]}(?:{_BYTE.pattern})*|{_UNIT.pattern[3:]}(?:{_UNIT.pattern})*"
    rf"|{_POINT.pattern[3:]}|{_OCTAL.pattern[3:]}(?:{_OCTAL.pattern})*))"
)
_MOST_LAYERS = 3
"""How many encodings around each other are read: HTML in JSON in a URL."""
_BREAK = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|\n[ \t]*[E>|│#*+?-](?:[ \t]+[>|│+?-])?[ \t]+")
"""A colour, or a line's break with what pytest, diffs and boxes put in front of the next line."""
_QUOTING = "".join(map(chr, range(0x21))) + "'\"\\\x7f\x85\xa0\u00ad\u200b\u2028\u2029\ufeff"
_KEPT = re.compile(f"[^{re.escape(_QUOTING)}]+")
_FOLDED = str.maketrans(dict.fromkeys(_QUOTING) | {"-": "+", "_": "/"})
"""base64 is written with + and / or with - and _."""


def plain(text: str) -> str:
    """Return a text as it is compared: one letter case, and nothing left of how it was quoted."""
    for _ in range(_MOST_LAYERS):
        if not _may_escape(text):
            break
        before, text = text, _ESCAPE.sub(lambda found: _decoded(found[0]), text)
        if text == before:
            break
    return folded(_BREAK.sub("", text) if "\n" in text or "\x1b" in text else text)


def _may_escape(text: str) -> bool:
    return "%" in text or "&" in text or "\\" in text


def folded(text: str) -> str:
    """Return a text in one letter case and without quotes; escapes stay as they are."""
    if not text.isascii():
        text = text.replace("\u0130", "i")  # the one letter that becomes two in lower case
    return text.lower().translate(_FOLDED)


@lru_cache(maxsize=1024)
def _decoded(escape: str) -> str:
    if escape[0] == "%":
        return _text(bytes(int(digits, 16) for digits in _PERCENT.findall(escape)))
    if escape[0] == "&":
        return html.unescape("&" + str(_ENTITY.findall(escape)[0]))
    if point := _POINT.fullmatch(escape):
        number = int(point[1] or point[2], 16)
        return chr(number) if number < 0x110000 else ""  # noqa: PLR2004 - beyond what Unicode has
    if units := _UNIT.findall(escape):
        return b"".join(int(unit, 16).to_bytes(2, "big") for unit in units).decode("utf-16-be", "replace")
    if octets := _BYTE.findall(escape):
        return _text(bytes(int(octet, 16) for octet in octets))
    return _text(bytes(int(digits, 8) & 0xFF for digits in _OCTAL.findall(escape)))


def _text(found: bytes) -> str:
    try:
        return found.decode()
    except UnicodeDecodeError:
        return found.decode("latin-1")


class Places:
    """Tells where in a text each part of `plain(text)` stands."""

    def __init__(self, text: str) -> None:
        self._layers: list[_Layer] = []
        for _ in range(_MOST_LAYERS if _may_escape(text) else 0):
            replaced = _Layer(text, [(*found.span(), _decoded(found[0])) for found in _ESCAPE.finditer(text)])
            if replaced.text == text:
                break
            text = self._add(replaced)
        text = self._add(_Layer(text, [(*found.span(), "") for found in _BREAK.finditer(text)]))
        self._kept = [found.span() for found in _KEPT.finditer(text)]
        self._starts = [0, *accumulate(end - start for start, end in self._kept)]

    def _add(self, layer: _Layer) -> str:
        self._layers.append(layer)
        return layer.text

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return from where to where a part stands."""
        start, last = self._before(start), self._before(end - 1)
        for layer in reversed(self._layers):
            start, last = layer.before(start)[0], layer.before(last)[1] - 1
        return start, last + 1

    def _before(self, place: int) -> int:
        """Return where a letter stood before quoting was dropped."""
        number = bisect_right(self._starts, place) - 1
        return self._kept[number][0] + place - self._starts[number]


class _Layer:
    """A text with parts of it replaced, and where each of its letters came from."""

    def __init__(self, text: str, parts: list[tuple[int, int, str]]) -> None:
        self._starts: list[int] = []
        self._befores: list[tuple[int, int | None]] = []
        self._pieces: list[str] = []
        self._length = at = 0
        for start, end, words in parts:
            self._piece(text[at:start], at, None)
            self._piece(words, start, end)
            at = end
        self._piece(text[at:], at, None)
        self.text = "".join(self._pieces)

    def _piece(self, piece: str, start: int, end: int | None) -> None:
        """Add a piece that stood at a place, letter for letter, or replaced what stood there up to an end."""
        if piece:
            self._starts.append(self._length)
            self._befores.append((start, end))
            self._pieces.append(piece)
            self._length += len(piece)

    def before(self, place: int) -> tuple[int, int]:
        """Return from where to where a letter stood."""
        number = bisect_right(self._starts, place) - 1
        start, end = self._befores[number]
        if end is not None:
            return start, end
        at = start + place - self._starts[number]
        return at, at + 1
