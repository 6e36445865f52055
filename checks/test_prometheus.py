from pytest_opscheck import check, prometheus


@check(
    prometheus.reachable,
    limit="== query",
    severity="P1",
    suites=("*",),
    action="See whether Prometheus runs and what its log says: while it is down nobody is alerted",
)
def test_reachable(reachable, expect):
    """Prometheus answers a query."""
    expect(reachable.target)


@check(
    prometheus.alerts,
    limit="== not firing",
    suites=("smoke", "daily"),
    action="See the alert's annotations, on the Alerts page of Prometheus",
)
def test_alerts(alerts, expect):
    """No alert is firing.

    Pending alerts do not count, nor do those that fire by design. No alerting rule at all is unknown, and so is a rule
    whose evaluation fails. Silences of an Alertmanager are not looked at: name in `ignore` what is meant to fire.
    """
    for alert in alerts:
        expect(alert.state, subject=alert.subject, why=alert.why)


@check(prometheus.query, units=("*",), family=True, action="Look at the query's graph in Prometheus")
def test_query(query, expect):
    """A query of one's own gives what is expected.

    Every sample is judged. No sample, and one that is NaN, is unknown.
    """
    for sample in query:
        expect(sample.value, sample.unit, subject=sample.subject, why=sample.why)
