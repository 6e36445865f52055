"""The web client, over real servers: what it takes from its surroundings, and what it never does."""

from __future__ import annotations

import base64
from pathlib import Path

from .conftest import Run
from .processes import free_port
from .web import Handler, site


def test_proxies_come_from_the_environment_and_passwords_of_netrc_do_not(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password netrc-canary\n")
    with site() as server, site() as proxy:
        for each in (server, proxy):
            each.page("/", "well")
        inventory = f'[http.api]\nurl = "{server.url}/"\n'
        surroundings = {"HOME": str(tmp_path), "REQUESTS_CA_BUNDLE": "/nowhere"}
        through = {**surroundings, "http_proxy": proxy.url.replace("//", "//me:proxy-canary@"), "no_proxy": ""}
        assert run(inventory, env=through).verdict("http.status@api") == "ok"
        assert not server.seen
        (_, path, sent), *_ = proxy.seen
        assert path == f"{server.url}/"
        assert sent["proxy-authorization"] == "Basic " + base64.b64encode(b"me:proxy-canary").decode()
        assert "authorization" not in sent
        around = {**through, "no_proxy": "127.0.0.0/8"}
        assert run(inventory, env=around).verdict("http.status@api") == "ok"
        assert server.seen
        assert all("authorization" not in sent for _, _, sent in server.seen)
        dead = {**surroundings, "http_proxy": f"http://me:proxy-canary@127.0.0.1:{free_port()}", "no_proxy": ""}
        outcome = run(inventory, env=dead)
        assert "through the proxy: connection refused" in outcome.message("http.reachable@api")
        assert "canary" not in outcome.output
        outcome = run(inventory, env={**dead, "http_proxy": "socks5://127.0.0.1:1"})
        assert outcome.verdict("http.status@api") == "unknown P1"
        assert "name an HTTP proxy, or set NO_PROXY" in outcome.message("http.status@api")


def test_a_redirect_with_an_endless_body_is_followed_at_once(run: Run) -> None:
    def endless(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: /well/\r\nContent-Length: 99999999\r\n\r\n")
        while not handler.server.over.wait(0.05):
            handler.wfile.write(b" " * 1000)

    with site() as server:
        server.replies["/well"] = endless
        server.page("/well/", "well")
        outcome = run(f'[http.api]\nurl = "{server.url}/well"\n')
        assert outcome.verdict("http.status@api") == "ok"
        assert outcome["http.status@api"]["duration_s"] < 2


def test_a_cookie_comes_back_with_the_next_request(run: Run) -> None:
    """A page that sets a cookie and redirects to itself is a page, and no endless loop."""

    def welcome(handler: Handler) -> None:
        if "session=c00kie" in handler.headers.get("cookie", ""):
            handler.say(200, "welcome back")
        else:
            handler.say(302, "", **{"Location": "/", "Set-Cookie": "session=c00kie; Path=/"})

    with site() as server:
        server.replies["/"] = welcome
        outcome = run(f'[http.api]\nurl = "{server.url}/"\n')
        assert outcome.verdict("http.status@api") == "ok"


def test_a_kept_connection_that_the_server_has_closed_is_opened_again(run: Run) -> None:
    """As every client does: the server may close it in the moment in which the next request is sent."""

    def once(handler: Handler) -> None:
        if getattr(handler, "served", False):
            handler.close_connection = True
        else:
            handler.served = True  # type: ignore[attr-defined]
            handler.say(200, "well")

    with site() as server:
        server.replies["/"] = once
        server.replies["/never"] = lambda handler: setattr(handler, "close_connection", True)
        outcome = run(
            f'[http.api]\nurl = "{server.url}/"\n[http.api.expect]\np95 = {{ limit = "< 20s", requests = 10 }}\n'
            'status = { limit = "== 200", paths = ["/", "/"] }\n'
            f'[http.never]\nurl = "{server.url}/"\nexpect = {{ status = {{ limit = "== 200", paths = ["/never"] }} }}\n'
        )
    assert outcome.verdict("http.p95@api") == "ok", outcome.message("http.p95@api")
    assert outcome.verdict("http.status@api") == "ok"
    assert outcome.verdict("http.status@never") == "unknown P1"
    said = "unknown: status of /never: the connection was closed before an answer came"
    assert outcome.message("http.status@never") in (said, said.removeprefix("unknown: "))
