"""Series of backups, night after night: each check red by what goes wrong with such a series, and green again."""

from __future__ import annotations

import datetime as dt
import gzip
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_opscheck.probes import Output, Probe, UnknownError
from pytest_opscheck.probes.backup import Backup, Included, Kept, Newest, fresh, includes, intact, kept

from .conftest import Run
from .processes import program
from .sshd import sshd

HOUR = 3600
DAY = 24 * HOUR


def now() -> dt.datetime:
    return dt.datetime.now().astimezone()


def night(
    folder: Path, ago: int, content: bytes = b"x" * 1000, *, pattern: str = "backup_%Y%m%d_%H%M%S.sql.gz"
) -> Path:
    """Write the backup of so many nights ago, an hour and as many days old, named as a job would name it."""
    folder.mkdir(exist_ok=True, parents=True)
    moment = now() - dt.timedelta(days=ago, hours=1)
    return written(folder / moment.strftime(pattern), ago, content)


def written(file: Path, ago: float, content: bytes = b"x" * 1000) -> Path:
    file.write_bytes(content)
    return aged(file, ago)


def aged(file: Path, ago: float) -> Path:
    moment = time.time() - HOUR - ago * DAY
    os.utime(file, (moment, moment))
    return file


def inventory(**targets: tuple[Path, str]) -> str:
    """Return an inventory of targets, each with a path and what is expected; nothing else is."""
    found = ""
    for name, (path, expect) in targets.items():
        said = {line.split()[0] for line in expect.splitlines()}
        off = "".join(f"{default} = false\n" for default in ("fresh", "size", "intact") if default not in said)
        found += f'[backup.{name}]\npath = "{path}"\n[backup.{name}.expect]\n{off}{expect}\n'
    return found


def test_a_backup_is_as_old_as_its_name_or_its_content_says(run: Run, tmp_path: Path) -> None:
    touched = aged(night(tmp_path / "touched", 9), 0)
    renamed = aged(night(tmp_path / "renamed", 0), 7)
    last_week = written(tmp_path / "db.sql", 7, b"-- last week's")
    subprocess.run([program("gzip"), "-k", str(last_week)], check=True)
    copied = night(tmp_path / "copied", 0, (tmp_path / "db.sql.gz").read_bytes())
    (tmp_path / "by_hand").mkdir()
    written(tmp_path / "by_hand" / "db.sql", 0)
    night(tmp_path / "true", 3)
    true = night(tmp_path / "true", 0)
    (tmp_path / "true" / "backup_latest.sql.gz").symlink_to(true)
    text = inventory(
        **{
            name: (tmp_path / name / "*", 'fresh = "< 26h"')
            for name in ("touched", "renamed", "copied", "by_hand", "true")
        }
    )
    outcome = run(text)
    assert {
        name: outcome.verdict(f"backup.fresh@{name}") for name in ("touched", "renamed", "copied")
    } == dict.fromkeys(("touched", "renamed", "copied"), "breach P2")
    assert outcome.verdict("backup.fresh@by_hand") == outcome.verdict("backup.fresh@true") == "ok"
    assert f"age of {touched}, by the date in its name, is" in outcome.message("backup.fresh@touched")
    assert outcome.message("backup.fresh@renamed").startswith(f"age of {renamed} is ")
    assert f"age of {copied}, by the time stamp in it, is" in outcome.message("backup.fresh@copied")
    for name in ("touched", "renamed", "copied"):
        night(tmp_path / name, 0, gzip.compress(b"new"))
    outcome = run(text)
    assert {result["verdict"] for result in outcome.results.values()} == {"ok"}, outcome.output


