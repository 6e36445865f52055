"""Which files a log is in: what rotation has made of it, whatever it calls that; out of sight is not nothing."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .log_files import ago, told, write

ROTATED = (
    "app.log.1", "app.log.0", "app.log.2.gz", "app.log.12.xz", "app.log-20261127", "app.log-20261127.gz",
    "app.log-20261127-14", "app.log-20261127-1795168800.zst", "app.log.2026-11-27", "app.log.2026-11-27_10-15",
    "app.log.2026-W48", "app.log.2026-11-27.3.bz2", "app.log-1795168800", "app.log.20261127-101500.gz", "app.log.old",
    "app.log.old.1", "app.log.bak", "app.log.prev", "app.log.gz", "app.log_rotated-20261127",
    "app.log-rotated-20261127", "app.1.log", "app.1.log.gz", "app-20261127.log", "app-20261127.log.lz4",
    "app_20261127.log", "app.2026-11-27.0.log",
    "app__2026-11-27_00-00-00.log", "app-2026-11-27T10-15-00.000.log.gz", "app-11-27-2026-1.log", "app.old.log",
    "app-old.log", "app.20261127.log",
)  # fmt: skip
OTHERS = (
    "app-worker.log", "app.worker.log", "app2.log", "app.log.lock", "app.log.offset", "app.json", "application.log",
    "app-worker-20261127.log", "app.log.1.offset", "app.logger", "myapp.log.1", "app-old-worker.log", "app.error.log",
)  # fmt: skip
PACKERS = {".gz": "gzip", ".xz": "xz", ".bz2": "bzip2", ".zst": "zstd", ".lz4": "lz4"}
INSTALLED = tuple(set(PACKERS) - {".gz"})
"""What is packed by programs that not every machine has."""


def packed(file: Path, *lines: str) -> None:
    write(file, *lines)
    if packer := PACKERS.get(file.suffix):
        done = subprocess.run([packer, "-c"], input=file.read_bytes(), stdout=subprocess.PIPE, check=True)
        file.write_bytes(done.stdout)


def line(hours: float) -> str:
    return f"{ago(hours):%Y-%m-%d %H:%M:%S} failed"


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.server] if name.endswith(INSTALLED) else []) for name in ROTATED],
)
def test_what_a_log_was_rotated_into_is_counted(tmp_path: Path, name: str) -> None:
    file = write(tmp_path / "app.log", line(0.1))
    packed(tmp_path / name, line(2), line(0.6), line(0.5))
    os.utime(tmp_path / name, (ago(0.5).timestamp(),) * 2)
    assert told(file) == 3
    assert told(tmp_path / "ap?.log") == 3
    os.utime(tmp_path / name, (ago(1.5).timestamp(),) * 2)
    assert told(file) == 1


def test_another_log_beside_it_is_not(tmp_path: Path) -> None:
    file = write(tmp_path / "app.log", line(0.1))
    for name in OTHERS:
        write(tmp_path / name, line(0.1))
    (tmp_path / "app.log.d").mkdir()
    (tmp_path / "app.log.2").mkdir()
    assert told(file) == 1


def test_a_bare_number_before_the_ending_is_told_from_another_process(tmp_path: Path) -> None:
    file = write(tmp_path / "app.log", line(0.4), line(0.1))
    write(tmp_path / "app-1.log", line(0.6), line(0.5), written=ago(0.5))
    write(tmp_path / "app-2.log", line(0.6), line(0.05))
    assert told(file) == 4


def test_a_log_without_an_ending_or_with_odd_names(tmp_path: Path) -> None:
    write(tmp_path / "syslog", line(0.1))
    write(tmp_path / "syslog.1", line(0.5), written=ago(0.5))
    write(tmp_path / "syslog-old", line(0.5), written=ago(0.5))
    write(tmp_path / "syslog-ng", line(0.5))
    assert told(tmp_path / "syslog") == 3
    folder = tmp_path / "my [logs] *"
    folder.mkdir()
    write(folder / "a b.log", line(0.1))
    write(folder / "a b.log.1", line(0.5), written=ago(0.5))
    assert told(str(folder / "a b.log").replace("[", "[[]").replace("*", "[*]")) == 2


@pytest.mark.server
def test_logrotate_itself(tmp_path: Path) -> None:
    su = "su root root" if os.geteuid() == 0 else ""
    for options in (
        "",
        "extension .log",
        "dateext",
        "dateext\nextension .log",
        "dateext\ndateformat -%d%m%Y",
        "dateyesterday",
    ):
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        folder.chmod(0o755)
        file = write(folder / "app.log", line(0.6), line(0.5), written=ago(0.5))
        conf = write(folder / "conf", f"{file} {{\nrotate 7\ndaily\ncreate\ncompress\n{su}\n{options}\n}}")
        done = subprocess.run(
            ["/usr/sbin/logrotate", "-f", "-s", folder / "state", conf], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        write(file, line(0.1))
        assert (options, told(file)) == (options, 3)


@pytest.fixture
def shared() -> Iterator[Path]:
    """Return a folder that everyone may look into, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


def test_a_folder_out_of_sight_is_unknown_wherever_it_is(shared: Path) -> None:
    user = "nobody" if os.geteuid() == 0 else None
    for name in ("one", "two"):
        (shared / name / "logs").mkdir(parents=True)
        write(shared / name / "logs" / "app.log", line(0.1))
    assert told(shared / "*" / "logs" / "*.log", user=user) == 2
    for hidden in (shared / "two", shared / "two" / "logs"):
        hidden.chmod(0o700)
        for path in (shared / "*" / "logs" / "*.log", shared / "t*" / "logs" / "app.log"):
            assert f"no permission to read {hidden}; " in str(told(path, user=user))
        hidden.chmod(0o755)
    (shared / "two" / "logs").chmod(0o711)
    assert f"no permission to read {shared}/two/logs; " in str(told(shared / "*" / "logs" / "a*.log", user=user))


def test_a_rotated_file_out_of_sight_is_unknown_where_it_may_matter(shared: Path) -> None:
    user = "nobody" if os.geteuid() == 0 else None
    file = write(shared / "app.log", line(0.1))
    write(shared / "app.log.1", line(0.5), written=ago(0.5))
    shared.chmod(0o711)
    assert f"no permission to list {shared}" in str(told(file, user=user))
    write(file, line(2), line(0.1))
    assert told(file, user=user) == 1
    assert told(file, user=user, window_s=None) == 2
    shared.chmod(0o755)
    (shared / "app.log.1").chmod(0o600)
    assert f"no permission to read {shared}/app.log.1; " in str(told(file, user=user))


def test_a_link_to_where_nobody_may_look_is_unknown(shared: Path) -> None:
    user = "nobody" if os.geteuid() == 0 else None
    (shared / "private").mkdir()
    (shared / "logs").mkdir()
    write(shared / "private" / "b.log", line(0.1))
    write(shared / "logs" / "a.log", line(0.1))
    (shared / "logs" / "b.log").symlink_to(shared / "private" / "b.log")
    (shared / "logs" / "c.log").symlink_to(shared / "nowhere")
    assert told(shared / "logs" / "*.log", user=user) == 2
    (shared / "private").chmod(0o700)
    assert f"no permission to read {shared}/logs/b.log; " in str(told(shared / "logs" / "*.log", user=user))


def test_many_files_beside_a_log_take_no_time(tmp_path: Path) -> None:
    file = write(tmp_path / "app.log", line(0.1))
    for number in range(3000):
        (tmp_path / f"app-{number}-x.log").touch()
    began = time.monotonic()
    assert told(file) == 1
    assert time.monotonic() - began < 30
