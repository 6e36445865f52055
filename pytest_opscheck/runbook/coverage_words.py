"""Coverage in words: lines for the terminal, Markdown, JSON, and a badge."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any

from ..core.humanize import counted, duration_text
from ..core.visible import plain
from .coverage import CHECKED, OPEN, Coverage, Covered, Judged, State
from .draft import quote

SCHEMA = "opscheck.runbook-coverage/1"
_ORDER = (State.OK, State.STALE, State.UNKNOWN, State.BROKEN, State.EXEMPT, State.DRAFTED, State.NOT_CHECKED)
"""Of the terminal: what is to be done stands last, where it stays in sight."""
_MOST_CHECKS = 4
_MOST_UNASKED = 40
_COLOURS = ((90, "#2a7a3f"), (60, "#8a5a00"), (0, "#b3141d"))
_BADGE = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="runbook: {label}">
<title>runbook: {label}</title>
<rect width="{width}" height="20" rx="3" fill="#555"/><rect x="58" width="{right}" height="20" rx="3" fill="{colour}"/>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="29" y="14">runbook</text><text x="{middle}" y="14">{label}</text></g>
</svg>
"""


def lines(found: Coverage) -> Iterator[str]:
    """Yield the lines of the terminal."""
    for state in _ORDER:
        for each in (each for each in found.statements if each.state is state):
            more = _more(each, found.at)
            yield f"{state:11}  {plain(_place(each))}  {quote(each.stated.text)}" + (f"  <- {more}" if more else "")
    if found.unasked:
        yield f"{counted(len(found.unasked), 'check')} that no statement asks for: {', '.join(unasked(found))}"
    yield summary(found)


def unasked(found: Coverage) -> list[str]:
    """Return the checks that no statement asks for; many of them by what they check, with how many targets."""
    if len(found.unasked) <= _MOST_UNASKED:
        return list(found.unasked)
    targets = Counter(each.partition("@")[0] for each in found.unasked)
    return [f"{check} of {counted(number, 'target')}" for check, number in targets.items()]


def summary(found: Coverage) -> str:
    """Return the last line: the percentage, and how many statements stand how."""
    if not found.asked:
        return "nothing to check: no statement was found that could be"
    counts = [f"{number} {state}" for state in (*CHECKED[::-1], *OPEN) if (number := found.counts[state])]
    beside = [f"{number} {state}" for state in (State.EXEMPT, State.PROCEDURE) if (number := found.counts[state])]
    aside = f"; beside them {', '.join(beside)}" if beside else ""
    return f"{found.shown} of {counted(found.asked, 'statement')} checked: {', '.join(counts) or 'none'}{aside}"


def _place(each: Covered) -> str:
    return f"{each.stated.file}:{each.stated.line}"


def _more(each: Covered, now: dt.datetime) -> str:
    """Return what checks a statement, or why nothing does."""
    if each.checks:
        return told_of(each.checks, now)
    if each.state is State.DRAFTED:
        return f"{each.stated.check}, in comments"
    if each.stated.why:
        return plain(each.stated.why)
    return f"import proposes {each.stated.check}@{each.stated.target}" if each.stated.check else ""


def told_of(checks: Sequence[Judged], now: dt.datetime) -> str:
    """Return checks with their last verdicts, the worst first, and how many more there are."""
    in_order = sorted(checks, key=lambda check: list(State).index(check.state))
    more = [f"and {len(checks) - _MOST_CHECKS} more"] if len(checks) > _MOST_CHECKS else []
    return ", ".join([*(told(check, now) for check in in_order[:_MOST_CHECKS]), *more])


def told(check: Judged, now: dt.datetime) -> str:
    """Return a check with its last verdict and its age."""
    if check.at is None:
        return f"{check.id} (never run)"
    severity = f" {check.severity}" if check.severity and check.state is State.BROKEN else ""
    return f"{check.id} ({check.verdict}{severity}, {duration_text(now - check.at)} ago)"


def markdown(found: Coverage) -> str:
    """Return a table in Markdown."""
    rows = [
        f"| {' | '.join([each.state, *map(_cell, (_place(each), quote(each.stated.text), _more(each, found.at)))])} |"
        for state in reversed(_ORDER)
        for each in found.statements
        if each.state is state
    ]
    listed = [f"- {_cell(each)}" for each in unasked(found)]
    more = ["", "Checks that no statement asks for:", "", *listed] if listed else []
    head = [f"**{plain(found.name)}: {summary(found)}**", "", "| state | where | statement | checked by |"]
    return "\n".join([*head, "| --- | --- | --- | --- |", *rows, *more, ""])


def _cell(text: str) -> str:
    return escape(text, quote=False).replace("\\", "\\\\").replace("|", "\\|").replace("`", "\\`").replace("*", "\\*")


def document(found: Coverage) -> dict[str, Any]:
    """Return coverage as plain data."""
    return {
        "schema": SCHEMA,
        "inventory": plain(found.name),
        "at": found.at.isoformat(timespec="seconds"),
        "percent": None if found.percent is None else round(found.percent, 2),
        "summary": {str(state): number for state, number in found.counts.items()},
        "statements": [_statement(each, found.at) for each in found.statements],
        "unasked": list(found.unasked),
    }


def _statement(each: Covered, now: dt.datetime) -> dict[str, Any]:
    statement = each.stated
    return {
        "id": statement.id if statement.entry is not None else None,
        "state": str(each.state),
        "file": statement.file,
        "line": statement.line,
        "anchor": statement.section.anchor,
        "text": quote(statement.text),
        "why": plain(statement.why) or None,
        "checks": list(_checks(each.checks, now)),
    }


def _checks(checks: Iterable[Judged], now: dt.datetime) -> Iterator[dict[str, Any]]:
    for check in checks:
        at = check.at.isoformat(timespec="seconds") if check.at is not None else None
        yield {
            "id": check.id,
            "state": str(check.state),
            "verdict": check.verdict or None,
            "severity": check.severity,
            "message": plain(check.message) or None,
            "at": at,
            "age_s": round((now - check.at).total_seconds()) if check.at is not None else None,
        }


def badge(found: Coverage) -> str:
    """Return an SVG that says the percentage."""
    percent = found.percent or 0
    colour = next(colour for least, colour in _COLOURS if percent >= least)
    right = 8 + 7 * len(found.shown)
    return _BADGE.format(
        width=58 + right, right=right, middle=58 + right // 2, label=escape(found.shown), colour=colour
    )
