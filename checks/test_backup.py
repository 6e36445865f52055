import math

from pytest_opscheck import backup, check


@check(
    backup.fresh,
    limit={"P2": "< 26h"},
    units=("h",),
    action="See why the backup job did not run or did not finish: its log, systemctl list-timers, crontab -l",
)
def test_fresh(fresh, expect):
    """There is a recent backup.

    The age of the newest file that matches `path` and is not being written any more, by when it was last written to.
    """
    if fresh.file is None:
        expect(math.inf, "s", subject=f"newest file of {fresh.path}", observed="missing")
    else:
        expect(fresh.age_s, "s", subject=f"age of {fresh.file}")


@check(
    backup.size,
    limit={"P2": "> 0B"},
    units=("B",),
    action="See what the backup job says, and whether its disk is full: df -h",
)
def test_size(size, expect):
    """The newest backup is as large as it should be."""
    expect(size.size_bytes, "B", subject=f"size of {size.file}")


@check(
    backup.intact,
    limit="== intact",
    severity="P1",
    action="Make a new backup now, keep the one before it, and see why this one broke off",
)
def test_intact(intact, expect):
    """The newest backup can be read to its end.

    By the program that would restore it: gzip, bzip2, xz, zstd and lz4 test themselves, tar lists its members,
    pg_restore reads all of a custom-format dump, and plain SQL has pg_dump's or mysqldump's last line. What can't be
    verified is unknown. Only a practised restore shows that a backup can be restored.
    """
    expect(intact.state, subject=intact.file)
