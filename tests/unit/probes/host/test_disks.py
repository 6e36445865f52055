"""Filesystems by what the script says of mounts and what stat says of them: each once, and none that can't be full."""

from __future__ import annotations

import pytest

from pytest_opscheck.probes import UnknownError
from pytest_opscheck.probes.host import filesystems, inodes

from ..said import read

ROOT = """\
mount 1 ext4 - 8:1 /
size 1 is 4096 1000 400 300 100 25
"""


def test_used_is_of_what_users_can_have() -> None:
    """Blocks that are reserved for root count as used, as in df's own column."""
    [root] = read(filesystems, ROOT + "user ops\n")
    assert (root.mount, root.type) == ("/", "ext4")
    assert root.used_percent == pytest.approx(100 * 600 / 900)
    assert (root.used_bytes, root.available_bytes) == (600 * 4096, 300 * 4096)
    [files] = read(inodes, ROOT + "user ops\n")
    assert (files.used, files.available, files.used_percent) == (75, 25, 75)


def test_no_room_at_all_is_full() -> None:
    """Some filesystems tell of less than none, as statfs's largest numbers."""
    [root] = read(filesystems, f"mount 1 btrfs - 8:1 /\nsize 1 is 4096 1000 0 {2**64 - 5} 0 0\nuser ops\n")
    assert (root.used_percent, root.available_bytes) == (100, 0)


def test_a_place_may_be_called_anything() -> None:
    text = "mount 2 xfs - 8:2 /srv/a\\040b\\012c\\134\nsize 2 is 512 10 5 5 1 1\nuser ops\n"
    [found] = read(filesystems, ROOT + text, ignore=("/",))
    assert found.mount == "/srv/a b\\nc\\"


def test_one_filesystem_in_two_places_counts_once() -> None:
    """By the first of its mounts that can be looked at."""
    denied = "mount 2 xfs - 8:2 /root/x\nsize 2 stat: cannot read file system information for '/root/x': {why}\n"
    seen = "mount 3 xfs - 8:2 /srv\nsize 3 is 512 10 5 5 1 1\nuser ops\n"
    found = read(filesystems, ROOT + denied.format(why="Permission denied") + seen)
    assert [(each.mount, each.problem) for each in found] == [("/", None), ("/srv", None)]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("", "the filesystem did not answer within 3 s"),
        ("size 2 stat: cannot read '/data': Permission denied\nclosed 2 /home/x", "ops may not look into /home/x"),
        ("size 2 stat: cannot read '/data': Stale file handle", "it can't be looked at: Stale file handle"),
    ],
)
def test_what_cannot_be_looked_at_is_said(said: str, problem: str) -> None:
    for probe in (filesystems, inodes):
        root, found = read(probe, f"{ROOT}mount 2 nfs4 - 0:50 /data\n{said}\nuser ops\n".replace("\n\n", "\n"))
        assert root.problem is None
        assert (found.mount, found.used_percent) == ("/data", None)
        assert found.problem.startswith(problem)


def test_what_was_unmounted_meanwhile_is_not_missed() -> None:
    gone = "mount 2 ext4 - 8:2 /mnt\nsize 2 stat: cannot read '/mnt': No such file or directory\n"
    assert [each.mount for each in read(filesystems, ROOT + gone + "user ops\n")] == ["/"]


@pytest.mark.parametrize(
    ("kind", "sizes", "counts"),
    [
        ("fuse.appimage -", "512 100 0 0 10 0", False),
        ("fuse.sshfs -", "512 100 0 0 10 0", True),
        ("overlay frozen", "512 100 50 0 10 5", False),
        ("tmpfs -", "512 0 0 0 0 0", False),
    ],
)
def test_images_are_always_full(kind: str, sizes: str, *, counts: bool) -> None:
    found = read(filesystems, f"{ROOT}mount 2 {kind} 0:9 /x\nsize 2 is {sizes}\nuser ops\n")
    assert ("/x" in [each.mount for each in found]) is counts


def test_nothing_found_is_unknown() -> None:
    with pytest.raises(UnknownError, match="beside those to ignore"):
        read(filesystems, ROOT + "user ops\n", ignore=("/",))
    with pytest.raises(UnknownError, match="counts its inodes"):
        read(inodes, "mount 1 btrfs - 8:1 /\nsize 1 is 4096 10 5 5 0 0\nuser ops\n")
