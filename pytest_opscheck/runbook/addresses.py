"""Addresses on the web taken apart, also those that are none."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit


def split(url: str) -> SplitResult:
    """Return the parts of an address; of what can't be one, as with a port of letters, there are none."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - which is read where it is asked for
    except ValueError:
        return urlsplit("")
    return parts
