"""Results as the tests of the reports need them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pytest_opscheck.core.results import Measurement, Result, Run, Verdict

STARTED = dt.datetime(2026, 11, 20, 8, 0, tzinfo=dt.timezone(dt.timedelta(hours=-5)))


def measurement(**fields: Any) -> Measurement:
    """Return /var at 95 %, which breaks its P1 limit, or what the fields say."""
    default: dict[str, Any] = {
        "subject": "/var",
        "value": 95.0,
        "unit": "%",
        "limits": {"P3": "< 70%", "P1": "< 90%"},
        "breached": "P1",
        "observed": "95 %",
        "expected": "< 90 %",
    }
    return Measurement(**default | fields)


def result(**fields: Any) -> Result:
    """Return a breach of host.disk@prod, or what the fields say."""
    default: dict[str, Any] = {
        "id": "host.disk@prod",
        "check": "host.disk",
        "target": "prod",
        "title": "Every mounted filesystem has room",
        "suites": ("smoke", "daily"),
        "verdict": Verdict.BREACH,
        "severity": "P1",
        "message": "/var is at 95 %, expected < 90 %",
        "measurements": (measurement(),),
        "runbook": "docs/runbook.md#disk",
        "action": "Find what grew",
        "fails": True,
    }
    return Result(**default | fields)


def ok(**fields: Any) -> Result:
    """Return a result that is well."""
    seen = measurement(value=5.0, observed="5 %", breached=None)
    well: dict[str, Any] = {"verdict": Verdict.OK, "severity": None, "fails": False, "measurements": (seen,)}
    return result(**well | {"message": "/var is at 5 %"} | fields)


def unknown(**fields: Any) -> Result:
    """Return a result that could not be told, with nothing measured."""
    said = {"verdict": Verdict.UNKNOWN, "message": "unknown: no answer", "measurements": ()}
    return result(**said | fields)


def blocked(**fields: Any) -> Result:
    """Return a result that another check blocks."""
    said = {
        "verdict": Verdict.BLOCKED,
        "severity": None,
        "fails": False,
        "message": "blocked by host.reachable@prod: refused",
        "blocked_by": "host.reachable@prod",
        "measurements": (),
    }
    return result(**said | fields)


def run(*results: Result, exit_status: int = 1, suite: str | None = "daily") -> Run:
    """Return a run of results."""
    return Run(
        id="1",
        suite=suite,
        inventory="shop",
        started=STARTED,
        finished=STARTED + dt.timedelta(seconds=3.2),
        vantage="ops-1",
        version="0.1.0",
        results=results,
        exit_status=exit_status,
    )
