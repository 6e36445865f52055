"""What a host's files in /proc, and its chrony and systemd, say of its memory, load, processors and clock."""

from __future__ import annotations

import pytest

from pytest_opscheck.probes import UnknownError
from pytest_opscheck.probes.host import clock, cpu, journal_size, load, memory, uptime

from ..said import read

MEMINFO = """\
MemTotal:        8000000 kB
MemFree:          200000 kB
MemAvailable:    2000000 kB
Buffers:          100000 kB
KReclaimable:     500000 kB
"""
ZFS = "c_min                           4    1024000000\nsize                            4    4096000000\n"
LOAD = "0.50 1.50 2.50 3/512 12345\n4\n"


def test_memory_is_what_the_kernel_calls_available() -> None:
    found = read(memory, MEMINFO + LOAD)
    assert (found.total, found.available, found.used_percent) == (8_000_000 * 1024, 2_000_000 * 1024, 75)


def test_what_zfs_gives_back_is_available_once() -> None:
    """Its cache beyond the least of it, without what MemAvailable has of that already."""
    found = read(memory, ZFS + MEMINFO + LOAD)
    assert found.available == 2_000_000 * 1024 + 3_072_000_000 - 500_000 * 1024


@pytest.mark.parametrize(
    ("cgroup", "total", "available"),
    [
        ("limit max\ntaken 5\nfreed 1\n", 8_000_000 * 1024, 2_000_000 * 1024),
        ("limit 9223372036854771712\ntaken 5\n", 8_000_000 * 1024, 2_000_000 * 1024),
        ("limit 1000000\ntaken 900000\nfreed 100000\nfreed 50000\n", 1_000_000, 250_000),
        ("limit 1000000\ntaken 1100000\n", 1_000_000, 0),
    ],
)
def test_a_container_has_the_memory_of_its_limit(cgroup: str, total: int, available: int) -> None:
    found = read(memory, cgroup + MEMINFO + LOAD)
    assert (found.total, found.available) == (total, available)


def test_an_old_kernel_without_the_figure_is_unknown() -> None:
    with pytest.raises(UnknownError, match="/proc/meminfo has no MemAvailable"):
        read(memory, MEMINFO.replace("MemAvailable", "MemShared") + LOAD)


def test_load_is_shared_by_the_processors() -> None:
    found = read(load, MEMINFO + LOAD)
    assert (found.one, found.five, found.fifteen, found.processors, found.per_processor) == (0.5, 1.5, 2.5, 4, 0.375)
    with pytest.raises(UnknownError, match="how many processors"):
        read(load, MEMINFO + LOAD.replace("\n4\n", "\n0\n"))


def test_processors_are_busy_with_all_but_idling_and_waiting_for_disks() -> None:
    before = "cpu  100 0 50 800 50 0 0 0 0 0\n"
    assert read(cpu, before + "cpu  130 0 60 850 60 0 0 0 7 0\n") == pytest.approx(40)
    with pytest.raises(UnknownError, match="did not advance"):
        read(cpu, before + before)


def test_uptime_is_that_of_the_first_process() -> None:
    """In a container it has started later than the machine; where /proc hides it, it is a machine's."""
    assert read(uptime, "5000.25\n0\n100\n") == 5000.25
    assert read(uptime, "5000.25\n400000\n100\n") == 1000.25


CHRONY = "chrony 03C8AC9F,192.0.2.1,3,1795168800.5,-0.000120,0.00002,0.0001,-1.9,0.001,0.02,0.030,0.005,64.5,Normal"


@pytest.mark.parametrize(
    ("said", "source", "off_s"),
    [
        (CHRONY, "chrony", 0.000120 + 0.005 + 0.015),
        (CHRONY.replace("Normal", "Not synchronised"), "chrony", None),
        ("synchronised no\noffset +1ms", "timedatectl", None),
        ("synchronised yes\noffset +345us", "systemd-timesyncd", 345e-6),
        ("synchronised yes\noffset -1min 2.5s", "systemd-timesyncd", 62.5),
        ("synchronised yes", None, None),
    ],
)
def test_a_clock_by_its_time_servers(said: str, source: str | None, off_s: float | None) -> None:
    found = read(clock, f"by ssh\n{said}\n", ahead_s=(-0.1, 0.3))
    assert found.source == source
    assert found.off_s == (None if off_s is None else pytest.approx(off_s))
    assert found.synchronised == ("no" not in said.lower().split() and "Not" not in said)
    assert found.difference_s == 0.3


def test_a_clock_by_ours() -> None:
    """One that took too long to tell is not compared; on this machine there is nothing to compare."""
    assert read(clock, "by ssh\n", ahead_s=(-3, 3)).difference_s is None
    assert read(clock, "by ssh\n").difference_s is None
    assert read(clock, f"by docker\n{CHRONY}\n", ahead_s=(-0.1, 0.3)).difference_s is None
    with pytest.raises(UnknownError, match="install chrony"):
        read(clock, "by local\n")
    with pytest.raises(UnknownError, match="'soon', which is no time"):
        read(clock, "by ssh\nsynchronised yes\noffset soon\n")


def test_the_room_of_a_journal_is_that_of_both_its_folders() -> None:
    assert read(journal_size, "100\t/var/log/journal\n4\t/run/log/journal\n") == 104 * 1024
    with pytest.raises(UnknownError, match=r"usermod -aG systemd-journal deploy"):
        read(journal_size, "user deploy\n")
    with pytest.raises(UnknownError, match="does systemd-journald run"):
        read(journal_size, "none\n")
