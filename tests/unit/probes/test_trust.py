"""Which servers on other machines are taken for what they say they are."""

from __future__ import annotations

import pytest

from pytest_opscheck.probes._trust import is_elsewhere, of_amqp, of_docker, of_postgres, of_redis


@pytest.mark.parametrize("host", ["", "localhost", "LOCALHOST.", "127.0.0.1", "127.8.8.8", "::1", "[::1]", "/run/pg"])
def test_this_machine(host: str) -> None:
    assert not is_elsewhere(host)


@pytest.mark.parametrize("host", ["db", "db.example.com", "10.0.0.5", "fe80::1", "0.0.0.0", "128.0.0.1"])
def test_another_machine(host: str) -> None:
    assert is_elsewhere(host)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGSSLMODE", "DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://u:p@localhost/d",
        "postgresql:///d",
        "host=/run/postgresql dbname=d",
        "postgresql://u:p@db/d?sslmode=verify-full",
        "host=db sslrootcert=system",
        "postgresql://u:p@127.0.0.1,[::1]/d",
        "host=db hostaddr=127.0.0.1",
        "no connection string = at all '",
    ],
)
def test_a_database_that_is_verified_or_here(dsn: str) -> None:
    assert of_postgres(dsn) is None


@pytest.mark.parametrize(
    ("dsn", "said"),
    [
        ("postgresql://u:p@db/d", "no sslmode is set"),
        ("postgresql://u:p@localhost,db/d", "no sslmode is set"),
        ("host=db sslmode=disable", "sslmode is disable"),
        ("postgresql://u:p@db/d?sslmode=require", "sslmode is require"),
        ("postgresql://u:p@db/d?sslmode=verify-ca", "sslmode is verify-ca"),
    ],
)
def test_a_database_that_is_not(dsn: str, said: str) -> None:
    told = of_postgres(dsn)
    assert told is not None
    assert told.startswith(said)
    assert "sslmode=verify-full" in told


def test_what_libpq_reads_of_the_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db")
    assert of_postgres("dbname=d") is not None
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert of_postgres("dbname=d") is None


@pytest.mark.parametrize(
    ("url", "warns"),
    [
        ("redis://:p@cache:6379/0", True),
        ("redis://localhost/0", False),
        ("redis:///0", False),
        ("unix:///run/redis.sock", False),
        ("rediss://cache", False),
        ("rediss://cache?ssl_cert_reqs=none", True),
        ("rediss://cache?ssl_cert_reqs=CERT_NONE", True),
        ("rediss://cache?ssl_check_hostname=false", True),
        ("rediss://cache?ssl_cert_reqs=CERT_REQUIRED", False),
        ("rediss://[cache", False),
    ],
)
def test_redis(url: str, *, warns: bool) -> None:
    assert (of_redis(url) is not None) is warns


@pytest.mark.parametrize(
    ("url", "warns"),
    [("amqp://u:p@mq//", True), ("pyamqp://mq", True), ("amqps://mq", False), ("amqp://u:p@127.0.0.1", False)],
)
def test_rabbitmq(url: str, *, warns: bool) -> None:
    assert (of_amqp(url) is not None) is warns


@pytest.mark.parametrize(
    ("url", "verify", "warns"),
    [
        ("tcp://10.0.0.5:2375", "", True),
        ("http://10.0.0.5:2375", "", True),
        ("tcp://10.0.0.5:2376", "1", False),
        ("https://10.0.0.5:2376", "", False),
        ("tcp://127.0.0.1:2375", "", False),
        ("unix:///var/run/docker.sock", "", False),
        (None, "", False),
    ],
)
def test_an_engine(monkeypatch: pytest.MonkeyPatch, url: str | None, verify: str, *, warns: bool) -> None:
    monkeypatch.setenv("DOCKER_TLS_VERIFY", verify)
    assert (of_docker(url) is not None) is warns
