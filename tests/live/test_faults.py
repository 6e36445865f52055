"""Whatever is wrong with a server, each kind says what, in the field's words and in a line, and in flat memory.

A cell of this matrix is a kind and a fault. No cell is ever ok, and none shows what a library calls things.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from . import faults
from .memory import peak_mb

INVENTORY = """
[http.api]
url = "{http}://{host}:{ports[http]}/health"
verify = false
expect.json = {{ status = "== healthy" }}
[dns.name]
name = "shop.example.com"
resolver = "{host}:{ports[dns]}"
transport = "{dns}"
[tcp.any]
address = "{host}:{ports[tcp]}"
tls = {tls}
expect.banner = "~ ^220 "
[tls.api]
address = "{host}:{ports[tls]}"
{starttls}
[postgres.main]
dsn = "postgresql://someone@{host}:{ports[postgres]}/main{sslmode}"
[redis.cache]
url = "{redis}://{host}:{ports[redis]}/0"
[celery.redis]
broker = "{redis}://{host}:{ports[celery_redis]}/0"
[celery.amqp]
broker = "{amqp}://guest:guest@{host}:{ports[celery_amqp]}//"
[prometheus.main]
url = "{http}://{host}:{ports[prometheus]}"
verify = false
[metrics.api]
url = "{http}://{host}:{ports[metrics]}/metrics"
verify = false
value.errors = {{ metric = "errors_total", expect = "< 1" }}
[docker.stack]
names = ["one"]
url = "{docker}://{host}:{ports[docker]}"
[host.ssh]
connect = "ssh://someone@{host}:{ports[ssh]}"
[host.paramiko]
connect = "paramiko://someone@{host}:{ports[paramiko]}"
[logs.app]
on = "ssh"
path = "/var/log/app.log"
count.errors = {{ pattern = "ERROR", expect = "< 1/h" }}
[backup.files]
on = "ssh"
path = "/srv/backups/*.gz"
[backup.bucket]
path = "/nowhere/*.gz"
[backup.bucket.expect]
fresh = false
size = false
intact = false
[backup.bucket.expect.uploaded]
url = "s3://backups/*.gz"
options = {{ endpoint_url = "{http}://{host}:{ports[s3]}", key = "opscheck", secret = "not-a-secret" }}
"""
PLAIN = {
    "host": "127.0.0.1",
    "http": "http",
    "redis": "redis",
    "amqp": "amqp",
    "docker": "tcp",
    "dns": "tcp",
    "tls": "false",
    "sslmode": "",
    "starttls": "",
}
TLS = {
    "http": "https",
    "redis": "rediss",
    "amqp": "amqps",
    "docker": "https",
    "dns": "tls",
    "tls": "true",
    "sslmode": "?sslmode=require",
}
CELLS = {
    "http": "http.reachable@api",
    "dns": "dns.reachable@name",
    "tcp": "tcp.reachable@any",
    "tls": "tls.reachable@api",
    "postgres": "postgres.reachable@main",
    "redis": "redis.reachable@cache",
    "celery over redis": "celery.reachable@redis",
    "celery over amqp": "celery.reachable@amqp",
    "prometheus": "prometheus.reachable@main",
    "metrics": "metrics.reachable@api",
    "docker": "docker.reachable@stack",
    "ssh": "host.reachable@ssh",
    "paramiko": "host.reachable@paramiko",
    "s3": "backup.uploaded@bucket",
}
SAYS_MORE = {"http": "http.json@api", "tcp": "tcp.banner@any"}
"""The check that says what is wrong with what can be reached."""
LATE = r"within [\d.]+ s\b|tim(ed? ?out|eout expired)|in time"
CUT = r"closed|reset|broke|ended in the middle|ended the connection|cut off|hung up"
FOREIGN = r"does not speak|not PostgreSQL|is no\b|not the \w+ protocol|answers as no|longer than|speaks first|" + CUT
LONG = r"\d MB\b|too large|is not a sample|" + FOREIGN
TLS_MEANT = r"TLS|" + CUT + "|" + LATE + "|" + FOREIGN
FAULTS: dict[str, tuple[Callable[[Path], AbstractContextManager[dict[str, int]]], str, dict[str, str]]] = {
    "refuses": (lambda _: faults.refusing(), "refused", {}),
    "has no name": (lambda _: faults.refusing(), "resolve|not known|no such name", {"host": "nothing.invalid"}),
    "closes": (lambda _: faults.serving(faults.closes), CUT, {}),
    "resets": (lambda _: faults.serving(faults.resets), FOREIGN, {}),
    "garbage": (lambda _: faults.serving(faults.garbage), FOREIGN, {}),
    "half": (lambda _: faults.serving(faults.half), LATE + "|" + FOREIGN, {}),
    "hangs": (lambda _: faults.serving(faults.hangs), LATE, {}),
    "drips": (lambda _: faults.serving(faults.drips), LATE + "|" + FOREIGN, {}),
    "floods": (lambda _: faults.serving(faults.floods), LONG + "|" + LATE, {}),
    "plain where TLS is due": (lambda _: faults.serving(faults.plain), FOREIGN + "|TLS", TLS),
    "TLS where none is due": (
        lambda folder: faults.serving(faults.speaking_tls(folder)),
        TLS_MEANT,
        {"starttls": 'starttls = "smtp"'},
    ),
}
"""What serves a fault, how each kind names it, and what of the inventory is other than in a plain one."""
LIBRARIES = re.compile(
    r"Traceback|\w+(Error|Exception|Pool|Connection)\(|<\w+[.\w]* object|\[Errno|\[SSL|codec can't|_ssl\.c|urllib3|"
    r"botocore|aiohttp|psycopg|paramiko\.|kombu|docker\.errors|0x[0-9a-f]{6}|\b[A-Z]\w+Error\b|None\b",
    re.IGNORECASE,
)
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd]")
LONGEST = 300
MOST_MB = 200
"""All kinds in one run take 140 MB for their libraries alone."""


@pytest.fixture(scope="module", params=list(FAULTS))
def fault(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    """Run all kinds once, each on a server of its own with this fault."""
    server, _, words = FAULTS[request.param]
    folder = tmp_path_factory.mktemp("fault")
    with server(folder) as ports:
        inventory = INVENTORY.format(**{**PLAIN, **words}, ports=ports)
        yield outcome_of(request.param, folder, inventory)


@dataclass(frozen=True)
class Outcome:
    """What came of a run on servers with one fault."""

    fault: str
    results: Mapping[str, Mapping[str, Any]]
    output: str
    exit_status: int
    peak_mb: float
    seconds: float


def outcome_of(name: str, folder: Path, inventory: str) -> Outcome:
    (folder / "opscheck.toml").write_text(inventory, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "daily"]
    started = time.monotonic()
    done, peak = peak_mb(command, folder, os.environ)
    seconds = time.monotonic() - started
    file = folder / "reports" / "daily" / "latest.json"
    assert file.exists(), done.stdout + done.stderr
    results = {each["id"]: each for each in json.loads(file.read_text(encoding="utf-8"))["results"]}
    return Outcome(name, results, done.stdout + done.stderr, done.returncode, peak, seconds)


def test_a_fault_costs_flat_memory_and_is_never_ok(fault: Outcome) -> None:
    assert fault.exit_status == 1
    assert fault.peak_mb < MOST_MB
    # A web server that says 200 and then no more has said its status; what takes a connection can be reached over TCP.
    spoken = {"http.reachable@api", "http.status@api", "tcp.reachable@any"}
    assert {name for name, each in fault.results.items() if each["verdict"] == "ok"} <= spoken
    others = {
        name: each["verdict"]
        for name, each in fault.results.items()
        if name not in CELLS.values() and not name.startswith(("http.", "tcp."))
    }
    assert set(others.values()) == {"blocked"}, others
    through = [each for name, each in fault.results.items() if name.endswith(("@app", "@files"))]
    assert {each["blocked_by"] for each in through} == {"host.reachable@ssh"}
    assert "Traceback" not in fault.output


def test_what_hangs_or_drips_costs_each_kind_its_connecting_alone(fault: Outcome) -> None:
    """10 s to connect, 16 s where something answers, and 10 s more in the quiet lane for http: all of it side by side.

    A machine under load takes longer for everything, but never as long as for one after the other.
    """
    if fault.fault in ("hangs", "drips"):
        one_by_one = sum(each["duration_s"] for name, each in fault.results.items() if ".reachable@" in name)
        assert fault.seconds < max(45, one_by_one / 2)


@pytest.mark.parametrize("kind", CELLS)
def test_each_kind_says_what_is_wrong_and_what_to_do(fault: Outcome, kind: str) -> None:
    result = fault.results[CELLS[kind]]
    if result["verdict"] == "ok" and kind in SAYS_MORE:
        result = fault.results[SAYS_MORE[kind]]
    message = result["message"]
    assert result["verdict"] in ("breach", "unknown")
    assert re.search(FAULTS[fault.fault][1], message, re.IGNORECASE), message
    assert len(message) < LONGEST, message
    assert not LIBRARIES.search(message), message
    assert not CONTROL.search(message), message
    assert result["action"] or ";" in message, message
