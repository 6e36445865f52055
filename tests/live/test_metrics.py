"""Metrics pages of real programs, and of a small server: each check red by its fault, and green again."""

from __future__ import annotations

import contextlib
import gzip
import threading
import time
from collections.abc import Iterable, Iterator

import prometheus_client
import pytest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics

from .conftest import Run
from .processes import free_port
from .web import Handler, Reply, Site, site


@pytest.fixture
def server() -> Iterator[Site]:
    with site() as running:
        yield running


class App:
    """The metrics of an application, as the client library writes them."""

    def __init__(self) -> None:
        self.registry = prometheus_client.CollectorRegistry()
        self.errors = prometheus_client.Counter("errors", "Errors", ["kind"], registry=self.registry)
        self.jobs = prometheus_client.Gauge("jobs", "Jobs", registry=self.registry)
        self.duration = prometheus_client.Histogram("duration_seconds", "Duration", registry=self.registry)
        self.never = prometheus_client.Counter("never", "Never counted", ["why"], registry=self.registry)

    def serve(self, server: Site) -> None:
        """Serve both formats, each with its content type."""
        server.page(
            "/metrics",
            prometheus_client.generate_latest(self.registry).decode(),
            content_type="text/plain; version=0.0.4",
        )
        server.page(
            "/open", openmetrics(self.registry).decode(), content_type="application/openmetrics-text; version=1.0.0"
        )


def test_present_and_values_red_and_green_in_both_formats(run: Run, server: Site) -> None:
    inventory = "".join(
        f"""
[metrics.{name}]
url = "{server.url}/{path}"
[metrics.{name}.expect]
present = ["errors", "errors_total", "jobs", "duration_seconds", "duration_seconds_count"]
[metrics.{name}.value.errors]
metric = "errors_total"
each = true
expect = {{ P2 = "< 10" }}
[metrics.{name}.value.payment]
metric = "errors"
labels = {{ kind = "payment" }}
expect = {{ P1 = "< 2" }}
[metrics.{name}.value.jobs]
metric = "jobs"
expect = "< 10"
[metrics.{name}.value.longest]
metric = "duration_seconds_sum"
unit = "s"
expect = "< 100ms"
"""
        for name, path in {"plain": "metrics", "open": "open"}.items()
    )
    app = App()
    app.errors.labels("payment").inc()
    app.errors.labels("mail").inc(3)
    app.serve(server)
    outcome = run(inventory)
    for name in ("plain", "open"):
        for check in ("reachable", "present", "value.errors", "value.payment", "value.jobs", "value.longest"):
            assert outcome.verdict(f"metrics.{check}@{name}") == "ok", outcome[f"metrics.{check}@{name}"]
    assert [path for _, path, _ in server.seen].count("/metrics") == 1, "one request serves all of them"
    app.errors.labels("mail").inc(7)
    app.errors.labels("payment").inc()
    app.jobs.set(float("nan"))
    app.duration.observe(0.25)
    app.serve(server)
    outcome = run(inventory)
    for name in ("plain", "open"):
        assert outcome.verdict(f"metrics.value.errors@{name}") == "breach P2"
        assert outcome.message(f"metrics.value.errors@{name}") == "errors_total{kind=mail} is 10, expected < 10"
        assert outcome.verdict(f"metrics.value.payment@{name}") == "breach P1"
        assert outcome.verdict(f"metrics.value.jobs@{name}") == "unknown P2"
        assert "NaN" in outcome.message(f"metrics.value.jobs@{name}")
        assert outcome.message(f"metrics.value.longest@{name}") == "duration_seconds_sum is 250 ms, expected < 100 ms"


