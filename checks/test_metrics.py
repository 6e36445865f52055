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

    It answers 200 with one of Prometheus's two text formats, whatever the content type, up to 64 MB. A web page, a page
    without a sample, and one that was cut off do not count: the last line must end with a line feed, or with `# EOF` in
    OpenMetrics, because `requests_total 12` may be the start of 1234. Neither does one that a cache has kept for more
    than 5 min. The text format is requested; OpenMetrics is accepted from a server that has nothing else.

    Needs: access: credentials in the url, or in `headers`.

    Example:
        [metrics.api]
        url = "http://localhost:8000/metrics"
    """
    expect(reachable.target)


@check(
    metrics.present,
    limit="== present",
    takes="names",
    action="Check whether the exporter, or the part of the application that counts this, is switched on",
)
def test_present(present, expect):
    """Every named metric is exposed.

    With at least one sample: a metric that is only described counts as missing, and so does one whose samples are all
    stamped with a time more than 5 min ago, or in the future.

    Needs: nothing beyond `reachable`.

    Example:
        [metrics.api]
        url = "http://localhost:8000/metrics"
        expect = { present = ["api_requests_total", "scoring_duration_seconds"] }
    """
    for metric in present:
        expect(metric.state, subject=metric.name)


@check(
    metrics.value,
    units=("", "%", "s", "B", "rate", "text"),
    least=None,
    family=True,
    action="Look at the metric's history, and at what it counts",
)
def test_value(value, expect):
    """A metric has the expected value.

    The value of the one series that `labels` select, or with `each = true` of every one. With `sample = "10s"` it is
    the increase of the series between two samples that far apart; a rate (`> 1/s`) needs that. No series, several
    without `each`, NaN, a sample whose time stamp is more than 5 min old or in the future, one series with two values,
    and a counter that went back, or that another process has counted by its process_start_time_seconds, are unknown.

    Needs: nothing beyond `reachable`. With several processes behind one address, each sample may reach a different one:
    query one of them directly, or Prometheus.

    Example:
        [metrics.api]
        url = "http://localhost:8000/metrics"
        [metrics.api.value.errors]
        metric = "errors_total"
        each = true
        expect = { P2 = "< 10" }
        [metrics.api.value.volume]
        metric = "api_requests_total"
        labels = { method = "~ GET|HEAD", status = "200" }
        sample = "10s"
        expect = [{ during = "22:00-06:00", P3 = ">= 0/s" }, { P3 = "> 1/s" }]
    """
    for one in value:
        expect(one.value, one.unit, subject=one.subject, why=one.why)


@check(metrics.ratio, units=("%",), family=True, action="See which requests fail, in the application's log")
def test_ratio(ratio, expect):
    """A counter's share is as expected: of the requests, those that fail.

    The sum of the series of `metric` with `labels`, of all series of the same metric, or of those of `of` with
    `of_labels`. With `sample = "10s"` the increase between two samples that far apart; without it the total since the
    process started, which after weeks says little about today. Nothing counted at all is unknown, and so is a share of
    an impossible counter: infinity, NaN, less than 0. A label value that never occurred counts as 0; a label that no
    series has is unknown, because it may be misspelt.

    Needs: nothing beyond `reachable`; with several processes behind one address, see `value`.

    Example:
        [metrics.api]
        url = "http://localhost:8000/metrics"
        [metrics.api.ratio.errors]
        metric = "http_requests_total"
        labels = { status = "~ 5.." }
        sample = "10s"
        expect = { P3 = "< 1%", P1 = "< 5%" }
        [metrics.api.ratio.scoring_failures]
        metric = "scoring_failures_total"
        of = "scoring_requests_total"
        expect = "< 2%"
    """
    expect(ratio.value, ratio.unit, subject=ratio.subject, why=ratio.why)


@check(
    metrics.p95,
    units=("", "%", "s", "B", "rate", "text"),
    least=None,
    family=True,
    action="See what is slow: the application's traces, or its slow queries",
)
def test_p95(p95, expect):
    """95 of 100 observations of a histogram are within the limit.

    The buckets of all series with `labels` are added up, and the quantile is interpolated within its bucket, as
    histogram_quantile of Prometheus does: it is as exact as the buckets are narrow. Beyond the last bucket Prometheus
    says that bucket's bound, and a limit above it would always hold; here it is infinite. With `sample = "10s"` what
    was observed between two samples that far apart; without it since the process started. Nothing observed is unknown,
    and so are buckets that decrease, that have different bounds from series to series, or of which there is only +Inf.

    Needs: nothing beyond `reachable`; with several processes behind one address, see `value`.

    Example:
        [metrics.api]
        url = "http://localhost:8000/metrics"
        [metrics.api.p95.scoring]
        metric = "scoring_duration_seconds"
        labels = { model = "large" }
        sample = "30s"
        expect = { P3 = "< 500ms", P1 = "< 1s" }
    """
    expect(p95.value, p95.unit, subject=p95.subject, why=p95.why)
