"""One reading of a runbook: its blocks become statements, its steps findings, and each line gets its fate."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from . import blocks, labels, numbers, schedules, shell
from .asks import ExpectedText
from .blocks import Block
from .codes import Codes
from .exemptions import Exemption, mark_of
from .labels import Around
from .notes import Notes, Place
from .page import Page
from .statements import Fate, Reading
from .steps import OpenStep, Steps
from .tables import Row, row_of
from .texts import Texts
from .words import Role, Vocabulary

LONGEST = 4000
"""A longer line is not read."""


def read(page: Page, vocabulary: Vocabulary, today: dt.date | None = None) -> Reading:
    """Return all that is read of a runbook; with a day of today, exemptions that are over exempt nothing."""
    return _Reader(page, vocabulary, today).read()


class _Reader:
    """Goes through the blocks of a page in their order."""

    def __init__(self, page: Page, vocabulary: Vocabulary, today: dt.date | None) -> None:
        self._page = page
        self._today = today
        self._vocabulary = vocabulary
        self._notes = Notes(page)
        self._place = Place(vocabulary)
        self._steps = Steps(self._notes)
        self._exemption = Exemption()
        texts, codes = (kind(self._notes, self._place, self._steps) for kind in (Texts, Codes))
        self._readers: dict[str, Callable[[Block], None]] = {
            "heading": self._heading,
            "row": self._row,
            "code": codes.read,
            "text": texts.read,
            "html": texts.read,
        }

    def read(self) -> Reading:
        """Read every block."""
        parsed = blocks.read(self._page)
        self._notes.reading.warnings += parsed.warnings
        sections = [block.section for block in parsed.blocks if block.section.level]
        self._notes.reading.sections += dict.fromkeys(sections)
        for block in parsed.blocks:
            self._block(block)
        self._steps.close()
        self._notes.rest()
        return self._notes.reading

    def _block(self, block: Block) -> None:
        if block.kind == "exempt":
            self._exempt(block)
        elif block.kind in ("front", "head"):
            self._notes.block(block, Fate.PROSE)
        elif self._exemption.covers(block):
            self._notes.block(block, Fate.EXEMPT, self._exemption.why)
        elif any(len(line) > LONGEST for _, line in block.lines):
            self._notes.block(block, Fate.NOT_READ, "a line that is too long")
        else:
            self._readers[block.kind](block)

    def _exempt(self, block: Block) -> None:
        mark = mark_of(self._page.name, block, self._today)
        self._notes.reading.marks.append(mark)
        if mark.problem:
            self._notes.block(block, Fate.NOT_READ, mark.problem.partition(";")[0])
            return
        self._notes.block(block, Fate.EXEMPT, block.language)
        self._exemption.begin(block.language)

    def _heading(self, block: Block) -> None:
        self._steps.close()
        title, line = block.section.title, block.lines[0][0]
        self._place.label = Around()
        self._place.begin(title)
        self._notes.block(block, Fate.PROSE)
        around = labels.of_section(block.section)
        for ask in schedules.of_heading(title):
            self._notes.found(ask, self._notes.statement(title, line, block.section, around.role), around)
            self._notes.block(block, Fate.PROPOSAL)
        found = numbers.read(title, self._place.context(line, around))
        if found.measured and found.compares:  # `Incident 5: disk usage > 80%`
            statement = self._notes.statement(title, line, block.section, around.role)
            self._notes.measured(found, title, statement, around)
            self._notes.block(block, Fate.PROPOSAL)

    def _row(self, block: Block) -> None:
        around = self._place.around(block)
        row = row_of(block, self._vocabulary)
        self._notes.urls(block.text)
        before = len(self._notes.reading.findings)
        self._row_steps(row, block, around)
        if len(self._notes.reading.findings) > before:
            return
        if self._row_limits(row, block, around):
            self._notes.block(block, Fate.PROPOSAL)
        elif row.unread and around.role is not Role.CONTACT:
            self._notes.block(block, Fate.NOT_READ, row.unread)
        else:
            self._notes.block(block, Fate.PROSE)

    def _row_steps(self, row: Row, block: Block, around: Around) -> None:
        """Read the commands of a row."""
        self._steps.close()
        number = block.lines[0][0]
        for code in row.commands:
            line = shell.read(shell.without_prompt(code)[0])
            text = " | ".join(block.cells)
            opened = OpenStep(line, number, number, row.name, around, block.section, text, words=row.name)
            opened.expected_texts += [
                ExpectedText(number, statement, role, severity, labelled=True)
                for statement, role, severity in row.texts
            ]
            self._steps.open(opened)
        self._steps.close()

    def _row_limits(self, row: Row, block: Block, around: Around) -> bool:
        """Note what a row measures; tell whether it measures anything."""
        if not row.measured and not row.asks:
            return False
        statement = self._notes.statement(" | ".join(block.cells), block.lines[0][0], block.section, around.role)
        self._notes.measured(row.numbers, row.name, statement, around)
        for ask in row.asks:
            self._notes.found(ask, statement, around)
        return True
