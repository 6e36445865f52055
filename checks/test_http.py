from pytest_opscheck import check, http


@check(
    http.reachable,
    limit="== HTTP",
    severity="P0",
    suites=("*",),
    action="Ask by hand where the check runs: curl -v {target}",
)
def test_reachable(reachable, expect):
    """The address answers over HTTP.

    Any status is an answer; a certificate that is not trusted is none, unless verify says otherwise.
    """
    expect(reachable.target)


@check(
    http.response,
    limit="== 200",
    severity="P1",
    suites=("smoke", "deploy_gate", "daily"),
    units=("",),
    action="See what the application's log says of this request",
)
def test_status(response, expect):
    """The address answers with the expected status.

    After redirects, unless follow_redirects is false.
    """
    expect(response.status, subject=f"status of {response.url}" if response.redirected else "status")


@check(
    http.json,
    severity="P1",
    suites=("smoke", "deploy_gate", "daily"),
    units=("*",),
    takes="paths",
    action="Read the whole document: curl -s {target} | python3 -m json.tool",
)
def test_json(json, expect):
    """The JSON document says what is expected.

    JMESPath expressions, each with its limit. A projection such as services.* judges each of its values; one without
    any, and a value that is missing or null, is unknown.
    """
    for value in json:
        expect(value.value, subject=value.subject, limit=value.ladder, why=value.why)


@check(
    http.latency,
    suites=("smoke", "daily"),
    units=("s",),
    action="Ask a few times by hand, then see what the server is busy with",
)
def test_latency(latency, expect):
    """The address answers fast enough.

    The time of one request, from sending it to the last byte, over a connection that the request before it has opened.
    """
    expect(latency.ms[0], "ms", subject="latency")


@check(
    http.timings,
    suites=("deploy_gate", "daily"),
    units=("s",),
    action="See what the server is busy with: its load, its database, its log of slow requests",
)
def test_p95(timings, expect):
    """The address answers nearly every request fast enough.

    The 95th percentile, by nearest rank, of 20 requests one after the other (`requests` says another number, from 10):
    the second slowest of 20, and of fewer than 20 the slowest. A request that fails makes it unknown.
    """
    expect(timings.p95, "ms", subject=f"p95 of {len(timings.ms)} requests")
