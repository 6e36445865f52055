"""Flows over a real shop: red at the step whose fault is made, green again, and nothing that it carries is told."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest

from .conftest import Run
from .processes import free_port
from .web import Handler, Site, site

ENVIRONMENT = {"SHOP_USER": "probe-canary", "SHOP_PASSWORD": "hunter2-canary"}


class Shop:
    """A web shop with a sign-in by form, a CSRF cookie, an API with tokens, and orders; `broken` names its faults."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.broken: set[str] = set()
        self.orders: list[str] = []
        site.replies["/login"] = self.login
        site.replies["/account"] = self.account
        site.replies["/api/token"] = self.token
        site.replies["/api/orders"] = self.order
        site.replies["/api/orders/17"] = self.receipt

    def login(self, handler: Handler) -> None:
        if handler.command == "GET":
            handler.say(200, "please sign in", **{"Set-Cookie": "csrftoken=csrf-canary; Path=/"})
            return
        form = {name: value for name, (value,) in parse_qs(handler.body.decode()).items()}
        asked = (form["user"], form["password"], form["csrf"], handler.headers["x-csrftoken"])
        right = asked == ("probe-canary", "hunter2-canary", "csrf-canary", "csrf-canary")
        if not right or "csrftoken=csrf-canary" not in handler.headers["cookie"] or "password" in self.broken:
            handler.say(403, "canary: wrong password")
        else:
            handler.say(302, "", **{"Set-Cookie": "session=session-canary; Path=/", "Location": "/account"})

    def account(self, handler: Handler) -> None:
        signed_in = "session=session-canary" in handler.headers.get("cookie", "") and handler.command == "GET"
        handler.say(200, "Welcome, canary!" if signed_in and "session" not in self.broken else "Please sign in")

    def token(self, handler: Handler) -> None:
        document = {"error": "none"} if "token" in self.broken else {"access_token": "to/ken-canary", "for": "probe"}
        handler.say(200, json.dumps(document), "application/json")

    def order(self, handler: Handler) -> None:
        if "slow" in self.broken:
            time.sleep(0.4)
        said = json.loads(handler.body)
        if handler.headers["authorization"] != "Bearer to/ken-canary" or said["items"][0]["note"] != "x to/ken-canary":
            handler.say(401, "")
        elif "stolen" in self.broken:
            handler.say(200, json.dumps({"paid": "to/ken-canary"}), "application/json")
        else:
            self.orders.append(said["items"][0]["product"])
            elsewhere = "http://127.0.0.1:1/orders" if "elsewhere" in self.broken else "/api/orders/17"
            paid = "paid" not in self.broken
            handler.say(200, json.dumps({"paid": paid}), "application/json", Location=elsewhere)

    def receipt(self, handler: Handler) -> None:
        if "receipt" in self.broken:
            handler.close_connection = True
        else:
            handler.say(200, json.dumps({"query": handler.path.partition("?")[2]}), "application/json")


@pytest.fixture
def shop() -> Iterator[Shop]:
    with site() as running:
        yield Shop(running)


def checkout(shop: Shop) -> str:
    return f"""
[http.shop]
url = "{shop.site.url}/login"

[http.shop.flow.checkout]
synthetic = true
suites = ["smoke"]
[[http.shop.flow.checkout.steps]]
name = "form"
path = "/login"
capture = {{ csrf = "cookie.csrftoken" }}
[[http.shop.flow.checkout.steps]]
name = "sign in"
method = "POST"
path = "/login"
headers = {{ X-CSRFToken = "{{csrf}}" }}
send.form = {{ user = "${{SHOP_USER}}", password = "${{SHOP_PASSWORD}}", csrf = "{{csrf}}" }}
body = "~ Welcome"
[[http.shop.flow.checkout.steps]]
name = "key"
path = "/api/token"
capture = {{ token = "access_token" }}
json = {{ for = "== probe", access_token = "~ ^to/ken-" }}
[[http.shop.flow.checkout.steps]]
name = "pay"
method = "POST"
path = "/api/orders"
headers = {{ Authorization = "Bearer {{token}}" }}
send.json = {{ items = [{{ product = "shirt", count = 1, note = "x {{token}}" }}] }}
time = {{ P2 = "< 300ms" }}
json = {{ paid = true }}
capture = {{ order = "header.location" }}
[[http.shop.flow.checkout.steps]]
name = "receipt"
path = "{{order}}?by={{token}}"
json = {{ query = "~ ^by=to%2Fken-" }}
"""


