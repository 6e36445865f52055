"""`opscheck gate before`: looks at all of a suite, then again and again at what the deploy is compared by."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..core.look import Look
from ..core.results import INTERRUPTED
from ..core.vantage import here
from .baseline import Baseline, GateError, expected_of
from .looking import Looker
from .version import answering

REQUESTS = 100
"""In each window, so that ten of them are a thousand."""


def record(looker: Looker, windows: int, every_s: float, deploy: str | None, tell: Callable[[str], None]) -> Baseline:
    """Return a baseline. Raises GateError for one that would say too little, and StoppedError."""
    inventory, params = looker.inventory, looker.with_requests(REQUESTS)
    version = _version(looker)
    whole = looker.look(Look(params=params))
    if whole.narrowed or whole.exit_status == INTERRUPTED:
        raise GateError("not all checks of the suite ran, so this is no baseline; see what left them out")
    looks = [whole]
    compared = looker.compared
    for number in range(2, windows + 1) if compared else ():
        tell(f"window {number} of {windows}")
        time.sleep(every_s)
        looks.append(looker.look(Look(only=compared, params=params)))
    return Baseline(
        inventory=inventory.redactor.text(inventory.name),
        suite=looker.suite,
        vantage=here(),
        recorded=inventory.now(),
        looks=tuple(looks),
        expected={
            name: inventory.redactor.text(expected) for name, expected in expected_of(inventory, looker.suite).items()
        },
        deploy=deploy,
        version=inventory.redactor.text(version) if version else None,
    )


def _version(looker: Looker) -> str | None:
    gate = looker.inventory.gate
    if gate is None or gate.version is None:
        return None
    seen = answering(looker.inventory, gate.version)
    if len(seen) > 1:
        counts = ", ".join(f"{count} x {name}" for name, count in seen.items())
        raise GateError(f"more than one version answers before the deploy ({counts}); wait until the last one is over")
    return next(iter(seen))
