from pytest_opscheck import NEEDED, check, http
from pytest_opscheck.probes.http import HeaderLimits
from pytest_opscheck.probes.http._json import JsonLimits


@check(
    http.reachable,
    limit="== HTTP",
    severity="P0",
    suites=("*",),
    action="Ask by hand where the check runs: curl -v {target}",
)
def test_reachable(reachable, expect):
    """The address answers over HTTP.

    Any status is an answer, and so is one that breaks off after its first line or redirects to where nothing answers:
    the other checks say what is wrong. With an untrusted certificate there is no answer, unless `verify` allows it.

    Needs: a connection to the server from where the check runs, through the proxy in HTTPS_PROXY if it is set.

    Example:
        [http.api]
        url = "https://api.example.com/health"
    """
    expect(reachable.target)


@check(
    http.response,
    limit="== 200",
    severity="P1",
    suites=("smoke", "deploy_gate", "daily"),
    units=("", "text"),
    least="100",
    most="999",
    action="See what the application's log says of this request",
)
def test_status(response, expect):
    """The address answers with the expected status.

    After redirects that keep to the page: to TLS, with or without `www.` or the last slash, to `index.html`, to a
    language (`/` to `/en/`). One that leads to another page, host or port, such as a login page, is not a 200 of the
    page that was asked for: its own status is judged, and the message says where it leads; if that is the page you
    mean, write its address, or follow_redirects = true if any page will do. If it leads to an error, that is judged. A
    login page with status 200 at the same address, or one that scripts lead to, can only be recognized by `body`. With
    follow_redirects = false the first answer is judged, whatever it is.

    `paths` are requested instead, on the same server with the same headers, each as a separate measurement; so "every
    endpoint answers" is one expectation. `< 500` accepts any answer that is not a server error, `~ ^2` every success,
    and `== 401` expects that a request without a token is rejected.

    Needs: a server that accepts GET requests from where the check runs, with a token in `headers` if it requires one.

    Example:
        [http.api]
        url = "https://api.example.com/health"
        [http.api.expect]
        status = { limit = "== 200", paths = ["/", "/login"] }
    """
    for answer in response:
        expect(answer.status, subject=answer.subject, why=answer.why, note=answer.note)


@check(
    http.header_fields,
    severity="P2",
    suites=("daily",),
    units=("*",),
    takes="headers",
    asks={"names": lambda headers: (*headers,)},
    action="See them by hand: curl -sI {target}",
)
def test_headers(header_fields, expect, *, headers: HeaderLimits = NEEDED):
    """The answer has the expected headers.

    Each with its limit, in the answer after redirects, whatever its status; for a redirect to another page, which
    `status` reports, in the redirect itself. A missing header breaks every limit except `== missing`, even `!=`.
    Several headers of one name are joined by commas, and judged together. The values of cookies and tokens are
    compared, and never shown.

    Needs: a server that accepts GET requests from where the check runs, with a token in `headers` if it requires one.

    Example:
        [http.api]
        url = "https://api.example.com/health"
        [http.api.expect]
        headers = { strict-transport-security = "~ max-age=[0-9]{8}", x-powered-by = "== missing" }
    """
    for header in header_fields:
        ladder, subject = headers[header.name], f"header {header.name}"
        if header.value is not None:
            expect(header.value, subject=subject, limit=ladder, secret=header.secret)
        elif any(str(rung.limit) == "== missing" for rung in ladder.rungs):
            expect("missing", subject=subject, limit=ladder)
        else:  # which is neither another value nor a text that matches
            expect("missing", subject=subject, limit="== present", severity=ladder.worst)


@check(
    http.body,
    severity="P1",
    suites=("smoke", "deploy_gate", "daily"),
    units=("text",),
    action="Read the page by hand: curl -sL {target}",
)
def test_body(body, expect):
    """The answer's text is as expected.

    The whole text of the answer, up to 10 MB, in the encoding that it declares, without surrounding white space; an
    empty one is unknown, and so is a redirect to another page. `~` must match somewhere, and `.` does not match a line
    break. The text is never shown.

    Needs: a server that accepts GET requests from where the check runs, with a token in `headers` if it requires one.

    Example:
        [http.api]
        url = "https://api.example.com/health"
        [http.api.expect]
        body = "~ Welcome"
    """
    expect(body.text, subject="body", observed=body.described, secret=True, why=None if body.text else "it is empty")


@check(
    http.json,
    severity="P1",
    suites=("smoke", "deploy_gate", "daily"),
    units=("*",),
    takes="paths",
    asks={"paths": lambda paths: (*paths,)},
    action="Read the whole document: curl -s {target} | python3 -m json.tool",
)
def test_json(json, expect, *, paths: JsonLimits = NEEDED):
    """The JSON document says what is expected.

    JMESPath expressions, each with its limit. A projection such as services.* judges each of its values; one without
    any, and a value that is missing or null, is unknown. So is the document of another page that a redirect leads to. A
    list is judged by limits over sets: `tags = "contains {a, b}"`.

    Needs: a server that accepts GET requests from where the check runs, with a token in `headers` if it requires one.

    Example:
        [http.api]
        url = "https://api.example.com/health"
        [http.api.expect]
        json = { status = "== healthy", "services.*" = "== healthy", "length(alerts)" = "== 0" }
    """
    for found in json:
        ladder = paths[found.path]
        value = found.fitting(ladder)
        expect(value.value, subject=value.subject, limit=ladder, why=value.why)


