"""Words in a text as a set: how the vocabularies of this room are written."""

from __future__ import annotations


def bag(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())
