"""What servers of Prometheus's API answer when something is wrong with them: never ok, and always a cause in words."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Run
from .web import Handler, Reply, Site, site


@pytest.fixture
def server() -> Iterator[Site]:
    with site() as running:
        yield running


def ago(seconds: float) -> str:
    """Return a moment as Prometheus writes it."""
    return f"{dt.datetime.fromtimestamp(time.time() - seconds, dt.UTC):%Y-%m-%dT%H:%M:%S.%f}123Z"


def success(data: Any, **beside: Any) -> dict[str, Any]:
    return {"status": "success", "data": data, **beside}


def vector(*values: object, age_s: float = 0) -> dict[str, Any]:
    """Return what an instant query gives."""
    samples = [
        {"metric": {"i": str(number)}, "value": [time.time() - age_s, value]} for number, value in enumerate(values)
    ]
    return {"resultType": "vector", "result": samples}


def rule(name: str = "Full", **said: Any) -> dict[str, Any]:
    """Return an alerting rule that is evaluated and does not fire."""
    return {
        "type": "alerting",
        "name": name,
        "labels": {"severity": "critical"},
        "alerts": [],
        "state": "inactive",
        "health": "ok",
        "lastEvaluation": ago(5),
        **said,
    }


def groups(*rules: dict[str, Any], **said: Any) -> dict[str, Any]:
    return {"groups": [{"name": "g", "interval": 15, "lastEvaluation": ago(5), "rules": list(rules), **said}]}


def target(**said: Any) -> dict[str, Any]:
    return {
        "labels": {"job": "api", "instance": "a:1"},
        "scrapePool": "api",
        "health": "up",
        "lastScrape": ago(5),
        "lastError": "",
        "scrapeInterval": "15s",
        **said,
    }


def alert(**said: Any) -> dict[str, Any]:
    """Return an alert that fires."""
    labels = {"alertname": "Full", "severity": "critical"}
    return {"labels": labels, "state": "firing", "activeAt": ago(60), **said}


def listed(*found: dict[str, Any]) -> dict[str, Any]:
    return {"activeTargets": list(found)}


INFO = "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket"
NEVER = "0001-01-01T00:00:00Z"


def queries() -> dict[str, tuple[Any, str, str]]:
    """Return what a query may give, the verdict, and words of its message."""
    return {
        "good": (success(vector("1", "2")), "ok", "all 2 as expected"),
        "infos": (success(vector("1"), infos=[INFO]), "ok", "is 1"),
        "infos_before_3": (success(vector("1"), warnings=[INFO]), "ok", "is 1"),
        "warnings": (
            success(vector("1"), warnings=[INFO, "store-2 is down"], infos=[INFO]),
            "unknown P2",
            "store-2 is down",
        ),
        "one_warning": (success(vector("1"), warnings="store-2 is down"), "unknown P2", "incomplete: store-2 is down"),
        "partial": (success(vector("1"), isPartial=True), "unknown P2", "only a part (isPartial)"),
        "not_partial": (success(vector("1"), isPartial=False), "ok", "is 1"),
        "yesterday": (success(vector("1", age_s=90000)), "unknown P2", "its sample is 25 h old"),
        "future": (success(vector("1", age_s=-90000)), "unknown P2", "its sample is 25 h in the future"),
        "scalar_yesterday": (
            success({"resultType": "scalar", "result": [time.time() - 90000, "1"]}),
            "unknown P2",
            "its sample is 25 h old",
        ),
        "empty": (success(vector()), "unknown P2", "gives no sample"),
        "null": (success({"resultType": "vector", "result": None}), "unknown P2", "gives no sample"),
        "nan": (success(vector("1", "NaN")), "unknown P2", "not a number (NaN)"),
        "infinite": (success(vector("Infinity")), "breach P2", "is inf"),
        "many": (success(vector(*["1"] * 1001)), "unknown P2", "gives 1001 samples"),
        "streams": (success({"resultType": "streams", "result": []}), "unknown P2", "gives a streams, not samples"),
        "word": (success(vector("up")), "unknown P2", "a sample of the answer is not as Prometheus writes it"),
        "pair": (
            success({"resultType": "vector", "result": [{"value": 1}]}),
            "unknown P2",
            "a sample of the answer is not",
        ),
        "nothing": ({"status": "success", "data": None}, "unknown P2", "answered without any data"),
        "error": (
            {"status": "error", "errorType": "timeout", "error": "query timed out"},
            "unknown P2",
            "timeout: query",
        ),
    }


def rules() -> dict[str, tuple[Any, str, str, str]]:
    """Return what rules may be, the verdict of alerts, words of its message, and the verdict of rules."""
    return {
        "quiet": (groups(rule()), "ok", "not firing", "ok"),
        "firing": (groups(rule(state="firing", alerts=[alert()])), "breach P2", "Full (since 20", "ok"),
        "unlisted": (groups(rule(state="firing")), "breach P2", "Full (its alerts are not listed) is firing", "ok"),
        "grafana": (groups(rule(alerts=[alert(state="Alerting")])), "breach P2", "is firing", "ok"),
        "pending": (groups(rule(state="pending", alerts=[alert(state="pending")])), "ok", "not firing", "ok"),
        "stale": (
            groups(rule(lastEvaluation=ago(9 * 3600))),
            "unknown P2",
            "its last evaluation is 9 h old",
            "unknown P2",
        ),
        "stale_group": (
            groups({**rule(), "lastEvaluation": None}, lastEvaluation=ago(9 * 3600)),
            "unknown P2",
            "its last evaluation is 9 h old",
            "unknown P2",
        ),
        "future": (groups(rule(lastEvaluation=ago(-9 * 3600))), "unknown P2", "9 h in the future", "unknown P2"),
        "seldom": (groups(rule(lastEvaluation=ago(2 * 3600)), interval=3600), "ok", "not firing", "ok"),
        "stale_firing": (
            groups(rule(state="firing", alerts=[alert()], lastEvaluation=ago(9 * 3600))),
            "breach P2",
            "its last evaluation is 9 h old",
            "unknown P2",
        ),
        "never": (groups(rule(lastEvaluation=NEVER)), "unknown P2", "has not been evaluated yet", "unknown P2"),
        "unknown": (groups(rule(health="unknown")), "unknown P2", "has not been evaluated yet", "unknown P2"),
        "failing": (groups(rule(health="err", lastError="many-to-many")), "unknown P2", "many-to-many", "breach P2"),
        "failing_elsewhere": (groups(rule(health="error")), "unknown P2", "its health is error", "breach P2"),
        "none": ({"groups": None}, "unknown P2", "no alerting rule is loaded", "breach P2"),
        "first_page": (
            {**groups(rule()), "groupNextToken": "x"},
            "unknown P2",
            "only the first of the rule",
            "unknown P2",
        ),
        "nameless": (groups({"type": "alerting"}), "unknown P2", "a rule of the answer is not as", "unknown P2"),
    }


def labelled() -> dict[str, tuple[Any, str, str]]:
    """Return rules, of which alerts with severity = critical are asked for."""
    return {
        "fixed": (groups(rule()), "ok", "not firing"),
        "other": (groups(rule(labels={"severity": "page"})), "unknown P2", "has severity = critical"),
        "beside": (groups(rule(), rule("Slow", labels={"severity": "page"}, state="firing")), "ok", "all 2 as"),
        "unlisted": (groups(rule(state="firing")), "breach P2", "is firing"),
        "unlisted_open": (groups(rule(), rule("Slow", labels={}, state="firing")), "unknown P2", "are not listed"),
        "template": (groups(rule(labels={"severity": "{{ $labels.level }}"})), "ok", "not firing"),
    }


def targets() -> dict[str, tuple[Any, str, str]]:
    """Return what targets may be."""
    return {
        "up": (listed(target()), "ok", "api a:1 is up"),
        "down": (
            listed(target(health="down", lastError='Get "http://a:1": EOF')),
            "breach P2",
            "api a:1 [EOF] is down",
        ),
        "stale": (listed(target(lastScrape=ago(4 * 3600))), "unknown P2", "its last scrape is 4 h old"),
        "seldom": (listed(target(lastScrape=ago(3000), scrapeInterval="30m")), "ok", "is up"),
        "seldom_elsewhere": (
            listed(target(lastScrape=ago(3000), scrapeInterval=None, discoveredLabels={"__scrape_interval__": "30m"})),
            "ok",
            "is up",
        ),
        "future": (
            listed(target(lastScrape=ago(-20 * 3600 - 60))),
            "unknown P2",
            "its last scrape is 20 h in the future",
        ),
        "never": (listed(target(lastScrape=NEVER)), "unknown P2", "has not been scraped yet"),
        "unknown": (listed(target(health="unknown")), "unknown P2", "has not been scraped yet"),
        "without": (listed(), "unknown P2", "no target of the job"),
        "shapeless": (listed({"labels": {"job": "api"}}), "unknown P2", "a target of the answer is not as Prometheus"),
    }


def test_answers_that_are_not_whole_or_not_of_now_are_never_ok(run: Run, server: Site) -> None:
    expected: dict[str, tuple[str, str]] = {}
    inventory = ""

    def serve(name: str, path: str, document: Any, expect: str) -> None:
        nonlocal inventory
        one = success({"resultType": "scalar", "result": [time.time(), "1"]})
        server.document(f"/{name}/api/v1/query", one)
        server.document(f"/{name}/api/v1/{path}", document)
        inventory += f'[prometheus.{name}]\nurl = "{server.url}/{name}"\n{expect}\n'

    for name, (document, verdict, words) in queries().items():
        serve(f"query_{name}", "asked", document, f"expect = {{ alerts = false }}\n[prometheus.query_{name}.query.n]")
        inventory += 'query = "n"\nexpect = "<= 2"\n'
        asked = server.replies.pop(f"/query_{name}/api/v1/asked")
        first = server.replies[f"/query_{name}/api/v1/query"]
        server.replies[f"/query_{name}/api/v1/query"] = either(first, asked)
        expected[f"prometheus.query.n@query_{name}"] = verdict, words
    for name, (found, verdict, words, loaded) in rules().items():
        serve(f"rule_{name}", "rules", success(found), "expect = { rules = { names = ['Full'], suites = ['daily'] } }")
        expected[f"prometheus.alerts@rule_{name}"] = verdict, words
        expected[f"prometheus.rules@rule_{name}"] = loaded, ""
    for name, (found, verdict, words) in labelled().items():
        serve(f"label_{name}", "rules", success(found), "expect = { alerts = { labels = { severity = 'critical' } } }")
        expected[f"prometheus.alerts@label_{name}"] = verdict, words
    for name, (found, verdict, words) in targets().items():
        serve(f"target_{name}", "targets", success(found), "expect = { alerts = false, targets_up = ['api'] }")
        expected[f"prometheus.targets_up@target_{name}"] = verdict, words
    outcome = run(inventory)
    for result, (verdict, words) in expected.items():
        assert (outcome.verdict(result), words in outcome.message(result)) == (verdict, True), outcome[result]


def torn(handler: Handler) -> None:
    """Say that 99 bytes come, and end the connection after fewer."""
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"status": "success", ')
    handler.close_connection = True


def either(first: Reply, other: Reply) -> Reply:
    """Answer the query by which a server is reached, and every other one."""
    return lambda handler: (first if "query=1" in handler.path else other)(handler)


def test_what_stands_before_prometheus_or_in_its_place_is_named(run: Run, server: Site) -> None:
    good = success({"resultType": "scalar", "result": [time.time(), "1"]})
    path = "api/v1/query"
    server.document(f"/base/path/{path}", good)
    packed = gzip.compress(json.dumps(good).encode())
    server.replies[f"/gzip/{path}"] = lambda handler: handler.say(
        200, packed, "application/json", **{"Content-Encoding": "gzip"}
    )
    server.page(f"/login/{path}", "", 302, Location="/signin")
    server.page("/signin", "<html>Sign in</html>", content_type="text/html")
    server.page(f"/html/{path}", "<html>Grafana</html>", content_type="text/html")
    server.page(f"/denied/{path}", "<html>401</html>", 401, content_type="text/html")
    server.document(f"/busy/{path}", {"status": "error", "errorType": "unavailable", "error": "starting up"}, 503)
    server.document(f"/wrong/{path}", {"status": "error", "errorType": "execution", "error": "no org id"}, 422)
    server.document(f"/other/{path}", {"status": 404, "message": "Not Found"}, 404)
    server.document(f"/other_api/{path}", success({"version": "1.0"}))
    server.document(f"/lying/{path}", {"status": "error", "errorType": "execution", "error": "too many"}, 200)
    server.page(f"/large/{path}", " " * 10_000_001)
    server.page(f"/kept/{path}", json.dumps(good), content_type="application/json", Age="86400")
    server.replies[f"/torn/{path}"] = torn
    cases = {
        "base/path/": ("ok", ""),
        "gzip": ("ok", ""),
        "login": ("breach P1", "the url redirects there, to a login perhaps"),
        "html": ("breach P1", "check whether the url is Prometheus's own"),
        "denied": ("breach P1", "check the credentials"),
        "other_api": ("breach P1", "answered a query without a result"),
        "busy": ("breach P1", "unavailable: starting up"),
        "wrong": ("breach P1", "execution: no org id"),
        "other": ("breach P1", "check whether the url has the path that it is served under"),
        "lying": ("breach P1", "execution: too many"),
        "large": ("breach P1", "is longer than the 10 MB"),
        "kept": ("breach P1", "was kept by a cache for 24 h"),
        "torn": ("breach P1", "ended in the middle"),
    }
    outcome = run(
        "".join(
            f'[prometheus.{name.partition("/")[0]}]\nurl = "{server.url}/{name}"\nexpect = {{ alerts = false }}\n'
            for name in cases
        )
    )
    for name, (verdict, words) in cases.items():
        result = f"prometheus.reachable@{name.partition('/')[0]}"
        assert (outcome.verdict(result), words in outcome.message(result)) == (verdict, True), outcome[result]
