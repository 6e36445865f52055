"""What a host's docker command prints of containers, and what is read of it; tests/live asks real engines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_opscheck.probes import Output, UnknownError, UnreachableError
from pytest_opscheck.probes.docker._containers import Container, Stack
from pytest_opscheck.probes.docker._shell import answered, portable, stack_of
from pytest_opscheck.probes.docker._stats import from_api, from_cli, size

LABELS = {
    "com.docker.compose.service": "web",
    "com.docker.compose.oneoff": "False",
    "com.docker.compose.depends_on": "db:service_healthy:false,init:service_completed_successfully:false",
    "com.docker.swarm.service.name": "",
    "com.docker.swarm.task.name": "",
}
WEB: dict[str, Any] = {
    "Id": "c1" * 32,
    "Name": "/shop-web-1",
    "Created": "2026-11-20T08:00:00.5Z",
    "Image": "sha256:ab",
    "RestartCount": 0,
    "State": {
        "Status": "running",
        "ExitCode": 0,
        "OOMKilled": False,
        "Error": "",
        "StartedAt": "2026-11-20T08:00:01.123456789Z",
        "FinishedAt": "0001-01-01T00:00:00Z",
        "Health": {"Status": "healthy", "Log": [{"End": "2026-11-20T08:01:00Z", "ExitCode": 0}]},
    },
    "Config": {
        "Tty": False,
        "Image": "shop/web:2",
        "Env": [["PATH", True], ["EMPTY", False]],
        "Labels": LABELS,
        "Healthcheck": {"Test": ["CMD"]},
    },
    "HostConfig": {"Memory": 536870912, "NanoCpus": 1500000000, "CpuQuota": 0, "CpuPeriod": 0},
}


def stack(*containers: dict[str, Any], clock: int = 1800000000) -> Stack:
    return stack_of(["project shop", *map(json.dumps, containers), f"clock {clock}"])


def test_a_container_is_read() -> None:
    [web] = stack(WEB).containers
    assert (web.name, web.service, web.state, web.health) == ("shop-web-1", "web", "running", "healthy")
    assert (web.memory_limit, web.cpus, web.image_name) == (536870912, 1.5, "shop/web:2")
    assert web.environment == (("PATH", True), ("EMPTY", False))
    assert ("db", "service_healthy") in web.needs
    assert web.stays


def test_what_has_no_health_check_labels_or_bound_is_read_too() -> None:
    bare = {
        **WEB,
        "State": {**WEB["State"], "Health": None},
        "Config": {**WEB["Config"], "Labels": None, "Healthcheck": None, "Env": []},
        "HostConfig": {"Memory": 0, "NanoCpus": None, "CpuQuota": None, "CpuPeriod": None},
    }
    [found] = stack_of(["name shop-web-1", json.dumps(bare), "clock 1800000000"]).containers
    assert (found.health, found.memory_limit, found.cpus) == (None, None, None)


def test_one_that_was_killed_says_so() -> None:
    state = {**WEB["State"], "Status": "exited", "ExitCode": 137, "OOMKilled": True}
    [found] = stack({**WEB, "State": state}).containers
    assert found.described == "exited with status 137, out of memory"


@pytest.mark.parametrize(
    "lines", [[], ["hello"], ["project shop", '{"Id":'], ["project shop", "{}"], ["name x", "{3}"]]
)
def test_what_cannot_be_read_is_unknown(lines: list[str]) -> None:
    with pytest.raises(UnknownError):
        stack_of(lines)


@pytest.mark.parametrize(
    ("output", "why"),
    [
        (Output("", "the docker command is not installed there\n", 8), "the docker command is not installed there"),
        (Output("", "", 8), "the engine does not answer"),
        (Output("", "", None, ended=False, seconds=20), "the engine did not answer within 20 s"),
        (
            Output("user ops\n", "permission denied while trying to connect: Get http://x: dial unix\n", 8),
            "permission denied while trying to connect; give that user access: ",
        ),
    ],
)
def test_an_engine_that_does_not_answer_is_unreachable(output: Output, why: str) -> None:
    with pytest.raises(UnreachableError) as caught:
        answered(output)
    assert str(caught.value).startswith(why)


def test_a_script_that_fails_is_unknown() -> None:
    with pytest.raises(UnknownError, match="template"):
        answered(Output("", "the docker command there is a podman: template\n", 9))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0B", 0),
        ("1.2GB", 1_200_000_000),
        ("3.4MiB", 3565158),
        ("1.5kB", 1500),
        ("12 MB", 12_000_000),
        ("1e+03kB", 1_000_000),
        ("--", None),
        ("", None),
        ("5", None),
    ],
)
def test_sizes_as_docker_prints_them(text: str, found: int | None) -> None:
    assert size(text) == found


def test_usage_of_a_container_in_both_ways() -> None:
    box = Container("1", "web", "web", "running", memory_limit=1000)
    shown = from_cli(box, {"MemUsage": "250B / 2kB", "CPUPerc": "12.50%"})
    assert (shown.memory, shown.memory_bound, shown.limited, shown.memory_percent, shown.cpu) == (
        250,
        1000,
        True,
        25,
        12.5,
    )
    of_one = {"cpu_usage": {"total_usage": 1_000}, "system_cpu_usage": 10_000, "online_cpus": 4}
    now = {"cpu_usage": {"total_usage": 2_000}, "system_cpu_usage": 20_000, "online_cpus": 4}
    said = {
        "memory_stats": {"usage": 400, "limit": 9000, "stats": {"inactive_file": 150}},
        "cpu_stats": now,
        "precpu_stats": of_one,
    }
    told = from_api(box, said)
    assert (told.memory, told.memory_bound, told.cpu) == (250, 1000, 40)


@pytest.mark.parametrize("said", [None, {}, {"MemUsage": "-- / --", "CPUPerc": "--"}])
def test_no_figure_is_none_and_not_zero(said: dict[str, str] | None) -> None:
    found = from_cli(Container("1", "web", "web", "running"), said)
    assert (found.memory, found.memory_percent, found.cpu) == (None, None, None)
    assert from_api(Container("1", "web", "web", "running"), {}).cpu is None


@pytest.mark.parametrize("pattern", ["ERROR|FATAL", "^[a-z]+: [0-9]{3}$", r"\[x\]\.", "a{2,}"])
def test_a_pattern_that_every_grep_reads_alike(pattern: str) -> None:
    assert portable(pattern)


@pytest.mark.parametrize("pattern", [r"\d+", r"\bx", "(?i)x", "a+?", "a*+", r"[\d]", "[[:alpha:]]", "{x}"])
def test_one_that_not_every_grep_does(pattern: str) -> None:
    assert not portable(pattern)
