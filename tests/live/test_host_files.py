"""Files and directories of a host: made, aged, opened to others, hidden and filled, as it happens to real ones."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Run
from .images import Container, container
from .processes import program

DAY = 86400
QUIET = "memory = false\nload = false\ncpu = false\n"
FILE = "host.file.it@local"


def host(connect: str = "local://") -> str:
    return f'[host.local]\nconnect = "{connect}"\n[host.local.expect]\ndisk = false\n{QUIET}'


def inventory(path: object, keys: str) -> str:
    return f'{host()}[host.local.file.it]\npath = "{path}"\n{keys}\n'


def aged(file: Path, days: float) -> None:
    file.touch()
    moment = time.time() - days * DAY
    os.utime(file, (moment, moment))


def test_a_file_that_others_can_read(run: Run, tmp_path: Path) -> None:
    """IF-19. The mode of a link is everybody's, so it is the file's own that counts."""
    file, link = tmp_path / "real.env", tmp_path / ".env"
    file.touch()
    file.chmod(0o644)
    link.symlink_to(file)
    plain = inventory(link, "readable_by_others = false")
    outcome = run(plain)
    assert outcome.verdict(FILE) == "breach P2"
    assert outcome.message(FILE) == f"{link} is readable by others, expected not readable by others"
    file.chmod(0o640)
    assert run(plain).verdict(FILE) == "ok"
    at_most = inventory(link, 'mode = "<= 0640"\nseverity = "P1"')
    assert run(at_most).verdict(FILE) == "ok"
    file.chmod(0o604)  # the smaller number, and open to others
    outcome = run(at_most)
    assert outcome.verdict(FILE) == "breach P1"
    assert outcome.message(FILE) == f"mode of {link} is 0604, expected at most 0640"
    assert run(inventory(link, 'mode = "0640"')).message(FILE) == f"mode of {link} is 0604, expected 0640"
    assert run(inventory(link, 'mode = "0604"')).verdict(FILE) == "ok"


def test_whose_how_old_and_how_large(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "a secret"
    file.write_bytes(b"x" * 2000)
    keys = inventory(file, 'owner = "nobody"\ngroup = "nogroup"\nage = { P1 = "< 90d" }\nsize = "< 1kB"')
    aged(file, 91)
    outcome = run(keys)
    assert outcome.verdict(FILE) == "breach P1"
    for said in (
        "is 91 d, expected < 90 d",
        "is root, expected nobody",
        "is root, expected nogroup",
        "is 2 kB, expected <",
    ):
        assert said in outcome.message(FILE)
    shutil.chown(file, "nobody", "nogroup")
    file.write_bytes(b"x")
    assert run(keys).verdict(FILE) == "ok"


def test_there_or_not(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "flag"
    there, absent = inventory(file, ""), inventory(file, "exists = false")
    outcome = run(there)
    assert outcome.verdict(FILE) == "breach P2"
    assert outcome.message(FILE) == f"{file} is missing, expected there"
    assert run(absent).verdict(FILE) == "ok"
    file.touch()
    assert run(there).verdict(FILE) == "ok"
    assert run(absent).message(FILE) == f"{file} is there, expected absent"
    file.unlink()
    file.symlink_to(tmp_path / "nowhere")
    assert run(there).verdict(FILE) == "breach P2", "a link that leads nowhere"


def test_names_that_hold_anything(run: Run, tmp_path: Path) -> None:
    """A line break, or what looks like one to some, is part of a name like any other."""
    folder = tmp_path / "the\nfolder"
    folder.mkdir()
    for name in ("plain", "a\nfile 1 1 644 0 0 root root %n\n", "b\x0cb", "c\u2028c", "d\r", "e\\n"):
        (folder / name).write_bytes(b"x" * 2000)
    keys = inventory(f"{tmp_path}/the*/*", 'size = "< 1kB"') + (
        f'[host.local.directory.it]\npath = "{tmp_path}/the*/"\nexpect = "< 1B"\n'
    )
    outcome = run(keys)
    seen = {each["subject"].rpartition("folder/")[2] for each in outcome[FILE]["measurements"] if each["breached"]}
    assert seen == {"plain", r"a\nfile 1 1 644 0 0 root root %n\n", "b\x0cb", "c\u2028c", "d\r", r"e\n"}
    sizes = {each["subject"]: each["breached"] for each in outcome["host.directory.it@local"]["measurements"]}
    assert sizes[rf"{tmp_path}/the\nfolder/"] == "P2"


def test_none_older_than(run: Run, tmp_path: Path) -> None:
    """FS-11, AP-09: no file is fine, an old one is not, and a folder that does not exist is neither."""
    logs = tmp_path / "logs"
    keys = inventory(logs / "*.log.*", 'oldest = "< 7d"')
    outcome = run(keys)
    assert outcome.verdict(FILE) == "unknown P2"
    assert f"there is no folder {logs}" in outcome.message(FILE)
    logs.mkdir()
    assert run(keys).verdict(FILE) == "ok"
    aged(logs / "app.log.1", 6)
    assert run(keys).verdict(FILE) == "ok"
    aged(logs / "app.log.2", 8)
    outcome = run(keys)
    assert outcome.verdict(FILE) == "breach P2"
    assert outcome.message(FILE) == f"age of {logs}/app.log.2 is 8 d, expected < 7 d"
    (logs / "app.log.2").unlink()
    assert run(keys).verdict(FILE) == "ok"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('mode = "0o640"', "is not a mode; write '0640' for exactly that"),
        ('age = "< 1MB"', "is for a size, and this is a duration"),
        ('exists = false\nage = "< 1d"', "leave age out"),
        ('expect = "== 1"', "a file takes its expectations as separate keys: age, oldest, size"),
    ],
)
def test_mistakes(run: Run, keys: str, said: str) -> None:
    outcome = run(inventory("/etc/passwd", keys))
    assert outcome.exit_status == 4
    assert said in outcome.output


@pytest.fixture(scope="module")
def machine() -> Iterator[Container]:
    with container("debian:bookworm-slim", [], ["sleep", "300"]) as started:
        started.run("useradd ops; mkdir -p /srv/a/closed /srv/b/closed; echo x > /srv/b/closed/it")
        yield started


def test_what_is_out_of_sight_is_not_absent(run: Run, machine: Container) -> None:
    """A folder that the user may not look into may hold what is sought, be it one of many in a pattern."""
    machine.run("chmod 700 /srv/b/closed")
    keys = host(f"docker://ops@{machine.id}") + '[host.local.file.it]\npath = "/srv/*/closed/it"\nexists = false\n'
    outcome = run(keys)
    assert outcome.verdict(FILE) == "unknown P2"
    assert "no permission to read /srv/b/closed" in outcome.message(FILE)
    assert "setfacl" in outcome.message(FILE)
    machine.run("ln -s /srv/b/closed/it /srv/a/closed/it; mv /srv/b /root; ln -s /root/b/closed/it /srv/a/closed/that")
    away = run(keys.replace("closed/it", "closed/that"))
    machine.run("mv /root/b /srv; rm /srv/a/closed/*")
    assert away.verdict(FILE) == "unknown P2", "a link to what is out of sight"
    machine.run("chmod 755 /srv/b/closed")
    assert run(keys).verdict(FILE) == "breach P2"
    machine.run("rm /srv/b/closed/it")
    assert run(keys).verdict(FILE) == "ok"


def test_the_largest_directory(run: Run, tmp_path: Path) -> None:
    """AP-08."""
    for name in ("app", "web"):
        (tmp_path / "logs" / name).mkdir(parents=True)
        (tmp_path / "logs" / name / "log").write_bytes(b"x" * 100_000)
    path = tmp_path / "logs"
    keys = f'{host()}[host.local.directory.logs]\npath = "{path}/*/"\nexpect = {{ P3 = "< 1MB", P1 = "< 9MB" }}\n'
    check = "host.directory.logs@local"
    assert run(keys).verdict(check) == "ok"
    (path / "web" / "more").write_bytes(b"x" * 2_000_000)
    outcome = run(keys)
    assert outcome.verdict(check) == "breach P3"
    assert outcome.message(check).startswith(f"{path}/web/ is 2.1")
    (path / "web" / "more").unlink()
    assert run(keys).verdict(check) == "ok"
    assert run(keys.replace("/*/", "/nothing*")).verdict(check) == "unknown P1"


def test_a_directory_that_can_only_be_read_in_part(run: Run, machine: Container) -> None:
    machine.run(
        "mkdir -p /srv/logs/hidden; chmod 700 /srv/logs/hidden; head -c 5000000 /dev/zero > /srv/logs/hidden/log"
    )
    keys = '[host.local.directory.logs]\npath = "/srv/logs"\nexpect = "< 1MB"\n'
    outcome = run(host(f"docker://ops@{machine.id}") + keys)
    assert outcome.verdict("host.directory.logs@local") == "unknown P2"
    assert "/srv/logs/hidden" in outcome.message("host.directory.logs@local")
    assert run(host(f"docker://{machine.id}") + keys).verdict("host.directory.logs@local") == "breach P2"


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of 30 MB with 64 inodes."""
    disk, mount = tmp_path / "disk", tmp_path / "volume"
    subprocess.run(["truncate", "-s", "30M", disk], check=True)
    subprocess.run([program("mkfs.ext4"), "-q", "-m", "0", "-N", "64", disk], check=True)
    mount.mkdir()
    subprocess.run([program("mount"), "-o", "loop", disk, mount], check=True)
    try:
        yield mount
    finally:
        subprocess.run([program("umount"), mount], check=True)


