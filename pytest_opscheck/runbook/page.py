"""A runbook's file as text, whatever it was saved with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..core.visible import plain
from ..files.reading import content

MOST_BYTES = 4_000_000
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_ENDS = ("\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029")


class UnreadableError(Exception):
    """A file that is no text in UTF-8; the message says what it is, and what to do."""


@dataclass(frozen=True, slots=True)
class Page:
    """A runbook: how messages name it, and its text with line feeds alone at the ends of lines."""

    name: str
    text: str

    @property
    def lines(self) -> list[str]:
        """The lines; the first is the line 1 of the file."""
        return self.text.split("\n")


def read(file: Path) -> Page:
    """Return a runbook. Raises UnreadableError."""
    name = plain(str(file))
    try:
        found = content(file, MOST_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableError(f"{name} can't be read: {reason}; name a file in Markdown") from None
    return Page(name, _text(name, found))


def _text(name: str, found: bytes) -> str:
    if found.startswith(_UTF16):
        raise UnreadableError(f"{name} is in UTF-16; save it in UTF-8")
    if b"\0" in found:
        raise UnreadableError(f"{name} is not a text: it has bytes that are zero; name a file in Markdown")
    try:
        text = found.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = found.count(b"\n", 0, error.start) + 1
        raise UnreadableError(
            f"{name}:{line}: byte 0x{found[error.start]:02x} is not UTF-8; save it in UTF-8"
        ) from None
    return read_text(text)


def read_text(text: str) -> str:
    """Return a text whose lines end as Markdown has them: what other readers take for an end is a blank."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for end in _ENDS:
        text = text.replace(end, " ")
    return text
