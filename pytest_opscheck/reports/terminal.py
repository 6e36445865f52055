"""What stands on the terminal beside pytest's own: verdict letters, progress, and the table of what is not ok."""

from __future__ import annotations

import textwrap
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..results import Measurement, Result, Run, Verdict, summary as counted

if TYPE_CHECKING:
    import pytest

HEADINGS = ("severity", "check", "target", "observed", "expected", "next step")
_NARROW = 100
_MOST_ROWS = 5
_FIRST_TICK_S = 1.0
_TICK_S = 0.25


def status(result: Result) -> tuple[str, str, tuple[str, dict[str, bool]]]:
    """Return a verdict as pytest counts it, its letter, and its word with its colour."""
    severity = f" {result.severity}" if result.severity else ""
    match result.verdict:
        case Verdict.OK:
            return "passed", ".", ("OK", {"green": True})
        case Verdict.BREACH if result.fails:
            return "breach", "B", (f"BREACH{severity}", {"red": True})
        case Verdict.BREACH:
            return "warning", "w", (f"WARNING{severity}", {"yellow": True})
        case Verdict.UNKNOWN:
            return "unknown", "U", ("UNKNOWN", {"red": True})
        case verdict:
            return str(verdict), str(verdict)[0], (str(verdict).upper(), {"yellow": True})


class Progress:
    """Shows on an interactive terminal what a run waits for, at the end of the line, and takes it away again."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._shown = 0
        self._since: float | None = None
        self._last = 0.0

    def show(self, progress: tuple[int, int, list[str]]) -> None:
        """Show how many contacts are done, and which are under way."""
        now = time.monotonic()
        self._since = self._since or now
        file = self._file()
        if file is None or now - self._since < _FIRST_TICK_S or now - self._last < _TICK_S:
            return
        self._last = now
        done, count, running = progress
        text = f" [{done} of {count} answered, {now - self._since:.0f} s: {', '.join(running[:3])}]"
        room = self._room()
        self._erase(file)
        if len(text) < room:
            file.write(text)
            self._shown = len(text)
        file.flush()

    def clear(self) -> None:
        """Take the progress away."""
        self._since = None
        if self._shown and (file := self._file()) is not None:
            self._erase(file)
            file.flush()

    def _erase(self, file: Any) -> None:
        if self._shown:
            file.write("\b" * self._shown + " " * self._shown + "\b" * self._shown)
            self._shown = 0

    def _room(self) -> int:
        writer = self._writer()
        return writer.fullwidth - writer.width_of_current_line - 1 if writer is not None else 0

    def _writer(self) -> Any:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        return getattr(reporter, "_tw", None)

    def _file(self) -> Any:
        """Return the terminal, None where there is none, under -q, or in a worker."""
        if self._config.get_verbosity() < 0 or hasattr(self._config, "workerinput"):
            return None
        file = getattr(self._writer(), "_file", None)
        return file if file is not None and file.isatty() else None


def summary(
    reporter: pytest.TerminalReporter, run: Run, uncovered: Sequence[str], page: str | None, problems: Iterable[str]
) -> None:
    """Print what is not ok, worst first, then the counts and where the report is."""
    wrong = [result for result in run.results if result.verdict in (Verdict.BREACH, Verdict.UNKNOWN)]
    blocked = Counter(r.blocked_by or "what it depends on" for r in run.results if r.verdict is Verdict.BLOCKED)
    if wrong:
        reporter.write_sep("=", "not ok, worst first", red=any(r.fails for r in wrong), yellow=True, bold=True)
        for result, line in table(wrong, reporter._tw.fullwidth):  # noqa: SLF001 - pytest keeps the width there
            reporter.write_line(line, red=result is not None and result.fails, yellow=result is not None and not result.fails)
    for blocker, number in sorted(blocked.items()):
        reporter.write_line(f"{number} check{'s' if number > 1 else ''} blocked by {blocker}", yellow=True)
    for problem in problems:
        reporter.write_line(problem, red=True)
    if reporter.config.get_verbosity() < 0:
        return
    if uncovered:
        reporter.write_line(f"no check of this run looks at: {', '.join(uncovered)}")
    reporter.write_line(counts(run) + (f" · report: {page}" if page else ""), bold=True)


def counts(run: Run) -> str:
    """Return a run's verdicts in one line: `opscheck daily: 40 ok, 2 breach (1 P1, 1 P3), 3 blocked`."""
    numbers = counted(run.results)
    severities = ", ".join(f"{number} {severity}" for severity, number in numbers["by_severity"].items())
    said = [
        f"{numbers[verdict]} {verdict}" + (f" ({severities})" if verdict == "breach" and severities else "")
        for verdict in ("ok", "breach", "unknown", "blocked", "waived", "maintenance")
        if numbers[verdict]
    ]
    return f"opscheck {run.suite or 'checks'}: {', '.join(said) or 'nothing was judged'}"


