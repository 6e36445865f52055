"""HTTP, over a real server: each check red by its fault, and green again, and every wait ends."""

from __future__ import annotations

import base64
import gzip
import threading
import time
from collections.abc import Iterator

import pytest

from .conftest import Run
from .processes import free_port
from .web import Handler, Site, listener, site

HEALTHY = {"status": "healthy", "services": {"db": "healthy", "cache": "healthy"}, "checks": [{"state": "ready"}]}


@pytest.fixture
def server() -> Iterator[Site]:
    with site() as running:
        yield running


def test_status_and_json_red_and_green_by_one_request(run: Run, server: Site) -> None:
    inventory = f"""
[http.api]
url = "{server.url}/health"
[http.api.expect]
json = {{ status = "== healthy", "services.*" = "== healthy", "checks[*].state" = "== ready" }}
[http.missing]
url = "{server.url}/nothing"
[http.refused]
url = "{server.url}/nothing"
expect = {{ status = "< 500" }}
"""
    server.document("/health", HEALTHY)
    outcome = run(inventory)
    assert outcome.verdict("http.status@api") == "ok"
    assert outcome.verdict("http.json@api") == "ok"
    assert outcome.verdict("http.reachable@api") == "ok"
    assert [path for _, path, _ in server.seen].count("/health") == 1, "one request serves all of them"
    assert outcome.message("http.status@missing") == "status is 404, expected 200"
    assert outcome.verdict("http.status@missing") == "breach P1"
    assert outcome.verdict("http.reachable@missing") == "ok"
    assert outcome.verdict("http.status@refused") == "ok"
    broken = {"status": "healthy", "services": {"db": "down", "cache": "healthy"}, "checks": [{"name": "late"}]}
    server.document("/health", broken, status=503)
    outcome = run(inventory)
    assert outcome.message("http.status@api") == "status is 503, expected 200"
    assert outcome.verdict("http.json@api") == "breach P1"
    assert "services.db is down, expected healthy" in outcome.message("http.json@api")
    assert "checks[0].state: it is missing, null or empty" in outcome.message("http.json@api")


def test_json_that_says_nothing_is_unknown(run: Run, server: Site) -> None:
    server.document("/a", {"services": {}, "number": 5, "list": [1], "gone": None, "deep": {"a": {"b": {}}}})
    server.page("/html", "<html>all is well</html>", content_type="text/html")
    server.page("/empty", "")
    server.page("/twice", '{"checks": [{"status": "down", "status": "healthy"}]}', content_type="application/json")
    cases = {
        "empty_object": ("a", '"services.*" = "== healthy"', "services.*: it is missing, null or empty"),
        "filtered": ("a", '''"list[?@ > `3`]" = "== 4"''', "it matches nothing in the document"),
        "null": ("a", '"gone" = "!= failed"', "gone: it is missing, null or empty"),
        "missing": ("a", '"nowhere.at.all" = "!= failed"', "nowhere.at.all: it is missing, null or empty"),
        "object": ("a", '"deep" = "!= failed"', "deep: it is an object"),
        "list": ("a", '"list" = "!= failed"', "list: it is a list"),
        "function": ("a", '"length(gone)" = "== 0"', "the document does not fit the expression"),
        "html": ("html", 'status = "!= failed"', "answered 200 with text/html that is not JSON"),
        "empty": ("empty", 'status = "!= failed"', "answered 200 with an empty body"),
        "twice": ("twice", '"checks[*].status" = "== healthy"', "has the key 'status' twice, so its value can't be"),
    }
    inventory = "".join(
        f'[http.{name}]\nurl = "{server.url}/{path}"\nexpect = {{ json = {{ {said} }} }}\n'
        for name, (path, said, _) in cases.items()
    )
    inventory += (
        f'[http.good]\nurl = "{server.url}/a"\nexpect = {{ json = {{ number = {{ P3 = "< 5", P1 = "< 9" }} }} }}\n'
    )
    outcome = run(inventory)
    for name, (_, _, message) in cases.items():
        assert outcome.verdict(f"http.json@{name}") == "unknown P1", name
        assert message in outcome.message(f"http.json@{name}")
    assert outcome.verdict("http.json@good") == "breach P3"


