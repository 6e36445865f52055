"""What a gate counts, by the inventory, and what of a baseline it can't compare with."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.relative import RelativeLimit
from ..core.vantage import VARIABLE, here
from ..inventory import Inventory
from ..inventory.gate import Gate
from .baseline import Baseline, GateError, expected_of
from .blind import elsewhere, observers
from .decision import Terms
from .looking import REQUESTS

_CLOSE_PERCENT = 10
"""Under this tolerance the same code is often undecided."""


def terms_of(inventory: Inventory, settings: Gate, known: Baseline | None) -> Terms:
    """Return what counts for what. Raises GateError for a baseline of something else."""
    return Terms(
        roll_back_at=settings.roll_back_at,
        undecided_at=settings.undecided_at,
        counts_already_broken=settings.already_broken == "count",
        incomparable=dict(_incomparable(inventory, settings, known)) if known is not None else {},
        own_of=dict(_own_of(inventory)),
        elsewhere=tuple(elsewhere(inventory)),
        observers=tuple(observers(inventory)),
    )


def _own_of(inventory: Inventory) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield in how many of how many looks a check has to be broken, where the inventory says that."""
    for each in inventory.expectations:
        if each.lasting is not None and each.lasting.seconds is None:
            yield each.id, (each.lasting.times, each.lasting.within)


def _incomparable(inventory: Inventory, settings: Gate, known: Baseline) -> Iterator[tuple[str, str]]:
    """Yield why values can't be compared with those of a baseline, by result id, "" for all."""
    text, suite = inventory.redactor.text, inventory.gate_suite
    name = text(inventory.name)
    if (known.inventory, known.suite) != (name, suite):
        raise GateError(
            f"the baseline is of {known.inventory}, suite {known.suite}, and this is {name}, suite {suite}; "
            "record one here before the deploy: opscheck gate before"
        )
    age_s = (inventory.now() - known.recorded).total_seconds()
    if age_s > settings.max_age:
        yield "", f"the baseline is {age_s / 3600:.1f} h old, and may be {settings.max_age / 3600:g} h (max_age)"
    elif known.vantage != here():
        yield "", f"the baseline was recorded on {known.vantage}, and this is {here()}; on like runners set {VARIABLE}"
    for result_id, expected in expected_of(inventory, suite).items():
        if result_id in known.expected and known.expected[result_id] != text(expected):
            yield result_id, "what is expected, or how it is measured, has changed since the baseline"


def doubtful_limits(inventory: Inventory) -> Iterator[str]:
    """Yield which limits of a gate seldom say what is meant by them."""
    yield from _slow_creep(inventory)
    yield from _too_close(inventory)


def _too_close(inventory: Inventory) -> Iterator[str]:
    """Yield which times are compared more closely than one moment is like another."""
    for each in inventory.expectations:
        relative = [rung.limit for ladder in (each.limits.ladders if each.limits else ()) for rung in ladder.relative]
        close = next((limit for limit in relative if _is_close(limit)), None)
        if close is not None and REQUESTS in each.params and each.check.name != "errors":
            yield (
                f"{each.id}: '{close}' is mostly undecided, for one moment differs from another by that much; "
                f"use '+ {_CLOSE_PERCENT}%' or more, or compare two sides at once: opscheck gate compare"
            )


def _is_close(limit: RelativeLimit) -> bool:
    return (limit.is_ratio or not limit.margin) and limit.margin < _CLOSE_PERCENT


def _slow_creep(inventory: Inventory) -> Iterator[str]:
    """Yield which limits let a value creep: a fifth more with each deploy is twice as much after four."""
    for each in inventory.expectations:
        ladders = each.limits.ladders if each.limits is not None else ()
        if any(ladder.relative and not ladder.rungs for ladder in ladders):
            yield f"{each.id}: all its limits are relative, so it may creep from deploy to deploy; add an absolute one"
