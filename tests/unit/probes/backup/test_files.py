"""From when a backup is: what is a date in a name, when a daily backup is due, and what a wrong clock leaves untold."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
from zoneinfo import ZoneInfo

import pytest

from pytest_opscheck.probes import Output, UnknownError
from pytest_opscheck.probes.backup import complete, fresh, kept, on_time
from pytest_opscheck.probes.backup._files import _MOMENTS, named_date

WRITTEN = dt.datetime(2026, 11, 27, 3, tzinfo=dt.UTC)
NAMES = {
    "db20261120.sql": True,
    "db_2026.11.20.gz": True,
    "db_20261120_0230.sql": True,
    "db_202611200230.sql": True,
    "db_20261120023000.sql": True,
    "x-2026-11-20T02:30:00Z.dump": True,
    "exchange2016_20261120.bak": True,
    "gitlab_1732665600_2026_11_20_17.5.1_gitlab_backup.tar": True,
    "db_20261120_expires_20270220.sql": True,
    "mssql2019_1127_full.bak.gz": False,
    "mssql2019_11_27_full.bak": False,
    "sql2022_full_1120.bak": False,
    "build20191127345.tgz": False,
    "1202011201.gz": False,
    "27-11-2026-01-15-00.sql": False,
    "27-11-2026_0115.sql": False,
    "db_20260230.sql": False,
    "app-v2019.11.20.tar": False,
    "ab20201127cd.tar.gz": False,
}


@pytest.mark.parametrize("name", NAMES)
def test_a_date_is_read_out_of_a_name_only_where_it_is_one(name: str) -> None:
    date = dt.date(2026, 11, 20) if NAMES[name] else None
    assert named_date(f"/srv/20260101/{name}", WRITTEN.date()) == date
    written = int(WRITTEN.timestamp())
    for awk in ("mawk", "gawk", "busybox"):
        if program := shutil.which(awk):
            command = [program, *(["awk"] if awk == "busybox" else []), "-v", "zone=+0000", _MOMENTS]
            line = f"regular file:{written} 10 1:2 /srv/20260101/{name}\n"
            said = subprocess.run(command, input=line, capture_output=True, text=True, check=True).stdout
            assert (int(said.split()[0]) < written) is NAMES[name], awk


def listed(written: dt.datetime, now: dt.datetime, *, size: int = 1000, ahead_s: float = 0.0) -> Output:
    """Return what a host lists of one file, with a clock that is so far ahead."""
    moment = int(written.timestamp())
    text = f"path /b/*\nfile /b/x\nnow {int(now.timestamp())} +0000\nseen {moment} {moment} {size} /b/x.gz\n"
    return Output(text, "", 0, ahead_s=(ahead_s - 0.1, ahead_s + 0.1))


def test_a_backup_due_in_the_hour_that_a_night_lacks_is_due_when_clocks_are_put_forward() -> None:
    assert on_time.shell is not None
    zone = ZoneInfo("Europe/Berlin")
    now = dt.datetime(2026, 3, 29, 9, tzinfo=zone)
    for written, late in (((29, 3, 4), 0), ((28, 2, 34), 6 * 3600)):
        day, hour, minute = written
        output = listed(dt.datetime(2026, 3, day, hour, minute, tzinfo=zone), now)
        due = on_time.shell.parse(output, at="02:30", zone=zone)
        assert due.late_s == late  # type: ignore[attr-defined]
    autumn = listed(dt.datetime(2026, 10, 25, 2, 34, tzinfo=zone), dt.datetime(2026, 10, 25, 9, tzinfo=zone))
    assert on_time.shell.parse(autumn, at="02:30", zone=zone).late_s == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("ahead_s", [-3 * 86400, 3 * 86400, -3600])
def test_ages_are_not_told_by_a_clock_that_is_far_off(ahead_s: float) -> None:
    written = WRITTEN - dt.timedelta(hours=1)
    wrong, right = (listed(written, WRITTEN, ahead_s=ahead) for ahead in (ahead_s, 2.0))
    for probe, params in (
        (fresh, {}),
        (on_time, {"at": "02:30", "zone": dt.UTC}),
        (complete, {"days": 1, "zone": dt.UTC}),
    ):
        assert probe.shell is not None
        probe.shell.parse(right, **params)
        with pytest.raises(UnknownError, match=r"the host's clock is .* (behind|ahead of) this machine's"):
            probe.shell.parse(wrong, **params)
    assert kept.shell is not None
    reading = kept.shell.parse(wrong)
    assert reading.count == 1  # type: ignore[attr-defined]
    assert "the host's clock is" in reading.doubt  # type: ignore[attr-defined]


def test_what_is_empty_does_not_count_as_kept() -> None:
    assert kept.shell is not None
    reading = kept.shell.parse(listed(WRITTEN, WRITTEN, size=20))
    assert (reading.count, reading.empty) == (0, 1)  # type: ignore[attr-defined]
