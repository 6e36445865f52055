"""A row of a table: what it measures, what its columns say should be or should not, and the commands in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from . import metrics, numbers, quantities, sentences
from .asks import Ask, ExpectedText, Step
from .blocks import Block
from .families import http
from .numbers import Measured, Numbers
from .shell import Command, Line
from .words import Role, Vocabulary, is_alarm, is_normal, says_well, severity_in

_LEVEL = re.compile(
    r"^\W*(?:severity|sev|priority|prio|level|alert level|severity level|schweregrad|priorität|gravité|urgency|p)\W*$",
    re.IGNORECASE,
)
_ANSWER = re.compile(
    r"response|reaction|acknowledg|ack\b|resolution|resolve|escalat|answer time|reaktion"
    r"|réaction|update|notif|contact|owner|sla\b",
    re.IGNORECASE,
)
_NAMES = re.compile(r"^\W*(?:alerts?|alarms?|warnings?)(?: ?names?)?\W*$", re.IGNORECASE)
"""What stands over the first column where it names what the others say more of."""
_ASIDE = re.compile(
    r"^(?:description|notes?|purpose|action|comment|owner|why|meaning|zweck|aktion"
    r"|remarks?|who|team|dashboard|runbook|link|frequency|interval|schedule|how often"
    r"|window)\b",
    re.IGNORECASE,
)
_CODE = re.compile(r"`([^`]+)`")
_DONT = re.compile(r"^\W*(?:n/?a|none|-|—|tbd|\?)?\W*$", re.IGNORECASE)


@dataclass
class Row:
    """What was read of a row."""

    name: str = ""
    commands: list[str] = field(default_factory=list)
    texts: list[tuple[str, Role, str | None]] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    unread: str = ""

    @property
    def numbers(self) -> Numbers:
        """What it measures, and what of it was not read."""
        return Numbers(self.measured, [self.unread] if self.unread else [])


@dataclass(frozen=True, slots=True)
class _Column:
    """What the head of a column says of its cells."""

    role: Role = Role.NONE
    severity: str | None = None
    kind: str = ""


def row_of(block: Block, vocabulary: Vocabulary) -> Row:
    """Return what a row says."""
    columns = [_column(head, vocabulary) for head in block.head]
    if columns[1:] and _NAMES.match(sentences.without_marks(block.head[0])):
        columns[0] = _Column()
    cells = [
        (cell.strip(), columns[place] if place < len(columns) else _Column()) for place, cell in enumerate(block.cells)
    ]
    row = Row(
        name=" ".join(
            sentences.without_marks(cell)
            for cell, column in cells
            if column.role is Role.NONE and column.kind in ("", "aside")
        )
    )
    if any(column.kind == "level" for column in columns[:1]) and any(_ANSWER.search(head) for head in block.head):
        return row
    for cell, _ in cells:
        row.commands += [code for code in _CODE.findall(cell) if sentences.is_command(code)]
    severity = next((severity_in(cell) for cell, column in cells if column.kind == "level"), None)
    row.texts = _said(cells, row)
    _limits(row, cells, block.lines[0][0], severity)
    _addresses(row, cells)
    return row


def _column(head: str, vocabulary: Vocabulary) -> _Column:
    title = sentences.without_marks(head)
    if _LEVEL.match(title):
        return _Column(kind="level")
    severity = severity_in(title)
    if severity is not None:
        return _Column(Role.ALARM, severity)
    if _ANSWER.search(title) and not vocabulary.is_expected(f"{title}:"):
        return _Column(kind="answer")
    if vocabulary.is_expected(f"{title}:") or is_normal(title):
        return _Column(Role.NORMAL)
    if is_alarm(title) or re.search(r"condition|bedingung|limit|trigger", title, re.IGNORECASE):
        return _Column(Role.ALARM)
    return _Column(kind="aside" if _ASIDE.match(title) else "")


def _said(cells: list[tuple[str, _Column]], row: Row) -> list[tuple[str, Role, str | None]]:
    """Return what a row says of the command in it: the cells of what should be, else those without a command."""
    found: list[tuple[str, Role, str | None]] = [
        (sentences.without_marks(cell), column.role, column.severity)
        for cell, column in cells
        if column.role is not Role.NONE and cell
    ]
    if found or not row.commands:
        return found
    return [
        (sentences.without_marks(cell), Role.NORMAL, None)
        for cell, column in cells[1:]
        if cell and not any(code in cell for code in row.commands) and column.kind == ""
    ]


def _limits(row: Row, cells: list[tuple[str, _Column]], line: int, severity: str | None) -> None:
    """Read the limits of a row: each cell by what the head of its column says."""
    metric, free = _metric(row.name), quantities.says_free(row.name)
    for cell, column in cells:
        text = sentences.without_marks(cell)
        aside = column.kind in ("level", "answer", "aside") or _DONT.match(text)
        if aside or (column.role is Role.NONE and not _compares(text)):
            continue
        role = Role.ALARM if column.role is Role.NONE and severity is not None else column.role
        level = column.severity or (severity if role is Role.ALARM else None)
        _cell(row, text, numbers.Context(role, level, metric, row.name, line, free=free))


def _metric(name: str) -> metrics.Metric | None:
    """Return what a row measures by its name: of two the one that says how, as `latency (p99)` does."""
    found = metrics.find(name)
    if not found:
        return None
    special = next((each for each in found if each.metric.key in ("p99", "answer_time")), None)
    how = next((each for each in found if each.metric.key == "p95" and found[0].metric.key == "latency"), None)
    return metrics.scoped((special or how or found[0]).metric, name)


def _cell(row: Row, text: str, context: numbers.Context) -> None:
    read = numbers.read(text, context)
    for each in read.measured:
        same = next(
            (place for place, other in enumerate(row.measured) if other.metric.check == each.metric.check), None
        )
        if same is None:
            row.measured.append(each)
        else:
            other = row.measured[same]
            row.measured[same] = Measured(other.metric, (*other.rungs, *each.rungs), other.lasting or each.lasting)
    if read.unread and any(each.use == "limit" for each in read.quantities) and not row.unread:
        row.unread = f"table row: {read.unread[0]}"


def _compares(text: str) -> bool:
    return any(each.use == "limit" and each.operator for each in quantities.read(text))


def _addresses(row: Row, cells: list[tuple[str, _Column]]) -> None:
    """Read an address in a row, and the status or the document that is expected of it."""
    if row.commands or row.measured or http.is_inside(" ".join(cell for cell, _ in cells)):
        return
    if not metrics.find(row.name) or http.of_path(" ".join(cell for cell, _ in cells)):
        row.asks += list(http.of_endpoint(" ".join(cell for cell, _ in cells)))
    urls = [url for cell, _ in cells for url in http.URL.findall(cell) if not http.is_place_to_look(url)]
    expected = " ".join(cell for cell, column in cells if column.role is Role.NORMAL)
    if not urls or not expected:
        return
    text = _as_said(expected)
    step = Step(Line("", (Command("curl", (urls[0],)),), first=Command("curl", (urls[0],))), 0, row.name, text)
    row.asks += list(http.of_url(step, urls[0], step.line.first))


def _as_said(text: str) -> tuple[ExpectedText, ...]:
    return (ExpectedText(0, text),) if says_well(text) or re.search(r"\d", text) else ()