def test_disk_and_inodes_inside_a_container(run: Run, volume: Path) -> None:
    """TB-28: a database's volume is judged where the database sees it, and files alone can fill it."""
    with container("debian:bookworm-slim", ["-v", f"{volume}:/var/lib/db"], ["sleep", "100"]) as database:
        keys = f'[host.db]\nconnect = "docker://{database.id}"\n[host.db.expect]\n{QUIET}'
        keys += 'disk = { P1 = "<= 90%", ignore = ["/"] }\ninodes = { P2 = "< 90%", ignore = ["/"] }\n'
        outcome = run(keys)
        assert outcome.verdict("host.disk@db") == outcome.verdict("host.inodes@db") == "ok", outcome.output
        assert "/var/lib/db" in {m["subject"] for m in outcome["host.disk@db"]["measurements"]}
        database.run("cd /var/lib/db && for i in $(seq 60); do : > file$i; done 2>/dev/null")
        outcome = run(keys)
        assert outcome.verdict("host.disk@db") == "ok"
        assert outcome.verdict("host.inodes@db") == "breach P2"
        assert "/var/lib/db is at 100 %, expected < 90 %" in outcome.message("host.inodes@db")
        database.run("rm /var/lib/db/file*; head -c 29000000 /dev/zero > /var/lib/db/table")
        outcome = run(keys)
        assert outcome.verdict("host.disk@db") == "breach P1"
        assert outcome.verdict("host.inodes@db") == "ok"
        database.run("rm /var/lib/db/table")
        assert run(keys).verdict("host.disk@db") == "ok"
