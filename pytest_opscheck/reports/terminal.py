"""What stands on the terminal beside pytest's own: verdict letters, progress, and the table of what is not ok."""

from __future__ import annotations

import datetime as dt
import os
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..core.results import Result, Run, Verdict
from ..core.visible import in_line, plain
from ..files.streams import uncaptured
from .phrases import Line, blocked_by, change, counts, covers, line, lines, quiet, recovered, word

if TYPE_CHECKING:
    import pytest

HEADINGS = ("severity", "check", "target", "observed", "expected", "next step")
_NARROW = 120
"""Below this width six columns wrap into slivers, so each result is a small block of lines instead."""
_ONE_LINE = -2
"""The verbosity, that of -qq, at which a run is told in one line."""
_GAP = 2
_FIRST_TICK_S = 1.0
_LEAST_ROOM = 30
"""Columns that the shortest progress takes."""
_TICK_S = 0.25


def status(result: Result) -> tuple[str, str, tuple[str, dict[str, bool]]]:
    """Return a verdict as pytest counts it, its letter, and its word with its colour."""
    severity = f" {result.severity}" if result.severity else ""
    match result.verdict:
        case Verdict.OK:
            return "passed", ".", (word(result), {"green": True})
        case Verdict.BREACH if result.pending:
            return "breach pending", "p", (f"{word(result)}{severity}", {"yellow": True})
        # "failed", as plugins count that know no verdicts; the letter and the word are ours.
        case Verdict.BREACH if result.fails:
            return "failed", "B", (f"{word(result)}{severity}", {"red": True})
        case Verdict.BREACH:
            # Not "warning": pytest counts those of Python under that word.
            return "breach below fail_at", "w", (f"{word(result)}{severity}", {"yellow": True})
        case Verdict.UNKNOWN:
            return "failed", "U", (word(result), {"red": True})
        case verdict:
            letter = "x" if verdict is Verdict.WAIVED else str(verdict)[0]  # as pytest says of an expected failure
            return str(verdict), letter, (word(result), {"yellow": True})


def told(result: Result, verbosity: int) -> tuple[str, str, tuple[str, dict[str, bool]]]:
    """Return the status as pytest shows it while tests run: nothing with -qq, what was measured with -v."""
    outcome, letter, (shown, colour) = status(result)
    if verbosity <= _ONE_LINE:
        return outcome, "", ("", {})
    return outcome, letter, (f"{shown}  {_detailed(result)}" if verbosity > 0 else shown, colour)


def _detailed(result: Result) -> str:
    """Return a result in a line: `host.disk@local: 34 %, expected < 70%, 0.1 s`."""
    measured = [line(each) for each in result.measurements] if result.verdict is Verdict.OK else []
    first, *others = measured or lines(result)
    expected = f", expected {first.expected}" if first.expected else ""
    more = f" and {len(others)} more" if others else ""
    return in_line(f"{result.id}: {first.observed}{expected}{more}, {result.duration_s:.2g} s")


