"""Where a run of a suite leaves its reports: `<suite>/<time>.json`, `.html` and `.xml`, and `latest.*` beside them."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from .. import private

_STAMP = "%Y-%m-%dT%H%M%S"
_DATED = re.compile(r"(?P<stamp>\d{4}-\d\d-\d\dT\d{6})(?:-\d+)?\.(?:json|html|xml)")


@dataclass(frozen=True)
class ReportFiles:
    """The files of one run."""

    folder: Path
    stem: str

    @classmethod
    def fresh(cls, folder: Path, started: dt.datetime) -> ReportFiles:
        """Name the files after the time of the run, with a number where another run has just that time.

        The name is taken with a hidden file until the reports are written, since two runs may start in one second.
        Raises OSError where nothing can be written there.
        """
        private.make_folder(folder)
        stem = started.strftime(_STAMP)
        number, name = 1, stem
        while not _take(folder, name):
            number += 1
            name = f"{stem}-{number}"
        return cls(folder, name)

    @property
    def json(self) -> Path:
        """The results."""
        return self.folder / f"{self.stem}.json"

    @property
    def html(self) -> Path:
        """The page for people."""
        return self.folder / f"{self.stem}.html"

    @property
    def xml(self) -> Path:
        """The JUnit report."""
        return self.folder / f"{self.stem}.xml"

    def claim_xml(self) -> None:
        """Have pytest write its JUnit report into a file that is closed to others from the beginning."""
        with contextlib.suppress(OSError):  # pytest will say what is wrong there
            private.create(self.xml)

    def keep(self, written: str | None, kept: Path) -> None:
        """Copy a report that people had written elsewhere to where the run's reports are."""
        if written is None:
            return
        source = Path(os.path.expandvars(written)).expanduser().absolute()
        if source.is_file() and source != kept.absolute():
            with private.draft(kept) as draft:
                shutil.copyfile(source, draft)

    def make_latest(self) -> None:
        """Put the run's reports up as the newest ones, each at once and whole."""
        for path in (self.json, self.html, self.xml):
            if path.exists():
                with private.draft(self.folder / f"latest{path.suffix}") as draft:
                    shutil.copyfile(path, draft)

    def prune(self, before: dt.datetime) -> None:
        """Remove the reports of runs that began before a moment, by their names. Raises OSError where one stays."""
        stamp = before.strftime(_STAMP)
        with os.scandir(self.folder) as files:
            old = [file.path for file in files if (dated := _DATED.fullmatch(file.name)) and dated["stamp"] < stamp]
        for path in old:
            Path(path).unlink(missing_ok=True)  # another run may be at it as well

    def release(self) -> None:
        """Give the name free: the reports that carry it are there, or never will be."""
        with contextlib.suppress(OSError):
            _mark(self.folder, self.stem).unlink()

    def shown(self, base: Path) -> str | None:
        """Return the page's path (or the results', where there is no page) as people would type it."""
        found = next((path for path in (self.html, self.json) if path.exists()), None)
        if found is None:
            return None
        return str(found.relative_to(base)) if found.is_relative_to(base) else str(found)


def _take(folder: Path, name: str) -> bool:
    mark = _mark(folder, name)
    try:
        mark.touch(private.FILE, exist_ok=False)
    except FileExistsError:
        return False
    if any(folder.glob(f"{name}.*")):  # looked for after the mark is ours: the other run may end meanwhile
        mark.unlink()
        return False
    return True


def _mark(folder: Path, name: str) -> Path:
    return folder / f".{name}"
