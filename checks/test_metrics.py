from pytest_opscheck import check, metrics


@check(
    metrics.reachable,
    limit="== metrics",
    severity="P1",
    suites=("*",),
    action="Ask by hand where the check runs: curl -v {target}",
)
def test_reachable(reachable, expect):
    """The page of metrics can be read.

    It answers 200 with text that one of Prometheus's two formats allows.
    """
    expect(reachable.target)


@check(
    metrics.present,
    limit="== present",
    takes="names",
    action="See whether the exporter, or the part of the application that counts this, is switched on",
)
def test_present(present, expect):
    """Every named metric is exposed.

    With at least one sample: a metric that is only described counts as missing.
    """
    for metric in present:
        expect(metric.state, subject=metric.name)


@check(metrics.value, units=("*",), family=True, action="Look at the metric's history, and at what it counts")
def test_value(value, expect):
    """A metric has the expected value.

    No series, several without `each`, NaN, and a sample with an old time stamp are unknown.
    """
    for one in value:
        expect(one.value, one.unit, subject=one.subject, why=one.why)
