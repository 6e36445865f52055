"""The folder that the processes of a run share: it goes with the run, or with the next one where it was killed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from pytest_opscheck.files.marks import take
from pytest_opscheck.session.workers import sweep


def test_only_what_nobody_uses_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither that of a run that lives, nor what only has such a name."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in ("opscheck-killed00", "opscheck-running0", "opscheck-nomark00", "opscheck-longer_name"):
        (tmp_path / name).mkdir()
    for name in ("opscheck-killed00", "opscheck-longer_name"):
        (tmp_path / name / "alive").touch()
    held = take(tmp_path / "opscheck-running0" / "alive")
    sweep()
    left = {path.name for path in tmp_path.iterdir()}
    os.close(held)
    assert left == {"opscheck-running0", "opscheck-nomark00", "opscheck-longer_name"}
