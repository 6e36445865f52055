"""A short piece of what somebody else has said, fit for a line of a message."""

from __future__ import annotations

_LONGEST = 80


def excerpt(printed: bytes | str, longest: int = _LONGEST) -> str:
    """Return the beginning of what was said, in quotes."""
    return f"'{beginning(printed, longest)}'"


def beginning(printed: bytes | str, longest: int = _LONGEST) -> str:
    """Return the beginning of what was said, on one line; what a terminal would obey is shown as an escape."""
    start = printed[: 4 * longest]
    text = start.decode("utf-8", "backslashreplace") if isinstance(start, bytes) else start
    shown = "".join(each if each.isprintable() else repr(each)[1:-1] for each in " ".join(text.split()))
    whole = len(shown) <= longest and len(start) == len(printed)
    return shown if whole else f"{shown[: longest - 3]}..."
