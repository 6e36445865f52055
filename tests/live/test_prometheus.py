"""Prometheus, a real one that scrapes itself: alerts and queries, red by their fault, and green again."""

from __future__ import annotations

import contextlib
import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import pytest

from .conftest import Run
from .processes import answers, free_port, program, running, wait_until
from .web import Site, site

QUIET = {"alert": "Quiet", "expr": "vector(0) > 1"}
WARNING = {"alert": "SoonFull", "expr": "vector(0) > 1", "labels": {"severity": "warning"}}
WATCHDOG = {"alert": "Watchdog", "expr": "vector(1)"}
PENDING = {"alert": "SoonRed", "expr": "up == 1", "for": "1h"}
FIRING = {"alert": "TargetUp", "expr": "up == 1", "labels": {"severity": "critical"}}
BROKEN = {"alert": "Broken", "expr": "go_gc_duration_seconds + on() go_gc_duration_seconds"}


class Server:
    """A Prometheus whose rules a test sets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def write(self, *rules: dict[str, Any]) -> None:
        groups = {"groups": [{"name": "test", "rules": list(rules)}]} if rules else {"groups": []}
        (self.folder / "rules.yml").write_text(json.dumps(groups))

    def configure(self, *others: str, scraped: Sequence[Mapping[str, Any]] = ()) -> None:
        """Scrape itself, and other addresses as the job ours; or, in their place, what `scraped` says."""
        jobs = [("self", f"127.0.0.1:{self.port}"), *(("ours", other) for other in others)]
        scraped = scraped or [{"job_name": name, "static_configs": [{"targets": [there]}]} for name, there in jobs]
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [f"{self.folder}/rules.yml"],
            "scrape_configs": scraped,
        }
        (self.folder / "prometheus.yml").write_text(json.dumps(configuration))

    def reload(self) -> None:
        """Have it read its files; unlike after a signal, it has when this returns."""
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/-/reload", method="POST"), timeout=30).close()

    def scrape(self, *others: str) -> None:
        """Scrape other addresses too, from now on."""
        self.configure(*others)
        self.reload()

    def scrape_pages(self, address: str, names: AbstractSet[str]) -> dict[str, str]:
        """Scrape pages of an address, each as a job of its own; return why it refuses them, empty where it does not."""
        jobs = [
            {"job_name": name, "metrics_path": f"/{name}", "static_configs": [{"targets": [address]}]} for name in names
        ]
        self.configure(scraped=jobs)
        self.reload()
        wait_until(lambda: names <= self.health().keys(), "all pages scraped")
        return self.health()

    def health(self) -> dict[str, str]:
        """Return why each job that was scraped could not be, empty where it could."""
        targets = self.ask("targets")["activeTargets"]
        return {each["labels"]["job"]: each["lastError"] for each in targets if each["health"] != "unknown"}

    def load(self, *rules: dict[str, Any]) -> None:
        """Load rules, and wait until they have been evaluated."""
        self.write(*rules)
        self.reload()
        names = [rule["alert"] for rule in rules]
        wait_until(lambda: self.evaluated() == names, f"rules {names}")

    def evaluated(self) -> list[str]:
        groups = self.ask("rules", type="alert")["groups"]
        return [rule["name"] for group in groups for rule in group["rules"] if rule["health"] != "unknown"]

    def ask(self, path: str, **query: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}", timeout=5) as answer:
            return json.load(answer)["data"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("prometheus")
    server = Server(folder)
    server.write()
    server.configure()
    command = [
        program("prometheus"),
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{server.port}",
        "--web.enable-lifecycle",
    ]
    with running(command, log=folder / "prometheus.log") as server.process:
        wait_until(lambda: answers(server.port), "prometheus")
        wait_until(lambda: bool(server.ask("query", query="up == 1")["result"]), "the first scrape")
        yield server


def test_alerts_red_by_what_fires_alone(run: Run, server: Server) -> None:
    inventory = f"""
