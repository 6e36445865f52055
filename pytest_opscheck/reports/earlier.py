"""Where the pages of earlier runs are, from another page of the reports."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Self
from urllib.parse import quote

from .files import stem_of


class EarlierPages:
    """The pages of runs, in the folders of suites. Each is looked for once.

    reports: the folder in which those of the suites are; own: that of the suite in which the page is that leads there,
    None where it is in `reports` itself. zone: the inventory's, by which the files are named.
    """

    def __init__(self, reports: Path, own: Path | None, zone: dt.tzinfo | None) -> None:
        self._reports = reports
        self._own = own
        self._zone = zone
        self._known: dict[dt.datetime, str | None] = {}
        self._folders: list[tuple[str, Path]] | None = None

    @classmethod
    def beside(cls, folder: Path, zone: dt.tzinfo | None) -> Self:
        """Return those that a page in the folder of a suite leads to."""
        return cls(folder.parent, folder, zone)

    def of(self, started: dt.datetime) -> str | None:
        """Return the link to the page of the run that began at a moment, None where there is none any more."""
        if started not in self._known:
            name = f"{stem_of(started.astimezone(self._zone))}.html"
            if self._folders is None:
                self._folders = list(self._places())
            found = (f"{way}{name}" for way, folder in self._folders if (folder / name).is_file())
            self._known[started] = next(found, None)
        return self._known[started]

    def _places(self) -> Iterator[tuple[str, Path]]:
        if self._own is not None:
            yield "", self._own
        with contextlib.suppress(OSError):
            for path in sorted(self._reports.iterdir()):
                if path != self._own and (path / "latest.json").is_file():
                    yield f"{'../' if self._own else ''}{quote(path.name)}/", path
