"""Redirects, over real servers: another page is not an answer of the page that was asked for, and small changes are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from .conftest import Run
from .processes import free_port
from .web import Handler, Site, serve_tls, site


@pytest.fixture
def server() -> Iterator[Site]:
    with site() as running:
        yield running


def leads(server: Site, path: str, location: str, status: int = 302) -> None:
    server.page(path, "", status, Location=location)


def test_a_redirect_to_another_page_is_no_answer_of_the_page_that_was_asked_for(run: Run, server: Site) -> None:
    """A login page answers 200 to everything."""
    server.document("/login", {"status": "healthy"})
    server.page("/broken", "", 503)
    with site() as other:
        other.document("/health", {"status": "healthy"})
        ways = {
            "path": ("/login", "another path, which answers 200"),
            "root": ("/", "another path, which answers 200"),
            "host": (other.url.replace("127.0.0.1", "localhost") + "/health", "another host"),
            "port": (f"{other.url}/health", "another port"),
            "query": ("/query/health?next=login", "another query"),
        }
        server.page("/", "well")
        inventory = ""
        for name, (location, _) in ways.items():
            path = f"/{name}/health"
            if name == "port":
                path = "/health"
            server.replies[path] = lambda handler, to=location: handler.say(  # type: ignore[misc]
                200 if "?" in handler.path else 302, "{}", **({} if "?" in handler.path else {"Location": to})
            )
            inventory += f"""
[http.{name}]
url = "{server.url}{path}"
[http.{name}.expect]
json = {{ status = "== healthy" }}
body = "~ healthy"
latency = "< 20s"
headers = {{ location = "~ ." }}
[http.{name}_any]
url = "{server.url}{path}"
expect = {{ status = "< 500" }}
[http.{name}_meant]
url = "{server.url}{path}"
expect = {{ status = "== 302" }}
[http.{name}_anywhere]
url = "{server.url}{path}"
follow_redirects = true
expect = {{ body = "~ ." }}
[http.{name}_list]
url = "{server.url}/"
expect = {{ status = {{ limit = "== 200", paths = ["/", "{path}"] }} }}
[http.{name}_step]
url = "{server.url}/"
flow.go.steps = [{{ name = "health", path = "{path}" }}]
"""
        leads(server, "/to_broken", "/broken")
        inventory += f"""
[http.broken]
url = "{server.url}/to_broken"
expect = {{ status = "< 500" }}
"""
        outcome = run(inventory)
        for name, (_, said) in ways.items():
            assert outcome.verdict(f"http.reachable@{name}") == "ok"
            for check in (f"status@{name}", f"status@{name}_list", f"flow.go@{name}_step"):
                assert outcome.verdict(f"http.{check}") == "breach P1", check
                assert "is 302 (it redirects to " in outcome.message(f"http.{check}")
                assert said in outcome.message(f"http.{check}")
                assert "if that is the page you mean, write its address" in outcome.message(f"http.{check}")
            assert outcome.verdict(f"http.json@{name}") == "unknown P1"
            assert outcome.verdict(f"http.body@{name}") == "unknown P1"
            assert outcome.verdict(f"http.latency@{name}") == "blocked"
            assert outcome.verdict(f"http.headers@{name}") == "ok"
            assert outcome.verdict(f"http.status@{name}_any") == "ok"
            assert outcome.verdict(f"http.status@{name}_meant") == "ok"
            assert outcome.verdict(f"http.status@{name}_anywhere") == "ok"
            assert outcome.verdict(f"http.body@{name}_anywhere") == "ok"
        assert "next" not in outcome.message("http.status@query")
        assert outcome.message("http.status@broken") == f"status of {server.url}/broken is 503, expected < 500"


def test_a_redirect_to_the_same_page_is_followed(run: Run, server: Site, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    with Site() as secure:
        serve_tls(secure, tmp_path / "server.pem", tmp_path / "server.pem")
        import threading

        thread = threading.Thread(target=secure.serve_forever, args=(0.05,))
        thread.start()
        try:
            over_tls = secure.url.replace("http", "https")
            secure.page("/tls", "well")
            leads(secure, "/down", f"{server.url}/down")
            leads(server, "/tls", f"{over_tls}/tls", 301)
            leads(server, "/health", "/health/", 301)
            leads(server, "/folder/", "/folder", 308)
            leads(server, "/", "/en/")
            leads(server, "/caf%C3%A9", "/caf\u00e9/".encode().decode("latin-1"))
            for path in ("/health/", "/folder", "/en/", "/down", "/caf%C3%A9/", "/away"):
                server.page(path, "well")

            def there_and_back(handler: Handler) -> None:
                seen = "session" in handler.headers.get("cookie", "")
                where = {} if seen else {"Location": "/sign", "Set-Cookie": "session=1; Path=/"}
                handler.say(200 if seen else 302, "", **where)

            server.replies["/back"] = there_and_back
            leads(server, "/sign", "/back")
            paths = ("/tls", "/health", "/folder/", "/", "/caf%C3%A9", "/back")
            outcome = run(
                "".join(
                    f'[http.n{number}]\nurl = "{server.url}{path}"\nverify = "{tmp_path}/ca.pem"\n'
                    for number, path in enumerate(paths)
                )
                + f'[http.down]\nurl = "{over_tls}/down"\nverify = "{tmp_path}/ca.pem"\n'
            )
        finally:
            secure.shutdown()
            thread.join()
    for number, path in enumerate(paths):
        assert outcome.verdict(f"http.status@n{number}") == "ok", (path, outcome.message(f"http.status@n{number}"))
    assert outcome.verdict("http.status@down") == "breach P1"
    assert f"redirects to {server.url}/down, no longer over TLS" in outcome.message("http.status@down")


def test_a_redirect_that_leads_nowhere_fails_the_page_and_not_its_reach(run: Run, server: Site) -> None:
    dead = free_port()
    ways = {
        "loop": ("/loop", "it redirects more than 10 times, last to"),
        "dead": (f"http://127.0.0.1:{dead}/x", f"http://127.0.0.1:{dead}/x: connection refused"),
        "name": ("http://no-such-host.invalid/", "its name can't be resolved"),
        "mail": ("mailto:ops@example.com", "it redirects to something that is not a web address"),
        "port": ("http://u:PartOfIt/xyz@h/", "it redirects to something that is not a web address"),
        "six": ("http://[::1/", "it redirects to something that is not a web address"),
        "number": ("http://u:99999/PartOfIt@h/", "it redirects to something that is not a web address"),
        "nobody": ("http://u:Whole-Canary@127.0.0.1:1/", "http://127.0.0.1:1/: connection refused"),
    }
    inventory = ""
    for name, (location, _) in ways.items():
        leads(server, f"/{name}", location)
        inventory += f"""
