"""Filesystems that are easily judged wrong: out of sight, always full, covered, failed, or oddly named."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Run
from .processes import program
from .sshd import sshd

QUIET = "memory = false\nload = false\ncpu = false\n"


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody may look into, as those of pytest are not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def mounts() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


def mount(mounts: contextlib.ExitStack, at: Path, *words: str) -> Path:
    at.mkdir(parents=True, exist_ok=True)
    subprocess.run([program("mount"), *words, at], check=True)
    mounts.callback(subprocess.check_call, [program("umount"), "-l", str(at)])
    return at


def full_disk(disk: Path) -> Path:
    """Make an ext4 filesystem in a file, and fill it."""
    subprocess.run(["truncate", "-s", "12M", disk], check=True)
    content = disk.with_suffix(".content")
    content.mkdir()
    (content / "data").write_bytes(b"x" * 9_500_000)
    subprocess.run([program("mkfs.ext4"), "-q", "-m", "0", "-d", content, disk], check=True)
    shutil.rmtree(content)
    return disk


def disk(connect: str, ignore: str = "") -> str:
    """Return an inventory that judges disks and inodes."""
    more = f', ignore = ["/"{ignore}]'
    return (
        f'[host.box]\nconnect = "{connect}"\n[host.box.expect]\n{QUIET}disk = {{ P1 = "< 90%"{more} }}\n'
        f'inodes = {{ P1 = "< 90%"{more} }}\n'
    )


def test_images_have_no_room_by_nature(run: Run, place: Path, mounts: contextlib.ExitStack) -> None:
    """By FUSE too, under whatever name; a disk that the kernel made read-only for its errors is still a disk."""
    (place / "content").mkdir()
    image = place / "image"
    subprocess.run([program("mksquashfs"), "/etc/passwd", image, "-quiet", "-no-progress"], check=True)
    for name, words in {
        "snap": [],
        ".mount_cursorXyz": ["-o", "subtype=cursor.AppImage"],
        "plain": ["-o", "ro"],
    }.items():
        (place / name).mkdir()
        subprocess.run([program("squashfuse"), *words, image, place / name], check=True)
        mounts.callback(subprocess.check_call, [program("umount"), "-l", str(place / name)])
    read_only = mount(mounts, place / "only read", "-o", "loop,ro", str(full_disk(place / "disk.img")))
    outcome = run(disk("local://", ', "/boot"'))
    seen = {each["subject"] for check in ("disk", "inodes") for each in outcome[f"host.{check}@box"]["measurements"]}
    assert not any(str(place) in subject for subject in seen), seen
    assert str(read_only) not in seen

    failing = mount(mounts, place / "failing", "-o", "loop,errors=remount-ro", str(full_disk(place / "other.img")))
    device = subprocess.run(["findmnt", "-n", "-o", "SOURCE", failing], capture_output=True, text=True, check=True)
    trigger = Path("/sys/fs/ext4") / Path(device.stdout.strip()).name / "trigger_fs_error"
    trigger.write_text("a test")
    assert not (failing / "new").exists()
    with pytest.raises(OSError, match="Read-only"):
        (failing / "new").touch()
    outcome = run(disk("local://"))
    assert outcome.verdict("host.disk@box") == "breach P1"
    assert f"{failing} is at 9" in outcome.message("host.disk@box")


def test_disks_below_a_closed_folder(run: Run, place: Path, mounts: contextlib.ExitStack) -> None:
    """They are not left out in silence; one that can be seen elsewhere is seen there."""
    closed, twice = place / "closed", place / "open" / "twice"
    closed.mkdir()
    mount(mounts, closed / "data", "-o", "loop", str(full_disk(place / "disk.img")))
    with sshd(place / "server") as server:
        (server.folder / "shell").write_text(
            f"#!/bin/sh\nexec {program('setpriv')} --reuid=65534 --regid=65534 --clear-groups "
            'sh -c "$SSH_ORIGINAL_COMMAND"\n'
        )
        inventory = disk(server.connect())
        closed.chmod(0o700)
        outcome = run(inventory)
        assert outcome.verdict("host.disk@box") == "unknown P1"
        assert outcome.verdict("host.inodes@box") == "unknown P1"
        for check in ("disk", "inodes"):
            assert (
                f"{closed}/data: nobody may not look into {closed}, below which it is mounted: "
                f"setfacl -m u:nobody:x {closed}"
            ) in outcome.message(f"host.{check}@box")
        ignored = run(disk(server.connect(), f', "{closed}/data"'))
        assert "closed" not in ignored.message("host.disk@box")
        mount(mounts, twice, "--bind", str(closed / "data"))
        outcome = run(inventory)
        assert outcome.verdict("host.disk@box") == "breach P1"
        assert f"{twice} is at 9" in outcome.message("host.disk@box")
        closed.chmod(0o711)
        assert f"{closed}/data is at 9" in run(inventory).message("host.disk@box")


def test_mounts_that_are_covered_dead_or_oddly_named(run: Run, place: Path, mounts: contextlib.ExitStack) -> None:
    """What nobody can reach is not missed, and what does not answer says why."""
    odd = mount(mounts, place / "a\nsize 1 is 1 1 1 1 1 1 \\n#", "-o", "loop", str(full_disk(place / "disk.img")))
    below = mount(mounts, place / "over" / "below", "-o", "loop", str(full_disk(place / "hidden.img")))
    mount(mounts, place / "over", "-t", "tmpfs", "none")
    below.mkdir()
    subprocess.run([program("mksquashfs"), "/etc/passwd", place / "image", "-quiet", "-no-progress"], check=True)
    dead = place / "dead"
    dead.mkdir()
    with subprocess.Popen([program("squashfuse"), "-f", place / "image", dead]) as server:
        while not dead.is_mount():
            pass
        server.kill()
    mounts.callback(subprocess.check_call, [program("umount"), "-l", str(dead)])
    outcome = run(disk("local://"))
    judged = {each["subject"]: each for each in outcome["host.disk@box"]["measurements"]}
    assert {subject for subject in judged if subject.startswith(str(place))} == {
        str(odd).replace("\n", "\\n"),
        str(dead),
    }
    assert outcome.verdict("host.disk@box") == "breach P1"
    assert judged[str(odd).replace("\n", "\\n")]["breached"] == "P1"
    assert judged[str(dead)]["problem"] == "it can't be looked at: Transport endpoint is not connected"
