"""Where a run of a suite leaves its reports: `<suite>/<time>.json`, `.html` and `.xml`, and `latest.*` beside them."""

from __future__ import annotations

import contextlib
import datetime as dt
import filecmp
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..files import marks, private

_END = b"</testsuites>"
_STAMP = "%Y-%m-%dT%H%M%S"
_MARK = re.compile(r"\.\d{4}-\d\d-\d\dT\d{6}(?:-\d+)?")
_DATED = re.compile(r"(?P<stamp>\d{4}-\d\d-\d\dT\d{6})(?:-\d+)?(?P<suffix>\.[a-z0-9]+)")
_SUFFIXES = (".json", ".html", ".xml")


@dataclass(frozen=True)
class ReportFiles:
    """The files of one run."""

    folder: Path
    stem: str
    held: int
    """The open end of the hidden file by which the name is taken."""

    @classmethod
    def fresh(cls, folder: Path, started: dt.datetime) -> ReportFiles:
        """Name the files after the time of the run, with a number where another run has just that time.

        The name is taken with a hidden file until the reports are written, since two runs may start in one second.
        Raises OSError where nothing can be written there.
        """
        _make_reports(folder.parent)
        private.make_folder(folder)
        marks.sweep(folder)
        marks.sweep(folder, known=_MARK.fullmatch)
        stem = stem_of(started)
        number, name = 1, stem
        while (held := _take(folder, name)) is None:
            number += 1
            name = f"{stem}-{number}"
        return cls(folder, name, held)

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

    def drop_broken_xml(self) -> bool:
        """Remove a JUnit report that could not be written whole; returns whether there was one."""
        if not self.xml.is_file() or _is_whole(self.xml):
            return False
        self.xml.unlink()
        return True

    def of_format(self, suffix: str) -> Path:
        """Return the report in the format of a package."""
        return self.folder / f"{self.stem}.{suffix}"

    def make_latest(self) -> None:
        """Put the run's reports up as the newest ones: all of them, each at once and whole, or none. Raises OSError."""
        paths = {self.json, self.html, self.xml, *self.folder.glob(f"{self.stem}.*"), *self._no_more()}
        with contextlib.ExitStack() as stack:
            for path in filter(Path.exists, paths):
                shutil.copyfile(path, stack.enter_context(private.draft(self._latest(path))))
        for path in paths:
            if not path.exists():  # one that is not written any more would be another run's
                self._latest(path).unlink(missing_ok=True)

    def _no_more(self) -> Iterator[Path]:
        """Yield the reports that this run has not, in formats of packages in which the newest of earlier runs are."""
        for latest in [path for path in self.folder.glob("latest.*") if path.suffix not in _SUFFIXES]:
            dated = (path for path in self.folder.glob(f"*{latest.suffix}") if _DATED.fullmatch(path.name))
            if any(filecmp.cmp(latest, path, shallow=False) for path in dated):
                yield self.folder / f"{self.stem}{latest.suffix}"

    def _latest(self, path: Path) -> Path:
        return self.folder / f"latest{path.suffix}"

    def prune(self, before: dt.datetime, formats: Iterable[str] = ()) -> None:
        """Remove the reports of runs that began before a moment, by their names; also those in formats of packages.

        Raises OSError where one stays.
        """
        suffixes = (*_SUFFIXES, *(f".{suffix}" for suffix in formats))
        stamp = before.strftime(_STAMP)
        with os.scandir(self.folder) as files:
            dated = [(file.path, found) for file in files if (found := _DATED.fullmatch(file.name))]
        for path, found in dated:
            if found["stamp"] >= stamp or found["suffix"] not in suffixes:
                continue
            Path(path).unlink(missing_ok=True)  # another run may be at it as well

    def release(self) -> None:
        """Give the name free: the reports that carry it are there, or never will be."""
        with contextlib.suppress(OSError):
            _mark(self.folder, self.stem).unlink()
            os.close(self.held)

    def shown(self, base: Path) -> str | None:
        """Return the page's path (or the results', where there is no page) as people would type it."""
        found = next((path for path in (self.html, self.json) if path.exists()), None)
        if found is None:
            return None
        return str(found.relative_to(base)) if found.is_relative_to(base) else str(found)


def stem_of(started: dt.datetime) -> str:
    """Return how the files of a run are named that began at a moment, in the inventory's time zone."""
    return started.strftime(_STAMP)


def _make_reports(folder: Path) -> None:
    """Make the folder of all reports, where it is missing, and keep it out of Git: reports tell much of a system."""
    if not folder.is_dir():
        private.make_folder(folder)
        private.write(b"*\n", folder / ".gitignore")


def _take(folder: Path, name: str) -> int | None:
    mark = _mark(folder, name)
    try:
        held = marks.take(mark)
    except FileExistsError:
        return None
    if any(folder.glob(f"{name}.*")):  # looked for after the mark is ours: the other run may end meanwhile
        mark.unlink()
        os.close(held)
        return None
    return held


def _mark(folder: Path, name: str) -> Path:
    return folder / f".{name}"


def _is_whole(xml: Path) -> bool:
    """Tell whether a JUnit report ends as one does."""
    with xml.open("rb") as report:
        report.seek(max(0, xml.stat().st_size - len(_END) - 2))
        return report.read().rstrip().endswith(_END)