[http.{name}]
url = "{server.url}/{name}"
expect = {{ json = {{ status = "== healthy" }} }}
[http.{name}_any]
url = "{server.url}/{name}"
expect = {{ status = "< 500" }}
[http.{name}_alone]
url = "{server.url}/{name}"
follow_redirects = false
expect = {{ status = "== 302" }}
"""
    for name in ("port", "six"):
        inventory += f"""
[http.flow_{name}]
url = "{server.url}/"
follow_redirects = false
[[http.flow_{name}.flow.go.steps]]
name = "where"
path = "/{name}"
status = "== 302"
capture = {{ to = "header.location" }}
[[http.flow_{name}.flow.go.steps]]
name = "there"
path = "{{to}}"
"""
    outcome = run(inventory, "-vv", "--tb=long", "-l")
    for name in ("port", "six"):
        assert "there: status: its path leads to what is not an address" in outcome.message(f"http.flow.go@flow_{name}")
    for name, (_, said) in ways.items():
        assert outcome.verdict(f"http.reachable@{name}") == "ok"
        assert outcome.verdict(f"http.status@{name}") == "breach P1"
        assert "status is 302 (a redirect), expected 200" in outcome.message(f"http.status@{name}")
        assert said in outcome.message(f"http.status@{name}_any")
        assert "set follow_redirects = false" in outcome.message(f"http.status@{name}_any")
        assert outcome.verdict(f"http.status@{name}_any") == "unknown P1"
        assert outcome.verdict(f"http.json@{name}") == "unknown P1"
        assert outcome.verdict(f"http.status@{name}_alone") == "ok"
    for secret in ("PartOfIt", "Canary", "ValueError"):
        assert secret not in outcome.output + str(outcome.results)


def test_a_form_of_a_flow_may_lead_to_another_page_but_not_to_another_server(run: Run, server: Site) -> None:
    with site() as other:
        other.page("/account", "Welcome")
        server.page("/account", "Welcome")
        leads(server, "/sign-in", "/account")
        leads(server, "/sso", f"{other.url}/account")
        outcome = run(
            "".join(
                f'[http.{name}]\nurl = "{server.url}/account"\n[http.{name}.flow.sign_in]\nsynthetic = true\n'
                f'steps = [{{ name = "post", method = "POST", path = "{path}", send = {{ form = {{ a = "b" }} }} }}]\n'
                for name, path in {"own": "/sign-in", "sso": "/sso"}.items()
            )
        )
    assert outcome.verdict("http.flow.sign_in@own") == "ok", outcome.message("http.flow.sign_in@own")
    assert outcome.verdict("http.flow.sign_in@sso") == "breach P1"
    assert "post: status is 302 (it redirects to" in outcome.message("http.flow.sign_in@sso")