def test_what_cannot_be_meant_is_an_error_of_the_inventory(run: Run, server: Site) -> None:
    outcome = run("""
[http.a]
url = "ftp://user:hunter2canary@example.com/"
[http.b]
url = "https://example.com"
method = "POST"
[http.c]
url = "https://example.com"
headers = { X-Token = "hunter3canary\\nX: y" }
[http.d]
url = "https://example.com"
expect = { json = { "services[" = "== healthy" } }
[http.e]
url = "https://example.com"
expect = { json = { "took" = "< 500ms" } }
[http.f]
url = "https://example.com"
expect = { p95 = { P3 = "< 1s", requests = 3 } }
[http.g]
url = "https://example..com/"
""")
    assert outcome.exit_status == 4
    for said in (
        "it is not a web address",
        "'GET' or 'HEAD'",
        "a line break perhaps",
        "'services[' is not a JMESPath",
        "use '< 500'",
    ):
        assert said in outcome.output
    assert "3 is too small; it must be at least 10" in outcome.output
    assert outcome.output.count("it is not a web address") == 2
    assert "canary" not in outcome.output


def test_every_wait_ends_and_the_status_counts_without_its_body(run: Run, server: Site) -> None:
    server.dripping("/body", b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{")
    server.dripping("/headers", b"HTTP/1.1 200 OK\r\nX-Slow: ")
    server.page("/loop", "", 302, Location="/loop")
    server.replies["/huge"] = lambda handler: handler.say(200, b" " * 11_000_000)
    server.replies["/short"] = cut_off
    packed = gzip.compress(b"{}" + b" " * 50_000_000, 1)
    server.replies["/zip"] = lambda handler: handler.say(200, packed, **{"Content-Encoding": "gzip"})
    paths = ("body", "headers", "loop", "huge", "short", "zip")
    with listener() as silent:
        urls = {**{path: f"{server.url}/{path}" for path in paths}, "silent": f"http://127.0.0.1:{silent}/"}
        inventory = "".join(
            f'[http.{name}]\nurl = "{url}"\n[http.{name}.expect]\nreachable = {{ timeout = "1s" }}\n'
            'status = { timeout = "1s" }\njson = { "@" = "!= bad", timeout = "1s" }\n'
            for name, url in urls.items()
        )
        outcome = run(inventory)
    assert max(result["duration_s"] for result in outcome.results.values()) < 10
    assert outcome.verdict("http.reachable@silent") == "breach P0"
    assert "no answer within 1 s" in outcome.message("http.reachable@silent")
    assert outcome.verdict("http.status@silent") == "blocked"
    assert outcome.verdict("http.json@silent") == "blocked"
    for name, verdict, said in (
        ("headers", "unknown P1", "the head of its answer was not whole within 1 s"),
        ("loop", "breach P1", "more than 10 times"),
    ):
        assert outcome.verdict(f"http.reachable@{name}") == "ok"
        assert outcome.verdict(f"http.status@{name}") == verdict
        assert outcome.verdict(f"http.json@{name}") == "unknown P1"
        assert said in outcome.message(f"http.status@{name}")
        assert said in outcome.message(f"http.json@{name}")
    for name, said in {
        "body": "not whole within 1 s",
        "huge": "longer than",
        "short": "middle of the body",
        "zip": "longer than",
    }.items():
        assert outcome.verdict(f"http.status@{name}") == "ok"
        assert outcome.verdict(f"http.json@{name}") == "unknown P1"
        assert said in outcome.message(f"http.json@{name}")


def cut_off(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}")
    handler.close_connection = True


def test_latency_and_p95_red_and_green(run: Run, server: Site) -> None:
    inventory = f"""
[http.api]
url = "{server.url}/"
[http.api.expect]
latency = "< 300ms"
p95 = {{ P3 = "< 300ms", P1 = "< 5s", requests = 10 }}
"""
    server.slow("/", 0.0)
    outcome = run(inventory)
    assert outcome.verdict("http.latency@api") == "ok"
    assert outcome.verdict("http.p95@api") == "ok"
    assert server.seen[-1][0] == "GET"
    assert len(server.seen) == 1 + 1 + 1 + 10, "one for the bulk, one to warm up, and those that are measured"
    server.slow("/", 0.35)
    outcome = run(inventory)
    assert outcome.verdict("http.latency@api") == "breach P2"
    assert outcome.verdict("http.p95@api") == "breach P3"
    said = outcome.message("http.p95@api")
    assert said.startswith("p95 of 10 requests is ")
    assert said.endswith(" ms, expected < 300 ms")


def test_one_failed_request_of_a_series_is_not_dropped(run: Run, server: Site) -> None:
    def sometimes(handler: Handler) -> None:
        handler.say(503 if len(server.seen) % 7 == 0 else 200, "")

    def refused_later(handler: Handler) -> None:
        handler.say(200 if [path for _, path, _ in server.seen].count("/refused") < 5 else 400, "")

    server.replies["/"] = sometimes
    server.replies["/refused"] = refused_later
    outcome = run(
        f'[http.api]\nurl = "{server.url}/"\nexpect = {{ p95 = "< 5s" }}\n'
        f'[http.refused]\nurl = "{server.url}/refused"\nexpect = {{ p95 = "< 5s" }}\n'
    )
    said = "was answered 400, and the one before the series 200, so its time says nothing"
    assert outcome.verdict("http.p95@refused") == "unknown P2"
    assert said in outcome.message("http.p95@refused")
    assert outcome.verdict("http.status@api") == "ok"
    assert outcome.verdict("http.p95@api") == "unknown P2"
    assert "was answered 503, so its time says nothing" in outcome.message("http.p95@api")


def test_failed_requests_red_and_green(run: Run, server: Site) -> None:
    inventory = f'[http.api]\nurl = "{server.url}/"\n[http.api.expect]\nerrors = {{ P3 = "< 5%", P1 = "< 50%" }}\n'
    every = [0]

    def sometimes(handler: Handler) -> None:
        handler.say(500 if every[0] and len(server.seen) % every[0] == 0 else 200, "")

    server.replies["/"] = sometimes
    assert run(inventory).verdict("http.errors@api") == "ok"
    every[0] = 10
    outcome = run(inventory)
    assert outcome.verdict("http.errors@api") == "breach P3"
    assert outcome.message("http.errors@api").startswith("error rate of 20 requests is at 10 % (request ")
    assert "was answered 500, so its time says nothing" in outcome.message("http.errors@api")
    (measured,) = outcome["http.errors@api"]["measurements"]
    assert measured["share"] == [2, 20]
    every[0] = 1
    outcome = run(inventory)
    assert outcome.verdict("http.status@api") == "breach P1"
    assert outcome.verdict("http.errors@api") == "blocked", "where all fail, status says so"


def test_a_series_ends_where_its_server_does(run: Run, server: Site) -> None:
    """One that dies behind a proxy: each further request would wait for what is not there, and counts as failed."""

    def gone_later(handler: Handler) -> None:
        if len(server.seen) > 10:
            time.sleep(1)
            handler.say(502, "")
        else:
            handler.say(200, "")

    server.replies["/"] = gone_later
    outcome = run(f'[http.api]\nurl = "{server.url}/"\nexpect = {{ errors = {{ P2 = "< 5%", requests = 200 }} }}\n')
    (measured,) = outcome["http.errors@api"]["measurements"]
    failed, asked = measured["share"]
    assert (failed > 180, asked) == (True, 200)
    assert outcome.verdict("http.errors@api") == "breach P2"
    assert len(server.seen) < 30


def test_a_series_that_fails_at_once_is_made_to_its_end(run: Run, server: Site) -> None:
    """Half of it well, and then a server that refuses each: no share of errors is made smaller by an early end."""
    server.replies["/"] = lambda handler: handler.say(502 if len(server.seen) > 22 else 200, "")
    outcome = run(f'[http.api]\nurl = "{server.url}/"\nexpect = {{ errors = {{ P2 = "< 20%", requests = 40 }} }}\n')
    (measured,) = outcome["http.errors@api"]["measurements"]
    assert (measured["share"][0] >= 18, measured["share"][1]) == (True, 40)
    assert outcome.verdict("http.errors@api") == "breach P2"


def test_stopped_server_fails_reachable_alone(run: Run, server: Site) -> None:
    port = free_port()
    with listener(b"\x00\x01nonsense\r\n\r\n") as nonsense:
        outcome = run(f"""
[http.api]
url = "http://127.0.0.1:{port}/health?token=canary1"
[http.api.expect]
json = {{ status = "== healthy" }}
p95 = "< 1s"
[http.name]
url = "http://no-such-host.invalid/"
[http.other]
url = "http://127.0.0.1:{nonsense}/"
[http.plain]
url = "{server.url.replace("http", "https")}/"
""")
    assert outcome.verdict("http.reachable@api") == "breach P0"
    assert outcome.message("http.reachable@api").endswith(f"http://127.0.0.1:{port}/health: connection refused")
    for check in ("status", "json", "p95"):
        assert outcome.verdict(f"http.{check}@api") == "blocked"
        assert outcome[f"http.{check}@api"]["blocked_by"] == "http.reachable@api"
    assert "its name can't be resolved" in outcome.message("http.reachable@name")
    assert "does not speak HTTP" in outcome.message("http.reachable@other")
    assert "does not speak TLS" in outcome.message("http.reachable@plain")
    assert "canary" not in outcome.output


def test_credentials_go_to_their_server_alone_and_are_never_shown(run: Run, server: Site) -> None:
    with site() as other:
        other.page("/login", "please sign in")
        server.page("/", "", 302, Location=f"{other.url}/login?next=canary5")
        outcome = run(
            f"""
[http.api]
url = "{server.url.replace("//", "//user:canary-one@")}/?key=canary2"
headers = {{ X-Api-Key = "canary-three" }}
[http.api.expect]
status = 401
[http.redirect]
url = "{server.url}/"
follow_redirects = false
expect = {{ status = 302 }}
[http.head]
url = "{server.url}/"
method = "HEAD"
""",
            "-vv",
            "--tb=long",
            "-l",
        )
        expected = "Basic " + base64.b64encode(b"user:canary-one").decode()
        assert any(
            (path, sent.get("authorization"), sent.get("x-api-key")) == ("/?key=canary2", expected, "canary-three")
            for _, path, sent in server.seen
        )
        assert other.seen
        assert all("authorization" not in sent and "x-api-key" not in sent for _, _, sent in other.seen)
    said = f"status is 302 (it redirects to {other.url}/login, another port, which answers 200; "
    assert outcome.message("http.status@api").startswith(said)
    assert outcome.verdict("http.status@redirect") == "ok"
    assert ("HEAD", "/") in [(method, path) for method, path, _ in server.seen]
    assert "canary" not in outcome.output


def test_a_connection_that_breaks_is_tried_again(run: Run, server: Site) -> None:
    lock, count = threading.Lock(), [0]

    def breaking(handler: Handler) -> None:
        with lock:
            count[0] += 1
        if count[0] == 1:
            handler.close_connection = True
        else:
            handler.say(200, "")

    server.replies["/"] = breaking
    outcome = run(f'[http.api]\nurl = "{server.url}/"\n')
    assert outcome.verdict("http.status@api") == "ok"
    assert outcome["http.status@api"]["attempts"] == 2
