"""A look that was cut off, or lost who observes others, knows nothing: neither a go nor a reason to roll back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import SecretStr

from pytest_opscheck.core.results import Run, Verdict
from pytest_opscheck.gate.blind import machine_of, machines, without_blindness
from pytest_opscheck.gate.decision import Terms, decide
from pytest_opscheck.gate.values import Answer

from .test_decision import BREACH, OK, baseline, result, run, twice

NO_CONNECTION = "http.api can't be reached: no connection within 5 s; check whether a firewall drops packets to it"
REFUSED = "postgres.main can't be reached: connection refused; check whether it is running"


def reachable(target: str, verdict: Verdict = OK, message: str = "ok") -> Any:
    kind, _, name = target.partition(".")
    return result(verdict, "P0" if verdict is BREACH else None, f"{kind}.reachable@{name}", message=message)


def blind(look: Run, *elsewhere: str, observers: tuple[str, ...] = ()) -> list[Verdict]:
    return [each.verdict for each in without_blindness(look, elsewhere, observers).results]


@pytest.mark.parametrize(
    "message",
    [
        NO_CONNECTION,
        "host.a can't be reached: ssh: connect to host a port 22: No route to host",
        "host.a can't be reached: ssh: connect to host a port 22: Connection timed out",
        "tcp.a can't be reached: network is unreachable",
        "redis.a can't be reached: a:6379: no answer within 10 s",
        "http.a can't be reached: its name can't be resolved; check the spelling of its name, and DNS",
    ],
)
def test_where_nothing_elsewhere_answers_nothing_is_known(message: str) -> None:
    kind = message.partition(" ")[0]
    assert blind(run(reachable(kind, BREACH, message)), kind) == [Verdict.UNKNOWN]


@pytest.mark.parametrize(
    "message",
    [REFUSED, "http.api can't be reached: no answer within 10 s", "http.api answers, but not as it should: x"],
)
def test_what_says_something_is_there_and_broken(message: str) -> None:
    kind = message.partition(" ")[0]
    assert blind(run(reachable(kind, BREACH, message)), kind) == [BREACH]


def test_one_that_answers_tells_that_the_network_is_there() -> None:
    look = run(reachable("http.api", BREACH, NO_CONNECTION), reachable("postgres.main", BREACH, REFUSED))
    assert blind(look, "http.api", "postgres.main") == [BREACH, BREACH]


def test_this_machine_does_not_tell_of_the_network() -> None:
    look = run(reachable("http.api", BREACH, NO_CONNECTION), reachable("host.local"))
    assert blind(look, "http.api") == [Verdict.UNKNOWN, OK]


def test_a_prometheus_that_is_gone_says_nothing_of_what_it_measures() -> None:
    look = run(reachable("prometheus.main", BREACH, "prometheus.main can't be reached: connection refused"))
    assert blind(look, observers=("prometheus.main",)) == [Verdict.UNKNOWN]


def test_a_prometheus_elsewhere_is_cut_off_as_all_others() -> None:
    """Neither of them answers, so it is no witness that the network is there."""
    look = run(*(reachable(target, BREACH, NO_CONNECTION) for target in ("http.api", "prometheus.main")))
    found = blind(look, "http.api", "prometheus.main", observers=("prometheus.main",))
    assert found == [Verdict.UNKNOWN, Verdict.UNKNOWN]


def test_a_gate_that_was_cut_off_is_undecided() -> None:
    before = baseline(run(reachable("http.api")))
    after = twice(reachable("http.api", BREACH, NO_CONNECTION))
    assert decide(before, after, Terms(elsewhere=("http.api",))).answer is Answer.UNDECIDED
    assert decide(before, after, Terms()).answer is Answer.ROLL_BACK


@pytest.mark.parametrize(
    ("text", "machine"),
    [
        ("api.example.com:443", "api.example.com"),
        ("[::1]:443", "::1"),
        ("https://user@api.example.com:8443/health", "api.example.com"),
        ("postgresql://app@db.example.com/shop", "db.example.com"),
        ("host=db.example.com dbname=shop", "db.example.com"),
        ("dbname=shop hostaddr='10.0.0.1'", "10.0.0.1"),
        ("unix:///run/docker.sock", ""),
        ("http://[broken", ""),
    ],
)
def test_the_machine_of_an_address(text: str, machine: str) -> None:
    assert machine_of(text) == machine


def test_secrets_namemachines_too() -> None:
    @dataclass
    class Keys:
        dsn: SecretStr

    assert list(machines(Keys(SecretStr("postgresql://app:secret@db.example.com/shop")))) == ["db.example.com"]
