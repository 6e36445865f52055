"""Metrics pages of real programs, and of a small server: each check red by its fault, and green again."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import prometheus_client
import pytest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics

from .conftest import Run
from .processes import free_port
from .web import Site, site


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
        assert "use a longer sample" in outcome.message(f"metrics.{name}@api")
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
