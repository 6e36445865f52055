"""What an HTTP answer holds: lists of paths, headers, text and JSON, each red by its fault and green again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .conftest import Run
from .web import Handler, Site, site


@pytest.fixture
def server() -> Iterator[Site]:
    with site() as running:
        yield running


def test_every_path_of_a_list_is_a_measurement(run: Run, server: Site) -> None:
    inventory = f"""
[http.app]
url = "{server.url}/"
headers = {{ Authorization = "Bearer ${{APP_TOKEN}}" }}
[http.app.expect]
status = {{ limit = "== 200", paths = ["/", "/login", "/api/engines?verbose=canary-query"] }}
[http.outside]
url = "{server.url}/quote"
expect = {{ status = "< 500" }}
[http.success]
url = "{server.url}/created"
expect = {{ status = "~ ^2" }}
[http.closed]
url = "{server.url}/private"
expect = {{ status = {{ P1 = "== 401", paths = ["/private"] }} }}
"""

    def private(handler: Handler) -> None:
        handler.say(200 if handler.headers.get("authorization") else 401, "")

    for path in ("/", "/login"):
        server.page(path, "well")
    server.replies["/api/engines"] = server.replies["/private"] = private
    server.page("/quote", "", 404)
    server.page("/created", "", 201)
    outcome = run(inventory, env={"APP_TOKEN": "app-canary"})
    for name in ("app", "outside", "success", "closed"):
        assert outcome.verdict(f"http.status@{name}") == "ok", outcome.message(f"http.status@{name}")
    subjects = [measured["subject"] for measured in outcome["http.status@app"]["measurements"]]
    assert subjects == ["status of /", "status of /login", "status of /api/engines"]
    server.page("/login", "", 302, Location="/broken")
    server.page("/broken", "", 503)
    server.replies["/api/engines"] = lambda handler: setattr(handler, "close_connection", True)
    server.page("/quote", "", 500)
    server.page("/created", "", 404)
    server.page("/private", "everything")
    outcome = run(inventory, "-vv", "--tb=long", "-l", env={"APP_TOKEN": "app-canary"})
    message = outcome.message("http.status@app")
    assert outcome.verdict("http.status@app") == "breach P1"
    assert f"status of /login at {server.url}/broken is 503, expected 200" in message
    assert "status of /api/engines: " in message
    assert "the connection was closed before an answer came" in message
    assert outcome.message("http.status@outside") == "status is 500, expected < 500"
    assert outcome.message("http.status@success") == "status is 404, expected to match /^2/"
    assert outcome.message("http.status@closed") == "status of /private is 200, expected 401"
    assert "canary" not in outcome.output


def test_headers_red_where_they_are_wrong_or_missing(run: Run, server: Site) -> None:
    inventory = f"""
