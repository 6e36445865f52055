"""Blocks of code: their commands become steps, their comments titles or what is expected; Compose files say a state."""

from __future__ import annotations

import re

from . import fences, guard, labels, numbers, quantities, schedules, shell
from .asks import Ask, Command, ExpectedText, Line, stack
from .blocks import Block
from .fences import Piece
from .labels import Around
from .notes import Notes, Place
from .statements import Fate
from .steps import OpenStep, Steps
from .words import Role, is_alarm, is_normal, severity_in

_STEP_NUMBER = re.compile(r"^\s*(?:step\s*)?\d+[.):]\s*", re.IGNORECASE)
_ARROW = re.compile(r"^\s*(?:->|→|=>|⇒|>|returns?|prints?|shows?|gives?|should|must|ok if)\s*", re.IGNORECASE)
_KEPT = re.compile(r"retain|keep|retention|kept", re.IGNORECASE)
_DAILY = re.compile(r"daily|nightly|every (?:day|night)", re.IGNORECASE)
_REPLICAS = re.compile(r"^\s*replicas:\s*(\d+)\s*$")
_SERVICE = re.compile(r"^ {2}([\w.-]+):\s*$")
_LIMITS = re.compile(r"^\s*limits:\s*$")
_LIMIT = re.compile(r"^\s*(cpus|memory):\s*['\"]?([\d.]+)\s*([KMGkmg]?)[Bbi]*['\"]?\s*$")
_SQL_COMMENT = re.compile(r";\s*--\s*(.*)$")
_START = 20