def rows(result: Result) -> list[tuple[str, ...]]:
    """Return a result as rows of the table, one for each measurement that is not as expected."""
    bad = [m for m in result.measurements if m.breached] + [m for m in result.measurements if m.problem]
    bad.sort(key=lambda m: m.breached or "P9")
    next_step = " ".join(filter(None, [result.action, f"({result.runbook})" if result.runbook else None]))
    cells = [_cells(measurement, result) for measurement in bad[:_MOST_ROWS]] or [(result.severity or "", result.message, "")]
    if len(bad) > _MOST_ROWS:
        cells.append(("", f"and {len(bad) - _MOST_ROWS} more", ""))
    return [
        (severity, result.check if first else "", result.target if first else "", observed, expected, next_step if first else "")
        for first, (severity, observed, expected) in zip([True] + [False] * len(cells), cells, strict=False)
    ]


def _cells(measurement: Measurement, result: Result) -> tuple[str, str, str]:
    observed = measurement.problem or measurement.observed
    if measurement.subject:
        observed = f"{measurement.subject}: {observed}" if measurement.problem else f"{measurement.subject} {observed}"
    severity = measurement.breached or (f"{result.severity}?" if result.severity else "?")
    return severity, observed, measurement.expected


def table(results: Iterable[Result], width: int) -> list[tuple[Result | None, str]]:
    """Return the lines of the table, each with the result whose first line it is; stacked where the width is small."""
    if width < _NARROW:
        return [line for result in results for line in _stacked(result, width)]
    found = [(result, rows(result)) for result in results]
    every = [HEADINGS, *(row for _, result_rows in found for row in result_rows)]
    widths = _widths([max(len(row[column]) for row in every) for column in range(len(HEADINGS))], width)
    lines: list[tuple[Result | None, str]] = [(None, line) for line in _wrapped(HEADINGS, widths)]
    for result, result_rows in found:
        first: Result | None = result
        for row in result_rows:
            for line in _wrapped(row, widths):
                lines.append((first, line))
                first = None
    return lines


def _stacked(result: Result, width: int) -> list[tuple[Result | None, str]]:
    lines: list[tuple[Result | None, str]] = [(result, f"{result.severity or '-'} {result.verdict}  {result.id}")]
    for _, _, _, observed, expected, next_step in rows(result):
        said = f"{observed}, expected {expected}" if expected else observed
        texts = [said, f"next: {next_step}"] if next_step else [said]
        for text in texts:
            lines += [(None, f"    {line}") for line in textwrap.wrap(text, max(20, width - 4))]
    return lines


def _widths(needed: list[int], width: int) -> list[int]:
    """Share the width: the first three columns get what they need, up to a quarter each, the others share the rest."""
    gaps = 2 * (len(needed) - 1)
    fixed = [min(size, width // 4) for size in needed[:3]]
    room = max(30, width - gaps - sum(fixed))
    open_columns = needed[3:]
    shares = [0] * len(open_columns)
    left = list(range(len(open_columns)))
    while left:
        fair = room // len(left)
        small = [column for column in left if open_columns[column] <= fair]
        if not small:
            for column in left:
                shares[column] = fair
            break
        for column in small:
            shares[column] = open_columns[column]
            room -= shares[column]
            left.remove(column)
    return fixed + shares


def _wrapped(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    cells = [textwrap.wrap(cell, max(1, size)) or [""] for cell, size in zip(row, widths, strict=True)]
    height = max(len(cell) for cell in cells)
    return [
        "  ".join((cell[line] if line < len(cell) else "").ljust(size) for cell, size in zip(cells, widths, strict=True)).rstrip()
        for line in range(height)
    ]
