"""A run as GitLab's code quality report: a finding for each check that is not ok, beside the line that expects it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..core.results import Run
from ..core.visible import as_json, plain
from .findings import Finding, Spot, findings
from .phrases import short

_SEVERITIES = {"P0": "blocker", "P1": "critical", "P2": "major", "P3": "minor"}


def code_quality(run: Run, spots: Mapping[str, Spot], otherwise: Path) -> str:
    """Return the report. What has no line in the inventory is shown at the beginning of another file: that itself."""
    return as_json([_entry(each, each.spot or (otherwise, None)) for each in findings(run, spots)], indent=1) + "\n"


def _entry(finding: Finding, spot: Spot) -> dict[str, Any]:
    result = finding.result
    file, line = spot
    return {
        "description": short(plain(f"{finding.title}: {result.message}")),
        "check_name": result.check,
        "fingerprint": hashlib.sha256(result.id.encode("utf-8", "backslashreplace")).hexdigest(),
        "severity": _SEVERITIES.get(result.severity or "", "info"),
        "location": {"path": _in_project(file), "lines": {"begin": line or 1}},
    }


def _in_project(file: Path) -> str:
    root, whole = Path(os.environ.get("CI_PROJECT_DIR") or ".").resolve(), file.resolve()
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else file.as_posix()
