"""A pattern's files are found as a shell finds them, and what can't be looked into is an error, not nothing."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_opscheck.files.matching import matched

NOBODY = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter, as those of tests are not, seen by somebody who is not root."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    for name in (
        "a/one.toml",
        "a/two.toml",
        "a/.hidden.toml",
        "a/deep/three.toml",
        "b/one.toml",
        "b/note.txt",
        "c.toml",
    ):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).touch()
    (made / "a" / "lost.toml").symlink_to("nowhere")
    mine = os.geteuid()
    yield made
    os.seteuid(mine)
    (made / "b").chmod(0o755)
    shutil.rmtree(made)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("a/*.toml", "a/lost.toml a/one.toml a/two.toml"),
        ("*/one.toml", "a/one.toml b/one.toml"),
        ("?.toml", "c.toml"),
        ("[ab]/one.toml", "a/one.toml b/one.toml"),
        ("a/.*.toml", "a/.hidden.toml"),
        ("**/*.toml", "a/deep/three.toml a/lost.toml a/one.toml a/two.toml b/one.toml c.toml"),
        ("b/note.txt", "b/note.txt"),
        ("b/note.txt/x", ""),
        ("b/../c.toml", "b/../c.toml"),
        ("none/*.toml", ""),
        ("a/none.toml", ""),
    ],
)
def test_which_files_a_pattern_names(folder: Path, pattern: str, names: str) -> None:
    assert [str(file.relative_to(folder)) for file in matched(folder, pattern)] == names.split()
    assert matched(Path("/"), str(folder / pattern)) == matched(folder, pattern)


@pytest.mark.parametrize("pattern", ["b/*.toml", "*/*.toml", "**/*.toml"])
def test_a_folder_that_cannot_be_read_is_an_error(folder: Path, pattern: str) -> None:
    """What is in it would be missing from the inventory without a word."""
    (folder / "b").chmod(0o000)
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
    with pytest.raises(PermissionError) as caught:
        matched(folder, pattern)
    assert Path(str(caught.value.filename)) == folder / "b"
