"""Suites that run by themselves: systemd's timers and cron, on a machine of its own."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .images import Container, container, image
from .processes import wait_until
from .systemd import OPTIONS

MACHINE = """
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends systemd systemd-sysv dbus dbus-user-session \
    libpam-systemd cron python3 libsqlite3-0 libffi8 libssl3 libbz2-1.0 liblzma5 zlib1g
RUN useradd --create-home ops
CMD ["/sbin/init"]
"""
ROOT = Path(__file__).parents[2]
INVENTORY = """
[opscheck]
name = "{name}"
timezone = "UTC"
[suites.minutely]
every = "1m"
[suites.slow]
at = "03:00"
[host.local]
expect = {{ disk = false, memory = false, load = false, cpu = false }}
[host.local.command.variable]
run = 'test "$FROM_FILE" = "a b"'
suites = ["minutely"]
[host.local.command.slow]
run = "sleep 50"
timeout = "60s"
suites = ["slow"]
"""
ODD = """ 50% of $HOME's "x" a*b? ${B} \\\\\\% `;& #ä -- \\"""
"""Means something to systemd, to cron or to a shell at each character, and ends in a backslash."""
Opscheck = Callable[..., str]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A machine with systemd and cron, this Python, and inventories."""
    folder = tmp_path_factory.mktemp("machine")
    for name in ("timers", "cron", "user", f"timers{ODD}", f"cron{ODD}"):
        (folder / name).mkdir()
        (folder / name / "opscheck.toml").write_text(
            INVENTORY.format(name=f"odd{name.partition(' ')[0]}" if ODD in name else name), encoding="utf-8"
        )
        (folder / name / "opscheck.env").write_text(f"PYTHONPATH='{ROOT}'\nFROM_FILE='a b'\n", encoding="utf-8")
        (folder / name / "opscheck.env").chmod(0o600)
    # Debian's own Python is there; where that runs the tests, its /usr would take the place of the machine's.
    needed = [Path(path) for path in dict.fromkeys([sys.base_prefix, sys.prefix, str(ROOT)]) if path != "/usr"]
    mounts = [f"{path}:{path}:ro" for path in needed]
    options = [*OPTIONS, *(word for mount in [*mounts, f"{folder}:/srv"] for word in ("-v", mount))]
    with container(image("opscheck-test-by-itself", MACHINE), options) as started:
        up = ("running", "degraded")
        wait_until(lambda: started.run("systemctl is-system-running").stdout.strip() in up, "systemd")
        above = sorted({str(folder) for path in needed for folder in path.parents})
        started.run(f"chmod a+rx {shlex.join(above)}")  # the container's own: everybody on it may run this Python
        if started.run(f"{sys.executable} -c 'import ssl, sqlite3, ctypes, pydantic'").returncode != 0:
            pytest.fail("this Python does not run on Debian 12; take one that does", pytrace=False)
        yield started


@pytest.fixture
def opscheck(machine: Container) -> Opscheck:
    """Give the command on the machine, in a folder: opscheck("timers", "status", status=0)."""

    def given(folder: str, *words: str, status: int = 0) -> str:
        command = shlex.join([str(Path(sys.executable).with_name("opscheck")), *words])
        done = machine.run(f"cd {shlex.quote(f'/srv/{folder}')} && PYTHONPATH={ROOT} {command}")
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    return given


def results(machine: Container, folder: str, suite: str) -> list[dict[str, object]]:
    """Return the results files of a suite."""
    texts = machine.run(f"cat {shlex.quote(f'/srv/{folder}')}/reports/{suite}/2*.json").stdout.split('{\n "schema"')[1:]
    return [json.loads('{\n "schema"' + text) for text in texts]


def test_timers_and_cron_start_a_suite(machine: Container, opscheck: Opscheck) -> None:
    """Both are written as they are shown, once, and the run that they start reads its variables, in any folder."""
    shown = opscheck("timers", "schedule")
    written = opscheck("timers", "schedule", "--install")
    assert written.startswith(shown)
    assert written.count("\nwrote /etc/systemd/system/opscheck-timers-") == 4
    assert (
        opscheck("timers", "schedule", "--install") == f"{shown}nothing changed: everything is installed and running\n"
    )
    assert opscheck("timers", "status", status=1).count("never ran") == 2

    assert "wrote it to your crontab" in opscheck("cron", "schedule", "--crontab", "--install")
    lines = machine.run("crontab -l").stdout
    assert lines == opscheck("cron", "schedule", "--crontab")
    assert "nothing changed" in opscheck("cron", "schedule", "--crontab", "--install")
    assert machine.run("crontab -l").stdout == lines

    opscheck(f"timers{ODD}", "schedule", "--install")
    opscheck(f"cron{ODD}", "schedule", "--crontab", "--install")
    assert "nothing changed" in opscheck(f"cron{ODD}", "schedule", "--crontab", "--install")
    for folder in ("timers", "cron", f"timers{ODD}", f"cron{ODD}"):
        wait_until(lambda folder=folder: bool(results(machine, folder, "minutely")), f"a run by {folder}", 90)  # type: ignore[misc]
        [first, *_] = results(machine, folder, "minutely")
        assert first["run"]["exit_status"] == 0, first  # type: ignore[index]
        said = opscheck(folder, "status", status=1)
        assert "minutely (every 1 min): on time" in said
        assert "opscheck minutely: 2 ok, exit status 0" in said
        assert "1 suite overdue: slow" in said


def test_a_run_that_is_ended_leaves_its_reports(machine: Container, opscheck: Opscheck) -> None:
    """What systemd does when its deadline is over: it interrupts pytest, which writes what it has."""
    opscheck("timers", "schedule", "--install")
    service = machine.run("cd /etc/systemd/system && ls opscheck-timers-*-slow.service").stdout.strip()
    machine.run(f"systemctl start --no-block {service}")
    sleeps = "for file in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$file | grep -q '^slee[p] 50' && exit; done; exit 1"
    wait_until(lambda: machine.run(sleeps).returncode == 0, "it")
    assert "slow is already running" in opscheck("timers", "run", "slow", status=5)
    started = time.monotonic()
    machine.run(f"systemctl stop {service}")
    assert time.monotonic() - started < 30
    [left] = results(machine, "timers", "slow")
    assert left["run"]["exit_status"] == 2  # type: ignore[index]
    assert left["run"]["narrowed"]  # type: ignore[index]


def test_a_run_that_finds_something_broken_has_not_failed(machine: Container, opscheck: Opscheck) -> None:
    """Or else `failed_units` and systemd would tell of it long after it was fixed; a mistake of the checker's does."""
    opscheck("timers", "schedule", "--install")
    service = machine.run("cd /etc/systemd/system && ls opscheck-timers-*-minutely.service").stdout.strip()

    def ended(change: str) -> set[str]:
        machine.run(f"systemctl stop {service}; {change}; systemctl start {service}")
        return set(machine.run(f"systemctl show -p Result -p ExecMainStatus {service}").stdout.split())

    assert ended("sed -i 's/a b/c d/' /srv/timers/opscheck.env") == {"Result=success", "ExecMainStatus=1"}
    assert ended("echo nonsense >> /srv/timers/opscheck.toml") == {"Result=exit-code", "ExecMainStatus=4"}
    right = "sed -i '$d' /srv/timers/opscheck.toml; sed -i 's/c d/a b/' /srv/timers/opscheck.env"
    assert ended(right) == {"Result=success", "ExecMainStatus=0"}