def test_half_of_yesterdays_size_and_exactly_yesterdays_size(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "series"
    night(folder, 1, b"x" * 10_000)
    half = night(folder, 0, b"x" * 5_000)
    (folder / "latest").symlink_to(half)
    night(tmp_path / "alone", 0)
    night(tmp_path / "after_empty", 1, b"")
    night(tmp_path / "after_empty", 0)
    expect = 'growth = { P2 = "> -50%", P3 = "!= 0%" }'
    text = inventory(
        series=(folder / "*", expect),
        alone=(tmp_path / "alone" / "*", expect),
        after_empty=(tmp_path / "after_empty" / "*", expect),
    )
    outcome = run(text)
    assert outcome.verdict("backup.growth@series") == "breach P2"
    assert outcome.message("backup.growth@series") == f"growth of {half} is at -50 %, expected > -50 %"
    assert outcome.verdict("backup.growth@alone") == "unknown P2"
    assert "is the only backup" in outcome.message("backup.growth@alone")
    assert outcome.verdict("backup.growth@after_empty") == "unknown P2"
    written(half, 0, b"x" * 10_000)
    assert run(text).verdict("backup.growth@series") == "breach P3"
    written(half, 0, b"x" * 10_500)
    assert run(text).verdict("backup.growth@series") == "ok"


def test_old_ones_are_left_few_are_kept_and_days_are_missing(run: Run, tmp_path: Path) -> None:
    nights = [night(tmp_path, ago) for ago in range(9)]
    unnamed = tmp_path / "unnamed"
    for ago in range(4):
        night(unnamed, ago, pattern=f"db.{ago}.gz")
    aged(nights[8], 0)
    text = '[opscheck]\ntimezone = "Europe/Berlin"\n' + inventory(
        database=(tmp_path / "*.gz", 'retained = "<= 8d"\nkept = ">= 9"\ncomplete = 7'),
        unnamed=(unnamed / "*.gz", "complete = 4"),
        none=(tmp_path / "none*", 'fresh = true\nkept = "> 0"'),
    )
    outcome = run(text, suite="weekly")
    assert outcome.verdict("backup.retained@database") == "breach P2"
    assert outcome.message("backup.retained@database").startswith(f"age of the oldest, {nights[8]}, is 8.")
    assert outcome.verdict("backup.kept@database") == "ok"
    assert outcome.verdict("backup.kept@none") in ("blocked", "unknown P2")
    assert run(text).verdict("backup.complete@database") == "ok"
    nights[8].unlink()
    missing, empty = nights[3], nights[5]
    content = missing.read_bytes()
    missing.unlink()
    written(empty, 5, b"")
    written(unnamed / "db.2.gz", 2.9 if now().hour > 3 else 2)
    outcome = run(text)
    days = [missing.name[7:15], empty.name[7:15]]
    said = ", ".join(f"{day[:4]}-{day[4:6]}-{day[6:]}" for day in sorted(days))
    assert outcome.verdict("backup.complete@database") == "breach P2"
    assert outcome.message("backup.complete@database") == (
        f"days with a backup, of the last 7, is at 71.43 % (none of {said}), expected 100 %"
    )
    outcome = run(text, suite="weekly")
    assert outcome.verdict("backup.retained@database") == "ok"
    assert outcome.verdict("backup.kept@database") == "breach P2"
    for file, ago in ((missing, 3), (empty, 5)):
        written(file, ago, content)
    assert run(text).verdict("backup.complete@database") == "ok"


def test_a_daily_backup_is_late_only_after_it_was_due(run: Run, tmp_path: Path) -> None:
    moment = dt.datetime.now(dt.UTC)
    (tmp_path / "db").mkdir()
    file = written(tmp_path / "db" / "db.sql", 0.5)

    def text(at: dt.datetime) -> str:
        said = f'on_time = {{ at = "{at:%H:%M}", P3 = "< 1h", P1 = "< 2h" }}'
        return '[opscheck]\ntimezone = "UTC"\n' + inventory(database=(tmp_path / "db" / "*", said))

    three_hours_ago = moment - dt.timedelta(hours=3)
    outcome = run(text(three_hours_ago))
    assert outcome.verdict("backup.on_time@database") == "breach P1"
    assert f"delay of the backup due at {three_hours_ago:%Y-%m-%d %H:%M} is 3" in outcome.message(
        "backup.on_time@database"
    )
    assert run(text(moment - dt.timedelta(minutes=70))).verdict("backup.on_time@database") == "breach P3"
    assert run(text(moment - dt.timedelta(minutes=20))).verdict("backup.on_time@database") == "ok"
    assert run(text(moment + dt.timedelta(hours=2))).verdict("backup.on_time@database") == "ok"
    aged(file, 0)
    assert run(text(three_hours_ago)).verdict("backup.on_time@database") == "ok"
    outcome = run(text(moment).replace(f"{moment:%H:%M}", "2am"))
    assert outcome.exit_status == 4
    assert "'2am' is not a time of day; write for example 02:00" in outcome.output


def test_what_an_archive_includes(run: Run, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for name in ("etc/nginx/nginx.conf", "srv/app/my settings.env"):
        (tree / name).parent.mkdir(parents=True)
        (tree / name).write_text("x")
    (tree / "srv" / "empty").mkdir()
    archives = {name: tmp_path / f"config.{name.replace('_', '.')}" for name in ("tar", "tar_gz", "tar_xz", "zip")}

    def pack() -> None:
        for archive in archives.values():
            archive.unlink(missing_ok=True)
            command, how = ("zip", "-qr") if archive.suffix == ".zip" else ("tar", "-caf")
            subprocess.run([program(command), how, str(archive), "."], cwd=tree, check=True)
            aged(archive, 0)

    def verdicts(check: str) -> set[str]:
        return {outcome.verdict(f"backup.{check}@{name}") for name in archives}

    wanted = 'includes = ["/etc/nginx/nginx.conf", "./srv/app/my settings.env", "etc", "srv/empty"]\nintact = true'
    text = inventory(**{name: (archive, wanted) for name, archive in archives.items()})
    pack()
    outcome = run(text)
    assert verdicts("includes") == {"breach P2"}
    message = outcome.message("backup.includes@tar_gz")
    assert message == f"srv/empty in {archives['tar_gz']} is missing, expected included"
    assert verdicts("intact") == {"ok"}
    (tree / "srv" / "empty" / "x").touch()
    pack()
    outcome = run(text)
    assert verdicts("includes") == {"ok"}
    for archive in archives.values():
        os.truncate(archive, archive.stat().st_size // 2)
        aged(archive, 0)
    (tmp_path / "notes").write_text("no archive")
    outcome = run(text + inventory(notes=(tmp_path / "notes", 'includes = ["etc"]')))
    assert verdicts("intact") == {"breach P1"}
    assert verdicts("includes") <= {"blocked", "breach P2"}
    assert outcome.verdict("backup.includes@notes") == "unknown P2"
    assert "is neither a tar nor a zip archive" in outcome.message("backup.includes@notes")


def test_a_restore_was_practised(run: Run, tmp_path: Path) -> None:
    record = tmp_path / "drill"
    database = night(tmp_path, 0)
    text = inventory(database=(database, f'drilled = "{record}"'))
    outcome = run(text, suite="monthly")
    assert outcome.verdict("backup.drilled@database") == "breach P2"
    assert outcome.message("backup.drilled@database").startswith(f"record {record} of a practised restore is missing")
    record.touch()
    assert run(text, suite="monthly").verdict("backup.drilled@database") == "ok"
    record.write_text(
        f"{now() - dt.timedelta(days=40):%Y-%m-%d} restored, next on {now() + dt.timedelta(days=9):%Y-%m-%d}\n"
    )
    outcome = run(text, suite="monthly")
    assert outcome.verdict("backup.drilled@database") == "breach P2"
    assert "age of the restore practised" in outcome.message("backup.drilled@database")
    with record.open("a") as file:
        file.write(f"{now() - dt.timedelta(days=30):%Y-%m-%dT%H:%M} restored\n")
    assert run(text, suite="monthly").verdict("backup.drilled@database") == "ok"
    record.write_text("next on 2099-01-01\n")
    outcome = run(text, suite="monthly")
    assert outcome.verdict("backup.drilled@database") == "unknown P2"
    assert "names no day before" in outcome.message("backup.drilled@database")


@pytest.fixture(scope="module")
def busybox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield a folder with the applets of busybox and nothing else."""
    folder = tmp_path_factory.mktemp("busybox")
    subprocess.run([program("busybox"), "--install", "-s", str(folder)], check=True)
    yield folder
    shutil.rmtree(folder)


def in_busybox(folder: Path, probe: Probe, path: Path, **params: object) -> object:
    assert probe.shell is not None
    part = probe.shell.part(Backup(path=str(path)), 10.0, params)
    done = subprocess.run(
        [str(folder / "sh"), "-c", part.script, "opscheck", *part.args],
        env={"PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return probe.shell.parse(Output(done.stdout, done.stderr, done.returncode), **params)


def test_the_scripts_run_in_busybox_alone(busybox: Path, tmp_path: Path) -> None:
    for ago in (0, 1, 2):
        night(tmp_path, ago, gzip.compress(b"-- text"))
    touched = aged(night(tmp_path, 9), 0)
    (tmp_path / "latest.gz").symlink_to(touched)
    newest = in_busybox(busybox, fresh, tmp_path / "*.gz")
    assert isinstance(newest, Newest)
    assert newest.age_s == pytest.approx(HOUR, abs=60)
    oldest = in_busybox(busybox, kept, tmp_path / "*.gz")
    assert isinstance(oldest, Kept)
    assert (oldest.count, oldest.oldest) == (4, str(touched))
    assert oldest.age_s == pytest.approx(9 * DAY + HOUR, abs=60)
    (tmp_path / "tree" / "etc").mkdir(parents=True)
    (tmp_path / "tree" / "etc" / "x.conf").touch()
    for tool, packed in (("tar", "czf"), ("zip", "-qr")):
        archive = tmp_path / f"config.{tool}"
        subprocess.run([program(tool), packed, str(archive), "etc"], cwd=tmp_path / "tree", check=True)
        aged(archive, 0)
        found = in_busybox(busybox, includes, archive, paths=("etc", "etc/y"))
        assert found == Included(str(archive), ("etc",), ("etc/y",))
        assert in_busybox(busybox, intact, archive).state == "intact"  # type: ignore[attr-defined]


def test_over_ssh_with_thousands_of_files(run: Run, tmp_path: Path) -> None:
    """One contact serves every check, and the listing of many files is read whole."""
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(5000):
        written(folder / f"a rather long name of a backup number {number:05}.sql", number / 24)
    with sshd(tmp_path / "sshd") as server:
        quiet = "expect = { disk = false, memory = false, load = false, cpu = false }"
        text = f'[host.prod]\nconnect = "{server.connect()}"\n{quiet}\n' + inventory(
            database=(folder / "*.sql", 'fresh = true\nkept = "== 5000"\ncomplete = 30\ngrowth = ">= 0%"')
        ).replace("path =", 'on = "prod"\npath =')
        outcome = run(text)
        assert {result["verdict"] for result in outcome.results.values()} == {"ok"}, outcome.output
        assert run(text, suite="weekly").verdict("backup.kept@database") == "ok"
        assert len(server.commands) == 2


def test_a_folder_that_its_group_may_read_says_so(tmp_path: Path) -> None:
    from pytest_opscheck.probes._files import said_of

    output = Output("path /x\ndenied /var/log/x.log\ngranted -rw-r----- adm\nuser deploy\n", "", 0)
    with pytest.raises(
        UnknownError, match=r"no permission to read /var/log/x.log; its group may: usermod -aG adm deploy"
    ):
        said_of(output)
