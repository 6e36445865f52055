"""What is judged: an expectation of the inventory, or a user's own test."""

from __future__ import annotations

from dataclasses import dataclass

from ..inventory import Expectation, Inventory
from .expect import DEFAULT_SEVERITY


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
        )


def _at_stake(expectation: Expectation) -> str:
    """Return the severity of what might be broken where it cannot be told: the worst of the limits'."""
    if expectation.limits is None:
        return expectation.severity
    return min(ladder.worst for ladder in expectation.limits.ladders)


def runbook_link(base: str | None, said: str | None) -> str | None:
    """Join an expectation's runbook with the inventory's: an anchor belongs to that, anything else stands alone."""
    if said is None:
        return base
    return f"{base or ''}{said}" if said.startswith("#") else said