class Progress:
    """Shows on an interactive terminal what a run waits for, at the end of the line, and takes it away again."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._shown = 0
        self._below = False
        self._since: float | None = None
        self._last = 0.0

    @property
    def is_seen(self) -> bool:
        """Whether there is a terminal to show it on."""
        return self._writer() is not None

    def show(self, progress: Callable[[], tuple[int, int, list[str]]]) -> None:
        """Show how many contacts are done, and which are under way."""
        now = time.monotonic()
        self._since = self._since or now
        writer = self._writer()
        if writer is None or now - self._since < _FIRST_TICK_S or now - self._last < _TICK_S:
            return
        self._last = now
        room = writer.fullwidth - writer.width_of_current_line - 1
        if not self._shown and room < _LEAST_ROOM:  # a line of -v is full when its test has ended
            self._below = True
            self._write(writer, "\n")
        self._put(writer, _progress(progress(), now - self._since, writer.fullwidth - 1 if self._below else room))

    def clear(self) -> None:
        """Take the progress away."""
        self._since = None
        if (self._shown or self._below) and (writer := self._writer()) is not None:
            self._put(writer, "")
            if self._below:  # back to where pytest left off
                self._write(writer, f"\x1b[A\x1b[{writer.width_of_current_line + 1}G")
                self._below = False

    def _put(self, writer: Any, text: str) -> None:
        """Write text in the place of what was shown."""
        back = "\b" * self._shown
        self._write(writer, f"{back}{' ' * self._shown}{back}{text}")
        self._shown = len(text)

    def _write(self, writer: Any, text: str) -> None:
        """Write past the capture of a test that waits, and past pytest's writer, which would count it."""
        with uncaptured(self._config):
            writer._file.write(text)  # noqa: SLF001 - there is no public way
            writer.flush()

    def _writer(self) -> Any:
        """Return the terminal's writer; None where there is no terminal that can go back, under -q, or in a worker."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if self._config.get_verbosity() < 0 or hasattr(self._config, "workerinput") or reporter is None:
            return None
        return reporter._tw if reporter.isatty and os.environ.get("TERM") != "dumb" else None  # noqa: SLF001 - likewise


def _progress(progress: tuple[int, int, list[str]], seconds: float, room: int) -> str:
    """Return what a run waits for, as far as there is room."""
    done, count, running = progress
    short = f" [{done} of {count} answered, {seconds:.0f} s"
    names = plain(", ".join(running[:3]))
    texts = (f"{short}: {names}]", f"{short}]") if names else (f"{short}]",)
    return next((text for text in texts if len(text) <= room), "")


def summary(
    reporter: pytest.TerminalReporter, run: Run, uncovered: Sequence[str], page: str | None, problems: Iterable[str]
) -> None:
    """Print what is not ok, worst first, then what is blocked by it, the counts, and where the report is."""
    if reporter.config.get_verbosity() > _ONE_LINE:
        _table(reporter, run)
        _table_foot(reporter, run, uncovered)
    for problem in problems:
        reporter.write_line(in_line(problem), red=True)
    reporter.write_line(in_line(counts(run) + (f" · report: {page}" if page else "")), bold=True)


def _table(reporter: pytest.TerminalReporter, run: Run) -> None:
    wrong = [result for result in run.results if result.verdict in (Verdict.BREACH, Verdict.UNKNOWN)]
    if not wrong:
        return
    red = any(result.fails for result in wrong)
    reporter.write_sep("=", "not ok, worst first", red=red, yellow=not red, bold=True)
    for result, text in table(wrong, reporter._tw.fullwidth, run.started):  # noqa: SLF001 - pytest keeps the width there
        colour = {} if result is None else {"red": result.fails, "yellow": not result.fails}
        reporter.write_line(in_line(text), **colour)


def _table_foot(reporter: pytest.TerminalReporter, run: Run, uncovered: Sequence[str]) -> None:
    verbosity = reporter.config.get_verbosity()
    blocked = _blocked(run.results, reporter._tw.fullwidth, reasons=verbosity > 0)  # noqa: SLF001 - likewise
    without = [f"targets without a result: {', '.join(uncovered)}"] if uncovered and verbosity >= 0 else []
    for text in (*blocked, *quiet(run), *without):
        reporter.write_line(in_line(text), yellow=True)
    if again := recovered(run):
        reporter.write_line(in_line(again), green=True)


def _blocked(results: Iterable[Result], width: int, *, reasons: bool) -> Iterator[str]:
    """Yield by what checks are blocked, and how many; with the reasons, which pytest cuts where it says them."""
    for text in blocked_by(results, reasons=reasons):
        yield from textwrap.wrap(text, width - 1, subsequent_indent=" " * 4, break_on_hyphens=False)


def rows(result: Result, now: dt.datetime) -> list[tuple[str, ...]]:
    """Return a result as rows of the table, one for each measurement that is not as expected."""
    first, *others = lines(result)
    beside = (plain(result.check + covers(result)), plain(result.target))
    return [
        (
            f"{_severity(first, result)} {change(result, now)}".rstrip(),
            *beside,
            f"{first.observed}; {plain(result.pending)}" if result.pending else first.observed,
            first.expected,
            next_step(result),
        ),
        *((_severity(line, result), "", "", line.observed, line.expected, "") for line in others),
    ]


def next_step(result: Result) -> str:
    """Return what the person on call does next, and where the runbook says more."""
    if result.runbook:
        return plain(f"{result.action} ({result.runbook})" if result.action else f"see {result.runbook}")
    return plain(result.action or "")


def _severity(line: Line, result: Result) -> str:
    """Return a line's severity, marked where it is not a breach that fails the run."""
    if not line.severity:
        return ""
    mark = " ?" if line.unsure else "" if result.fails else " pending" if result.pending else " warn"
    return f"{line.severity}{mark}"


