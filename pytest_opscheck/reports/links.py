"""Where links to a runbook lead from a page."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from ..core.visible import is_plain


@dataclass(frozen=True)
class Links:
    """Links from a page in `folder` to files that stand beside the inventory, in `base`."""

    base: Path
    folder: Path

    def to(self, runbook: str) -> str | None:
        """Return where a runbook's link leads from the page, None where nothing is known to be there."""
        try:
            parts = urlsplit(runbook)
        except ValueError:
            return None
        if parts.scheme:
            return web(runbook)
        try:
            file = self.base / parts.path
            if not parts.path or parts.netloc or not file.is_file():
                return None
        except (OSError, ValueError):
            return None
        fragment = f"#{quote(parts.fragment, safe='%-')}" if parts.fragment else ""
        return quote(os.path.relpath(file, self.folder)) + fragment


def web(runbook: str) -> str | None:
    """Return a runbook's link that leads there from anywhere, an address on the web that shows as it is, else None."""
    try:
        parts = urlsplit(runbook)
    except ValueError:
        return None
    return runbook if parts.scheme in ("http", "https") and parts.netloc and is_plain(runbook) else None
