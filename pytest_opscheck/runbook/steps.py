"""Steps of a runbook: a command, what is expected of it, and what becomes of both."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from . import commands, guard, metrics, numbers, quantities
from .asks import Ask, ExpectedText, Line, Step
from .bags import bag
from .blocks import Section
from .direction import Rung
from .labels import Around
from .notes import Notes
from .statements import Fate, Statement
from .words import Role

_TALK = bag("echo printf cd pwd true false sleep clear exit source . export set unset history alias")
_SHOWS = bag(
    "docker docker-compose podman tail cat head less ls du ps grep curl journalctl psql redis-cli find systemctl stat"
)
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?[A-Za-z_]\w*=.*", re.DOTALL)
_IF = re.compile(
    r"\b(?:if|when|still|otherwise|in case|should (?:it|that|this) fail|wenn|falls|sonst|immer noch|si|sinon)\b",
    re.IGNORECASE,
)
_FIRST = re.compile(r"\W*(?:the first|first|erste)\b", re.IGNORECASE)


@dataclass
class OpenStep:
    """A step that is being read: what is expected of it may still follow."""

    line: Line
    first: int
    last: int
    title: str
    around: Around
    section: Section
    text: str
    expected_texts: list[ExpectedText] = field(default_factory=list)
    words: str = ""

    def step(self) -> Step:
        """Return it as far as it is known; of symptoms nothing is expected, for what they say is what is wrong."""
        if self.around.role is Role.SYMPTOM:
            return Step(self.line, self.first, self.title)
        return Step(self.line, self.first, self.title, tuple(self.expected_texts), self.words)

    @property
    def asks(self) -> list[Ask]:
        """What it asks, as far as it is known."""
        return commands.asks(self.step())

    @property
    def is_remedy(self) -> bool:
        """Whether its command is for when something is wrong: `if still high: ...`."""
        words = " ".join([self.title, self.words, *(each.text for each in self.expected_texts)])
        return _IF.search(words) is not None


class Steps:
    """The steps that are open: those of the latest block or sentence with a command."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._open: list[OpenStep] = []

    def __bool__(self) -> bool:
        return bool(self._open)

    @property
    def last(self) -> OpenStep:
        """The step that was opened last."""
        return self._open[-1]

    def open(self, step: OpenStep) -> None:
        """Open a step."""
        self._open.append(step)

    def fitting(self, text: str) -> OpenStep:
        """Return the step that a text is about: the first where it says so, else the last that takes its number."""
        if _FIRST.match(text) or len(self._open) == 1:
            return self._open[0]
        units = [each.unit for each in quantities.read(text) if each.use == "limit"]
        found = (step for step in reversed(self._open) if units and _takes(step, units[0]))
        return next(found, self._open[-1])

    def close(self) -> None:
        """Note what the open steps ask: nothing more is said of them."""
        opened, self._open = self._open, []
        for each in opened:
            self._finish(each)

    def _finish(self, opened: OpenStep) -> None:
        verdict, asks = guard.of_line(opened.line), opened.asks
        role = Role.REMEDY if verdict.kind is guard.Kind.CHANGES and opened.is_remedy else opened.around.role
        statement = self._notes.statement(opened.text, opened.first, opened.section, role)
        if verdict.kind is guard.Kind.CHANGES:
            self._fates(opened, Fate.PROCEDURE, verdict.why)
            for ask in commands.state(opened.line):
                self._notes.found(ask, statement, opened.around)
        elif not asks:
            self._unknown(opened, verdict)
        used = self._asked(opened, asks, statement)
        for each in opened.expected_texts:
            self._said(each, opened, asked=bool(asks), used=used)
        if asks:
            self._fates(opened, Fate.PROPOSAL)

    def _fates(self, opened: OpenStep, fate: Fate, reason: str = "") -> None:
        self._notes.fates(opened.first, opened.last, fate, opened.section, reason)

    def _unknown(self, opened: OpenStep, verdict: guard.Verdict) -> None:
        """Note the fate of a command that asks nothing."""
        program = opened.line.first.program
        assigns = not program and _ASSIGNMENT.fullmatch(opened.text) is not None
        scripted = verdict.why.startswith("a session of") or not (opened.line.broken or opened.line.commands)
        if program in _TALK or assigns:
            self._fates(opened, Fate.PROCEDURE, "it only talks")
        elif verdict.reads:
            reason = "nothing is expected of it" if program in _SHOWS else f"no check for `{program}`"
            self._fates(opened, Fate.NOT_READ, reason)
        elif scripted:
            self._fates(opened, Fate.PROCEDURE, verdict.why)
        else:
            self._fates(opened, Fate.NOT_READ, f"unknown command: {verdict.why}")

    def _asked(self, opened: OpenStep, asks: list[Ask], statement: Statement) -> set[int]:
        """Note what a step asks, each check with the numbers expected of it; return the lines that said one."""
        used: set[int] = set()
        forced = sum(ask.metric is not None for ask in asks) == 1
        statements = opened.expected_texts if opened.around.role is not Role.SYMPTOM else []
        stated = (
            {each.line: self._stated(each, opened) for each in statements if each.line > opened.last} if asks else {}
        )
        for ask in asks:
            rungs, lasting, lines = _expected(ask, statements, opened, forced=forced)
            words = {each.line for each in statements if each.labelled and not _compares(each.text)}
            also = [stated[line] for line in sorted(lines | words) if line in stated]
            self._notes.found(ask, statement, opened.around, rungs=rungs, lasting=lasting, also=also)
            used |= lines
        return used

    def _stated(self, statement: ExpectedText, opened: OpenStep) -> Statement:
        return self._notes.statement(
            statement.shown or statement.text, statement.line, opened.section, opened.around.role
        )

    def _said(self, heard: ExpectedText, opened: OpenStep, *, asked: bool, used: set[int]) -> None:
        """Note the fate of a line that says what is expected, and read what the command took nothing of."""
        if heard.line in used or (asked and not _compares(heard.text)):
            tells = heard.role is not Role.NONE or heard.line in used
            self._notes.fate(heard.line, Fate.PROPOSAL if tells else Fate.PROSE, opened.section)
            return
        found = numbers.read(heard.text, numbers.Context(heard.role, heard.severity, line=heard.line))
        statement = self._notes.statement(heard.text, heard.line, opened.section, opened.around.role)
        if self._notes.measured(found, heard.text, statement, opened.around):
            self._notes.fate(heard.line, Fate.PROPOSAL, opened.section)
        elif heard.labelled or found.compares:
            reason = found.unread[0] if found.unread else "what is expected of a command that was not read"
            procedure = guard.of_line(opened.line).kind is guard.Kind.CHANGES and heard.line <= opened.last
            fate = Fate.PROCEDURE if procedure else Fate.NOT_READ
            self._notes.fate(heard.line, fate, opened.section, reason)
        else:
            self._notes.fate(heard.line, Fate.PROSE, opened.section)


