"""What is told: as text for people, and as data for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.humanize import counted
from ..core.results import Result, Run
from ..core.visible import in_line, plain
from ..reports.phrases import change, duty, short, word
from .alerts import Alert, Event

SCHEMA = "opscheck.alert/1"
_LONGEST = 600
_MOST = 20
"""So many results one message names; the reports have all of them."""


def title(alerts: Sequence[Alert], run: Run) -> str:
    """Return a message's subject: `P1 breach: host.disk@prod (shop)`."""
    if len(alerts) == 1:
        return plain(f"{_head(alerts[0])} ({run.inventory})")
    recovered = sum(alert.event is Event.RECOVERED for alert in alerts)
    worst = min((a.result.severity or "P0" for a in alerts if a.event is not Event.RECOVERED), default=None)
    parts = [f"{worst}: {len(alerts) - recovered} not ok"] if worst else []
    parts += [f"{recovered} recovered"] if recovered else []
    return plain(f"{', '.join(parts)} ({run.inventory})")


def body(alerts: Sequence[Alert], run: Run) -> str:
    """Return a message's text, in lines."""
    if len(alerts) == 1:
        lines = _told(alerts[0].result, run)
    else:
        lines = [_briefly(alert) for alert in alerts[:_MOST]]
        lines += [f"and {counted(len(alerts) - _MOST, 'result')} more"] if len(alerts) > _MOST else []
    when = f"{run.started:%Y-%m-%d %H:%M:%S %Z}".strip()
    return "\n".join(map(in_line, [*lines, f"{run.suite or 'checks'} at {when}, seen from {run.vantage}"]))


def _head(alert: Alert) -> str:
    result = alert.result
    name = plain(result.id)
    if alert.event is Event.RECOVERED:
        return f"recovered: {name}"
    changes = {Event.WORSE: f", it was {alert.was}", Event.MILDER: f", it was {alert.was}", Event.AGAIN: ", still"}
    return f"{result.severity or ''} {word(result).lower()}: {name}{changes.get(alert.event, '')}".lstrip()


def _briefly(alert: Alert) -> str:
    duties = duty(alert.result)
    return f"{_head(alert)}: {short(plain(alert.result.message), 200)}" + (f" ({duties})" if duties else "")


def _told(result: Result, run: Run) -> list[str]:
    lines = [short(plain(result.message), _LONGEST)]
    lines += [f"since: {since}"] if (since := change(result, run.started)) else []
    lines += [f"owner: {duties}"] if (duties := duty(result)) else []
    lines += [f"next: {plain(result.action)}"] if result.action else []
    lines += [f"runbook: {plain(result.runbook)}"] if result.runbook else []
    return lines


def document(alert: Alert, run: Run) -> dict[str, Any]:
    """Return an alert as data: why it is told, of which run, and the result as the results file has it."""
    head = run.to_json()["run"]
    names = ("id", "suite", "inventory", "started", "vantage")
    document = {
        "schema": SCHEMA,
        "event": str(alert.event),
        "was": alert.was,
        "run": {name: head[name] for name in names},
    }
    return {**document, "result": alert.result.to_json()}
