"""Which alerts of a rule fire, as Prometheus's API tells of rules and of their alerts."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from pytest_opscheck.probes.prometheus._rules import Alert, AlertingRule, _rule, alerts_of

NOW = dt.datetime(2026, 11, 28, 2, 0, tzinfo=dt.UTC)
GROUP = {"interval": 60, "lastEvaluation": NOW.isoformat()}


def alert(state: str = "firing", **labels: str) -> dict[str, Any]:
    return {
        "labels": {"alertname": "Down", "severity": "page", **labels},
        "state": state,
        "activeAt": "2026-11-28T01:30:00.5Z",
    }


def rule(*alerts: dict[str, Any], **said: Any) -> AlertingRule:
    state = "firing" if alerts else "inactive"
    text = {"name": "Down", "type": "alerting", "health": "ok", "state": state, "alerts": list(alerts), **said}
    return _rule(text, GROUP, NOW.timestamp())


def found(one: AlertingRule, **labels: str) -> list[Alert]:
    return list(alerts_of(one, labels))


def test_each_alert_that_fires_is_told_by_what_people_know_it_by() -> None:
    one = rule(alert(instance="db:9100", job="node", zone="a"), alert(instance="web:9100", job="node"))
    assert [each.subject for each in found(one)] == [
        "Down (job=node, instance=db:9100, zone=a, since 2026-11-28 01:30 UTC)",
        "Down (job=node, instance=web:9100, since 2026-11-28 01:30 UTC)",
    ]
    assert [each.subject for each in found(one, zone="a")] == [found(one)[0].subject]
    assert [each.state for each in found(one, zone="b")] == ["not firing"]


def test_a_pending_alert_does_not_fire() -> None:
    assert found(rule(alert("pending"), state="pending")) == [Alert("Down", "not firing")]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"health": "unknown"}, "it has not been evaluated yet"),
        ({"health": "err", "lastError": "many-to-many matching\nmore"}, "many-to-many matching"),
        ({"lastEvaluation": (NOW - dt.timedelta(hours=1)).isoformat()}, "its last evaluation is "),
    ],
)
def test_a_rule_that_tells_nothing_is_not_quiet(said: dict[str, str], why: str) -> None:
    [one] = found(rule(**said))
    assert one.state is None
    assert one.why is not None
    assert one.why.startswith(f"the rule tells nothing: {why}")


def test_one_that_fires_without_a_list_of_its_alerts() -> None:
    """As Thanos and others shorten the answer: with a label that comes from a series, nobody can tell."""
    one = rule(state="firing", labels={"severity": "page"})
    assert [(each.subject, each.state) for each in found(one)] == [("Down (its alerts are not listed)", "firing")]
    [open_] = found(one, instance="db")
    assert open_.state is None
    assert found(one, severity="ticket") == [Alert("Down", "not firing")]
