"""Which page of an earlier run a page leads to."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from pytest_opscheck.reports.earlier import EarlierPages

AT_SEVEN = dt.datetime(2026, 3, 1, 7, 0, 0, 250_000, dt.UTC)


def leave(folder: Path, name: str, started: dt.datetime | None) -> None:
    """Leave a page there, and the results beside it where a moment is given."""
    folder.mkdir(exist_ok=True)
    (folder / "latest.json").touch()
    (folder / f"{name}.html").touch()
    if started is not None:
        run = (
            f'{{"schema": "opscheck.results/1", "run": {{"started": "{started.isoformat(timespec="milliseconds")}"}}}}'
        )
        (folder / f"{name}.json").write_text(run)


def test_runs_of_one_second_are_told_apart(tmp_path: Path) -> None:
    """At seven o'clock cron starts two suites, and somebody starts one of them once more."""
    daily, smoke = tmp_path / "daily", tmp_path / "smoke"
    later = [AT_SEVEN + dt.timedelta(milliseconds=number) for number in (100, 200, 300)]
    leave(daily, "2026-03-01T070000", AT_SEVEN)
    leave(daily, "2026-03-01T070000-2", later[0])
    leave(smoke, "2026-03-01T070000", later[1])
    pages = EarlierPages.beside(daily, dt.UTC)
    assert [pages.of(started) for started in (AT_SEVEN, *later)] == [
        "2026-03-01T070000.html",
        "2026-03-01T070000-2.html",
        "../smoke/2026-03-01T070000.html",
        None,
    ]
    leave(daily, "2026-03-01T070000-3", later[2])
    assert EarlierPages.beside(smoke, dt.UTC).of(later[2]) == "../daily/2026-03-01T070000-3.html"


def test_a_page_without_its_results_is_named_by_its_second(tmp_path: Path) -> None:
    leave(tmp_path / "daily", "2026-03-01T080000", None)
    berlin = dt.timezone(dt.timedelta(hours=1))
    assert EarlierPages.beside(tmp_path / "daily", berlin).of(AT_SEVEN) == "2026-03-01T080000.html"
