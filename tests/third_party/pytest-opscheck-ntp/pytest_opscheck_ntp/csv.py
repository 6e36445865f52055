"""A report that a spreadsheet opens: a line for each result."""

from __future__ import annotations

import csv
import io

from pytest_opscheck import ReportFormat, Run


def render(run: Run) -> str:
    """Return the report."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(["id", "verdict", "severity", "message"])
    lines.writerows([each.id, each.verdict, each.severity, each.message] for each in run.results)
    return text.getvalue()


report = ReportFormat("csv", suffix="csv", render=render, api=1)
