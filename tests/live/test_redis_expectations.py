"""Redis, real ones: what runbooks read off redis-cli, each red by its fault made for real, and green again."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from .conftest import Outcome, Run
from .processes import answers, free_port, program, running, wait_until


@contextlib.contextmanager
def started(folder: Path, *options: str) -> Iterator[redis.Redis]:
    """Run a server that saves only when it is told to."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    command = [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), *options]
    with running(command, log=folder / "redis.log"):
        wait_until(lambda: answers(port), "redis-server")
        with redis.Redis(port=port) as client:
            yield client


@pytest.fixture(scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    with started(tmp_path_factory.mktemp("redis"), "--save", "3600 1") as client:
        yield client


@pytest.fixture
def server(_server: redis.Redis) -> redis.Redis:
    _server.flushall()
    _server.config_set("maxmemory", 0)
    _server.config_resetstat()
    return _server


def port_of(client: redis.Redis) -> int:
    port: int = client.connection_pool.connection_kwargs["port"]
    return port


def url_of(client: redis.Redis, user: str = "") -> str:
    return f"redis://{user}127.0.0.1:{port_of(client)}/0"


def asked(run: Run, client: redis.Redis, *expects: str, user: str = "", suite: str = "daily or weekly") -> Outcome:
    """Run lines of expectations, each for a target of its own: cache, cache2, cache3."""
    targets = (
        f'[redis.cache{number or ""}]\nurl = "{url_of(client, user)}"\n[redis.cache{number or ""}.expect]\n{expect}\n'
        for number, expect in zip((0, *range(2, 9)), expects, strict=False)
    )
    return run("".join(targets), suite=suite)


def test_version(run: Run, server: redis.Redis) -> None:
    major = int(server.info("server")["redis_version"].split(".")[0])
    said = {f"== {major}": "ok", ">= 6.2": "ok", f"> {major}": "breach P1", "< 6.10": "breach P1"}
    outcome = asked(run, server, *(f'version = "{limit}"' for limit in said), suite="deploy_gate")
    names = ("cache", "cache2", "cache3", "cache4")
    assert [outcome.verdict(f"redis.version@{name}") for name in names] == list(said.values())
    assert outcome.message("redis.version@cache4").endswith(", expected < 6.10")


def test_keys_of_a_pattern_are_counted_once_each_and_no_further_than_limits_reach(
    run: Run, server: redis.Redis
) -> None:
    expect = 'keys_matching = { "income:*" = { P2 = "> 0" }, "prod_*" = { P3 = "> 100", P1 = "> 0" }, "*" = "< 5000" }'
    server.mset({f"prod_{number}": 1 for number in range(100)})
    outcome = asked(run, server, expect)
    assert outcome.verdict("redis.keys_matching@cache") == "breach P2"
    message = outcome.message("redis.keys_matching@cache")
    assert message == "income:* is 0, expected > 0; prod_* is 100, expected > 100"
    # So many that one of them comes early: the search goes on until every pattern is decided.
    server.mset({f"income:{number}": 1 for number in range(200)})
    server.mset({f"prod_{number}": 1 for number in range(6000)})
    outcome = asked(run, server, expect)
    assert outcome.verdict("redis.keys_matching@cache") == "breach P2"
    assert outcome.message("redis.keys_matching@cache").endswith("or more, expected < 5000")
    outcome = asked(run, server, expect.replace("5000", "6201"))
    assert outcome.verdict("redis.keys_matching@cache") == "ok"
    values = {m["subject"]: m["value"] for m in outcome["redis.keys_matching@cache"]["measurements"]}
    assert 0 < values["income:*"] <= 200
    assert values["*"] == 6200
    server.flushall()
    assert asked(run, server, expect).verdict("redis.keys_matching@cache") == "breach P1"


def test_a_search_that_its_time_ends_is_unknown(run: Run, server: redis.Redis) -> None:
    for start in range(0, 600_000, 50_000):
        server.mset({f"k{number}": 1 for number in range(start, start + 50_000)})
    outcome = asked(run, server, 'keys_matching = { "income:*" = "> 0", timeout = "100ms" }')
    assert outcome.verdict("redis.keys_matching@cache") == "unknown P2"
    assert "set a longer timeout" in outcome.message("redis.keys_matching@cache")


def test_keys_without_an_expiry(run: Run, server: redis.Redis) -> None:
    expect = 'keys_without_ttl = { P3 = "< 10%" }'
    assert asked(run, server, expect).verdict("redis.keys_without_ttl@cache") == "ok"
    for number in range(95):
        server.set(f"session:{number}", 1, ex=1000)
    server.mset({f"stays:{number}": 1 for number in range(20)})
    outcome = asked(run, server, expect)
    assert outcome.verdict("redis.keys_without_ttl@cache") == "breach P3"
    assert outcome.message("redis.keys_without_ttl@cache").startswith("keys without an expiry is at 17.4 %")
    outcome = asked(run, server, 'keys_without_ttl = "<= 20"', 'keys_without_ttl = "< 20"')
    assert outcome.verdict("redis.keys_without_ttl@cache") == "ok"
    assert outcome.verdict("redis.keys_without_ttl@cache2") == "breach P2"
    for number in range(20):
        server.expire(f"stays:{number}", 1000)
    assert asked(run, server, expect).verdict("redis.keys_without_ttl@cache") == "ok"


def test_clients_that_stay_connected_and_those_that_block(run: Run, server: redis.Redis) -> None:
    expect = 'clients = { P2 = "< 6", blocked = { P3 = "== 0" } }'
    assert asked(run, server, expect).verdict("redis.clients@cache") == "ok"
    with contextlib.ExitStack() as stack:
        others = [
            stack.enter_context(redis.Redis(port=port_of(server), single_connection_client=True)) for _ in "12345"
        ]
        for other in others:
            other.ping()
        outcome = asked(run, server, expect)
        assert outcome.verdict("redis.clients@cache") == "breach P2"
        assert outcome.message("redis.clients@cache") == "connected clients is 6, expected < 6"
        waiting = threading.Thread(target=lambda: others[0].blpop(["nothing"], timeout=30), daemon=True)
        waiting.start()
        wait_until(lambda: server.info("clients")["blocked_clients"] == 1, "a blocked client")
        outcome = asked(run, server, 'clients = { P2 = "< 50%", blocked = "== 0" }')
        assert outcome.verdict("redis.clients@cache") == "breach P2"
        assert outcome.message("redis.clients@cache") == "blocked clients is 1, expected 0"
        server.lpush("nothing", "an end")
        waiting.join(10)
    wait_until(lambda: server.info("clients")["connected_clients"] <= 2, "clients that have gone")
    assert asked(run, server, expect).verdict("redis.clients@cache") == "ok"


def test_eviction_and_its_policy(run: Run, server: redis.Redis) -> None:
    expect = 'evicted = "== 0"\nmaxmemory_policy = "== allkeys-lru"\nmemory = false'
    server.config_set("maxmemory-policy", "noeviction")
    outcome = asked(run, server, expect)
    assert outcome.verdict("redis.evicted@cache") == "ok"
    assert outcome.verdict("redis.maxmemory_policy@cache") == "breach P2"
    said = outcome.message("redis.maxmemory_policy@cache")
    assert said == "policy is noeviction (unused: there is no maxmemory), expected allkeys-lru"
    server.config_set("maxmemory-policy", "allkeys-lru")
    server.config_set("maxmemory", int(server.info("memory")["used_memory"]) + 200_000)
    for number in range(200):
        server.set(f"big:{number}", "x" * 10_000)
    sampled = 'evicted = { P2 = "== 0/h", sample = "300ms" }'
    outcome = asked(run, server, expect, 'evicted = "< 10/day"', 'evicted = "< 1000/s"', sampled)
    assert outcome.verdict("redis.maxmemory_policy@cache") == "ok"
    assert outcome.verdict("redis.evicted@cache") == "breach P2"
    assert "keys evicted is" in outcome.message("redis.evicted@cache")
    assert outcome.verdict("redis.evicted@cache2") == "breach P2"
    assert outcome.verdict("redis.evicted@cache3") == "ok"
    assert outcome.verdict("redis.evicted@cache4") == "ok", "nothing is evicted just now"


def test_a_hit_rate_over_a_sample_is_that_of_now(run: Run, server: redis.Redis) -> None:
    """A hit rate over a server's whole life says nothing about today."""
    server.set("there", 1)
    for _ in range(5000):
        server.get("there")
    life, sample = 'hit_rate = "> 70%"', 'hit_rate = { P2 = "> 70%", sample = "700ms" }'
    outcome = asked(run, server, sample)
    assert outcome.verdict("redis.hit_rate@cache") == "unknown P2"
    assert "nothing has been looked up; use a longer sample" in outcome.message("redis.hit_rate@cache")
    over = threading.Event()

    def miss() -> None:
        with redis.Redis(port=port_of(server)) as client:
            while not over.wait(0.005):
                client.get("missing")

    looking = threading.Thread(target=miss)
    looking.start()
    try:
        outcome = asked(run, server, life, sample)
    finally:
        over.set()
        looking.join()
    assert outcome.verdict("redis.hit_rate@cache") == "ok"
    assert outcome.verdict("redis.hit_rate@cache2") == "breach P2"
    assert outcome.message("redis.hit_rate@cache2") == "hit rate is at 0 % (within 0.7 s), expected > 70 %"


def test_counters_that_are_reset_while_they_are_watched_tell_nothing(run: Run, server: redis.Redis) -> None:
    server.set("there", 1)
    for _ in range(50):
        server.get("there")
    over = threading.Event()

    def reset() -> None:
        with redis.Redis(port=port_of(server)) as client:
            wait_until(lambda: int(client.info("commandstats").get("cmdstat_info", {}).get("calls", 0)) > 3, "a run")
            client.config_resetstat()
            over.set()

    resetting = threading.Thread(target=reset)
    resetting.start()
    outcome = asked(run, server, 'memory = false\nhit_rate = { P2 = "> 70%", sample = "2s" }')
    resetting.join()
    assert over.is_set()
    assert outcome.verdict("redis.hit_rate@cache") == "unknown P2"


def test_a_sample_that_is_longer_than_the_time_limit_has_its_time(run: Run, server: redis.Redis) -> None:
    began = time.monotonic()
    outcome = asked(run, server, 'evicted = { P2 = "== 0", sample = "2s", timeout = "500ms" }')
    assert outcome.verdict("redis.evicted@cache") == "ok", outcome.message("redis.evicted@cache")
    assert time.monotonic() - began > 2


def test_a_save_that_fails_one_that_is_long_ago_and_persistence_that_is_off(
    run: Run, server: redis.Redis, tmp_path: Path
) -> None:
    def last(limit: str = "< 1h", user: str = "") -> Outcome:
        return asked(run, server, f'last_save = {{ P2 = "{limit}" }}', user=user)

    def saved(status: str) -> None:
        server.bgsave()
        wait_until(lambda: not server.info("persistence")["rdb_bgsave_in_progress"], "a save")
        assert server.info("persistence")["rdb_last_bgsave_status"] == status

    name = "redis.last_save@cache"
    server.set("a", 1)
    saved("ok")
    time.sleep(1.1)
    assert last("< 1s").verdict(name) == "ok", "nothing has changed since"
    server.set("a", 2)
    outcome = last("< 1s")
    assert outcome.verdict(name) == "breach P2"
    assert "time since the last save, with changes after it is" in outcome.message(name)
    assert last().verdict(name) == "ok"
    folder = Path(str(server.config_get("dir")["dir"])) / "dump.rdb"
    folder.unlink()
    folder.mkdir()  # a save ends by renaming a file to this name
    (folder / "full").touch()
    saved("err")
    outcome = last()
    assert outcome.verdict(name) == "breach P2"
    assert outcome.message(name).startswith("last background save is err, expected ok")
    assert outcome.verdict("redis.reachable@cache") == "breach P0", "it takes no writes any more"
    assert outcome.message("redis.reachable@cache").startswith("MISCONF Redis is configured to save RDB snapshots")
    (folder / "full").unlink()
    folder.rmdir()
    saved("ok")
    assert last().verdict(name) == "ok"
    server.config_set("save", "")
    outcome = last()
    assert outcome.verdict(name) == "breach P2"
    assert outcome.message(name).startswith("persistence is off")
    server.execute_command("ACL", "SETUSER", "ops", "on", ">pw", "~*", "+ping", "+info", "+select", "+client")
    assert last(user="ops:pw@").verdict(name) == "ok", "without CONFIG it can't be told"
    server.config_set("appendonly", "yes")
    wait_until(lambda: not server.info("persistence")["aof_rewrite_in_progress"], "an append-only file")
    assert last().verdict(name) == "ok"
    server.config_set("appendonly", "no")
    server.config_set("save", "3600 1")
    assert last().verdict(name) == "ok"


def test_what_a_user_may_not_ask_is_unknown_and_says_how_to_grant_it(run: Run, server: redis.Redis) -> None:
    server.execute_command("ACL", "SETUSER", "few", "on", ">pw", "~*", "+ping", "+select", "+client")
    outcome = asked(run, server, 'keys_matching = { "a" = "> 0" }\nevicted = "== 0"\nkeys = "> 0"', user="few:pw@")
    for name, command in (("keys_matching", "scan"), ("evicted", "info"), ("keys", "dbsize")):
        assert outcome.verdict(f"redis.{name}@cache") == "unknown P2"
        assert f"ACL SETUSER NAME +{command}" in outcome.message(f"redis.{name}@cache")


def test_replication_red_when_a_replica_or_its_master_is_gone(run: Run, tmp_path: Path) -> None:
    with started(tmp_path / "a", "--save", "", "--repl-diskless-sync-delay", "0") as master:
        inventory = f"""
[redis.master]
url = "redis://127.0.0.1:{port_of(master)}"
expect = {{ replication = {{ P1 = "< 20s", role = "master", replicas = {{ P2 = ">= 1" }} }} }}
"""
        assert run(inventory).message("redis.replication@master").startswith("replicas online is 0, expected >= 1")
        plain = asked(run, master, 'replication = "< 20s"')
        assert plain.verdict("redis.replication@cache") == "unknown P2"
        assert "set replicas" in plain.message("redis.replication@cache")
        with started(tmp_path / "b", "--save", "", "--replicaof", f"127.0.0.1 {port_of(master)}") as replica:
            both = f"""{inventory}
[redis.replica]
url = "redis://127.0.0.1:{port_of(replica)}"
expect = {{ replication = {{ P1 = "< 20s", role = "replica" }} }}
"""
            wait_until(lambda: master.info("replication").get("slave0", {}).get("state") == "online", "a replica")
            outcome = run(both)
            assert outcome.verdict("redis.replication@master") == "ok", outcome.message("redis.replication@master")
            assert outcome.verdict("redis.replication@replica") == "ok", outcome.message("redis.replication@replica")
            replica.execute_command("REPLICAOF", "127.0.0.1", str(free_port()))
            outcome = run(both)
            assert outcome.verdict("redis.replication@replica") == "breach P2"
            assert "is down" in outcome.message("redis.replication@replica")
            replica.execute_command("REPLICAOF", "NO", "ONE")
            outcome = run(both)
            assert outcome.message("redis.replication@replica").startswith("role is master, expected replica")
            replica.execute_command("REPLICAOF", "127.0.0.1", str(port_of(master)))
            wait_until(lambda: replica.info("replication").get("master_link_status") == "up", "a link")
            wait_until(lambda: master.info("replication").get("slave0", {}).get("state") == "online", "a replica")
            assert run(both).exit_status == 0
