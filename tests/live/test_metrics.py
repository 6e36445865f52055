"""Metrics pages of real programs, and of a small server: each check red by its fault, and green again."""

from __future__ import annotations

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
        "words": "is no page of metrics",
        "empty": "has no sample at all",
        "cut": "is no page of metrics: Missing # EOF",
        "nothing": "answered 404 and not with metrics",
        "stopped": "connection refused",
    }.items():
        assert outcome.verdict(f"metrics.reachable@{name}") == "breach P1", name
        assert said in outcome.message(f"metrics.reachable@{name}")
        assert outcome.verdict(f"metrics.present@{name}") == "blocked"
