"""Rule 6: what came from the environment, or stands in a password's place, appears nowhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Project = Callable[..., pytest.Pytester]

CANARIES = {
    "DATABASE_URL": "postgresql://canary-user:canary-pg-p%40ss@127.0.0.1:1/canary-db",
    "REDIS_URL": "redis://:canary-redis-pass@127.0.0.1:1/0",
    "BROKER_URL": "redis://:canary-broker-pass@127.0.0.1:1/1",
    "API_URL": "http://canary-basic:canary-http-pass@127.0.0.1:1/canary-path?token=canary-query",
    "API_TOKEN": "Bearer canary-header-token",
    "HOST_SPEC": "ssh://canary-login:canary-ssh-pass@127.0.0.1:1",
    "COMMAND_WORD": "canary-command-word",
    "PATTERN": "canary-pattern",
    "NAME": "canary-name",
    "BACKUPS": "/canary-backups/*.gz",
    "EXPECTED": "canary-expected",
    "ACTION": "canary-action",
    "SQL_WORD": "canary-sql",
}

INVENTORY = """
[opscheck]
name = "${NAME}"

[host.local.command.says]
run = "echo ${COMMAND_WORD}; echo ${COMMAND_WORD} >&2; exit 1"
stdout = "== ${EXPECTED}"
action = "${ACTION}"
[host.remote]
connect = "${HOST_SPEC}"
[postgres.main]
dsn = "${DATABASE_URL}"
[postgres.main.query.own]
sql = "select '${SQL_WORD}'"
expect = "== 1"
[postgres.literal]
dsn = "postgresql://someone:canary-literal-pass@127.0.0.1:1/db"
[postgres.keywords]
dsn = "host=127.0.0.1 port=1 user=someone password=canary-keyword-pass"
[redis.cache]
url = "${REDIS_URL}"
[celery.tasks]
broker = "${BROKER_URL}"
[http.api]
url = "${API_URL}"
headers = { Authorization = "${API_TOKEN}", X-Api-Key = "canary-literal-header" }
[http.api.expect]
json = { status = "== ${EXPECTED}" }
[metrics.api]
url = "${API_URL}"
[metrics.api.value.one]
metric = "some_total"
expect = "< 1"
[prometheus.main]
url = "${API_URL}"
[tls.api]
address = "127.0.0.1:1"
[logs.app]
path = "/nowhere/${NAME}.log"
[logs.app.count.own]
pattern = "${PATTERN}"
expect = "== 0"
[backup.database]
path = "${BACKUPS}"
"""

OWN = """
import os
import pytest

@pytest.mark.daily
def test_fails_with_a_traceback(expect):
    dsn = os.environ["DATABASE_URL"]
    raise RuntimeError("no connection to " + dsn)

@pytest.mark.daily
def test_prints(expect):
    print(os.environ["API_TOKEN"])
    expect(1, subject=os.environ["API_TOKEN"], limit="== 2")

@pytest.mark.daily
def test_connects(postgres, expect):
    expect(postgres.scalar("select 1"), limit="== 1")
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_no_secret_is_seen(project: Project, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]) -> None:
    for name, value in CANARIES.items():
        monkeypatch.setenv(name, value)
    pytester = project(INVENTORY)
    pytester.makepyfile(test_own=OWN)
    result = pytester.runpytest_subprocess("-m", "daily", "-vv", "--tb=long", "-l", "-rA", *workers)
    assert result.ret == 1
    seen = result.stdout.str() + result.stderr.str()
    for file in Path(pytester.path).glob("reports/daily/*"):
        seen += f"\n{file.name}\n" + file.read_text(encoding="utf-8")
    assert "test_fails_with_a_traceback" in seen
    leaks = sorted({line.strip()[:200] for line in seen.splitlines() if "canary" in line.lower()})
    assert leaks == []


def test_an_error_in_the_inventory_shows_no_secret(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CANARIES.items():
        monkeypatch.setenv(name, value)
    pytester = project(
        """
        [redis.cache]
        url = "${REDIS_URL}"
        expect = { keys = "${EXPECTED}", memory = "< ${EXPECTED}" }
        [http.api]
        url = ["${API_URL}"]
        [host.a]
        connect = "${NAME}"
        """
    )
    result = pytester.runpytest_subprocess("-m", "daily")
    assert result.ret == 4
    assert "canary" not in (result.stdout.str() + result.stderr.str()).lower()
