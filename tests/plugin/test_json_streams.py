"""`--opscheck-json` names a file, or what is none: standard output into a pipe, a fifo, a device, a link."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_opscheck.files import streams

from .conftest import LOCAL

PYTEST = shlex.join([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "daily"])


def shell(pytester: pytest.Pytester, command: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        ["sh", "-c", command], cwd=pytester.path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done


def document(text: str) -> dict[str, object]:
    """Return the document that stands in what pytest prints."""
    found: dict[str, object] = json.JSONDecoder().raw_decode(text[text.index('{\n "schema"') :])[0]
    return found


def test_a_stream_a_pipe_and_a_link_are_written_to_as_what_they_are(
    project: Callable[[str], pytest.Pytester],
) -> None:
    pytester = project(LOCAL)
    folder = Path(pytester.path)
    assert document(shell(pytester, f"{PYTEST} --opscheck-json=/dev/stdout | cat").stdout)["results"]
    assert document(shell(pytester, f"{PYTEST} -n 2 --opscheck-json=/dev/fd/1 | cat").stdout)["results"]
    assert document(shell(pytester, f"{PYTEST} --opscheck-json=/dev/stderr").stderr)["results"]
    shell(pytester, f"{PYTEST} --opscheck-json=/dev/stdout > printed")
    printed = (folder / "printed").read_text()
    assert document(printed)["results"]
    assert "opscheck daily: 2 ok, 1 breach" in printed  # which a new file would not hold
    os.mkfifo(folder / "fifo")
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.append((folder / "fifo").read_text()), daemon=True)
    reader.start()
    (folder / "link.json").symlink_to("target.json")
    shell(pytester, f"{PYTEST} --opscheck-json=fifo; {PYTEST} --opscheck-json=link.json")
    reader.join(10)
    assert document(said[0])["results"]
    assert (folder / "fifo").is_fifo()
    assert (folder / "link.json").is_symlink()
    assert document((folder / "target.json").read_text())["results"]


def test_a_pipe_that_nobody_reads_costs_a_run_no_more_than_a_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "READER_S", 0.2)
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="nobody reads it"):
        streams.write(tmp_path / "fifo", b"x")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(OSError, match=r"nobody has read it for 0\.2 s"):
            streams.write(tmp_path / "fifo", b"x" * 1_000_000)
    finally:
        os.close(reader)