class Codes:
    """Reads blocks of code."""

    def __init__(self, notes: Notes, place: Place, steps: Steps) -> None:
        self._notes = notes
        self._place = place
        self._steps = steps

    def read(self, block: Block) -> None:
        """Read a block: commands, or what the command before it is to print."""
        pieces = list(fences.pieces(block))
        if self._is_output(pieces):
            self._output(block, pieces)
            return
        self._place.expects_output = False
        self._place.title = ""
        self._steps.close()
        around = self._place.around(block)
        if block.language in fences.COMPOSE:
            self._compose(block, around)
            return
        for piece in pieces:
            self._piece(piece, block, around)
        self._notes.block(block, Fate.PROSE)

    def _is_output(self, pieces: list[Piece]) -> bool:
        known = (guard.verdict(piece.text).kind for piece in pieces if piece.kind in ("command", "sql"))
        if self._place.expects_output and all(kind is guard.Kind.UNKNOWN for kind in known):
            return True
        bare = bool(pieces) and all(piece.kind == "other" for piece in pieces)
        return bare and bool(self._steps) and self._place.vocabulary.is_expected(self._place.intro)

    def _output(self, block: Block, pieces: list[Piece]) -> None:
        """Take a block behind `Expected output:` for what the command before it is to print."""
        self._place.expects_output = False
        if not self._steps:
            self._notes.block(block, Fate.NOT_READ, "what a command prints")
            return
        if pieces:
            text = " ".join(piece.text for piece in pieces)
            self._steps.last.expected_texts.append(ExpectedText(pieces[0].first, text, Role.NORMAL, labelled=True))
        self._notes.block(block, Fate.PROPOSAL if self._steps.last.asks else Fate.PROSE)

    def _piece(self, piece: Piece, block: Block, around: Around) -> None:
        match piece.kind:
            case "comment":
                self._comment(piece, block, around)
            case "command" | "sql" | "redis":
                self._open(piece, block, around)
            case "output":
                if self._steps:
                    self._steps.last.expected_texts.append(ExpectedText(piece.first, piece.text, Role.NONE))
                self._notes.fates(piece.first, piece.last, Fate.PROSE, block.section)
            case _:
                self._other(piece, block, around)

    def _other(self, piece: Piece, block: Block, around: Around) -> None:
        """Read a line that is no command: in a block of plain text it may say a limit."""
        plain = block.language in fences.SHELLS
        label = labels.front_label(piece.text) if plain else None
        here = labels.of_label(label[0], self._place.vocabulary).within(around) if label else around
        if plain and self._measured(piece, block, here):
            return
        reason = "a block without a known command" if plain else "a block that is no shell"
        shown = f"{reason} ({block.language or 'no language'})"
        self._notes.fates(piece.first, piece.last, Fate.NOT_READ, block.section, shown)

    def _comment(self, piece: Piece, block: Block, around: Around) -> None:
        """Read a comment: what is expected of the command before it, or the title of the one behind it."""
        statement = self._said(piece, around)
        if self._steps and statement is not None:
            self._steps.last.expected_texts.append(statement)
            self._notes.fates(piece.first, piece.last, Fate.PROSE, block.section)
            return
        self._place.title = _STEP_NUMBER.sub("", piece.text)
        compares = _compares(piece.text)
        if (compares or _KEPT.search(piece.text) or _DAILY.search(piece.text)) and self._measured(piece, block, around):
            return
        fate, reason = (Fate.NOT_READ, "a limit without a command") if compares else (Fate.PROSE, "")
        self._notes.fates(piece.first, piece.last, fate, block.section, reason)

    def _said(self, piece: Piece, around: Around) -> ExpectedText | None:
        """Return what a comment says is expected; None where it says nothing of the kind."""
        text, labelled = piece.text, labels.front_label(piece.text)
        expected = self._place.vocabulary.is_expected(text)
        severe = labelled is not None and bool(quantities.read(text)) and _is_severe(labelled[0])
        if not (expected or severe or _compares(text) or _ARROW.match(text)):
            return None
        inner = labels.of_label(labelled[0], self._place.vocabulary) if labelled else Around()
        role = inner.role
        if role is Role.NONE:
            role = Role.NORMAL if expected else Role.ALARM if is_alarm(text[:_START]) else Role.NONE
        return ExpectedText(piece.first, text, role, inner.severity or around.severity, labelled=expected or severe)

    def _measured(self, piece: Piece, block: Block, around: Around) -> bool:
        """Read a line that names what it measures, or a time; tell whether it does."""
        found = numbers.read(piece.text, self._place.context(piece.first, around))
        timed = list(schedules.asks(piece.text, self._place.title))
        if not found.measured and not timed:
            return False
        statement = self._notes.statement(piece.text, piece.first, block.section, around.role)
        self._notes.measured(found, piece.text, statement, around)
        for ask in timed:
            self._notes.found(ask, statement, around)
        self._notes.fates(piece.first, piece.last, Fate.PROPOSAL, block.section)
        return True

    def _open(self, piece: Piece, block: Block, around: Around) -> None:
        """Open the step of a command; a comment behind it says what is expected."""
        line, comment = _line(piece)
        section = next((each.title for each in reversed(block.section.path)), "")
        opened = OpenStep(line, piece.first, piece.last, self._place.title, around, block.section, piece.text)
        opened.words = f"{self._place.intro} {section}"
        self._place.title = ""
        self._notes.urls(piece.text)
        if comment:
            label = labels.front_label(comment)
            inner = labels.of_label(label[0], self._place.vocabulary) if label else Around()
            normal = inner.role in (Role.NONE, Role.NORMAL) and not is_alarm(comment)
            role = Role.NORMAL if normal else Role.ALARM
            opened.expected_texts.append(ExpectedText(piece.first, comment, role, inner.severity, labelled=True))
        self._steps.open(opened)

    def _compose(self, block: Block, around: Around) -> None:
        """Read a Compose file: how many containers of a service there are, and how much each may take."""
        service, limits = None, False
        for number, line in block.lines:
            if found := _SERVICE.match(line):
                service, limits = found[1], False
            limits = limits or _LIMITS.match(line) is not None
            state = _state(line, limits=limits)
            if service is None or state is None:
                self._notes.fate(number, Fate.NOT_READ, block.section, f"a block that is no shell ({block.language})")
                continue
            statement = self._notes.statement(line.strip(), number, block.section, around.role)
            ask = Ask(state[0], stack(), keys={"services": {service: state[1]}}, sure=0.75, subject=service)
            self._notes.found(ask, statement, around)
            self._notes.fate(number, Fate.PROPOSAL, block.section)


def _line(piece: Piece) -> tuple[Line, str]:
    """Return the command of a piece, and the comment behind it; SQL is what psql would be told, and so on."""
    if piece.kind == "command":
        line = shell.read(piece.text)
        return line, line.comment
    text, comment = piece.text, ""
    if piece.kind == "sql" and (cut := _SQL_COMMENT.search(text)):
        text, comment = text[: cut.start()], cut[1]
    if piece.kind == "redis":
        comment = shell.read(text).comment
        text = text.partition(" #")[0]
    command = Command("psql", ("-c", text)) if piece.kind == "sql" else Command("redis-cli", tuple(text.split()))
    return Line(text, (command,), first=command, comment=comment), comment


def _state(line: str, *, limits: bool) -> tuple[str, object] | None:
    """Return the check and the state that a line of a Compose file says."""
    if found := _REPLICAS.match(line):
        return "docker.replicas", int(found[1])
    if limits and (found := _LIMIT.match(line)):
        if found[1] == "cpus":
            return "docker.limits", {"cpus": f"== {found[2]}"}
        return "docker.limits", {"memory": f"== {found[2]}{found[3].upper()}{'iB' if found[3] else 'B'}"}
    return None


def _is_severe(label: str) -> bool:
    return severity_in(label) is not None or is_normal(label)


def _compares(text: str) -> bool:
    return any(each.use == "limit" and each.operator for each in quantities.read(text))