def test_what_is_not_there_is_red_or_unknown(run: Run, server: Site) -> None:
    app = App()
    app.errors.labels("payment").inc()
    app.errors.labels("mail").inc()
    app.serve(server)
    old = int((time.time() - 7200) * 1000)
    server.page(
        "/stamped", f'old_value 1 {old}\nfresh_value 1 {int(time.time() * 1000)}\nx{{a="1"}} 1\ny 1\nx{{a="2"}} 5\n'
    )
    cases = {
        "several": ('metric = "errors_total"\nexpect = "< 10"', "2 series match"),
        "labels": ('metric = "errors_total"\nlabels = { kind = "disk" }\nexpect = "< 10"', "no series with kind=disk"),
        "family": ('metric = "duration_seconds"\nexpect = "< 10"', "duration_seconds has no value of its own"),
        "unit": ('metric = "jobs"\nexpect = "< 10s"', 'unit = "s"'),
        "misspelt": ('metric = "jobz"\nexpect = "< 10"', "did you mean 'jobs'?"),
    }
    outcome = run(
        f'[metrics.app]\nurl = "{server.url}/metrics"\nexpect = {{ present = ["errors", "never", "gone"] }}\n'
        + "".join(f"[metrics.app.value.{name}]\n{said}\n" for name, (said, _) in cases.items())
        + f'[metrics.stamped]\nurl = "{server.url}/stamped"\n'
        + "".join(
            f'[metrics.stamped.value.{name}]\nmetric = "{name}"\neach = true\nexpect = "< 5"\n'
            for name in ("old_value", "fresh_value", "x")
        )
    )
    assert outcome.verdict("metrics.present@app") == "breach P2"
    assert "never is without a sample, expected present" in outcome.message("metrics.present@app")
    assert "gone is missing, expected present" in outcome.message("metrics.present@app")
    for name, (_, said) in cases.items():
        assert outcome.verdict(f"metrics.value.{name}@app") == "unknown P2"
        assert said in outcome.message(f"metrics.value.{name}@app")
    assert outcome.verdict("metrics.value.old_value@stamped") == "unknown P2"
    assert "120 min old" in outcome.message("metrics.value.old_value@stamped")
    assert outcome.verdict("metrics.value.fresh_value@stamped") == "ok"
    assert outcome.message("metrics.value.x@stamped") == "x{a=2} is 5, expected < 5"


def test_what_is_no_page_of_metrics_fails_reachable_alone(run: Run, server: Site) -> None:
    server.page("/html", "<html>welcome</html>", content_type="text/html; charset=utf-8")
    server.page("/words", "all is well here\n")
    server.page("/empty", "")
    server.page("/cut", "# TYPE a gauge\na 1\n", content_type="application/openmetrics-text; version=1.0.0")
    urls = {name: f"{server.url}/{name}" for name in ("html", "words", "empty", "cut", "nothing")}
    urls["stopped"] = f"http://127.0.0.1:{free_port()}/metrics"
    outcome = run(
        "".join(f'[metrics.{name}]\nurl = "{url}"\nexpect = {{ present = ["a"] }}\n' for name, url in urls.items())
    )
    for name, said in {
        "html": "is a web page",
        "words": "is not a page of metrics",
        "empty": "has no sample at all",
        "cut": "it does not end with # EOF",
        "nothing": "answered 404 and not with metrics",
        "stopped": "connection refused",
    }.items():
        assert outcome.verdict(f"metrics.reachable@{name}") == "breach P1", name
        assert said in outcome.message(f"metrics.reachable@{name}")
        assert outcome.verdict(f"metrics.present@{name}") == "blocked"


