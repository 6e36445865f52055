"""Redis, Celery's brokers and PostgreSQL that answer with 300 MB: little of it is read, and the message says so."""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from . import floods
from .certificates import issue
from .databases import Postgres, postgres
from .floods import MOST, Talk, announced, flooding, message
from .memory import peak_mb

PEAK_MB = 150
MOST_SENT = 30_000_000
"""What the kernel's buffers on both sides take, beside what is read."""


def judged(folder: Path, inventory: str, suite: str = "daily") -> dict[str, dict[str, Any]]:
    """Run a suite on an inventory, see that it takes little memory, and return its results."""
    (folder / "opscheck.toml").write_text(inventory, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", suite]
    done, peak = peak_mb(command, folder, os.environ)
    file = next(iter(folder.glob("reports/*/2*.json")), None)
    assert file is not None, done.stdout + done.stderr
    results = {result["id"]: result for result in json.loads(file.read_text(encoding="utf-8"))["results"]}
    assert peak < PEAK_MB, (peak, results)
    return results


REDIS: Mapping[str, Talk] = {
    "text": floods.redis(b"$%d\r\n" % MOST, b"x" * 100, at=b"PING"),
    "info": floods.redis(b"$%d\r\n# Server\r\n" % MOST, b"redis_version:7\r\n"),
    "list": floods.redis(b"*100000000\r\n", b":1000\r\n"),
    "lists": floods.redis(b"*100000000\r\n", b"*0\r\n"),
    "refusals": floods.redis(b"*100000000\r\n", b"-\r\n"),
    "line": floods.redis(b"+", b"x" * 100),
    "refusal": floods.redis(b"-ERR ", b"x" * 100),
}
BROKEN = {
    **dict.fromkeys(REDIS, "the answer has more than 50,000 values, so the rest was not read"),
    **dict.fromkeys(["text", "info"], "the answer is longer than 4 MB, so the rest was not read"),
    **dict.fromkeys(["line", "refusal"], "the answer is longer than 0.1 MB, so the rest was not read"),
}


def test_redis_as_a_target_and_as_a_broker(tmp_path: Path) -> None:
    """A text, a list of many small values, a line without end: each has a bound, and the connection is closed."""
    with flooding({**REDIS, "nested": floods.redis(b"", b"*1\r\n", at=b"PING")}) as (ports, sent):
        text = ""
        for name, port in ports.items():
            text += f'[redis.{name}]\nurl = "redis://127.0.0.1:{port}/0"\n'
            text += f'[celery.{name}]\nbroker = "redis://127.0.0.1:{port}/0"\n'
        results = judged(tmp_path, text, "smoke")
    for kind in ("redis", "celery"):
        for name in REDIS:
            said = results[f"{kind}.reachable@{name}"]["message"]
            assert BROKEN[name] in said
            assert "see which server listens there" in said or "does not speak Redis's protocol" in said
            assert "\n" not in said
        assert "does not speak Redis's protocol" in results[f"{kind}.reachable@nested"]["message"]
    assert max(sent.values()) < MOST_SENT, sent


POSTGRES: Mapping[str, Talk] = {
    "row": floods.postgres(floods.ROWS + announced(b"D") + struct.pack("!HI", 1, MOST - 10), b"x" * 100),
    "rows": floods.postgres(floods.ROWS, message(b"D", struct.pack("!HI", 1, 1000) + b"x" * 1000)),
    "error": floods.postgres(announced(b"E"), b"Mxxxxxxx\0"),
    "notice": floods.postgres(announced(b"N"), b"Mxxxxxxx\0"),
    "notices": floods.postgres(b"", message(b"N", b"SNOTICE\0Mx\0\0")),
    "notifies": floods.postgres(b"", message(b"A", bytes(4) + b"a\0b\0")),
}
CONNECTING: Mapping[str, Talk] = {
    "greeting": floods.postgres(announced(b"E"), b"Mxxxxxxx\0", at="connect"),
    "refusal": floods.postgres(b"", message(b"N", b"SNOTICE\0Mx\0\0"), at="connect"),
    "settings": floods.postgres(message(b"R", bytes(4)), message(b"S", b"a\0b\0"), at="connect"),
    "setting": floods.postgres(message(b"R", bytes(4)) + announced(b"S"), b"x" * 100, at="connect"),
}


def test_postgresql(tmp_path: Path) -> None:
    """A row, many rows, an error, a notice, a notification, a setting: whatever it is, and also while connecting."""
    with flooding({**POSTGRES, **CONNECTING}) as (ports, sent):
        dsn = "postgresql://reader@127.0.0.1:{}/x"
        text = "".join(f'[postgres.{name}]\ndsn = "{dsn.format(port)}"\n' for name, port in ports.items())
        results = judged(tmp_path, text, "smoke")
    for name in POSTGRES:
        said = results[f"postgres.reachable@{name}"]["message"]
        assert said.endswith("its answer to SELECT 1 is longer than 1 MB; see which server listens there")
    for name in CONNECTING:
        said = results[f"postgres.reachable@{name}"]["message"]
        assert "the answer is longer than 1 MB" in said or "what answers there is not PostgreSQL" in said
        assert said.endswith("; see which server listens there")
    assert max(sent.values()) < MOST_SENT, sent


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as started:
        started.secure(issue("localhost").write(started.folder / "data" / "server.pem"))
        yield started


def test_a_query_of_the_inventory_whose_answer_is_too_long(server: Postgres, tmp_path: Path) -> None:
    """Over TCP, TLS and a socket: only that query is unknown, and its message says what to select instead."""
    text = ""
    for name, more in {"tcp": "sslmode=disable", "tls": "sslmode=require", "socket": f"host={server.folder}"}.items():
        text += f'[postgres.{name}]\ndsn = "{server.dsn()}?{more}"\n'
        for query, sql in {
            "cell": "select repeat('x', 60000000)",
            "rows": "select n, repeat('x', 1000) from generate_series(1, 9000) n",
            "json": "select json_agg(json_build_array()) from generate_series(1, 150000)",
            "small": "select 1",
            "fits": "select repeat('x', 900000) || '!'",
        }.items():
            limit = "~ x!$" if query == "fits" else "== 1"
            text += f'[postgres.{name}.query.{query}]\nsql = "{sql}"\nexpect = "{limit}"\n'
    results = judged(tmp_path, text)
    for name in ("tcp", "tls", "socket"):
        for query in ("small", "fits"):
            assert results[f"postgres.query.{query}@{name}"]["verdict"] == "ok"
        assert results[f"postgres.reachable@{name}"]["verdict"] == "ok"
        for query in ("cell", "rows"):
            result = results[f"postgres.query.{query}@{name}"]
            assert result["verdict"] == "unknown"
            assert result["message"].endswith(
                "the answer is longer than 1 MB, so the rest was not read; select less, for example count(*), or "
                "left(COLUMN, 1000)"
            )
        assert "more than 50,000 values" in results[f"postgres.query.json@{name}"]["message"]


def test_a_history_in_postgresql(tmp_path: Path) -> None:
    """The run goes on without it, and says so."""
    with flooding(POSTGRES) as (ports, sent):
        for name, port in ports.items():
            folder = tmp_path / name
            folder.mkdir()
            url = f"postgresql://reader@127.0.0.1:{port}/x"
            results = judged(folder, f'[history]\nurl = "{url}"\n[host.here]\nexpect = {{ disk = false }}\n', "smoke")
            assert results["host.reachable@here"]["verdict"] == "ok"
    assert max(sent.values()) < MOST_SENT, sent


DELIVERED = b"\x01t\0\0\0\0\0\0\0\1\0\0\0"
AMQP: Mapping[str, Talk] = {
    "claims": floods.amqp(b"\1\0\0\xff\xff\xff\xf0", b"x" * 100),
    "frame": floods.amqp(b"\1\0\0" + struct.pack("!I", MOST), b"x" * 100),
    "frames": floods.amqp(b"", floods.frame(8, 0, b"")),
}
ANSWERED: Mapping[str, Talk] = {
    "body": floods.amqp(
        floods.method(1, 60, 60, body=DELIVERED) + floods.frame(2, 1, struct.pack("!HHQH", 60, 0, MOST, 0)),
        floods.frame(3, 1, b"x" * 10_000),
        at="question",
    ),
    "methods": floods.amqp(b"", floods.frame(1, 1, struct.pack("!HH", 90, 90) + b"x" * 1000), at="question"),
}


def test_rabbitmq_as_a_broker(tmp_path: Path) -> None:
    """A frame that claims 4 GB, one of 300 MB, frames without end, a message without end."""
    with flooding({**AMQP, **ANSWERED}) as (ports, sent):
        text = ""
        for name, port in ports.items():
            text += f'[celery.{name}]\nbroker = "amqp://u:p@127.0.0.1:{port}//"\nexpect.queue_length = "< 9"\n'
        results = judged(tmp_path, text)
    for name, said in {
        "claims": "the answer has a frame of 4,294,967,280 bytes, longer than 1 MB",
        "frame": "the answer has a frame of 300,000,000 bytes, longer than 1 MB",
        "frames": "the answer is longer than 4 MB, so the rest was not read",
    }.items():
        assert results[f"celery.reachable@{name}"]["message"].endswith(f"{said}; see which server listens there")
    for check in ("workers", "queue_length"):
        assert "the answer is longer than 4 MB" in results[f"celery.{check}@body"]["message"]
        assert "does not speak RabbitMQ's protocol" in results[f"celery.{check}@methods"]["message"]
    assert max(sent.values()) < MOST_SENT, sent
