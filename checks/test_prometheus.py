from pytest_opscheck import check, prometheus


@check(
    prometheus.reachable,
    limit="== query",
    severity="P1",
    suites=("*",),
    action="Check whether Prometheus runs and what its log says: while it is down nobody is alerted",
)
def test_reachable(reachable, expect):
    """Prometheus answers a query.

    `/api/v1/query` gives the value of `1`; servers of the same API (Thanos, Mimir, VictoriaMetrics) do too. Here and in
    all other checks, an answer with warnings or isPartial is incomplete and therefore unknown, and so is one that a
    cache has kept for more than 5 min. Infos don't matter: they say that a query could be written better.

    Needs: access: credentials in the url, or in `headers`.

    Example:
        [prometheus.main]
        url = "http://localhost:9090"
    """
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
    whose evaluation fails, or whose last one is older than 5 min and three intervals, by Prometheus' own clock; rules
    of which none fires are ok (check_prometheus, issue 65). `labels` select alerts; if no rule has such a label, nor
    any series that it might come from, that is unknown, because it may be misspelt. Alertmanager silences are not
    considered: name in `ignore` what is meant to fire.

    Needs: nothing beyond `reachable`.

    Example:
        [prometheus.main]
        url = "http://localhost:9090"
        expect = { alerts = { severity = "P1", labels = { severity = "critical" }, ignore = ["BackupRunning"] } }
    """
    for alert in alerts:
        expect(alert.state, subject=alert.subject, why=alert.why)


@check(
    prometheus.rules,
    limit="== loaded",
    takes="names",
    suites=("weekly",),
    action="See rule_files in prometheus.yml, the Rules page, and: promtool check rules FILE",
)
def test_rules(rules, expect):
    """Every named alerting rule is loaded, and can be evaluated.

    By the rule's name, in any group. A rule whose last evaluation failed (health err) is a breach, with Prometheus' own
    words; one that has not been evaluated since Prometheus started, or not for 5 min and three intervals, is unknown.
    Recording rules are not considered.

    Needs: nothing beyond `reachable`.

    Example:
        [prometheus.main]
        url = "http://localhost:9090"
        expect = { rules = ["APIDown", "HighErrorRate", "DiskSpaceCritical"] }
    """
    for rule in rules:
        expect(rule.state, subject=rule.name, why=rule.why)


@check(
    prometheus.targets_up,
    limit="== up",
    takes="jobs",
    action="See the Targets page of Prometheus, and whether the exporter there runs",
)
def test_targets_up(targets_up, expect):
    """Prometheus reaches all that it scrapes.

    The health of the last scrape of each active target of `jobs`: names, or patterns; `*` is every job. Targets that
    service discovery has dropped are not included, so a configured job without any target is unknown, and so is a
    target that has not been scraped yet, or not for 5 min and three intervals.

    Needs: nothing beyond `reachable`; Thanos and Mimir have no targets of their own.

    Example:
        [prometheus.main]
        url = "http://localhost:9090"
        expect = { targets_up = ["api", "node"] }
    """
    for target in targets_up:
        about = f" [{target.error}]" if target.error else ""
        expect(target.health, subject=f"{target.subject}{about}", why=target.why)


@check(
    prometheus.query,
    units=("", "%", "s", "B", "rate", "text"),
    least=None,
    family=True,
    action="Look at the query's graph in Prometheus: {asked}",
)
def test_query(query, expect):
    """A user-defined query gives what is expected.

    PromQL, at this moment; every sample of its answer is judged. No sample, one that is NaN (a share of nothing), and
    one of more than 5 min ago are unknown (argo-rollouts, issue 180); so a sum of something that never happened, such
    as 5xx, needs `or vector(0)`. A value over a week is a range in the query, as below.

    Needs: nothing beyond `reachable`.

    Example:
        [prometheus.main]
        url = "http://localhost:9090"
        [prometheus.main.query.errors]           # the share of answers with 5xx, by their rate in 5 minutes
        query = '(sum(rate(requests_total{status=~"5.."}[5m])) or vector(0)) / sum(rate(requests_total[5m]))'
        unit = "ratio"
        expect = "< 5%"
        [prometheus.main.query.p95_of_the_week]  # of a histogram, over 7 days
        query = "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[7d])))"
        unit = "s"
        expect = "< 50ms"
        suites = ["weekly"]
        [prometheus.main.query.in_progress]      # the mean of a gauge; of an expression: avg_over_time((...)[7d:5m])
        query = "avg_over_time(sum(http_requests_in_progress)[7d:5m])"
        expect = "<= 100"
        suites = ["weekly"]
    """
    for sample in query:
        expect(sample.value, sample.unit, subject=sample.subject, why=sample.why)
