import math

from pytest_opscheck import backup, check
from pytest_opscheck.probes._types import LimitParam


@check(
    backup.fresh,
    limit={"P2": "< 26h"},
    units=("h",),
    action="See why the backup job did not run or did not finish: its log, systemctl list-timers, crontab -l",
)
def test_fresh(fresh, expect):
    """There is a recent backup.

    The age of the newest file that matches `path` and is not being written any more: since it was last written to
    (mtime), or longer where the date in its name, or the time stamp that gzip or pg_dump's custom format put into it,
    is more than a day before that. Plain SQL through a pipe contains no time stamp: last week's content copied under
    today's name shows in `growth`, as a backup of exactly the same size. A link is as old as what it leads to. Where
    the host's clock is more than five minutes off this machine's, the age is unknown, because the clock may have been
    wrong when the file was written. No matching file is a breach, which check_file_age passes (nagios-plugins, issue
    564), and so is an empty one (monitoring-plugins, issue 1604).

    Needs: a user who can list the folder; for the time stamp inside, read the file.

    Example:
        [backup.database]
        path = "/srv/backups/db_*.sql.gz"
        [backup.database.expect]
        fresh = { P2 = "< 26h", P1 = "< 50h" }
    """
    if fresh.file is None:
        expect(math.inf, "s", subject=f"newest file of {fresh.path}", observed="missing")
    else:
        expect(fresh.age_s, "s", subject=f"age of {fresh.file}{fresh.by}")


@check(
    backup.on_time,
    limit={"P2": "< 2h"},
    units=("h",),
    takes="at",
    action="See why the backup job did not run or did not finish: its log, systemctl list-timers, crontab -l",
)
def test_on_time(on_time, expect):
    """The daily backup is there soon after it was due.

    Due is every day at `at`, in the inventory's time zone. The limit is how long the job may take: how late the first
    backup is that was due after the newest finished file, dated as for `fresh`. A manual backup in the afternoon does
    not replace the next night's. If the clock change skips the time, it is due when the clocks are put forward.

    Needs: a user who can list the folder.

    Example:
        [backup.database]
        path = "/srv/backups/db_*.sql.gz"
        [backup.database.expect]
        on_time = { at = "02:00", P2 = "< 1h" }
    """
    late = on_time.late_s > 0
    subject = f"delay of the backup due at {on_time.due:%Y-%m-%d %H:%M}"
    expect(on_time.late_s, "s", subject=subject, observed=None if late else "none")


@check(
    backup.size,
    limit={"P2": "> 0B"},
    units=("B",),
    action="See what the backup job says, and whether its disk is full: df -h",
)
def test_size(size, expect):
    """The newest backup is as large as it should be.

    In bytes, of the newest finished file, dated as for `fresh`.

    Needs: a user who can list the folder.

    Example:
        [backup.database]
        path = "/srv/backups/db_*.sql.gz"
        [backup.database.expect]
        size = "> 10MB"
    """
    expect(size.size_bytes, "B", subject=f"size of {size.file}")


@check(
    backup.growth,
    units=("%",),
    least="-100%",
    action="Compare the two: what do their tables or members differ in? Keep the older one until that is known",
)
def test_growth(growth, expect):
    """The newest backup is about as large as the one before it.

    By how much the newest finished file is larger than the one before it, in percent of that one: half of it is -50 %.
    `path` must match only one series of backups.

    Needs: a user who can list the folder.

    Example:
        [backup.database]
        path = "/srv/backups/db_*.sql.gz"
        [backup.database.expect]
        growth = { P2 = "> -50%", P3 = "!= 0%" }
    """
    why = None if growth.percent is not None else f"{growth.before}, the one before, is empty"
    expect(growth.percent, "%", subject=f"growth of {growth.file}", why=why)


@check(
    backup.intact,
    limit="== intact",
    severity="P1",
    action="Make a new backup now, keep the one before it, and see why this one broke off",
)
def test_intact(intact, expect):
    """The newest backup can be read to its end.

    By the program that would restore it: gzip, bzip2, xz, zstd, lz4 and unzip test themselves, tar lists its members up
    to the end that the file has, too, pg_restore reads all of a custom-format dump or of a folder with toc.dat,
    redis-check-rdb and sqlite3 read theirs. Each dump of pg_dump, pg_dumpall, mysqldump or sqlite3 in a text must have
    its first and its last line, and no error in it or after it. Files cut by split(1) are joined. A web page, an error
    or zeros under a backup's name are damaged. A format without a recognizable end is unknown, never ok: encrypted
    files, CSV, formats not named here; check those with your own command. Only a restore drill shows that a backup can
    be restored.

    Needs: a user who can read the file, and the program that would restore it on the host.

    Example:
        [backup.database]
        path = "/srv/backups/db_*.sql.gz"
        [backup.database.expect]
        intact = { severity = "P0", timeout = "10m" }
    """
    expect(intact.state, subject=intact.file)


