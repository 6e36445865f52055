"""Redis, a real one: each check red by its fault, and green again."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from .conftest import Run
from .processes import answers, flaky, free_port, program, running, wait_until


@contextmanager
def serving(port: int, folder: Path) -> Iterator[redis.Redis]:
    command = [program("redis-server"), f"--port {port}", "--bind 127.0.0.1", "--save ''", f"--dir {folder}"]
    with running(command, log=folder / "redis.log"):
        wait_until(lambda: answers(port), "redis-server")
        with redis.Redis(port=port) as client:
            yield client


@pytest.fixture
def server(tmp_path: Path) -> Iterator[redis.Redis]:
    with serving(free_port(), tmp_path) as client:
        yield client


def url(client: redis.Redis) -> str:
    return f"redis://127.0.0.1:{client.connection_pool.connection_kwargs['port']}/0"


def test_hit_rate_is_unknown_then_red_then_green(run: Run, server: redis.Redis) -> None:
    inventory = (
        f'[redis.cache]\nurl = "{url(server)}"\n[redis.cache.expect]\nhit_rate = {{ P2 = "> 70%" }}\nkeys = "> 0"\n'
    )
    outcome = run(inventory)
    assert outcome.verdict("redis.hit_rate@cache") == "unknown P2"
    assert outcome.verdict("redis.keys@cache") == "breach P2"
    assert outcome.exit_status == 1
    for _ in range(3):
        server.get("missing")
    server.set("there", 1)
    outcome = run(inventory)
    assert outcome.verdict("redis.hit_rate@cache") == "breach P2"
    said = r"hit rate is at 0 % \(in the last \d+ s\), expected > 70 %"
    assert re.fullmatch(said, outcome.message("redis.hit_rate@cache"))
    server.get("there")
    outcome = run(inventory)
    assert outcome.verdict("redis.hit_rate@cache") == "ok", "since the last run every look-up found its key"
    outcome = run(inventory)
    assert outcome.verdict("redis.hit_rate@cache") == "breach P2", "nothing was looked up, so the whole life counts"
    assert "25 % (since the server's start)" in outcome.message("redis.hit_rate@cache")
    for _ in range(20):
        server.get("there")
    outcome = run(inventory)
    assert outcome.verdict("redis.hit_rate@cache") == "ok"
    assert outcome.verdict("redis.keys@cache") == "ok"
    assert outcome.exit_status == 0


def test_a_server_that_was_started_anew_counts_anew(run: Run, tmp_path: Path) -> None:
    """It has counted as much as the one before, or more, when the next run looks."""
    port = free_port()
    inventory = f'[redis.cache]\nurl = "redis://127.0.0.1:{port}"\nexpect = {{ hit_rate = "> 70%", keys = false }}\n'
    for found, missed, verdict in ((9, 1, "ok"), (10, 90, "breach P2"), (1000, 90, "ok")):
        with serving(port, tmp_path) as server:
            server.set("there", 1)
            for key, times in (("there", found), ("missing", missed)):
                for _ in range(times):
                    server.get(key)
            outcome = run(inventory)
        assert outcome.verdict("redis.hit_rate@cache") == verdict
    assert "hit rate is at 91.7" in outcome.message("redis.hit_rate@cache"), "the 90 misses are this server's own"


def test_memory_near_its_bound_is_red(run: Run, server: redis.Redis) -> None:
    inventory = f'[redis.cache]\nurl = "{url(server)}"\n'
    assert run(inventory).verdict("redis.memory@cache") == "ok"
    for number in range(300):
        server.set(f"big:{number}", "x" * 10_000)
    server.config_set("maxmemory", int(server.info("memory")["used_memory"]))
    assert run(inventory).verdict("redis.memory@cache") == "breach P1"
    server.config_set("maxmemory", 100_000_000)
    assert run(inventory).verdict("redis.memory@cache") == "ok"


def test_stopped_server_fails_reachable_alone(run: Run, server: redis.Redis) -> None:
    inventory = f'[redis.cache]\nurl = "{url(server)}"\n'
    server.shutdown(nosave=True)
    outcome = run(inventory)
    assert outcome.verdict("redis.reachable@cache") == "breach P0"
    assert "refused" in outcome.message("redis.reachable@cache")
    assert outcome.verdict("redis.memory@cache") == "blocked"
    assert outcome["redis.memory@cache"]["blocked_by"] == "redis.reachable@cache"
    assert outcome.exit_status == 1


def test_only_reads_reach_the_server(run: Run, server: redis.Redis) -> None:
    """Rule 3, seen by the server's own MONITOR."""
    seen: list[str] = []

    def watch() -> None:
        with server.monitor() as monitor:
            for command in monitor.listen():
                seen.append(command["command"])
                if command["command"] == "ECHO the end":
                    return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    while server.info("clients")["connected_clients"] < 2:
        pass
    inventory = f'[redis.cache]\nurl = "{url(server)}"\n[redis.cache.expect]\nhit_rate = "> 70%"\nkeys = "> 0"\n'
    assert len(run(inventory).results) == 4
    server.execute_command("ECHO", "the end")
    watcher.join(timeout=10)
    commands = {command.split(" ")[0].upper() for command in seen}
    assert {"PING", "INFO", "DBSIZE"} <= commands
    assert commands <= {"PING", "INFO", "DBSIZE", "HELLO", "CLIENT", "SELECT", "ECHO"}


def test_a_connection_that_fails_twice_and_then_works_says_so(run: Run, server: redis.Redis) -> None:
    """Rule 9: passed at the third attempt is reported as just that."""
    port = server.connection_pool.connection_kwargs["port"]
    for refusals, verdict in ((2, "ok"), (3, "breach P0")):
        with flaky(port, refusals) as way:
            outcome = run(f'[redis.cache]\nurl = "redis://127.0.0.1:{way}/0"\n')
        assert outcome.verdict("redis.reachable@cache") == verdict
    assert "reset" in outcome.message("redis.reachable@cache")
    with flaky(port, 2) as way:
        outcome = run(f'[redis.cache]\nurl = "redis://127.0.0.1:{way}/0"\n')
    assert outcome["redis.reachable@cache"]["attempts"] == 3
    assert outcome.message("redis.reachable@cache") == "PONG (at attempt 3)"
