"""How the head of an engine's answer is read."""

from __future__ import annotations

from .._web.head import Response

LONGEST_HEAD = 100_000
"""Bytes of the head of an answer that are read."""


class Answer(Response):
    """An engine's answer, of which there may be many side by side."""

    longest = LONGEST_HEAD