def test_a_checkout_goes_through_and_tells_nothing(run: Run, shop: Shop) -> None:
    outcome = run(checkout(shop), "--log-level=DEBUG", "-olog_cli=true", suite="smoke", env=ENVIRONMENT)
    assert outcome.verdict("http.flow.checkout@shop") == "ok", outcome.message("http.flow.checkout@shop")
    measured = outcome["http.flow.checkout@shop"]["measurements"]
    assert [each["subject"] for each in measured] == [
        "form: status",
        "form: capture of csrf",
        "sign in: status",
        "sign in: body",
        "key: status",
        "key: for",
        "key: access_token",
        "key: capture of token",
        "pay: status",
        "pay: time",
        "pay: paid",
        "pay: capture of order",
        "receipt: status",
        "receipt: query",
        "the whole flow",
    ]
    assert shop.orders == ["shirt"], "each step is sent once"
    assert "canary" not in outcome.output + str(outcome.results)


@pytest.mark.parametrize(
    ("fault", "verdict", "said"),
    [
        ("password", "breach P1", "sign in: status is 403, expected 200; key: not reached, because 'sign in' failed"),
        ("session", "breach P1", "sign in: body is 14 bytes, expected to match /Welcome/; key: not reached"),
        ("token", "unknown P1", "key: access_token: it is missing, null or empty in the document; pay: not reached"),
        ("slow", "breach P2", " ms, expected < 300 ms; receipt: not reached, because 'pay' failed"),
        ("paid", "breach P1", "pay: paid is false, expected true; receipt: not reached, because 'pay' failed"),
        ("stolen", "breach P1", "pay: paid is ***, expected true"),
        ("elsewhere", "unknown P1", "is not on the target's own server, so nothing was sent there"),
        ("receipt", "unknown P1", "the connection was closed before an answer came"),
    ],
)  # fmt: skip
def test_a_fault_ends_the_flow_at_its_step(run: Run, shop: Shop, fault: str, verdict: str, said: str) -> None:
    shop.broken = {fault}
    outcome = run(checkout(shop), "-vv", "--tb=long", "-l", "--log-level=DEBUG", suite="smoke", env=ENVIRONMENT)
    assert outcome.verdict("http.flow.checkout@shop") == verdict
    assert said in outcome.message("http.flow.checkout@shop")
    assert "canary" not in outcome.output + str(outcome.results)
    assert len(shop.orders) <= 1


def test_a_missing_capture_ends_the_flow_and_flows_share_no_cookies(run: Run, shop: Shop) -> None:
    shop.site.replies["/whoami"] = lambda handler: handler.say(200, str(len(handler.headers.get("cookie", ""))))
    outcome = run(f"""
[http.shop]
url = "{shop.site.url}/login"
[[http.shop.flow.first.steps]]
name = "form"
path = "/login"
capture = {{ csrf = "cookie.csrftoken" }}
[[http.shop.flow.second.steps]]
name = "nobody"
path = "/whoami"
body = "== 0"
[[http.shop.flow.broken.steps]]
name = "form"
path = "/login"
capture = {{ csrf = "cookie.other", also = "access_token" }}
[[http.shop.flow.broken.steps]]
name = "use"
path = "/{{csrf}}"
""")
    for name in ("first", "second"):
        assert outcome.verdict(f"http.flow.{name}@shop") == "ok", outcome.message(f"http.flow.{name}@shop")
    message = outcome.message("http.flow.broken@shop")
    assert outcome.verdict("http.flow.broken@shop") == "unknown P1"
    assert "form: capture of csrf: nothing to capture: cookie.other is missing or empty in the answer" in message
    assert "form: capture of also: nothing to capture" in message
    assert "use: not reached" in message


