"""The files of a run: those of its suites, which change together, and a results file that the command line names."""

from __future__ import annotations

import datetime as dt
import errno
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.results import NOTHING_JUDGED, Run
from ..core.shards import SHARDS, Part
from ..files import private
from ..packages import REPORTS, described, package_of
from ..reports import json, page
from ..reports.files import ReportFiles
from .destination import Destination, Finished, not_written

if TYPE_CHECKING:
    from ..core.extensions import ReportFormat


class ResultsFile(Destination):
    """The results file that the command line names. `uncaptured` gives standard output back: the file may be that."""

    keeps_run = True

    def __init__(self, file: Path, uncaptured: Callable[[], AbstractContextManager[None]]) -> None:
        self._file = file
        self._uncaptured = uncaptured

    def send(self, finished: Finished) -> Iterator[str]:
        """Write it."""
        with self._uncaptured():
            json.write(finished.run, self._file)
        yield from ()


class PartResults(Destination):
    """The results file of a part of a run, in the folder in which `opscheck merge` looks for all of them.

    Each part has one file: a later run of it replaces what an earlier one has left.
    """

    keeps_run = True

    def __init__(self, folder: Path, part: Part) -> None:
        vantage = f"{part.vantage}-" if part.vantage is not None else ""
        self.file = folder / SHARDS / f"{vantage}{part.shard.number:04}-of-{part.shard.of}.json"

    def send(self, finished: Finished) -> Iterator[str]:
        """Write it."""
        private.make_folder(self.file.parent)
        json.write(finished.run, self.file)
        yield from ()


class SuiteReports(Destination):
    """The reports of a run of suites. Those of a run that is whole become the newest, all of them or none.

    xml: where pytest has written its JUnit report, as its options say; `fault` is what has kept it from that.
    """

    keeps_run = True

    def __init__(self, xml: Callable[[], str | None]) -> None:
        self._xml = xml
        self.fault: OSError | None = None

    def send(self, finished: Finished) -> Iterator[str]:
        """Write them."""
        run, files = finished.run, finished.files
        if run.suite is None or files is None:
            return
        problems = [
            *_tried(lambda: json.write(run, files.json)),
            *_tried(lambda: self._keep_xml(files)),
            *_tried(lambda: page.write(finished.page, files.html)),
            *(problem for made in finished.inventory.formats for problem in _rendered(made, run, files)),
        ]
        yield from problems
        if not problems and not run.narrowed and run.exit_status != NOTHING_JUDGED:
            keep = dt.timedelta(seconds=finished.inventory.reports_keep_s)
            yield from _tried(files.make_latest)
            formats = [made.suffix for made in finished.inventory.formats]
            yield from _tried(lambda: files.prune(run.started - keep, formats))

    def _keep_xml(self, files: ReportFiles) -> None:
        """Keep pytest's JUnit report, unless it is not whole. Raises OSError."""
        files.keep(self._xml(), files.xml)
        if files.drop_broken_xml():
            raise self.fault or OSError(errno.EIO, "pytest could not write it completely", str(files.xml))


def _rendered(made: ReportFormat, run: Run, files: ReportFiles) -> list[str]:
    """Write the report in the format of a package; return what went wrong with that."""
    try:
        text = made.render(run)
        data = text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")
    except Exception as error:  # noqa: BLE001 - whatever somebody's code raises
        package = package_of(REPORTS, made.name)
        return [f"could not write the reports: the format {made.name} of {package} failed: {described(error)}"]
    return _tried(lambda: private.write(data, files.of_format(made.suffix)))


def _tried(write: Callable[[], None]) -> list[str]:
    """Write something, and return what went wrong with that."""
    try:
        write()
    except OSError as error:
        return [not_written(error)]
    return []
