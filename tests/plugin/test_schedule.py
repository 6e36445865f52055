"""`opscheck schedule` and `opscheck status`: what is shown, what a crontab becomes, and which suite is overdue."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pytest_opscheck.catalogue import checks
from pytest_opscheck.cli.command import main
from pytest_opscheck.cli.timers import ScheduleError, crontab, jobs, merged
from pytest_opscheck.history import Past
from pytest_opscheck.inventory import Inventory, load
from tests.unit.reports.values import ok, run

INVENTORY = """
[opscheck]
name = "shop"
timezone = "America/New_York"
[suites.daily]
at = ["09:00", "18:30"]
random_delay = "2m"
deadline = "15m"
[suites.smoke]
every = "5m"
[suites.weekly]
at = "06:00"
days = ["mon", "thu"]
[host.local]
"""
Command = Callable[..., Result]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Give the command in a folder with an inventory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "opscheck.toml").write_text(INVENTORY)
    return lambda *arguments: CliRunner().invoke(main, arguments)


def inventory() -> Inventory:
    return load(Path("opscheck.toml"), checks())


def test_units_as_systemd_reads_them(command: Command, tmp_path: Path) -> None:
    """Each suite has a timer and a service; systemd finds nothing wrong with them."""
    shown = command("schedule").output
    assert shown.count("[Timer]") == 3
    assert "OnCalendar=*-*-* 09:00:00 America/New_York\nOnCalendar=*-*-* 18:30:00 America/New_York\n" in shown
    assert "OnCalendar=*-*-* *:00/5:00 UTC\n" in shown
    assert "OnCalendar=Mon,Thu *-*-* 06:00:00 America/New_York\n" in shown
    assert "RandomizedDelaySec=120\n" in shown
    assert "TimeoutStartSec=1200\n" in shown
    assert f"run daily --opscheck-inventory={tmp_path}/opscheck.toml\n" in shown
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    (tmp_path / "units").mkdir()
    files = []
    for part in shown.split("# /etc/systemd/system/" if os.geteuid() == 0 else f"# {Path.home()}/")[1:]:
        name, _, text = part.partition("\n")
        files.append(tmp_path / "units" / Path(name).name)
        files[-1].write_text(text)
    assert len(files) == 6
    done = subprocess.run(["systemd-analyze", "verify", *files], capture_output=True, text=True, check=False)
    assert "opscheck-shop" not in done.stderr
    assert done.returncode == 0


def test_a_folder_of_an_odd_name(tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither systemd nor cron nor a shell makes anything of it."""
    odd = tmp_path / '50% of $HOME\'s "x"'
    odd.mkdir()
    shutil.copy("opscheck.toml", odd)
    monkeypatch.chdir(odd)
    shown = command("schedule").output
    assert 'run smoke "--opscheck-inventory=' in shown
    assert '50%% of $$HOME\'s \\"x\\"/opscheck.toml"' in shown
    lines = crontab(inventory(), jobs(inventory()), inventory().timezone)
    line = next(line for line in lines.splitlines() if line.startswith("*/5"))
    (odd / "opscheck.env").write_text("FROM_FILE='a b'\n")
    script = line.removeprefix("*/5 * * * * ").replace(r"\%", "%")
    script = script[: script.index("exec timeout")] + 'printf "%s|%s" "$PWD" "$FROM_FILE"'
    assert subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout == f"{odd}|a b"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts processes of others")
def test_root_lets_the_checks_run_as_whose_they_are(command: Command, tmp_path: Path) -> None:
    """A user-defined project holds code, in conftest.py and elsewhere, that root has no reason to run."""
    assert "User=" not in command("schedule").output
    os.chown(tmp_path, 65534, 65534)
    assert command("schedule").output.count("User=nobody\n") == 3


def test_a_crontab(command: Command) -> None:
    found = inventory()
    lines = crontab(found, jobs(found), found.timezone).splitlines()
    assert [line.partition(" cd ")[0] for line in lines[1:-1]] == [
        "*/5 * * * *",
        "0 9 * * *",
        "30 18 * * *",
        "0 6 * * mon,thu",
    ]
    assert "timeout -s INT -k 60 1320 " in lines[2]
    assert " run -q --random-delay=120s daily " in lines[2]


def test_cron_goes_by_the_machines_clock(command: Command) -> None:
    found = inventory()
    with pytest.raises(ScheduleError, match="cron uses the machine's time zone, which is not America/New_York"):
        crontab(found, jobs(found), dt.UTC)


def test_a_crontab_keeps_what_is_not_ours(command: Command) -> None:
    found = inventory()
    ours = crontab(found, jobs(found), found.timezone)
    once = merged("MAILTO=ops\n1 1 * * * true", ours, found)
    assert once == f"MAILTO=ops\n1 1 * * * true\n{ours}"
    assert merged(once + "2 2 * * * true\n", ours, found) == once + "2 2 * * * true\n"
    fewer = crontab(found, jobs(found)[:1], found.timezone)
    assert merged(once, fewer, found) == f"MAILTO=ops\n1 1 * * * true\n{fewer}"


def test_no_suite_says_when(command: Command) -> None:
    Path("opscheck.toml").write_text("[host.local]\n")
    for name in ("schedule", "status"):
        result = command(name)
        assert result.exit_code == 4
        assert "no suite of opscheck.toml has a schedule" in result.output


def record(suite: str, ago: dt.timedelta, **fields: object) -> None:
    found = inventory()
    started = found.now() - ago
    made = replace(run(ok()), id=f"{suite}-{started}", inventory="shop", suite=suite, started=started)
    Past(found.history).record(replace(made, finished=started + dt.timedelta(seconds=3), **fields))  # type: ignore[arg-type]


def test_status(command: Command) -> None:
    """Overdue is what never ran, or not since it was due; narrowed runs do not count, and those beside others do."""
    Path("opscheck.toml").write_text(INVENTORY.replace('at = "06:00"\ndays = ["mon", "thu"]', 'every = "1h"'))
    result = command("status")
    assert result.exit_code == 1
    assert "3 suites overdue: smoke, daily, weekly" in result.output
    assert "smoke (every 5 min): never ran" in result.output
    assert not Path("reports").exists()

    record("smoke", dt.timedelta(minutes=12))
    record("smoke", dt.timedelta(minutes=1), narrowed=True)
    record("weekly+daily", dt.timedelta(seconds=5), exit_status=1)
    result = command("status")
    assert result.exit_code == 1
    assert "1 suite overdue: smoke" in result.output
    lines = result.output.splitlines()
    assert lines[0] == "smoke (every 5 min): OVERDUE"
    assert lines[1].endswith("12 min ago, on ops-1: opscheck smoke: 1 ok, exit status 1")
    assert any(line.startswith("daily (09:00, 18:30 America/New_York): on time") for line in lines)

    record("smoke", dt.timedelta(seconds=5))
    assert command("status").exit_code == 0


def test_status_where_the_history_can_not_tell(command: Command) -> None:
    Path("reports").mkdir()
    Path("reports/history.sqlite3").write_text("no database" * 1000)
    result = command("status")
    assert result.exit_code == 3
    assert "damaged" in result.output


def test_a_random_delay_of_a_run(tmp_path: Path, command: Command) -> None:
    opscheck = "from pytest_opscheck.cli import main; main()"
    words = [sys.executable, "-c", opscheck, "run", "--random-delay=10ms", "smoke", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "opscheck smoke: " in done.stdout
    result = command("run", "--random-delay=soon", "smoke")
    assert result.exit_code == 4
    assert "--random-delay: 'soon' is not a length of time" in result.output