def torn(start: bytes, *, chunked: bool = False) -> Reply:
    """Send the start of a page that is said to be longer, and end the connection."""

    def reply(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", "5000")))
        handler.end_headers()
        handler.wfile.write(f"{len(start):x}\r\n".encode() + start + b"\r\n" if chunked else start)
        handler.close_connection = True

    return reply


def streamed(pieces: Iterable[bytes]) -> Reply:
    """Send a page in pieces, and end the connection behind it."""

    def reply(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for piece in pieces:
            handler.wfile.write(piece)
        handler.close_connection = True

    return reply


def one_after_the_other(pages: Iterable[str]) -> Reply:
    """Answer each request with the next page."""
    left = iter(pages)
    return lambda handler: handler.say(200, next(left))


def test_half_a_page_and_what_stands_in_its_place_are_named(run: Run, server: Site) -> None:
    """None of them gives a number, and none of them a raw error."""
    start = "a 1\nrequests_total 12"
    line = b'a{pod="0a1b2c3d-4f5e-8a9b-0c1d2e3f4a5b"} 1\n' * 20_000
    packed = gzip.compress(start.encode() + b"34\n")
    server.page("/no_feed", start)
    server.replies["/torn"] = torn(start.encode() + b"34\n")
    server.replies["/torn_chunks"] = torn(start.encode() + b"34\n", chunked=True)
    server.replies["/closed"] = streamed([start.encode()])
    server.page("/open_no_end", "a 1\n", content_type="application/openmetrics-text")
    server.page("/open_goes_on", "a 1\n# EOF\na 2\n# EOF\n", content_type="application/openmetrics-text")
    server.page("/html_as_text", "<!DOCTYPE html>\n<title>Sign in</title>\n", content_type="text/plain; version=0.0.4")
    server.page("/html_behind", "a 1\n<br />\n<b>Warning</b>: Undefined variable\n")
    server.page("/json", '{"error": "denied"}', content_type="application/json")
    server.page("/login", "", 302, Location="/signin")
    server.page("/signin", "<html>Sign in</html>", content_type="text/html")
    server.page("/denied", "no", 401)
    server.page("/kept", "a 1\n", Age="90000")
    server.page("/broken", "a 1\n\nerrors total 1\n")
    server.page("/latin", "a 1\n")
    server.replies["/latin"] = lambda handler: handler.say(200, b'a{b="Gr\xf6\xdfe"} 1\n')
    server.replies["/large"] = streamed(line for _ in range(64_000_000 // len(line) + 1))
    server.replies["/gzip"] = lambda handler: handler.say(200, packed, **{"Content-Encoding": "gzip"})
    server.page("/none", "requests_total 1234\n", content_type="")
    server.page("/html", "requests_total 1234\n", content_type="text/html; charset=utf-8")
    server.page("/windows", "# TYPE requests_total counter\r\nrequests_total 1234\r\n")
    cases = {
        "no_feed": "it ends in the middle of a line: it was cut off, or",
        "torn": "ended in the middle",
        "torn_chunks": "ended in the middle",
        "closed": "it ends in the middle of a line",
        "open_no_end": "it does not end with # EOF",
        "open_goes_on": "# EOF stands in the middle of it",
        "html_as_text": "it is a web page",
        "html_behind": "it is a web page",
        "json": 'its line 1 is not a sample of a metric: \'{"error": "denied"}\'',
        "login": "/login redirects to",
        "denied": "answered 401 and not with metrics; see the credentials in headers",
        "kept": "was kept by a cache for 25 h",
        "broken": "its line 3 is not a sample of a metric: 'errors total 1'",
        "latin": "line 1 is not UTF-8",
        "large": "longer than the 64 MB that are read",
    }
    taken = ("gzip", "none", "html", "windows")
    outcome = run(
        "".join(
            f'[metrics.{name}]\nurl = "{server.url}/{name}"\n'
            f'[metrics.{name}.value.requests]\nmetric = "requests_total"\nexpect = "< 100"\n'
            for name in (*cases, *taken)
        )
    )
    for name, words in cases.items():
        result = outcome[f"metrics.reachable@{name}"]
        assert (result["verdict"], words in result["message"]) == ("breach", True), result
        assert result["message"].startswith(f"metrics.{name} answers, but not as it should: {server.url}/{name}")
        assert result["message"].count(f"{server.url}/{name}") == 1, "the address once"
        assert outcome.verdict(f"metrics.value.requests@{name}") == "blocked"
    for name in taken:
        assert outcome.message(f"metrics.value.requests@{name}") == "requests_total is 1234, expected < 100"


def test_values_that_say_nothing_of_now_or_of_one_thing_are_unknown(run: Run, server: Site) -> None:
    now = time.time()
    before, soon = int((now - 90000) * 1000), int((now + 90000) * 1000)
    page = f"""
yesterday 1 {before}
tomorrow 1 {soon}
points 9 {before}
points 1 {int(now * 1000)}
twice{{a="1"}} 1
twice{{a="1"}} 5
same{{a="1",b=""}} 1
same{{a="1"}} 1
# TYPE old_style counter
old_style 3
limit_bytes +Inf
part_total{{a="1"}} 1
part_total{{a="2"}} Inf
zero_total 0
negative_total{{a="1"}} -5
negative_total{{a="2"}} 10
nan_total NaN
h_bucket{{le="1"}} 10
h_bucket{{le="2"}} 4
h_bucket{{le="+Inf"}} 20
odd_bucket{{le="one"}} 1
odd_bucket{{le="+Inf"}} 1
native_bucket{{le="+Inf"}} 100
double_bucket{{le="1"}} 1
double_bucket{{le="1.0"}} 1
double_bucket{{le="+Inf"}} 1
good_bucket{{le="1"}} 4
good_bucket{{le="2"}} 4
good_bucket{{le="+Inf"}} 4
"""
    server.page("/metrics", page)
    cases = {
        "value.yesterday": ('metric = "yesterday"', "unknown P2", "its sample is 25 h old"),
        "value.tomorrow": ('metric = "tomorrow"', "unknown P2", "its sample is stamped 25 h in the future"),
        "value.points": ('metric = "points"', "ok", "points is 1"),
        "value.twice": ('metric = "twice"', "unknown P2", "twice{a=1} stands twice on the page, with 1 and 5"),
        "value.same": ('metric = "same"', "ok", "same{a=1} is 1"),
        "value.old_style": ('metric = "old_style_total"', "ok", "old_style is 3"),
        "value.share": ('metric = "limit_bytes"\nunit = "ratio"', "unknown P2", "is not a share"),
        "ratio.of_infinity": ('metric = "part_total"\nlabels = { a = "1" }', "unknown P2", "part_total{a=2} is inf"),
        "ratio.of_nothing": ('metric = "zero_total"', "unknown P2", "has counted nothing"),
        "ratio.negative": ('metric = "negative_total"\nlabels = { a = "1" }', "unknown P2", "is -5, and a share needs"),
        "ratio.nan": ('metric = "zero_total"\nof = "nan_total"', "unknown P2", "nan_total is nan, and a share needs"),
        "p95.falling": ('metric = "h"', "unknown P2", "the buckets of h_bucket fall, from 10 up to 1 to 4 up to 2"),
        "p95.odd": ('metric = "odd"', "unknown P2", "its label le is one, not a number"),
        "p95.native": ('metric = "native"', "unknown P2", "has no bucket but +Inf"),
        "p95.double": ('metric = "double"', "unknown P2", "has the bucket 1 twice"),
        "p95.good": ('metric = "good"', "ok", "950 ms"),
    }
    limits = {"value": "< 9", "ratio": "< 5%", "p95": "< 2s"}
    outcome = run(
        f'[metrics.app]\nurl = "{server.url}/metrics"\nexpect = {{ present = ["points", "yesterday"] }}\n'
        + "".join(
            f"[metrics.app.{name}]\n{keys}\n"
            + ('expect = "< 5%"\n' if "ratio" in keys else f'expect = "{limits[name.partition(".")[0]]}"\n')
            for name, (keys, _, _) in cases.items()
        )
    )
    for name, (_, verdict, words) in cases.items():
        result = f"metrics.{name}@app"
        assert (outcome.verdict(result), words in outcome.message(result)) == (verdict, True), outcome[result]
    assert outcome.verdict("metrics.present@app") == "breach P2"
    assert outcome.message("metrics.present@app") == "yesterday is without a sample of now, expected present"


def test_two_looks_that_met_two_processes_or_one_sample_are_unknown(run: Run, server: Site) -> None:
    stamp = int(time.time() * 1000)
    looks = {
        "two": ["process_start_time_seconds 1000\nc_total 5\n", "process_start_time_seconds 2000\nc_total 9\n"],
        "one": ["process_start_time_seconds 1000\nc_total 5\n", "process_start_time_seconds 1000.5\nc_total 9\n"],
        "stamped": [f"c_total 5 {stamp}\n"] * 2,
        "renamed": ['c_total{a="1"} 5\n', 'c_total{b="1"} 9\n'],
        "new": ['c_total{a="1"} 5\n', 'c_total{a="1"} 5\nc_total{a="2"} 9\n'],
    }
    for name, pages in looks.items():
        server.replies[f"/{name}"] = one_after_the_other(pages)
    outcome = run(
        "".join(
            f'[metrics.{name}]\nurl = "{server.url}/{name}"\n'
            f'[metrics.{name}.value.c]\nmetric = "c_total"\neach = true\nsample = "100ms"\nexpect = "< 5"\n'
            for name in looks
        )
    )
    for name, (verdict, words) in {
        "two": ("unknown P2", "met two processes, by their process_start_time_seconds"),
        "one": ("ok", "c_total is 4"),
        "stamped": ("unknown P2", "the same time stamp at both looks"),
        "renamed": ("unknown P2", "went back while it was watched"),
        "new": ("breach P2", "c_total{a=2} is 9, expected < 5"),
    }.items():
        result = outcome[f"metrics.value.c@{name}"]
        assert (outcome.verdict(result["id"]), words in result["message"]) == (verdict, True), result


class Traffic:
    """Requests that go on while a test runs: `status` and `seconds` are those of each, and the page follows."""

    def __init__(self, server: Site) -> None:
        self.registry = prometheus_client.CollectorRegistry()
        self.requests = prometheus_client.Counter("requests", "Requests", ["status"], registry=self.registry)
        self.failures = prometheus_client.Counter("failures", "Failures", ["why"], registry=self.registry)
        self.duration = prometheus_client.Histogram(
            "duration_seconds", "Duration", ["path"], buckets=(0.1, 0.5, 1), registry=self.registry
        )
        self.status, self.seconds = "200", 0.05
        server.replies["/metrics"] = lambda handler: handler.say(
            200, prometheus_client.generate_latest(self.registry), "text/plain; version=0.0.4"
        )

    def request(self, times: int = 1) -> None:
        for number in range(times):
            self.requests.labels(self.status).inc()
            self.duration.labels(f"/{number % 2}").observe(self.seconds)

    @contextlib.contextmanager
    def going_on(self) -> Iterator[None]:
        over = threading.Event()

        def go_on() -> None:
            while not over.wait(0.01):
                self.request(2)

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


WINDOWS = """
[metrics.api]
url = "{url}/metrics"
[metrics.api.p95.now]
metric = "duration_seconds"
sample = "500ms"
expect = {{ P3 = "< 500ms", P1 = "< 2s" }}
[metrics.api.p95.ever]
metric = "duration_seconds"
labels = {{ path = "~ /[01]" }}
expect = {{ P3 = "< 500ms", P1 = "< 2s" }}
[metrics.api.ratio.now]
metric = "requests_total"
labels = {{ status = "~ 5.." }}
sample = "500ms"
expect = {{ P3 = "< 1%", P1 = "< 5%" }}
[metrics.api.ratio.ever]
metric = "requests"
labels = {{ status = "~ 5.." }}
expect = {{ P3 = "< 1%", P1 = "< 50%" }}
[metrics.api.ratio.other]
metric = "failures_total"
of = "requests_total"
expect = "< 1%"
[metrics.api.value.volume]
metric = "requests_total"
labels = {{ status = "~ 2..|5.." }}
each = true
sample = "500ms"
expect = "> 1/s"
"""


def test_histograms_and_shares_over_a_window_are_those_of_now(run: Run, server: Site) -> None:
    traffic = Traffic(server)
    text = WINDOWS.format(url=server.url)
    traffic.request(1000)
    server.seen.clear()
    outcome = run(text)
    assert len(server.seen) == 2, "two looks serve all of them"
    for name in ("p95.now", "ratio.now"):
        assert outcome.verdict(f"metrics.{name}@api") == "unknown P1", "nothing goes on"
        assert "say a longer sample" in outcome.message(f"metrics.{name}@api")
    assert outcome.verdict("metrics.value.volume@api") == "breach P2"
    for name in ("p95.ever", "ratio.ever", "ratio.other"):
        assert outcome.verdict(f"metrics.{name}@api") == "ok", outcome.message(f"metrics.{name}@api")
    with traffic.going_on():
        outcome = run(text)
        assert outcome.exit_status == 0, outcome.output
        traffic.status, traffic.seconds = "503", 0.7
        traffic.request()
        outcome = run(text)
        assert outcome.verdict("metrics.p95.now@api") == "breach P3"
        assert "ms, expected < 500 ms" in outcome.message("metrics.p95.now@api")
        assert outcome.verdict("metrics.ratio.now@api") == "breach P1"
        assert "is at 100 %, expected < 5 %" in outcome.message("metrics.ratio.now@api")
        assert outcome.verdict("metrics.ratio.ever@api") == "breach P3", "the past thousand outweigh them"
        traffic.seconds = 1.5
        outcome = run(text)
        assert outcome.verdict("metrics.p95.now@api") == "breach P1"
        assert "beyond its last bucket, 1) is inf" in outcome.message("metrics.p95.now@api")
    traffic.failures.labels("timeout").inc(500)
    assert run(text).verdict("metrics.ratio.other@api") == "breach P2"


def test_what_a_window_cannot_tell_is_unknown(run: Run, server: Site) -> None:
    old = int((time.time() - 7200) * 1000)
    page = f'c_total{{a="1"}} 5\nh_bucket{{le="1"}} 1\nstale_total{{a="1"}} 4 {old}\n'
    pages = iter([page.replace(" 5", " 9"), *[page] * 9])
    server.replies["/metrics"] = lambda handler: handler.say(200, next(pages), "text/plain")
    cases = {
        "ratio.back": ('metric = "c_total"\nsample = "100ms"\nexpect = "< 1%"', "went back while it was watched"),
        "ratio.label": ('metric = "c_total"\nlabels = { b = "~ 5" }\nexpect = "< 1%"', "has a label 'b'; there are: a"),
        "ratio.name": ('metric = "d_total"\nexpect = "< 1%"', "did you mean 'c_total'?"),
        "ratio.old": ('metric = "stale_total"\nexpect = "< 1%"', "120 min old"),
        "p95.endless": ('metric = "h"\nexpect = "< 1s"', "no bucket +Inf"),
        "p95.name": ('metric = "c"\nexpect = "< 1s"', "the page has no sample of c_bucket"),
        "value.rate": ('metric = "c_total"\nexpect = "> 1/s"', 'sample = "10s"'),
    }
    outcome = run(
        f'[metrics.api]\nurl = "{server.url}/metrics"\n'
        + "".join(f"[metrics.api.{name}]\n{said}\n" for name, (said, _) in cases.items())
    )
    for name, (_, said) in cases.items():
        assert outcome.verdict(f"metrics.{name}@api") == "unknown P2", name
        assert said in outcome.message(f"metrics.{name}@api"), outcome.message(f"metrics.{name}@api")
