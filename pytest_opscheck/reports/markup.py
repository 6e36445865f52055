"""The one place at which text becomes HTML: whoever adds a column has it escaped, and shown as it is."""

from __future__ import annotations

from html import escape

from ..core.visible import plain, visible


def safe(text: str) -> str:
    """Return text as HTML, within an element or an attribute in quotes: one line, nothing in it a tag or unseen."""
    return escape(plain(text))


def safe_lines(text: str) -> str:
    """Return text as HTML for an element that keeps its lines and blanks."""
    return escape(visible(text))
