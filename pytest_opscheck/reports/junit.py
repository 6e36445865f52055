"""Our fields in pytest's JUnit report: properties of each test case, which CI shows and keeps."""

from __future__ import annotations

from ..core.results import Result
from ..core.visible import plain


def properties(result: Result) -> list[tuple[str, str]]:
    """Return a result's fields as properties, without the empty ones."""
    worst = result.worst
    fields = {
        "id": result.id,
        "title": result.title,
        "verdict": str(result.verdict),
        "severity": result.severity,
        "target": result.target,
        "subject": worst.subject if worst else None,
        "observed": (worst.observed or worst.problem) if worst else result.message,
        "expected": worst.expected if worst else None,
        "runbook": result.runbook,
        "action": result.action,
        "covers": ", ".join(result.covers),
        "blocked_by": result.blocked_by,
    }
    return [(f"opscheck.{name}", plain(value)) for name, value in fields.items() if value]