def table(results: Iterable[Result], width: int, now: dt.datetime) -> list[tuple[Result | None, str]]:
    """Return the lines of the table, each with the result whose first line it is; stacked where the width is small."""
    if width < _NARROW:
        return [line for result in results for line in _stacked(result, width, now)]
    found = [(result, rows(result, now)) for result in results]
    every = [HEADINGS, *(row for _, result_rows in found for row in result_rows)]
    widths = _widths([max(len(row[column]) for row in every) for column in range(len(HEADINGS))], width)
    made: list[tuple[Result | None, str]] = [(None, text) for text in _wrapped(HEADINGS, widths)]
    for result, result_rows in found:
        texts = [text for row in result_rows for text in _wrapped(row, widths)]
        made += [(result, texts[0]), *((None, text) for text in texts[1:])]
    return made


def _stacked(result: Result, width: int, now: dt.datetime) -> list[tuple[Result | None, str]]:
    since = change(result, now)
    head = f"{result.severity or '-'} {word(result).lower()}  {plain(result.id + covers(result))}"
    head += f"  ({since})" if since else ""
    texts = [f"{line.observed}, expected {line.expected}" if line.expected else line.observed for line in lines(result)]
    if result.pending:
        texts.append(plain(result.pending))
    if step := next_step(result):
        texts.append(f"next: {step}")
    indent = " " * 4
    below = [part for text in texts for part in _fill(text, max(20, width - len(indent) - 1), whole_words=True)]
    return [(result, head), *((None, indent + part) for part in below)]


def _widths(needed: list[int], width: int) -> list[int]:
    """Share the width: the first three columns get what they need, up to a quarter each, the others share the rest."""
    fixed = [min(size, width // 4) for size in needed[:3]]
    room = max(30, width - 1 - _GAP * (len(needed) - 1) - sum(fixed))
    shares = list(needed[3:])
    left = list(range(len(shares)))
    while left:
        fair = room // len(left)
        small = [column for column in left if shares[column] <= fair]
        if not small:
            for column in left:
                shares[column] = fair
            break
        room -= sum(shares[column] for column in small)
        left = [column for column in left if column not in small]
    return fixed + shares


def _wrapped(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    cells = [_fill(cell, max(1, size)) or [""] for cell, size in zip(row[:-1], widths, strict=False)]
    cells.append(_fill(row[-1], widths[-1], whole_words=True) or [""])
    height = max(len(cell) for cell in cells)
    columns = [[*cell, *[""] * (height - len(cell))] for cell in cells]
    return [
        (" " * _GAP).join(part.ljust(size) for part, size in zip(parts, widths, strict=True)).rstrip()
        for parts in zip(*columns, strict=True)
    ]


def _fill(text: str, width: int, *, whole_words: bool = False) -> list[str]:
    """Break text between words: commands and paths in it are copied from here. In a column a word may be too long."""
    return textwrap.wrap(text, width, break_on_hyphens=False, break_long_words=not whole_words)
