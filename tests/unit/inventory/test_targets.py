"""Targets: kinds, names, keys, hosts that they are reached through; and none of which nothing is judged."""

from __future__ import annotations

import pytest

from pytest_opscheck.catalogue import kinds
from pytest_opscheck.core.suites import TABLES

from .conftest import Errors, Read

KINDS = ", ".join(sorted([*kinds(), *TABLES]))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[hosts.prod]", "1: hosts: unknown kind of target; did you mean 'host'?"),
        ("zzz = 1", f"1: zzz: unknown kind of target; it can be: {KINDS}"),
        ("host = 'prod'", "1: host: a host needs a name: [host.NAME]"),
        ("[host]", "1: host: a host needs a name: [host.NAME]"),
        ("[host]\nconnect = 'local://'", "2: host.connect: a host needs a name: [host.NAME]"),
        ("[[host.prod]]", "1: host.prod: a host needs a name: [host.NAME]"),
        (
            '[host."a b"]',
            "1: host.\"a b\": 'a b' can't be a name; use letters, digits, '_', '-' and '.', a letter or digit first",
        ),
        (
            '[host.""]',
            "1: host.\"\": '' can't be a name; use letters, digits, '_', '-' and '.', a letter or digit first",
        ),
        ("[host.a]\nconnect = 5", "2: host.a.connect: a text in quotes is needed"),
        (
            "[host.a]\nconnect = 'prod'",
            "2: host.a.connect: it names no way to connect; write for example ssh://deploy@prod",
        ),
        ("[host.a]\nport = 22", "2: host.a.port: unknown key; it can be: "),
        ("[redis.a]", "1: redis.a: the key 'url' is needed"),
        ("[redis.a]\nurl = ['redis://x']", "2: redis.a.url: a text in quotes is needed"),
        ("[redis.a]\nurl = 'http://x'", "2: redis.a.url: it is not an address of Redis; write redis://HOST:6379/0, "),
        ("[redis.a]\nurl = 'redis://x:70000'", "2: redis.a.url: it is not an address of Redis"),
        ("[redis.a]\nurl = 'unix://'", "2: redis.a.url: it is not an address of Redis"),
        ("[postgres.a]\ndsn = 'http://x/?a=b'", "2: postgres.a.dsn: it is not a connection string"),
        ("[host.a]\nexpect = 'all'", "2: host.a.expect: it must be a table, for example expect = { disk = '< 70%' }"),
        (
            "[host.a]\n[host.a.expect]",
            "2: host.a.expect: this table is empty; leave it out, or add what is expected",
        ),
        ("[host.a]\nexpect = {}", "2: host.a.expect: this table is empty; leave it out, or add what is expected"),
    ],
)
def test_what_is_no_target(errors: Errors, text: str, error: str) -> None:
    [found] = errors(text.encode())
    assert found.startswith(error)


def test_a_target_of_which_nothing_is_judged(errors: Errors) -> None:
    off = ", ".join(f"{name} = false" for name in ("reachable", "memory", "hit_rate", "keys"))
    assert errors(f"[redis.cache]\nurl = 'redis://x'\nexpect = {{ {off} }}\n") == [
        "1: redis.cache: every expectation is off, so nothing would be judged; add an expectation, or remove it"
    ]


def test_switching_one_off_leaves_the_others(read: Read) -> None:
    inventory = read("[host.a.expect]\nload = false\n")
    names = {e.check.name for e in inventory.of_check("host.load")} | {e.check.name for e in inventory.expectations}
    assert "load" not in names
    assert {"reachable", "disk", "memory", "cpu"} <= names


def test_the_host_that_a_target_is_reached_through(errors: Errors) -> None:
    """The kinds that are reached through a host name one of the inventory; a host with errors is there all the same."""
    through = next(name for name, kind in kinds().items() if name != "host" and "on" in kind.target.model_fields)
    found = errors(f"[host.prod]\nconect = 'x'\n[{through}.a]\non = 'prd'\n[{through}.b]\non = 'prod'\n")
    assert [error for error in found if ".on:" in error] in (
        [f"4: {through}.a.on: there is no [host.prd]; did you mean 'prod'?"],
        [],  # the kind needs more keys than these
    )


def test_targets_by_kind_and_name(read: Read) -> None:
    inventory = read("[host.b]\n[host.a]\n[host.'c.d']\n[redis.cache]\nurl = 'redis://x'\n")
    assert [target.name for target in inventory.of_kind("host")] == ["a", "b", "c.d"]
    assert [e.target.name for e in inventory.of_check("host.disk")] == ["a", "b", "c.d"]
    found = inventory.target("redis", "cache")
    assert found is not None
    assert found.id == "redis.cache"
    assert inventory.target("redis", "other") is None


def test_what_others_depend_on_runs_in_their_suites(read: Read) -> None:
    inventory = read("[suites.nightly]\n[host.a.expect]\ndisk = { P1 = '< 90%', suites = ['nightly', 'nightly'] }\n")
    suites = {e.check.name: e.suites for e in inventory.expectations}
    assert suites["disk"] == ("nightly",)
    assert suites["reachable"] == ("daily", "deploy_gate", "nightly", "smoke")