[prometheus.main]
url = "{server.url}"
expect = {{ alerts = true }}
[prometheus.ignoring]
url = "{server.url}"
expect = {{ alerts = {{ ignore = ["TargetUp"], severity = "P1" }} }}
[prometheus.labels]
url = "{server.url}"
expect = {{ alerts = {{ labels = {{ severity = "warning" }} }} }}
[prometheus.misspelt]
url = "{server.url}"
expect = {{ alerts = {{ labels = {{ severity = "critcal" }} }} }}
[prometheus.of_the_series]
url = "{server.url}"
expect = {{ alerts = {{ labels = {{ job = "self" }} }} }}
[prometheus.of_no_series]
url = "{server.url}"
expect = {{ alerts = {{ labels = {{ job = "sefl" }} }} }}
"""
    server.load()
    outcome = run(inventory)
    assert outcome.verdict("prometheus.reachable@main") == "ok"
    assert outcome.verdict("prometheus.alerts@main") == "unknown P2"
    assert "no alerting rule is loaded" in outcome.message("prometheus.alerts@main")
    server.load(WATCHDOG)
    assert "beside those to ignore" in run(inventory).message("prometheus.alerts@main")
    server.load(QUIET, WATCHDOG, PENDING)
    wait_until(lambda: any(a["state"] == "pending" for a in server.ask("alerts")["alerts"]), "a pending alert")
    wait_until(lambda: any(a["state"] == "firing" for a in server.ask("alerts")["alerts"]), "Watchdog")
    outcome = run(inventory)
    assert outcome.verdict("prometheus.alerts@main") == "ok"
    assert outcome.message("prometheus.alerts@main") == "all 2 as expected"
    server.load(QUIET, WATCHDOG, WARNING, FIRING)
    wait_until(lambda: len(server.ask("query", query='ALERTS{alertname="TargetUp"}')["result"]) == 1, "the alert")
    outcome = run(inventory)
    assert outcome.verdict("prometheus.alerts@main") == "breach P2"
    said = outcome.message("prometheus.alerts@main")
    assert said.startswith(f"TargetUp (job=self, instance=127.0.0.1:{server.port}, since 20")
    assert said.endswith("UTC) is firing, expected not firing")
    assert outcome.verdict("prometheus.alerts@ignoring") == "ok"
    assert outcome.verdict("prometheus.alerts@labels") == "ok"
    assert outcome.verdict("prometheus.alerts@misspelt") == "unknown P2"
    assert "has severity = critcal" in outcome.message("prometheus.alerts@misspelt")
    assert "there are: critical, warning" in outcome.message("prometheus.alerts@misspelt")
    assert outcome.verdict("prometheus.alerts@of_the_series") == "breach P2"
    assert outcome.verdict("prometheus.alerts@of_no_series") == "unknown P2"
    server.load(QUIET, WARNING)
    outcome = run(inventory)
    assert outcome.verdict("prometheus.alerts@labels") == "ok"
    assert outcome.verdict("prometheus.alerts@of_the_series") == "ok"
    assert "has job = sefl" in outcome.message("prometheus.alerts@of_no_series")
    server.load(QUIET, BROKEN)
    outcome = run(inventory)
    assert outcome.verdict("prometheus.alerts@main") == "unknown P2"
    assert "Broken: the rule tells nothing" in outcome.message("prometheus.alerts@main")


def test_queries(run: Run, server: Server) -> None:
    cases = {
        "up": ('query = "up"\nexpect = "== 1"', "ok", "instance=127.0.0.1"),
        "down": ('query = "up"\nexpect = { P1 = "== 0" }', "breach P1", "is 1, expected 0"),
        "scalar": ('query = "scalar(vector(7))"\nexpect = "< 5"', "breach P2", "value is 7, expected < 5"),
        "several": ('query = "prometheus_build_info or up"\nexpect = "== 1"', "ok", "all 2 as expected"),
        "empty": ('query = "nothing_of_this_name"\nexpect = "< 5"', "unknown P2", "gives no sample"),
        "nan": ('query = "vector(0) / 0"\nexpect = "< 5"', "unknown P2", "not a number (NaN)"),
        "infinite": ('query = "vector(1) / 0"\nexpect = "< 5"', "breach P2", "value is inf"),
        "range": ('query = "up[1m]"\nexpect = "< 5"', "unknown P2", "gives a matrix"),
        "text": ('query = \'"word"\'\nexpect = "== word"', "unknown P2", "gives a string"),
        "wrong": ('query = "up{"\nexpect = "< 5"', "unknown P2", "bad_data: "),
        "unit": ('query = "vector(0.7)"\nunit = "s"\nexpect = "< 500ms"', "breach P2", "value is 700 ms"),
        "ratio": ('query = "vector(0.07)"\nunit = "ratio"\nexpect = "< 5%"', "breach P2", "value is at 7 %"),
        "no_unit": ('query = "vector(0.7)"\nexpect = "< 500ms"', "unknown P2", 'unit = "s"'),
    }
    inventory = f'[prometheus.main]\nurl = "{server.url}/"\n' + "".join(
        f"[prometheus.main.query.{name}]\n{said}\n" for name, (said, _, _) in cases.items()
    )
    server.load(QUIET)
    outcome = run(inventory)
    for name, (_, verdict, message) in cases.items():
        result = f"prometheus.query.{name}@main"
        assert (outcome.verdict(result), message in outcome.message(result)) == (verdict, True), outcome[result]
    outcome = run(inventory.replace('unit = "s"', 'unit = "parsec"'))
    assert outcome.exit_status == 4
    assert "unknown unit 'parsec'" in outcome.output


def test_rules_red_by_one_that_is_not_loaded_or_fails(run: Run, server: Server) -> None:
    inventory = f"""
