"""What is noted while a runbook is read: fates of lines, statements, findings; and where in the page the reader is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from . import labels, metric_asks, metrics, numbers, quantities
from .asks import Ask
from .blocks import Block, Section
from .direction import Rung
from .families import http
from .labels import Around
from .numbers import Numbers
from .page import Page
from .statements import Fate, Finding, LineFate, Reading, Statement
from .words import Role, Vocabulary

LONGEST_INTRO = 200


@dataclass
class Place:
    """Where the reader is: what the last label says, what is spoken of, what a block of code may be the output of."""

    vocabulary: Vocabulary
    label: Around = field(default_factory=Around)
    label_at: tuple[int, int] = (0, 0)
    label_text: str = ""
    title: str = ""
    intro: str = ""
    topic: metrics.Metric | None = None
    standing: metrics.Metric | None = None
    expects_output: bool = False

    def around(self, block: Block) -> Around:
        """Return what the headings above a block and the label before it say."""
        section = labels.of_section(block.section)
        if self.label_at[0] == block.section.line and block.depth >= self.label_at[1]:
            return self.label.within(section)
        return section

    def begin(self, text: str) -> None:
        """Begin a part of the page: its heading or label says what is spoken of in it."""
        self.intro, self.title, self.topic = text, "", None
        self.note_topic(text)
        self.standing = self.topic

    def note_topic(self, text: str) -> None:
        """Remember what a text measures: the next sentence may go on about it."""
        if found := metrics.find(text):
            self.topic = metrics.scoped(found[0].metric, text)

    def context(self, line: int, around: Around) -> numbers.Context:
        """Return what stands around a sentence, for reading its numbers."""
        scope = self.intro if len(self.intro) < LONGEST_INTRO else ""
        return numbers.Context(around.role, around.severity, self.topic, scope, line, sticks=False)


_WITHIN = re.compile(r"\b(?:last|past|previous)\s+(minute|hour|day)\b", re.IGNORECASE)
_RATES = {"minute": "/min", "hour": "/h", "day": "/day"}


class Notes:
    """Collects what is read of one page."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._lines = page.lines
        self.reading = Reading(page.name)

    def fate(self, number: int, fate: Fate, section: Section, reason: str = "") -> None:
        """Note what became of a line; of two fates the one stays that says more."""
        text = self._lines[number - 1] if 0 < number <= len(self._lines) else ""
        if not text.strip():
            return
        made = LineFate(self._page.name, number, text.strip(), fate, section, reason)
        there = self.reading.lines.get(number)
        self.reading.lines[number] = made if there is None else there.over(made)

    def fates(self, first: int, last: int, fate: Fate, section: Section, reason: str = "") -> None:
        """Note what became of several lines."""
        for number in range(first, last + 1):
            self.fate(number, fate, section, reason)

    def block(self, block: Block, fate: Fate, reason: str = "") -> None:
        """Note what became of a block."""
        for number, _ in block.lines:
            self.fate(number, fate, block.section, reason)

    def rest(self) -> None:
        """Note that every line of which nothing else is known is prose."""
        for number in range(1, len(self._lines) + 1):
            if number not in self.reading.lines:
                self.fate(number, Fate.PROSE, Section())

    def statement(self, text: str, line: int, section: Section, role: Role) -> Statement:
        """Note a statement."""
        quantified = tuple(quantities.read(text))
        made = Statement(self._page.name, line, " ".join(text.split()), section, role, quantified)
        self.reading.statements.append(made)
        return made

    def found(
        self,
        ask: Ask,
        statement: Statement,
        around: Around,
        *,
        rungs: Iterable[Rung] = (),
        lasting: str | None = None,
        merges_only: bool = False,
        also: Iterable[Statement] = (),
    ) -> None:
        """Note a finding."""
        made = Finding(ask, statement, tuple(rungs), around.suite, lasting, merges_only, tuple(also))
        self.reading.findings.append(made)

    def measured(self, found: Numbers, text: str, statement: Statement, around: Around) -> bool:
        """Note the checks of what a text measures; tell whether there is one."""
        noted = False
        for each in found.measured:
            ask = metric_asks.for_metric(each.metric, text)
            if found.unread:
                look = f"line {statement.line} says more that was not read: {found.unread[0]}"
                ask = replace(ask, look="; ".join(filter(None, (ask.look, look))))
            if ask.check == "docker.errors":  # of a count without a time a day is meant
                within = _WITHIN.search(text)
                ask = replace(ask, subject=_RATES[within[1].lower()] if within else "/day")
            self.found(ask, statement, around, rungs=each.rungs, lasting=each.lasting)
            noted = True
        return noted

    def urls(self, text: str) -> None:
        """Note the addresses of a text, but for those that people look at."""
        self.reading.urls += [url for url in http.URL.findall(text) if not http.is_place_to_look(url)]