@check(
    http.latency,
    suites=("smoke", "daily"),
    units=("s",),
    action="Ask a few times by hand, then see what the server is busy with",
)
def test_latency(latency, expect):
    """The address answers fast enough.

    The time of one request, from sending it to the last byte, over a connection that an earlier request opened: DNS and
    handshakes are not part of the application's time (gatus, issue 49). Redirects count, up to another page: if one
    leads there, `status` reports it, and the time is unknown.

    Needs: a server that accepts GET requests from where the check runs, with a token in `headers` if it requires one.

    Example:
        [http.api]
        url = "https://api.example.com/health"
        [http.api.expect]
        latency = { P2 = "< 100ms" }
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

    The 95th percentile, by nearest rank, of 20 consecutive requests (`requests` sets another number, at least 10): the
    second slowest of 20, and of fewer than 20 the slowest. A request that fails makes it unknown; in `opscheck gate` it
    counts as an error, and the others are still compared.

    Needs: a server that accepts GET requests from where the check runs, with a token in `headers` if it requires one.

    Example:
        [http.api]
        url = "https://api.example.com/health"
        [http.api.expect]
        p95 = { P3 = "< 500ms", P1 = "< 1s", requests = 20 }
    """
    share = (len(timings.failed), timings.asked)
    subject = f"p95 of {len(timings.ms)} requests"
    expect(timings.p95, "ms", subject=subject, samples=timings.us, share=share)
    if timings.failed:
        expect(None, "%", subject="failed requests", limit="== 0%", share=share, why=timings.failed[0])


@check(
    http.timings,
    suites=("deploy_gate", "daily"),
    units=("%", ""),
    most="100%",
    action="See what is answered instead: the application's log, and that of the proxy in front of it",
)
def test_errors(timings, expect):
    """Few requests fail, or none.

    Of 20 consecutive requests (`requests` sets another number, at least 10), the same as those of `p95`, those without
    an answer, with a status from 500 on, 429, one of another class than the first (404 after 200), or a redirect to
    another page. Where the first three fail, it is `status` that says so.

    Needs: a server that accepts GET requests from where the check runs, with a token in `headers` if it requires one.

    Example:
        [http.api]
        url = "https://api.example.com/health"
        [http.api.expect]
        errors = { P1 = "< 5%", requests = 100 }
    """
    failed, share = len(timings.failed), (len(timings.failed), timings.asked)
    note = timings.failed[0] if timings.failed else None
    subject = f"error rate of {timings.asked} requests"
    expect(timings.failed_percent, "%", subject=subject, also={"": failed}, share=share, note=note)


@check(
    http.flow,
    limit="< 30s",
    severity="P1",
    units=("s",),
    family=True,
    action="Go the same way by hand, up to the step that is named",
)
def test_flow(flow, expect):
    """A flow of requests goes through.

    Consecutive steps in one session: cookies are sent with later steps, and a captured value is used in later steps as
    {name}, in `path`, `headers` and `send`. A step has a `name`, a `path` on the target's server, and `method` (GET),
    `headers` beside the target's, `send = { json = ... }` or `{ form = ... }`. Of its answer, after redirects as
    `status` follows them (what is sent may also lead to another page of the same server), it expects `status` (== 200),
    `time` (from sending to the last byte), `body` and `json` as the checks of these names do. `capture` names values:
    `{ token = "access_token" }` a JMESPath, `{ order = "header.location" }` a header, `{ csrf = "cookie.csrftoken" }` a
    cookie.

    The first step that is not as expected ends the flow, and later ones are reported as not reached. `expect` is for
    the time of the whole flow. No step is repeated. What is sent or captured is never shown, nor is the text of an
    answer.

    Other methods than GET, HEAD and OPTIONS need `synthetic = true`: you confirm that the flow is a transaction of a
    dedicated test account, whose orders, mails and rows don't matter, each time that the suite runs.

    Needs: a dedicated account on the server, if a step changes something.

    Example:
        [http.shop]
        url = "https://shop.example.com/"
        [http.shop.flow.sign_in]
        synthetic = true
        expect = "< 10s"
        [[http.shop.flow.sign_in.steps]]
        name = "sign in"
        method = "POST"
        path = "/api/sign-in"
        send = { json = { user = "checks", password = "${SHOP_PASSWORD:-secret}" } }
        capture = { token = "access_token" }
        [[http.shop.flow.sign_in.steps]]
        name = "who am I"
        path = "/api/me"
        headers = { authorization = "Bearer {token}" }
        json = { user = "== checks" }
    """
    for each in flow.measured:
        expect(
            each.value,
            each.unit,
            subject=each.subject,
            limit=each.ladder,
            why=each.why,
            observed=each.observed,
            secret=each.secret,
        )
    if flow.seconds is not None:
        expect(flow.seconds, "s", subject="the whole flow")