[http.app]
url = "{server.url}/"
[http.app.expect.headers]
Strict-Transport-Security = {{ P3 = "~ max-age=\\\\d{{8}}", P1 = "~ max-age=\\\\d{{2}}" }}
X-Powered-By = "== missing"
Server = "!= nginx/1.18"
Set-Cookie = "~ Secure"
"""
    good = {"Strict-Transport-Security": "max-age=31536000", "Set-Cookie": "session=canary-cookie; Secure"}
    server.page("/", "well", 200, "text/plain", **good)
    assert run(inventory).verdict("http.headers@app") == "ok"
    server.page("/", "well", 200, "text/plain", **{**good, "Strict-Transport-Security": "max-age=600"})
    outcome = run(inventory)
    assert outcome.verdict("http.headers@app") == "breach P3"
    assert "header strict-transport-security is max-age=600, expected to match" in outcome.message("http.headers@app")
    server.page("/", "well", 200, "text/plain", **{"X-Powered-By": "PHP/5.1", "Set-Cookie": "session=canary-cookie"})
    outcome = run(inventory)
    assert outcome.verdict("http.headers@app") == "breach P1"
    assert "header strict-transport-security is missing, expected present" in outcome.message("http.headers@app")
    assert "header x-powered-by is PHP/5.1, expected missing" in outcome.message("http.headers@app")
    assert "header set-cookie is ***, expected to match /Secure/" in outcome.message("http.headers@app")
    assert "canary" not in outcome.output
    assert "canary" not in str(outcome.results)
    outcome = run(f'[http.app]\nurl = "{server.url}/"\nexpect = {{ headers = {{ x-absent = "!= bad" }} }}\n')
    assert outcome.message("http.headers@app") == "header x-absent is missing, expected present"


def test_body_red_and_green_and_never_shown(run: Run, server: Site) -> None:
    inventory = f'[http.app]\nurl = "{server.url}/"\nexpect = {{ body = "~ Gr\\u00fc\\u00df Gott" }}\n'
    latin = "text/html; charset=iso-8859-1"
    server.replies["/"] = lambda handler: handler.say(200, "<h1>Gr\u00fc\u00df Gott</h1>".encode("latin-1"), latin)
    assert run(inventory).verdict("http.body@app") == "ok"
    server.page("/", "canary: could not connect to database", content_type="text/html")
    outcome = run(inventory, "-vv", "--tb=long", "-l")
    assert outcome.verdict("http.body@app") == "breach P1"
    said = "body is 37 bytes of text/html, expected to match /Gr\u00fc\u00df Gott/"
    assert outcome.message("http.body@app") == said
    assert "canary" not in outcome.output + str(outcome.results)
    server.page("/", " \n")
    outcome = run(inventory)
    assert outcome.verdict("http.body@app") == "unknown P1"
    assert outcome.message("http.body@app") == "body: it is empty"
    server.page("/", "pong\n")
    assert run(inventory.replace("~ Gr\\u00fc\\u00df Gott", "== pong")).verdict("http.body@app") == "ok"


def test_what_monitoring_endpoints_say_as_json(run: Run, server: Site) -> None:
    inventory = f"""
[http.ready]
url = "{server.url}/ready"
expect = {{ json = {{ "checks.*" = "== ready", version = "== 4f1c2d9", maintenance = false }} }}
[http.slo]
url = "{server.url}/slo"
[http.slo.expect.json]
availability = {{ P3 = ">= 99.5", P2 = ">= 99", P1 = ">= 98" }}
error_rate = {{ P3 = "< 1", P2 = "<= 2", P1 = "<= 5" }}
[http.alerts]
url = "{server.url}/alerts"
expect = {{ json = {{ "length(alerts)" = "== 0" }} }}
"""
    ready = {"checks": {"db": "ready", "cache": "ready"}, "version": "4f1c2d9", "maintenance": False}
    server.document("/ready", ready)
    server.document("/slo", {"availability": 99.93, "error_rate": 0.2})
    server.document("/alerts", {"alerts": []})
    outcome = run(inventory)
    for name in ("ready", "slo", "alerts"):
        assert outcome.verdict(f"http.json@{name}") == "ok", outcome.message(f"http.json@{name}")
    server.document("/ready", {"checks": {"db": "ready", "cache": "down"}, "version": "0000000", "maintenance": True})
    server.document("/slo", {"availability": 98.7, "error_rate": 3.1})
    server.document("/alerts", {"alerts": [{"name": "slow"}]})
    outcome = run(inventory)
    message = outcome.message("http.json@ready")
    for said in ("checks.cache is down", "version is 0000000, expected 4f1c2d9", "maintenance is true, expected false"):
        assert said in message
    assert outcome.verdict("http.json@slo") == "breach P2"
    assert outcome.message("http.json@alerts") == "length(alerts) is 1, expected 0"
    server.document("/alerts", {"status": "starting"})
    assert run(inventory).verdict("http.json@alerts") == "unknown P1"


def test_mistakes_in_the_inventory_are_named(run: Run) -> None:
    outcome = run("""
[http.a]
url = "https://example.com"
expect = { status = { limit = "== 200", paths = ["login"] } }
[http.b]
url = "https://example.com"
expect = { status = { limit = "== 200", paths = ["//other.example/"] } }
[http.c]
url = "https://example.com"
expect = { headers = { "no header" = "== 1" } }
[http.d]
url = "https://example.com"
expect = { headers = { age = "< 60s" } }
[http.e]
url = "https://example.com"
expect = { body = "< 5" }
""")
    assert outcome.exit_status == 4
    for said in ("'login' is not a path; start it with one /", "'//other.example/' is not a", "'no header' can't be"):
        assert said in outcome.output
    assert "has a unit, and what the server says has none; use '< 60'" in outcome.output
    assert "http.body is a text" in outcome.output
