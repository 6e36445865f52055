from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

from pytest_opscheck.files.marks import take
from pytest_opscheck.reports import json
from pytest_opscheck.reports.files import ReportFiles

from .values import STARTED, result, run


def test_two_runs_in_one_second_have_files_of_their_own(tmp_path: Path) -> None:
    """The second starts while the first has written nothing yet."""
    first, second = (ReportFiles.fresh(tmp_path / "daily", STARTED) for _ in range(2))
    assert (first.json.name, second.json.name) == ("2026-11-20T080000.json", "2026-11-20T080000-2.json")
    json.write(run(result()), first.json)
    for files in (first, second):
        files.release()
    assert ReportFiles.fresh(tmp_path / "daily", STARTED).json == second.json
    assert ReportFiles.fresh(tmp_path / "daily", STARTED + dt.timedelta(seconds=1)).stem == "2026-11-20T080001"


def test_nothing_is_left_but_the_reports(tmp_path: Path) -> None:
    files = ReportFiles.fresh(tmp_path, STARTED)
    json.write(run(result()), files.json)
    files.make_latest()
    files.release()
    files.release()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-11-20T080000.json", "latest.json"]
    assert (tmp_path / "latest.json").read_bytes() == files.json.read_bytes()


def test_a_report_written_elsewhere_is_kept_too(tmp_path: Path) -> None:
    files = ReportFiles.fresh(tmp_path / "daily", STARTED)
    (tmp_path / "mine.xml").write_text("report")
    files.keep(str(tmp_path / "mine.xml"), files.xml)
    assert files.xml.read_text() == "report"
    assert files.shown(tmp_path) is None
    files.html.write_text("page")
    assert files.shown(tmp_path) == "daily/2026-11-20T080000.html"


def test_a_device_is_no_report_to_keep(tmp_path: Path) -> None:
    """/dev/full never ends."""
    files = ReportFiles.fresh(tmp_path, STARTED)
    files.keep("/dev/full", files.html)
    files.keep(None, files.xml)
    assert files.shown(tmp_path) is None


def test_a_file_in_the_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("")
    with pytest.raises(OSError, match="reports"):
        ReportFiles.fresh(tmp_path / "reports" / "daily", STARTED)


def test_what_a_killed_run_left_goes_with_the_next_and_nothing_that_another_uses(tmp_path: Path) -> None:
    """The kernel frees what a process held, however it ended."""
    running = ReportFiles.fresh(tmp_path, STARTED)
    used = take(tmp_path / ".latest.json.17")
    for name in (".2026-11-19T080000", ".2026-11-19T080000-2", ".latest.html.4242", ".2026-11-19T080000.json.4242"):
        (tmp_path / name).touch()
    (tmp_path / ".lock").touch()
    ReportFiles.fresh(tmp_path, STARTED + dt.timedelta(seconds=1)).release()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".2026-11-20T080000", ".latest.json.17", ".lock"]
    running.release()
    os.close(used)


def test_the_newest_reports_are_of_one_run(tmp_path: Path) -> None:
    """All of them change or none; one that is not written any more is gone."""
    first, second, third = (ReportFiles.fresh(tmp_path, STARTED + dt.timedelta(seconds=n)) for n in range(3))
    for files in (first, second):
        for path in (files.json, files.html, files.xml):
            path.write_text(files.stem)
    first.make_latest()
    (tmp_path / f".latest.xml.{os.getpid()}").mkdir()  # so that its draft can't be made
    with pytest.raises(OSError, match=r"latest\.xml"):
        second.make_latest()
    assert {path.read_text() for path in tmp_path.glob("latest.*")} == {first.stem}
    third.json.write_text(third.stem)
    third.make_latest()
    assert [path.name for path in tmp_path.glob("latest.*")] == ["latest.json"]


def test_a_junit_report_that_ends_early_is_none(tmp_path: Path) -> None:
    files = ReportFiles.fresh(tmp_path, STARTED)
    assert not files.drop_broken_xml()
    files.xml.write_text("<testsuites></testsuites>\n")
    assert not files.drop_broken_xml()
    files.xml.write_text("")
    assert files.drop_broken_xml()
    assert not files.xml.exists()
