"""A run's metrics where they are read: by node_exporter and a Pushgateway, and by Prometheus from both."""

from __future__ import annotations

import base64
import json
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed

from .conftest import Run
from .processes import answers, free_port, program, running, wait_until
from .receiver import receiver

INVENTORY = """
[opscheck]
name = "shop"
[suites.daily]
every = "1h"
[report.metrics]
WHERE
[host.local]
expect = { disk = false, memory = false, load = false, cpu = false }
[host.local.command.flag]
run = "COMMAND"
value = "< 5"
"""


def inventory(where: str, command: str = "echo 3") -> str:
    return INVENTORY.replace("WHERE", where).replace("COMMAND", command)


def test_a_file_for_each_suite(run: Run, tmp_path: Path) -> None:
    """It is whole, others may read it, and a run of a part of the suite leaves it as it is."""
    where = f"textfile = '{tmp_path}/opscheck.prom'"
    assert run(inventory(where)).exit_status == 0
    assert run(inventory(where), suite="smoke").exit_status == 0
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "project") == [
        "opscheck-daily.prom",
        "opscheck-smoke.prom",
    ]
    file = tmp_path / "opscheck-daily.prom"
    assert file.stat().st_mode & 0o777 == 0o644
    before = file.read_text(encoding="utf-8")
    values = [each for family in parsed(before) for each in family.samples if family.name == "opscheck_value"]
    assert [(each.labels["check"], each.value) for each in values] == [
        ("host.command.flag", 0),
        ("host.command.flag", 3),
    ]
    assert run(inventory(where), "-k", "reachable").exit_status == 0
    assert file.read_text(encoding="utf-8") == before
    assert run(inventory(where, "echo 7")).exit_status == 1
    assert 'opscheck_check_not_ok{inventory="shop",suite="daily",check="host.command.flag"' in file.read_text()


def test_what_is_pushed_and_how(run: Run) -> None:
    """The suite's group is replaced as a whole, and the password is in a header alone."""
    with receiver() as gateway:
        url = gateway.url.replace("http://", "http://ops:Canary-9@")
        assert run(inventory(f"push = '{url}/'")).exit_status == 0
        assert run(inventory(f"push = '{url}'").replace('"shop"', '"a/b c"')).exit_status == 0
    [(method, path, body), (_, second, _)] = gateway.requests
    assert (method, path) == ("PUT", "/metrics/job/opscheck/inventory/shop/suite/daily")
    name = base64.urlsafe_b64encode(b"a/b c").decode()
    assert second == f"/metrics/job/opscheck/inventory@base64/{name}/suite/daily"
    assert body.endswith("# EOF\n")
    assert list(parsed(body))
    expected = "Basic " + base64.b64encode(b"ops:Canary-9").decode()
    assert {each["Authorization"] for each in gateway.headers} == {expected}


@pytest.mark.parametrize("fault", ["no folder", "refused", "400", "hangs"])
def test_a_fault_is_the_checkers(run: Run, tmp_path: Path, fault: str) -> None:
    """It is told in one line, with an exit status of its own; a breach stays what it is."""
    with receiver() as gateway:
        gateway.statuses += [400, 400] if fault == "400" else []
        gateway.delay_s = 30 if fault == "hangs" else 0
        url = f"http://ops:Canary-9@127.0.0.1:{free_port()}" if fault == "refused" else gateway.url
        where = f"textfile = '{tmp_path}/none/x.prom'" if fault == "no folder" else f"push = '{url}'"
        started = time.monotonic()
        outcome = run(inventory(where))
        assert time.monotonic() - started < 20
        assert outcome.exit_status == 3
        assert (
            outcome.output.count("could not write the metrics") + outcome.output.count("could not push the metrics")
            == 1
        )
        assert "opscheck daily: 2 ok" in outcome.output
        assert "Canary" not in outcome.output
        if fault != "hangs":
            assert run(inventory(where, "echo 7")).exit_status == 1


def test_node_exporter_a_pushgateway_and_prometheus(run: Run, tmp_path: Path) -> None:
    """They take what a run leaves, what is pushed again takes the old one's place, and the documented alerts hold."""
    exporter, gateway, port = free_port(), free_port(), free_port()
    (tmp_path / "textfile").mkdir()
    collector = ["--collector.disable-defaults", "--collector.textfile"]
    node = [
        program("prometheus-node-exporter"),
        *collector,
        f"--collector.textfile.directory={tmp_path}/textfile",
        f"--web.listen-address=127.0.0.1:{exporter}",
    ]
    push = [program("prometheus-pushgateway"), f"--web.listen-address=127.0.0.1:{gateway}"]
    jobs = {"node": exporter, "push": gateway}
    configuration = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [
            {"job_name": name, "honor_labels": True, "static_configs": [{"targets": [f"127.0.0.1:{where}"]}]}
            for name, where in jobs.items()
        ],
    }
    (tmp_path / "prometheus.yml").write_text(json.dumps(configuration))
    prometheus = [
        program("prometheus"),
        f"--config.file={tmp_path}/prometheus.yml",
        f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    where = f"textfile = '{tmp_path}/textfile/opscheck.prom'\npush = 'http://127.0.0.1:{gateway}'"

    def asked(query: str) -> list[dict[str, Any]]:
        url = f"http://127.0.0.1:{port}/api/v1/query?query={urllib.parse.quote(query)}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            found: list[dict[str, Any]] = json.loads(answer.read())["data"]["result"]
        return found

    def values(query: str) -> list[tuple[str, str]]:
        return sorted((each["metric"]["job"], each["value"][1]) for each in asked(query))

    with (
        running(node, log=tmp_path / "node.log"),
        running(push, log=tmp_path / "push.log"),
        running(prometheus, log=tmp_path / "prometheus.log"),
    ):
        for each, name in ((exporter, "node_exporter"), (gateway, "the Pushgateway"), (port, "prometheus")):
            wait_until(lambda each=each: answers(each), name)  # type: ignore[misc]
        assert run(inventory(where)).exit_status == 0
        assert run(inventory(where, "echo 7")).exit_status == 1
        both = ("node", "opscheck")
        wait_until(lambda: values("opscheck_value > 5") == [(job, "7") for job in both], "a scrape of both")
        assert values("opscheck_value < 5") == [(job, "0") for job in both], "the exit status; 3 is gone"
        found = asked('opscheck_check_not_ok{severity=~"P0|P1|P2"} == 1')
        assert {each["metric"]["check"] for each in found} == {"host.command.flag"}
        assert len(found) == 2
        assert asked("time() > opscheck_overdue_timestamp_seconds") == []
        assert len(asked("opscheck_overdue_timestamp_seconds - time() < 2 * 3600 + 120")) == 2
        assert asked("node_textfile_scrape_error")[0]["value"][1] == "0"
        failures = 'push_failure_time_seconds{inventory="shop",suite="daily"}'
        assert [each["value"][1] for each in asked(failures)] == ["0"]
        assert {each["value"][1] for each in asked("up")} == {"1"}
