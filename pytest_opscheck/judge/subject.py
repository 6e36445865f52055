"""What is judged: an expectation of the inventory, or a user's own test."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from ..core.masks import masked
from ..inventory import Expectation, Inventory
from .expect import DEFAULT_SEVERITY

_QUESTIONS = ("sql", "query", "run")
"""The keys by which an inventory says what is asked."""
_LONGEST = 300


@dataclass(frozen=True)
class Subject:
    """What is judged: an expectation of the inventory, or a user-defined test with only what it says itself."""

    id: str
    check: str
    target: str
    title: str
    suites: tuple[str, ...]
    severity: str = DEFAULT_SEVERITY
    runbook: str | None = None
    action: str | None = None
    covers: tuple[str, ...] = ()
    where: str | None = None
    by_hand: str | None = None
    asked: str | None = None

    @classmethod
    def of(cls, expectation: Expectation, inventory: Inventory) -> Subject:
        """Return what is judged of an expectation."""
        return cls(
            id=expectation.id,
            check=expectation.check_id,
            target=expectation.target.name,
            title=expectation.check.title,
            suites=expectation.suites,
            severity=_at_stake(expectation),
            runbook=runbook_link(inventory.runbook, expectation.runbook),
            action=expectation.action,
            covers=expectation.covers,
            where=expectation.target.keys.where(),
            by_hand=expectation.target.keys.by_hand(),
            asked=_asked(expectation),
        )


def _asked(expectation: Expectation) -> str | None:
    """Return the command or query of the inventory in a line, without passwords that stand in it.

    None where it has none, or it takes more than that.
    """
    key = next((key for key in _QUESTIONS if key in expectation.asked), None)
    given = expectation.asked[key] if key is not None else ""
    text = shlex.join(given) if isinstance(given, tuple) else str(given).strip()
    if key != "run" and "--" not in text:  # which begins a comment, up to the end of the line
        text = " ".join(text.split())
    return masked(text) if 0 < len(text) <= _LONGEST and text.isprintable() else None


def _at_stake(expectation: Expectation) -> str:
    """Return the severity of what might be broken where it cannot be told: the worst of the limits'."""
    if expectation.limits is None:
        return expectation.severity
    return min(ladder.worst for ladder in expectation.limits.ladders)


def runbook_link(base: str | None, text: str | None) -> str | None:
    """Join an expectation's runbook with the inventory's: an anchor belongs to that, anything else stands alone."""
    if text is None:
        return base
    return f"{base or ''}{text}" if text.startswith("#") else text
