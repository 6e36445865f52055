"""Where the pages of earlier runs are, from a page beside them."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from .files import stem_of


class EarlierPages:
    """The pages of runs, as a page in `folder` links to them: the reports of one suite are in there, others beside it.

    Each is looked for once. `zone` is the inventory's, by which the files are named.
    """

    def __init__(self, folder: Path, zone: dt.tzinfo | None) -> None:
        self._folder = folder
        self._zone = zone
        self._known: dict[dt.datetime, str | None] = {}
        self._folders: list[tuple[str, Path]] | None = None

    def of(self, started: dt.datetime) -> str | None:
        """Return the link to the page of the run that began at a moment, None where there is none any more."""
        if started not in self._known:
            name = f"{stem_of(started.astimezone(self._zone))}.html"
            found = (f"{way}{name}" for way, folder in self._places() if (folder / name).is_file())
            self._known[started] = next(found, None)
        return self._known[started]

    def _places(self) -> list[tuple[str, Path]]:
        if self._folders is None:
            self._folders = [("", self._folder), *self._beside()]
        return self._folders

    def _beside(self) -> Iterator[tuple[str, Path]]:
        with contextlib.suppress(OSError):
            for path in sorted(self._folder.parent.iterdir()):
                if path != self._folder and (path / "latest.json").is_file():
                    yield f"../{quote(path.name)}/", path