def test_every_flow_ends(run: Run, shop: Shop) -> None:
    shop.site.dripping("/drip", b"HTTP/1.1 200 OK\r\nX-Slow: ")
    outcome = run(f"""
[http.shop]
url = "{shop.site.url}/login"
[http.shop.flow.slow]
timeout = "1s"
steps = [{{ name = "drip", path = "/drip" }}]
[http.shop.flow.late]
expect = "< 1ms"
steps = [{{ name = "form", path = "/login" }}]
[http.gone]
url = "http://127.0.0.1:{free_port()}/"
flow.any.steps = [{{ name = "form", path = "/login" }}]
""")
    assert outcome.verdict("http.flow.slow@shop") == "unknown P1"
    assert "not whole within 0.9 s" in outcome.message("http.flow.slow@shop")
    assert outcome.verdict("http.flow.late@shop") == "breach P1"
    assert outcome.message("http.flow.late@shop").startswith("the whole flow is ")
    assert outcome.verdict("http.flow.any@gone") == "blocked"


def test_a_body_goes_to_no_other_server(run: Run, shop: Shop) -> None:
    with site() as other:
        shop.site.page("/moved", "", 307, Location=f"{other.url}/login")
        outcome = run(f"""
[http.shop]
url = "{shop.site.url}/login"
[http.shop.flow.sign_in]
synthetic = true
steps = [{{ name = "post", method = "POST", path = "/moved", send = {{ form = {{ password = "canary" }} }} }}]
""")
        assert not other.seen
    assert outcome.verdict("http.flow.sign_in@shop") == "unknown P1"
    assert "another server, which is sent no body" in outcome.message("http.flow.sign_in@shop")


def test_mistakes_in_a_flow_are_named(run: Run) -> None:
    steps = {
        "post": '{ name = "buy", method = "POST", path = "/" }',
        "key": '{ name = "buy", pth = "/", path = "/" }',
        "path": '{ name = "buy", path = "https://example.com/" }',
        "token": '{ name = "a", path = "/", capture = { token = "t" } }, { name = "b", path = "/{tokn}" }',
        "twice": '{ name = "a", path = "/" }, { name = "a", path = "/" }',
        "body": '{ name = "a", path = "/", send = { form = { a = "b" } } }',
        "sent": '{ name = "a", path = "/", send = { text = "b" } }',
        "jmes": '{ name = "a", path = "/", capture = { token = "a[" } }',
        "time": '{ name = "a", path = "/", time = "< 5" }',
        "empty": "",
    }
    inventory = '[http.shop]\nurl = "https://example.com"\n' + "".join(
        f"[http.shop.flow.{name}]\nsteps = [{said}]\n" for name, said in steps.items()
    )
    outcome = run(inventory)
    assert outcome.exit_status == 4
    for said in (
        "step 1 (buy) is a POST, which changes something on the server",
        "set synthetic = true",
        "unknown key 'pth'; it can be: name, method, path, headers, send, status, time, body, json, capture",
        "'https://example.com/' is not a path; start it with one /",
        "step 2 (b) uses {tokn}, and no step before captures it; captured before are: token",
        "two steps are called 'a'",
        "step 1 (a) sends a body with GET",
        "it must be either { json = ... } or { form = { ... } }",
        "'a[' is not a JMESPath",
        "it must be a time; use for example '< 1s'",
        "http.shop.flow.empty.steps: it is empty",
    ):
        assert said in outcome.output


def test_a_secret_that_cannot_be_judged_is_not_told_either(run: Run, shop: Shop) -> None:
    inventory = checkout(shop).replace('access_token = "~ ^to/ken-"', 'access_token = "< 5"')
    outcome = run(inventory, suite="smoke", env=ENVIRONMENT)
    assert outcome.verdict("http.flow.checkout@shop") == "unknown P1"
    said = "key: access_token: its value, which is not shown, can't be judged by < 5"
    assert said in outcome.message("http.flow.checkout@shop")
    assert "canary" not in outcome.output + str(outcome.results)
