"""How a number of things is said, wherever text is made."""

from __future__ import annotations


def counted(number: int, word: str) -> str:
    """Return a number with its word: `1 check`, `2 checks`."""
    return f"{number} {word}{'' if number == 1 else 's'}"
