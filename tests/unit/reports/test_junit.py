from __future__ import annotations

from pytest_opscheck.reports.junit import properties

from .values import blocked, measurement, result, unknown


def test_properties_are_our_fields_without_the_empty_ones() -> None:
    assert properties(result(runbook=None)) == [
        ("opscheck.id", "host.disk@prod"),
        ("opscheck.title", "Every mounted filesystem has room"),
        ("opscheck.verdict", "breach"),
        ("opscheck.severity", "P1"),
        ("opscheck.target", "prod"),
        ("opscheck.subject", "/var"),
        ("opscheck.observed", "95 %"),
        ("opscheck.expected", "< 90 %"),
        ("opscheck.action", "Find what grew"),
    ]


def test_what_could_not_be_judged_says_why() -> None:
    no_answer = measurement(breached=None, observed="", problem="no answer")
    assert dict(properties(unknown(measurements=(no_answer,))))["opscheck.observed"] == "no answer"
    assert dict(properties(unknown()))["opscheck.observed"] == "unknown: no answer"
    assert dict(properties(blocked()))["opscheck.blocked_by"] == "host.reachable@prod"
