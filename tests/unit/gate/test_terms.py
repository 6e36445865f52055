"""What a gate makes of an inventory: who is elsewhere, who observes, and limits that seldom say what is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_opscheck import catalogue
from pytest_opscheck.gate.baseline import expected_of
from pytest_opscheck.gate.blind import elsewhere, observers
from pytest_opscheck.gate.looking import Looker
from pytest_opscheck.gate.terms import doubtful_limits
from pytest_opscheck.inventory import Inventory, load


def read(folder: Path, toml: str) -> Inventory:
    file = folder / "opscheck.toml"
    file.write_text(toml, encoding="utf-8")
    return load(file, tuple(catalogue.checks()), {})


@pytest.mark.parametrize(
    ("p95", "said"),
    [
        ('{ P1 = "<= baseline + 20%", P2 = "< 1s" }', []),
        ('{ P1 = "<= baseline + 5%", P2 = "< 1s" }', ["'<= baseline + 5%' is mostly undecided"]),
        ('{ P1 = "<= baseline", P2 = "< 1s" }', ["'<= baseline' is mostly undecided"]),
        ('{ P1 = "<= baseline + 50ms", P2 = "< 1s" }', []),
        ('"<= baseline + 20%"', ["all its limits are relative, so it may creep from deploy to deploy"]),
    ],
)
def test_limits_that_seldom_say_what_is_meant(tmp_path: Path, p95: str, said: list[str]) -> None:
    found = list(
        doubtful_limits(read(tmp_path, f'[http.api]\nurl = "https://a.example/"\nexpect = {{ p95 = {p95} }}\n'))
    )
    assert len(found) == len(said)
    assert all(text in each for text, each in zip(said, found, strict=True))


def test_who_is_elsewhere_and_who_observes(tmp_path: Path) -> None:
    inventory = read(
        tmp_path,
        """
        [host.here]
        connect = "local://"
        [host.there]
        connect = "ssh://ops@a.example"
        [http.api]
        url = "https://a.example/"
        [http.local]
        url = "http://127.0.0.1:8000/"
        [postgres.main]
        dsn = "postgresql://app@db.example/shop"
        [redis.local]
        url = "redis://localhost:6379/0"
        [logs.app]
        path = "/var/log/app.log"
        on = "there"
        [logs.app.count.errors]
        pattern = "ERROR"
        expect = 0
        [prometheus.main]
        url = "http://prometheus.example:9090"
        """,
    )
    assert set(elsewhere(inventory)) == {"host.there", "http.api", "postgres.main", "logs.app", "prometheus.main"}
    assert list(observers(inventory)) == ["prometheus.main"]


@pytest.mark.parametrize(
    ("expect", "is_counted"),
    [('"< 10/h"', True), ("0", True), ('">= 1/h"', False), ('"== 24/day"', False), ('"<= baseline + 5"', False)],
)
def test_lines_count_from_the_deploy_on_where_a_limit_says_how_many_at_most(
    tmp_path: Path, expect: str, is_counted: bool
) -> None:
    inventory = read(
        tmp_path,
        f'[logs.app]\npath = "/var/log/app.log"\n[logs.app.count.errors]\npattern = "x"\nexpect = {expect}\n'
        'suites = ["deploy_gate"]\n',
    )
    looker = Looker(inventory, "deploy_gate", tmp_path)
    moment = inventory.now()
    expected = {"logs.count.errors@app": {"not_before": moment.timestamp()}} if is_counted else {}
    assert looker.counting_from(moment) == expected


def test_another_address_is_noticed_and_no_secret_is_kept(tmp_path: Path) -> None:
    toml = '[postgres.main]\ndsn = "postgresql://app:hunter2@{host}/shop"\n'
    said = [expected_of(read(tmp_path, toml.format(host=host)), "deploy_gate") for host in ("a.example", "b.example")]
    assert said[0].keys() == said[1].keys()
    assert all(said[0][name] != said[1][name] for name in said[0])
    assert "hunter2" not in str(said)
