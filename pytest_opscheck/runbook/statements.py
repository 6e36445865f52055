"""What a runbook says, as values: its statements, and what became of each of its lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from .asks import Ask
from .blocks import Section
from .direction import Rung
from .exemptions import Mark
from .quantities import Quantity
from .words import INACTIVE, Role


class Fate(Enum):
    """What becomes of a line that is not blank; of two, the one that stands first here."""

    PROPOSAL = "proposal"
    NOT_READ = "not read"
    PROCEDURE = "procedure"
    EXEMPT = "exempt"
    PROSE = "prose"


_ORDER = tuple(Fate)


@dataclass(frozen=True, slots=True)
class LineFate:
    """A line of a runbook and what became of it; where it was not read, why."""

    file: str
    number: int
    text: str
    fate: Fate
    section: Section
    reason: str = ""

    def over(self, other: LineFate) -> LineFate:
        """Return that of two fates of one line which says more."""
        return self if _ORDER.index(self.fate) <= _ORDER.index(other.fate) else other


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence, an entry of a list, a row or a command that says or asks what should be."""

    file: str
    line: int
    text: str
    section: Section
    role: Role
    quantities: tuple[Quantity, ...] = ()

    @property
    def anchor(self) -> str | None:
        """The anchor of its section."""
        return self.section.anchor


@dataclass(frozen=True, slots=True)
class Finding:
    """What a statement asks for, with the limits that it says."""

    ask: Ask
    statement: Statement
    rungs: tuple[Rung, ...] = ()
    suite: str | None = None
    lasting: str | None = None
    merges_only: bool = False
    """Whether it only repeats what another step says, and is nothing by itself."""
    also: tuple[Statement, ...] = ()
    """Statements beside it that say what is expected: those of the lines behind a command."""

    @property
    def active(self) -> bool:
        """Whether it may be active in a draft: what stands in symptoms, remedies and the like never is."""
        return self.statement.role not in INACTIVE


@dataclass
class Reading:
    """All that was read of a runbook."""

    file: str
    lines: dict[int, LineFate] = field(default_factory=dict)
    statements: list[Statement] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    """The addresses that it names, those of its commands first."""


def counted(lines: Iterable[LineFate]) -> dict[Fate, int]:
    """Return how many lines there are of each fate."""
    found = Counter(line.fate for line in lines)
    return {fate: found[fate] for fate in Fate}