def _takes(step: OpenStep, unit: str) -> bool:
    return any(ask.metric is not None and metrics.of_command(ask.metric).takes(unit) for ask in step.asks)


def _expected(
    ask: Ask, statements: list[ExpectedText], opened: OpenStep, *, forced: bool
) -> tuple[list[Rung], str | None, set[int]]:
    """Return the limits that texts say of a check, how long a breach has to last, and the lines that say a limit."""
    rungs: list[Rung] = []
    lasting, lines = None, set[int]()
    for each in statements:
        found, lasts = _rungs(ask, each, opened, forced=forced)
        rungs += [rung for rung in found if rung.limit not in [other.limit for other in rungs]]
        lasting = lasting or lasts
        lines |= {each.line} if found else set()
    return rungs, lasting, lines


def _rungs(ask: Ask, statement: ExpectedText, opened: OpenStep, *, forced: bool) -> tuple[list[Rung], str | None]:
    """Return the limits that a text says of a check, and how long a breach has to last."""
    if ask.metric is None:
        return [], None
    metric = replace(metrics.of_command(ask.metric), check=ask.check)
    severity = statement.severity if statement.role is not Role.NORMAL else None
    context = numbers.Context(statement.role, severity, metric, opened.title, statement.line, forced=forced)
    found = numbers.read(statement.text, context)
    mine = [each for each in found.measured if each.metric.check == ask.check or each.metric.key == metric.key]
    return [rung for each in mine for rung in each.rungs], next((each.lasting for each in mine if each.lasting), None)


def _compares(text: str) -> bool:
    return any(each.use == "limit" and each.operator for each in quantities.read(text))
