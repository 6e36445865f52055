"""A decision of a gate, as the tests of what tells it need it."""

from __future__ import annotations

from typing import Any

from pytest_opscheck.core.results import Result, Verdict
from pytest_opscheck.gate.decision import Decision
from pytest_opscheck.gate.finding import Finding, Sort
from pytest_opscheck.gate.values import Answer
from pytest_opscheck.reports.gated import Gated

from . import values


def finding(sort: Sort = Sort.BROKE, name: str = "host.disk@prod", **more: Any) -> Finding:
    """Return what rolls back, or what the fields say."""
    counts = sort in (Sort.BROKE, Sort.WORSE, Sort.FLAPPING)
    fields: dict[str, Any] = {"severity": "P1", "message": "/var is at 95 %, expected < 90 %", "rolls_back": counts}
    return Finding(name, sort, **fields | more)


def kept(*found: Finding, results: tuple[Result, ...] = (), **more: Any) -> dict[str, Any]:
    """Return what a gate keeps of a decision that follows from what was found."""
    answer = Answer.GO
    if any(each.rolls_back or each.leaves_undecided for each in found):
        answer = Answer.ROLL_BACK if any(each.rolls_back for each in found) else Answer.UNDECIDED
    why = f"{found[0].id}: {found[0].message}" if answer is not Answer.GO else "5 checks judged, nothing new is broken"
    decision = Decision(answer, why, found, judged=5)
    about = {"inventory": "shop", "suite": "deploy_gate", "who": "deploy@ci", "at": "2026-11-28T08:00:00+00:00"}
    seen = [values.run(*results, suite="deploy_gate").to_json()]
    versions = {"version": "1.5", "version_before": "1.4"}
    return {**about, **versions, "took_s": 12.3, **decision.to_json(), "after": seen, **more}


def gated(*found: Finding, results: tuple[Result, ...] = (), **more: Any) -> Gated:
    """Return that decision."""
    return Gated.of(kept(*found, results=results, **more))


def well(name: str, verdict: Verdict = Verdict.OK, **more: Any) -> Result:
    """Return a result by its id."""
    check, _, target = name.partition("@")
    return values.ok(id=name, check=check, target=target, verdict=verdict, **more)