[prometheus.main]
url = "{server.url}"
expect = {{ alerts = false, rules = ["Quiet", "Broken"] }}
"""
    server.load(QUIET)
    outcome = run(inventory, suite="weekly")
    assert outcome.verdict("prometheus.rules@main") == "breach P2"
    assert outcome.message("prometheus.rules@main") == "Broken is missing, expected loaded"
    server.load(QUIET, BROKEN)
    outcome = run(inventory, suite="weekly")
    assert outcome.verdict("prometheus.rules@main") == "breach P2"
    assert outcome.message("prometheus.rules@main").startswith("Broken is failing: ")
    server.load(QUIET, {**QUIET, "alert": "Broken"})
    assert run(inventory, suite="weekly").verdict("prometheus.rules@main") == "ok"


def test_targets_red_by_one_that_is_down(run: Run, server: Server) -> None:
    inventory = f"""
[prometheus.main]
url = "{server.url}"
expect = {{ alerts = false, targets_up = ["*"] }}
[prometheus.self]
url = "{server.url}"
expect = {{ alerts = false, targets_up = ["self"] }}
[prometheus.misspelt]
url = "{server.url}"
expect = {{ alerts = false, targets_up = ["sefl"] }}
"""
    outcome = run(inventory)
    assert outcome.verdict("prometheus.targets_up@main") == "ok"
    assert outcome.verdict("prometheus.targets_up@misspelt") == "unknown P2"
    assert "no target of the job 'sefl' is scraped" in outcome.message("prometheus.targets_up@misspelt")
    with site() as web:
        web.page("/metrics", "ours 1\n", Connection="close")
        server.scrape(web.url.removeprefix("http://"))
        wait_until(lambda: len(server.ask("query", query="ours")["result"]) == 1, "a scrape")
        assert run(inventory).verdict("prometheus.targets_up@main") == "ok"
    wait_until(lambda: len(server.ask("query", query='up{job="ours"} == 0')["result"]) == 1, "a failed scrape")
    outcome = run(inventory)
    assert outcome.verdict("prometheus.targets_up@main") == "breach P2"
    assert "connection refused" in outcome.message("prometheus.targets_up@main")
    assert outcome.message("prometheus.targets_up@main").endswith("is down, expected up")
    assert outcome.verdict("prometheus.targets_up@self") == "ok"
    nobody: dict[str, Any] = {"job_name": "nobody", "static_configs": []}
    server.configure(scraped=[nobody, {"job_name": "self", "static_configs": [{"targets": [server.url[7:]]}]}])
    server.reload()
    wait_until(lambda: "nobody" in server.ask("scrape_pools")["scrapePools"], "a job without a target")
    outcome = run(inventory)
    assert outcome.verdict("prometheus.targets_up@main") == "unknown P2"
    assert outcome.message("prometheus.targets_up@main").startswith("nobody: no target of the job is scraped")
    assert outcome.verdict("prometheus.targets_up@self") == "ok"
    server.scrape()
    wait_until(lambda: server.ask("scrape_pools")["scrapePools"] == ["self"], "its own target alone")
    assert run(inventory).verdict("prometheus.targets_up@main") == "ok"


def test_the_share_of_failed_requests_and_the_mean_of_some_time(run: Run, server: Server) -> None:
    """Of Prometheus' own requests: those with status 400 are what the test makes wrong."""
    share = (
        "(sum(rate(prometheus_http_requests_total{%s}[30s])) or vector(0)) "
        "/ sum(rate(prometheus_http_requests_total[30s]))"
    )
    wrong = share % 'handler="/api/v1/query",code=~"4.."'
    inventory = f"""
[prometheus.main]
url = "{server.url}"
expect = {{ alerts = false }}
[prometheus.main.query.wrong]
query = '{wrong}'
unit = "ratio"
expect = "< 5%"
[prometheus.main.query.failed]
query = '{share % 'code=~"5.."'}'
unit = "ratio"
expect = "< 5%"
[prometheus.main.query.mean]
query = "avg_over_time(up{{job='self'}}[10s])"
expect = "<= 1"
"""

    def ratio() -> float:
        found = server.ask("query", query=wrong)["result"]
        return float(found[0]["value"][1]) if found else 0.0

    for _ in range(40):
        with contextlib.suppress(urllib.error.HTTPError):
            server.ask("query", query="up{")
    wait_until(lambda: ratio() > 0.05, "a scrape of the failed requests")
    outcome = run(inventory)
    assert outcome.verdict("prometheus.query.wrong@main") == "breach P2"
    assert outcome.verdict("prometheus.query.failed@main") == "ok"
    assert outcome.verdict("prometheus.query.mean@main") == "ok"


