"""Where the pages of earlier runs are, from another page of the reports."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Self
from urllib.parse import quote

from .files import stem_of

_STARTED = re.compile(r'"started": "([^"]+)"')
"""In the head of a results file: when its run began, to the millisecond."""
_HEAD = 2_000


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
            stem = stem_of(started.astimezone(self._zone))
            if self._folders is None:
                self._folders = list(self._places())
            found = (f"{way}{page.name}" for way, folder in self._folders for page in _pages(folder, stem, started))
            self._known[started] = next(found, None)
        return self._known[started]

    def _places(self) -> Iterator[tuple[str, Path]]:
        if self._own is not None:
            yield "", self._own
        with contextlib.suppress(OSError):
            for path in sorted(self._reports.iterdir()):
                if path != self._own and (path / "latest.json").is_file():
                    yield f"{'../' if self._own else ''}{quote(path.name)}/", path


def _pages(folder: Path, stem: str, started: dt.datetime) -> Iterator[Path]:
    """Return the pages in a folder that are of the run that began at a moment: others may have begun in that second."""
    for number in itertools.count(1):
        page = folder / (f"{stem}-{number}.html" if number > 1 else f"{stem}.html")
        if not page.is_file():
            return
        if _may_be_of(page.with_suffix(".json"), started):
            yield page


def _may_be_of(results: Path, started: dt.datetime) -> bool:
    """Tell whether a results file is of the run that began at a moment; where there is none, its page may be."""
    try:
        with results.open(encoding="utf-8") as file:
            found = _STARTED.search(file.read(_HEAD))
        return found is None or abs(dt.datetime.fromisoformat(found[1]) - started) <= dt.timedelta(milliseconds=1)
    except (OSError, ValueError):
        return True