@check(
    backup.includes,
    limit="== included",
    takes="paths",
    action="Add it to what the backup job packs, and make a new backup",
)
def test_includes(includes, expect):
    """The newest backup includes what it should.

    Files and folders that are members of the newest finished tar or zip archive, compressed or not. Paths are as in the
    archive, with or without a leading /; a folder is included where at least one file beneath it is.

    Needs: a user who can read the file; tar or unzip on the host.

    Example:
        [backup.config]
        path = "/srv/backups/config_*.tar.gz"
        [backup.config.expect]
        includes = ["etc/nginx/nginx.conf", "srv/app/.env"]
    """
    for path in includes.found:
        expect("included", subject=f"{path} in {includes.file}")
    for path in includes.missing:
        expect("missing", subject=f"{path} in {includes.file}")


@check(
    backup.kept,
    units=("",),
    suites=("weekly",),
    action="See what removes backups, and whether the job ran every day",
)
def test_kept(kept, expect):
    """As many backups are kept as should be.

    The number of finished files that match `path` and are not empty, nor what a compressor makes of nothing (gzip: 20
    bytes); a link beside the file that it leads to does not count.

    Needs: a user who can list the folder.

    Example:
        [backup.database]
        path = "/srv/backups/db_*.sql.gz"
        [backup.database.expect]
        kept = ">= 30"
    """
    note = f"beside {kept.empty} that are empty" if kept.empty else None
    expect(kept.count, subject=f"number of files of {kept.path}", note=note)


@check(
    backup.kept,
    units=("h",),
    suites=("weekly",),
    action="See why old backups are not removed any more: the job's log, find PATH -mtime +30",
)
def test_retained(kept, expect):
    """No backup is older than it may be.

    The age of the oldest file that matches `path`: since it was last written to, or longer where the date in its name
    is more than a day before that. By the time of the last write alone a file that was copied or touched looks new
    (sandydargoport/prism 438: 28 forgotten dumps).

    Needs: a user who can list the folder.

    Example:
        [backup.database]
        path = "/srv/backups/db_*.sql.gz"
        [backup.database.expect]
        retained = "< 31d"
    """
    age = None if kept.doubt else kept.age_s
    expect(age, "s", subject=f"age of the oldest, {kept.oldest},", why=kept.doubt)


@check(
    backup.complete,
    limit="== 100%",
    most="100%",
    takes="days",
    action="See what the backup job's log says of those days, and whether the files were removed",
)
def test_complete(complete, expect):
    """Every day has a backup.

    Of the last `days` days before today, in the inventory's time zone, those with a non-empty file. A file belongs to
    the day in its name (20261120, 2026-11-20), else of the day on which it was last written to; a name later than the
    file itself does not count. Today's is judged by `fresh` and `on_time`: it may not be due yet.

    Needs: a user who can list the folder.

    Example:
        [backup.database]
        path = "/srv/backups/db_*.sql.gz"
        [backup.database.expect]
        complete = { days = 30, P3 = "== 100%", P2 = "> 90%" }
    """
    missing = ", ".join(map(str, complete.missing))
    shown = f"{complete.percent:.4g} %" + (f" (none of {missing})" if missing else "")
    subject = f"days with a backup, of the last {complete.count},"
    expect(complete.percent, "%", subject=subject, observed=shown)


@check(
    backup.drilled,
    limit={"P2": "<= 31d"},
    units=("d",),
    takes="record",
    suites=("monthly",),
    action="Restore the newest backup into an empty place, compare row counts, and write the date into the record",
)
def test_drilled(drilled, expect):
    """A restore was practised not long ago.

    According to a record on the host that the drill writes to: the latest day up to today that it contains
    (2026-11-20), to that day's end in the inventory's time zone, or if it contains none, when it was last written to.

    Needs: a user who can read the record.

    Example:
        [backup.database]
        path = "/srv/backups/db_*.sql.gz"
        [backup.database.expect]
        drilled = { record = "/srv/backups/last-restore-drill", P2 = "<= 31d" }
    """
    if drilled.age_s is None:
        expect(math.inf, "s", subject=f"record {drilled.record} of a practised restore", observed="missing")
    else:
        expect(drilled.age_s, "s", subject=f"age of the restore practised, by {drilled.record},")


@check(
    backup.uploaded,
    limit={"P2": "< 26h"},
    units=("h",),
    takes="url",
    action="See what the upload job says; upload the newest backup by hand",
)
def test_uploaded(uploaded, expect, *, size: LimitParam = "> 0B"):  # type: ignore[assignment]
    """The backup is in object storage too.

    The age of the newest object that matches `url`: since it was last written, or longer where the date in its name is
    more than a day before that; and its `size`. Listed from where pytest runs, through fsspec; nothing is downloaded.

    Needs: the storage's extra, as in `pip install 'pytest-opscheck[s3]'` (s3, gcs, azure, sftp), and credentials that
    may list the bucket (s3:ListBucket), from the environment or in `options`, which are those of fsspec's filesystem;
    put a secret there as ${NAME}.

    Example:
        [backup.database]
        path = "/srv/backups/db_*.sql.gz"
        [backup.database.expect]
        uploaded = { url = "s3://backups/db/*.sql.gz", P2 = "< 26h", size = "> 10MB" }
    """
    if uploaded.object is None:
        expect(math.inf, "s", subject=f"newest object of {uploaded.url}", observed="missing")
    else:
        expect(uploaded.age_s, "s", subject=f"age of {uploaded.object}{uploaded.by}")
        expect(uploaded.size_bytes, "B", subject=f"size of {uploaded.object}", limit=size)
