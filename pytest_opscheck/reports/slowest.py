"""Which targets a run has waited for longest."""

from __future__ import annotations

from collections.abc import Iterable

from ..core.results import Result

_MOST = 5
_LEAST_S = 0.1
"""What is faster holds nobody up."""


def slowest(results: Iterable[Result]) -> list[str]:
    """Return the slowest targets, by the reading of each that took longest: `host.prod 3.1 s (disk)`."""
    found: dict[str, tuple[float, str]] = {}
    for result in results:
        kind, _, check = result.check.partition(".")
        took = (result.duration_s, check or kind)
        if result.target != "-":
            found[f"{kind}.{result.target}"] = max(took, found.get(f"{kind}.{result.target}", took))
    slow = sorted(((took, name) for name, took in found.items() if took[0] >= _LEAST_S), reverse=True)
    return [f"{name} {seconds:.1f} s ({check})" for (seconds, check), name in slow[:_MOST]]
