"""Pages of metrics that were cut off, are none, or say nothing of now: no number is read of them."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterable, Iterator

import pytest

from .conftest import Run
from .web import Handler, Reply, Site, site


@pytest.fixture
def server() -> Iterator[Site]:
    with site() as running:
        yield running


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
        "denied": "answered 401 and not with metrics; check the credentials in headers",
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
        "value.twice": ('metric = "twice"', "unknown P2", "twice{a=1} is on the page twice, with 1 and 5"),
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