TEXT, OPEN = "text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0; charset=utf-8"
PAGES = {
    "plain": (TEXT, '# TYPE a counter\na{b="c"} 1\n'),
    "html": ("text/html; charset=utf-8", "a 1\n"),
    "none": ("", "a 1\n"),
    "json": ("application/json", "a 1\n"),
    "families": (OPEN, '# TYPE a gauge\na{q="1"} 1\n# TYPE b gauge\nb 1\n# TYPE a gauge\na{q="2"} 2\n# EOF\n'),
    "families_plain": (TEXT, '# TYPE a gauge\na{q="1"} 1\nb 1\n# TYPE a counter\n# HELP a x\na{q="2"} 2\n'),
    "blanks": (TEXT, '\n# a\n#\n \na\t{ b = "c" , }\t 1 \na{d="e" f="g"}2\n\n'),
    "quotes": (TEXT, r'a{b="}#{\"\\",c="\n\d"} 1' + "\n"),
    "line_feed": (TEXT, 'a{b="c\nd"} 1\n'),
    "numbers": (TEXT, 'a{n="1"} .5\na{n="2"} 5.\na{n="3"} +1E3\na{n="4"} infinity\na{n="5"} -Inf\na{n="6"} NAN\n'),
    "middle": (TEXT, "# EOF\na 1\n"),
    "exemplar": (OPEN, '# TYPE a counter\na_total{b="c"} 1 # {t="} #"} 0.5\n# EOF\n'),
    "no_feed": (OPEN, "# TYPE a unknown\na 1\n# EOF"),
    "hex": (TEXT, "a 0x10\n"),
    "underscore": (TEXT, "a 1_0\n"),
    "signed_nan": (TEXT, "a +nan\n"),
    "negative": (TEXT, "a 1 -5\n"),
    "comma": (TEXT, "a{,} 1\n"),
    "exemplar_plain": (TEXT, 'a_total 1 # {t="x"} 1\n'),
    "no_end": (OPEN, "# TYPE a gauge\na 1\n"),
    "two_ends": (OPEN, "a 1\n# EOF\na 2\n# EOF\n"),
    "page": ("text/html", "<html><body>Sign in</body></html>\n"),
    "words": (TEXT, "a 1\nall is well\n"),
    "half": (TEXT, "a 1\nb 12"),
}
TAKEN_BY_PROMETHEUS_ALONE = {"half"}
"""It closes the last line itself; we can't know whether that was to be 1234."""