def test_a_user_who_is_not_root(machine: Container, opscheck: Opscheck) -> None:
    """Timers of his own, which go on when he is gone where root lets him linger; root's crontab runs nothing of his."""
    machine.run("chown -R ops /srv/user && loginctl enable-linger ops")
    assert "wrote it to the crontab of ops" in opscheck("user", "schedule", "--crontab", "--install")
    assert "/srv/user" in machine.run("crontab -u ops -l").stdout
    assert "/srv/user" not in machine.run("crontab -l").stdout
    machine.run("crontab -u ops -r")
    command = Path(sys.executable).with_name("opscheck")

    def as_ops(said: str) -> str:
        inside = f"cd /srv/user; export XDG_RUNTIME_DIR=/run/user/$(id -u) PYTHONPATH={ROOT}; {said}"
        done = machine.run(f"su ops -c {shlex.quote(inside)}")
        return done.stdout + done.stderr

    wait_until(lambda: "running" in as_ops("systemctl --user is-system-running"), "the user's systemd")
    written = as_ops(f"{command} schedule --install")
    assert written.count("\nwrote /home/ops/.config/systemd/user/opscheck-user-") == 4
    assert "user units stop when the user logs out, unless root has run: loginctl enable-linger" in written
    assert as_ops("systemctl --user list-timers --all --plain --no-legend").count(".timer") == 2
    assert "nothing changed" in as_ops(f"{command} schedule --install")
    as_ops("systemctl --user start $(cd ~/.config/systemd/user && ls opscheck-user-*-minutely.service)")
    [run] = results(machine, "user", "minutely")
    assert run["run"]["exit_status"] == 0, run  # type: ignore[index]
    assert machine.run("stat -c %U /srv/user/reports/minutely/latest.json").stdout == "ops\n"


def test_a_suite_that_is_no_more(machine: Container, opscheck: Opscheck) -> None:
    """Its timer goes; nothing would ever take it away otherwise."""
    opscheck("timers", "schedule", "--install")
    machine.run("sed -i '/^every/d' /srv/timers/opscheck.toml")
    said = opscheck("timers", "schedule", "--install")
    assert said.count("minutely.") == 2
    assert said.count("it is no longer in the inventory") == 2
    left = machine.run("systemctl list-timers --all --plain --no-legend 'opscheck-timers-*'").stdout.splitlines()
    assert len(left) == 1
    assert "-slow.timer" in left[0]
