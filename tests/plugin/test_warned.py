"""What an inventory leaves open is said by `validate` and `schedule`: a warning, one line each, and no error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_opscheck.cli.command import main

OPEN = """
[opscheck]
timezone = "UTC"
[suites.daily]
at = "08:00"
[history]
url = "postgresql://ops:hunter2-canary@history.example.com/h"
[host.local]
[postgres.main]
dsn = "postgresql://ops:hunter2-canary@db.example.com/shop?sslmode=require"
[redis.cache]
url = "redis://:hunter2-canary@cache.example.com/0"
[celery.tasks]
broker = "amqp://ops:hunter2-canary@mq.example.com//"
[docker.stack]
url = "tcp://10.0.0.5:2375"
project = "shop"
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DOCKER_TLS_VERIFY", "PGSSLMODE"):
        monkeypatch.delenv(name, raising=False)


def test_validate_warns_of_servers_that_are_not_verified(tmp_path: Path) -> None:
    (tmp_path / "opscheck.toml").write_text(OPEN)
    done = CliRunner().invoke(main, ["validate"])
    assert done.exit_code == 0
    first, *warnings = done.output.splitlines()
    assert first.startswith("opscheck.toml is valid: ")
    assert [line.partition(":")[0] for line in warnings] == [
        "postgres.main",
        "redis.cache",
        "celery.tasks",
        "docker.stack",
        "history",
    ]
    for better in ("sslmode=verify-full", "use rediss://", "use amqps://", "DOCKER_TLS_VERIFY=1"):
        assert better in done.output
    assert "hunter2" not in done.output


@pytest.mark.parametrize("command", [["validate"], ["schedule"]])
@pytest.mark.parametrize(("mode", "warns"), [(0o644, True), (0o602, True), (0o640, False), (0o600, False)])
def test_variables_that_others_can_read(tmp_path: Path, command: list[str], mode: int, *, warns: bool) -> None:
    (tmp_path / "opscheck.toml").write_text(
        "[opscheck]\ntimezone = 'UTC'\n[suites.daily]\nat = '08:00'\n[host.local]\n"
    )
    variables = tmp_path / "opscheck.env"
    variables.write_text("A=b\n")
    os.chmod(variables, mode)  # noqa: PTH101 - whatever the umask
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0
    assert (f"chmod 600 {variables}" in done.output) is warns
