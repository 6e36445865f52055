"""What was checked over a time: as text, as a table for spreadsheets, and as a page that prints."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ..core.humanize import counted
from ..core.results import Verdict
from ..core.visible import plain
from ..history import Verified
from ..reports.template import rendered
from .audit import Compliance, Gap, Line

_VERDICTS = (
    Verdict.OK,
    Verdict.BREACH,
    Verdict.UNKNOWN,
    Verdict.BLOCKED,
    Verdict.WAIVED,
    Verdict.MAINTENANCE,
)
_HEADINGS = ("check", "due", "ran", "passed", "breached", "unknown", "blocked", "waived", "maintenance", "missing")
_MORE = ("reasons for waivers and maintenance", "suites", "first result", "last result", "in the inventory")
_FORMULAS = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
"""What begins a formula to a spreadsheet, in letters of both widths."""
NOTE = (
    "What was due follows from the schedule and the expectations in the inventory today. A run counts for the latest "
    "time at which its suite was due before it; a run of only a part of its suite does not count. "
    "What is not in the inventory is a user-defined check, or has been removed since."
)


def lines(found: Compliance, chain: str) -> Iterator[str]:
    """Yield the report for a terminal."""
    yield heading(found)
    yield chain
    yield ""
    for suite in found.suites:
        if suite.whole or suite.narrowed or suite.due is not None:
            said = "unknown, the suite has no schedule" if suite.due is None else f"{suite.due}, {suite.missed} missing"
            narrowed = f" ({counted(suite.narrowed, 'partial run')} besides)" if suite.narrowed else ""
            yield f"{suite.name}: {counted(suite.whole, 'complete run')}{narrowed}; due {said}"
    yield ""
    rows = [_HEADINGS, *(_row(line) for line in found.lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    for row, line in zip(rows, (None, *found.lines), strict=True):
        name, *numbers = (
            text.ljust(width) if not column else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join([name, *numbers]).rstrip()
        for reason in line.reasons if line is not None else ():
            yield f"    {reason.verdict} {counted(reason.times, 'time')}: {plain(reason.text)}"
    yield ""
    yield f"missing runs: {counted(sum(gap.runs for gap in found.gaps), 'run') if found.gaps else 'none'}"
    yield from (f"  {gap.suite}  {_gap(gap, found)}" for gap in found.gaps)


def data(found: Compliance, chain: Verified) -> dict[str, Any]:
    """Return the report as plain data."""
    return {
        "inventory": found.inventory,
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "settled": found.settled.isoformat(),
        "chain": {
            "holds": not chain.problems,
            "runs": chain.runs,
            "newest": chain.newest or None,
            "removed": chain.removed,
            "problems": list(chain.problems),
        },
        "suites": [asdict(suite) for suite in found.suites],
        "checks": [_line_data(line) for line in found.lines],
        "gaps": [asdict(gap) | {"first": gap.first.isoformat(), "last": gap.last.isoformat()} for gap in found.gaps],
    }


def _line_data(line: Line) -> dict[str, Any]:
    return {
        "id": line.id,
        "suites": list(line.suites),
        "due": line.due,
        "ran": line.ran,
        "missing": line.missing,
        "verdicts": {str(verdict): line.verdicts.get(verdict, 0) for verdict in _VERDICTS},
        "reasons": [asdict(reason) | {"verdict": str(reason.verdict)} for reason in line.reasons],
        "first": line.first.isoformat() if line.first is not None else None,
        "last": line.last.isoformat() if line.last is not None else None,
        "is_expected": line.is_expected,
    }


def heading(found: Compliance) -> str:
    """Return what the report is of: `shop, 2026-07-01 00:00 to before 2026-10-01 00:00`."""
    zone = found.since.tzinfo
    settled = f"; what was due from {_moment(found.settled, zone)} on may still be running and is not counted"
    until = f"{_moment(found.since, zone)} to before {_moment(found.until, zone)}"
    return f"{plain(found.inventory)}, {until}{settled if found.settled < found.until else ''}"


def _moment(moment: dt.datetime | None, zone: dt.tzinfo | None) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M %Z}" if moment is not None else ""


def _gap(gap: Gap, found: Compliance) -> str:
    zone = found.since.tzinfo
    first = _moment(gap.first, zone)
    return first if gap.runs == 1 else f"{first} to {_moment(gap.last, zone)} ({counted(gap.runs, 'run')})"


def _row(line: Line) -> tuple[str, ...]:
    numbers = (line.due, line.ran, *(line.verdicts.get(verdict, 0) for verdict in _VERDICTS), line.missing)
    return (plain(line.id), *("unknown" if number is None else str(number) for number in numbers))


def _more(line: Line, found: Compliance) -> tuple[str, ...]:
    zone = found.since.tzinfo
    reasons = "; ".join(f"{each.verdict} {counted(each.times, 'time')}: {plain(each.text)}" for each in line.reasons)
    there = "yes" if line.is_expected else "no"
    return (reasons, ", ".join(line.suites), _moment(line.first, zone), _moment(line.last, zone), there)


def table(found: Compliance) -> str:
    """Return the expectations as CSV; no cell is a formula to a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*_HEADINGS, *_MORE])
    for line in found.lines:
        writer.writerow([_cell(text) for text in (*_row(line), *_more(line, found))])
    return out.getvalue()


def _cell(text: str) -> str:
    text = plain(text)
    return f"'{text}" if text.startswith(_FORMULAS) else text


def page(found: Compliance, chain: str, made: dt.datetime) -> str:
    """Return the report as a static page, without anything that it would have to load."""
    return rendered(
        "compliance.html",
        ("compliance.css",),
        "",
        inventory=found.inventory,
        heading=heading(found),
        created=_moment(made, found.since.tzinfo),
        note=NOTE,
        chain=chain,
        suites=list(_suite_rows(found)),
        missing=sum(gap.runs for gap in found.gaps),
        gaps=[(gap.suite, _gap(gap, found)) for gap in found.gaps],
        headings=(*_HEADINGS, *_MORE),
        lines=[(*_row(line), *_more(line, found)) for line in found.lines],
    )


def _suite_rows(found: Compliance) -> Iterator[tuple[str, ...]]:
    for suite in found.suites:
        known = [suite.due, suite.whole, suite.narrowed, suite.missed]
        numbers = ("unknown" if number is None else str(number) for number in known)
        yield (suite.name, suite.schedule or "none", *numbers)
