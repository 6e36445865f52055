"""pytest-html's page with our columns, the verdicts on top, and the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from ..inventory import Inventory
from ..results import Result, Run
from .terminal import counts

STYLE = Path(__file__).with_name("report.css")
_COLUMNS = ("severity", "target", "observed", "expected", "runbook")


class Page:
    """One page in the making; pytest-html hands its data over when it names the page."""

    def __init__(self) -> None:
        self._report: Any = None
        self._ranks: dict[str, Any] = {}

    def open(self, report: Any, inventory: Inventory, suites: Sequence[str]) -> None:
        """Name the page, and keep its data."""
        self._report = report
        report.title = f"{inventory.redactor.text(inventory.name)}: {'+'.join(suites) or 'checks'}"
        report.set_data("initialSort", "original")

    def header(self, cells: list[str]) -> None:
        """Add our columns after the result and the check."""
        cells[2:] = [f'<th class="sortable" data-column-type="{column}">{column.capitalize()}</th>' for column in _COLUMNS]

    def row(self, report: Any, result: Result | None, cells: list[str]) -> None:
        """Fill our columns of a result."""
        empty = [f'<td class="col-{column}"></td>' for column in _COLUMNS]
        if result is None:
            cells[2:] = empty
            return
        self._ranks[report.nodeid] = result.rank
        worst = result.worst
        observed = " ".join(filter(None, [worst.subject, worst.observed or worst.problem])) if worst else result.message
        values = (result.severity, result.target, observed, worst.expected if worst else None)
        cells[1] = f'<td class="col-testId">{escape(result.check)}<small>{escape(result.title)}</small></td>'
        cells[2:] = [
            f'<td class="col-{column}">{escape(value or "")}</td>' for column, value in zip(_COLUMNS, values, strict=False)
        ] + [f'<td class="col-runbook">{_runbook(result)}</td>']

    def finish(self, results: Sequence[Result]) -> None:
        """Sort the rows, worst first."""
        if self._report is not None:
            tests = self._report.data["tests"]
            last = (99, "", "")
            for nodeid in sorted(list(tests), key=lambda nodeid: self._ranks.get(nodeid, last)):
                tests[nodeid] = tests.pop(nodeid)

    @staticmethod
    def verdicts(run: Run) -> str:
        """Return the counts of verdicts, for the top of the page."""
        return f'<p class="opscheck-verdicts">{escape(counts(run))}</p>'


def _runbook(result: Result) -> str:
    action = escape(result.action or "")
    if not result.runbook:
        return action
    return f'<a href="{escape(result.runbook, quote=True)}">{action or escape(result.runbook)}</a>'