def test_pages_are_read_as_prometheus_reads_them(run: Run, server: Server) -> None:
    """Every series that it has of a page has the same value here, and what it refuses is refused."""
    with site() as web:
        for name, (content_type, text) in PAGES.items():
            web.page(f"/{name}", text, content_type=content_type)
        refused = server.scrape_pages(web.url.removeprefix("http://"), PAGES.keys())
        names = "{job=~'.+',job!='self',__name__!~'up|scrape_.*'}"
        samples: list[dict[str, Any]] = []

        def scraped() -> bool:
            samples[:] = server.ask("query", query=names)["result"]
            return {each["metric"]["job"] for each in samples} >= {name for name in PAGES if not refused[name]}

        wait_until(scraped, "samples of each page")
        inventory = "".join(f'[metrics.{name}]\nurl = "{web.url}/{name}"\n' for name in PAGES)
        expected: dict[str, tuple[str, str]] = {}
        for number, sample in enumerate(samples):
            labels, value = sample["metric"], sample["value"][1]
            job, metric = labels.pop("job"), labels.pop("__name__")
            del labels["instance"]
            table = ", ".join(f"{name} = {json.dumps(value)}" for name, value in labels.items())
            inventory += (
                f"[metrics.{job}.value.v{number}]\nmetric = {json.dumps(metric)}\n"
                + (f"labels = {{ {table} }}\n" if table else "")
                + f'expect = "== {value if value[-1] not in "Nf" else 0}"\n'
            )
            infinite = {"+Inf": "is inf", "-Inf": "the sample is -Inf", "NaN": "not a number (NaN)"}
            expected[f"metrics.value.v{number}@{job}"] = job, infinite.get(value, f"is {value}")
        outcome = run(inventory)
    server.scrape()
    wait_until(lambda: server.health().keys() == {"self"}, "its own target alone")
    for name, why in refused.items():
        if why or name in TAKEN_BY_PROMETHEUS_ALONE:
            assert outcome.verdict(f"metrics.reachable@{name}") == "breach P1", name
        else:
            assert outcome.verdict(f"metrics.reachable@{name}") == "ok", outcome[f"metrics.reachable@{name}"]
    for result, (job, value) in expected.items():
        if job not in TAKEN_BY_PROMETHEUS_ALONE:
            assert value in outcome.message(result), outcome[result]
    assert {job for job, _ in expected.values()} == {name for name, why in refused.items() if not why}


def test_what_is_no_prometheus_fails_reachable_alone(run: Run) -> None:
    with site() as web:
        shape(web)
        outcome = run(f"""
[prometheus.page]
url = "{web.url}"
[prometheus.denied]
url = "{web.url}/denied"
[prometheus.partial]
url = "{web.url}/partial"
[prometheus.stopped]
url = "http://127.0.0.1:{free_port()}"
[prometheus.stopped.query.any]
query = "up"
expect = "== 1"
""")
    for name, said in {
        "page": "answered 200 and not as Prometheus does",
        "denied": "check the credentials",
        "partial": "the answer may be incomplete: a store did not answer",
        "stopped": "connection refused",
    }.items():
        assert outcome.verdict(f"prometheus.reachable@{name}") == "breach P1"
        assert said in outcome.message(f"prometheus.reachable@{name}")
        assert outcome.verdict(f"prometheus.alerts@{name}") == "blocked"
    assert outcome.verdict("prometheus.query.any@stopped") == "blocked"


def shape(web: Site) -> None:
    """Answer as what is not Prometheus, or not all of it, answers."""
    web.page("/api/v1/query", "<html>", content_type="text/html")
    web.page("/denied/api/v1/query", "no", 401)
    data = {"resultType": "scalar", "result": [0, "1"]}
    web.document("/partial/api/v1/query", {"status": "success", "data": data, "warnings": ["a store did not answer"]})
