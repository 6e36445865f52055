"""How containers were made, on a real engine: each expectation red by its fault and green again, in either way."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_opscheck.probes.docker._engine import connected
from pytest_opscheck.probes.docker._target import Containers, Engine

from .conftest import Run
from .images import docker as docker_command
from .test_docker import WAYS, Project, engine, project, same  # noqa: F401 - a fixture

GATE = "deploy_gate"


def test_an_engine_that_is_too_old(run: Run, project: Project) -> None:  # noqa: F811
    project.start("api")
    found = engine("version", "--format", "{{.Server.Version}}")
    expects = ('version = { P3 = ">= 99.10.1", P1 = ">= 1.10" }', 'version = ">= 20.10"', 'version = "~ 20"')
    outcome = run(project.inventory(*expects[:2]), suite=GATE)
    assert same(outcome, "version") == ("breach P3", f"the engine's version is {found}, expected >= 99.10.1")
    assert same(outcome, "version", 1)[0] == "ok"
    outcome = run(project.inventory(expects[2]), suite=GATE)
    assert outcome.exit_status == 4
    assert "say a text such as '>= 20.10'" in outcome.output


def test_too_few_replicas(run: Run, project: Project) -> None:  # noqa: F811
    project.start("backend")
    stopped = project.start("backend", "exit 0", number=2)
    engine("wait", stopped)
    wanted = project.inventory('replicas = { backend = 2, celery = { P3 = ">= 1" } }')
    assert same(run(wanted, suite=GATE), "replicas") == (
        "breach P1",
        (
            "number of backend's running containers is 1, expected 2; "
            "number of celery's running containers is 0, expected >= 1"
        ),
    )
    project.start("backend", number=3)
    project.start("celery")
    assert same(run(wanted, suite=GATE), "replicas") == ("ok", "all 2 as expected")


def test_bounds_that_are_not_set_or_others(run: Run, project: Project) -> None:  # noqa: F811
    project.start("api", "sleep 600", "--cpus", "0.5", "--memory", "64m")
    free = project.start("db", "sleep 600", "--cpu-quota", "150000")
    name = project.name
    expects = (
        'limits = { cpus = ">= 0.5", memory = "64MiB" }',
        'limits = { api = { memory = { P3 = "<= 32MiB", P1 = "<= 1GiB" } }, db = { cpus = 1.5 }, gone = { cpus = 1 } }',
    )
    outcome = run(project.inventory(*expects), suite=GATE)
    assert same(outcome, "limits") == (
        "breach P2",
        f"{name}-db-1's bound of memory is not set, expected set",
    )
    message = f"{name}-api-1's bound of memory is 64 MiB, expected <= 32 MiB; gone: it has no container"
    assert same(outcome, "limits", 1) == ("breach P3", message)
    engine("rm", "--force", free)
    project.ids.remove(free)
    project.start("db", "sleep 600", "--cpus", "1.5", "--memory", "64m")
    outcome = run(project.inventory(expects[0], "limits = { db = { cpus = 1.5 } }"), suite=GATE)
    assert same(outcome, "limits")[0] == same(outcome, "limits", 1)[0] == "ok"


def test_variables_are_named_and_their_values_go_nowhere(run: Run, project: Project, tmp_path: Path) -> None:  # noqa: F811
    value = secrets.token_hex(16)
    api = project.start("api", "sleep 600", "--env", f"JWT_SECRET={value}=x\nLINE={value}", "--env", "EMPTY=")
    expects = (
        'env = { api = ["JWT_SECRET", "EMPTY", "MISSING"], gone = ["X"] }',
        'env = ["JWT_SECRET"]',
    )
    outcome = run(project.inventory(*expects), "-n", "2", suite=GATE)
    name = f"{project.name}-api-1"
    assert same(outcome, "env") == (
        "breach P2",
        f"{name}: EMPTY is empty, expected set; {name}: MISSING is missing, expected set; gone: X: it has no container",
    )
    assert same(outcome, "env", 1) == ("ok", f"{name}: JWT_SECRET is set")
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) > 2
    assert not [file for file in files if value.encode() in file.read_bytes()]
    assert value not in outcome.output
    with connected(None, 5) as client:
        asked = Engine(client, Containers.model_validate({"names": [name]}))
        assert value not in repr(asked.stack)
    assert value in engine("inspect", api)
    project.start("full", "sleep 600", "--env", "EMPTY=1", "--env", "MISSING=2")
    assert same(run(project.inventory('env = { full = ["EMPTY", "MISSING"] }'), suite=GATE), "env")[0] == "ok"


@pytest.fixture
def tag() -> Iterator[str]:
    name = f"opscheck-k-docker-{secrets.token_hex(4)}:v1.2"
    yield name
    docker_command("rmi", "--force", *set(docker_command("images", "-q", name.partition(":")[0]).split()))


def build(tag: str, revision: str) -> str:
    text = f"FROM debian:bookworm-slim\nLABEL org.opencontainers.image.revision={revision}\nENV REVISION={revision}\n"
    return docker_command("build", "-q", "-t", tag, "-", given=text)


def test_an_image_that_was_built_again_under_the_same_tag(
    run: Run,
    tag: str,
    project: Project,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = build(tag, "4f2a91c")
    monkeypatch.setattr("tests.live.test_docker.IMAGE", tag)
    container = project.start("api")
    name = f"{project.name}-api-1's image"
    label = "org.opencontainers.image.revision"
    expects = (
        f'image = {{ api = "{tag}" }}',
        f'image = {{ api = "{old[:19]}" }}',
        f'image = {{ api = "{label}=4f2a91c" }}',
        'image = { api = "debian:bookworm-slim", gone = "debian:bookworm-slim" }',
    )
    green = run(project.inventory(*expects), suite=GATE)
    assert [same(green, "image", number)[0] for number in range(4)] == ["ok", "ok", "ok", "breach P1"]
    assert same(green, "image", 3)[1].startswith(f"{name} is {tag} ({old[:19]}); debian:bookworm-slim is now sha256:")
    assert same(green, "image", 3)[1].endswith("gone: no container of it runs")
    new = build(tag, "77b0e3d")
    changed = (expects[0], f'image = {{ api = "{new[:19]}" }}', f'image = {{ api = "{label}=77b0e3d" }}')
    red = run(project.inventory(*changed, 'image = { api = "nowhere/app:v9" }'), suite=GATE)
    assert same(red, "image") == (
        "breach P1",
        f"{name} is {tag} ({old[:19]}), an older one of that name; {tag} is now {new[:19]}, expected {tag}",
    )
    assert same(red, "image", 1)[1] == f"{name} is {tag} ({old[:19]}), expected {new[:19]}"
    assert same(red, "image", 2)[1] == f"{name} is {label}=4f2a91c, expected {label}=77b0e3d"
    assert "and no nowhere/app:v9 is there" in same(red, "image", 3)[1]
    engine("rm", "--force", container)
    project.ids.remove(container)
    project.start("api")
    mended = run(project.inventory(*changed), suite=GATE)
    assert [same(mended, "image", number)[0] for number in range(3)] == ["ok", "ok", "ok"]
    engine("rm", "--force", project.ids.pop())
    docker_command("rmi", "--force", old)


def test_what_docker_could_give_back(run: Run, project: Project) -> None:  # noqa: F811
    project.start("api")
    text = run(project.inventory('disk = "< 1B"'), suite="weekly").results["docker.disk@api0"]
    before = next(iter(text["measurements"]))["value"]
    volume = engine("volume", "create", project.name)
    # A file of holes, which the engine counts as 8 GB: other tests build images in the meantime, and remove them.
    limit = project.inventory(f'disk = {{ P2 = "< {before + 4_000_000_000}B" }}', 'disk = "< 100%"')
    try:
        fill = ("run", "--rm", "--volume", f"{volume}:/v", "debian:bookworm-slim", "truncate", "-s", "8G", "/v/x")
        engine(*fill)
        outcome = run(limit, suite="weekly")
        for way in WAYS:
            assert outcome.verdict(f"docker.disk@{way}0") == "breach P2"
            assert re.match(
                r"what Docker could give back \(most: \w+\) is \d+ B, expected < \d+ B",
                outcome.message(f"docker.disk@{way}0"),
            )
            assert outcome[f"docker.disk@{way}1"]["measurements"][0]["unit"] == "%"
    finally:
        engine("volume", "rm", volume)
    mended = run(limit, suite="weekly")
    assert [mended.verdict(f"docker.disk@{way}0") for way in WAYS] == ["ok", "ok"]


def test_what_is_not_meant_is_refused(run: Run) -> None:
    text = """
[docker.stack]
project = "a"
[docker.stack.expect]
version = 20.10
replicas = { api = "< 2MB" }
limits = { cpu = 2 }
env = ["A=b"]
image = { api = "registry/app" }
recovery = "> 60s"
[docker.none]
project = "a"
expect = { limits = { timeout = "5s" } }
"""
    outcome = run(text)
    assert outcome.exit_status == 4
    for said in (
        "a number loses its last zero",
        "it must be a number of containers",
        "unknown key; use cpus, memory, or a service",
        "'A=b' can't be the name of a variable",
        "'registry/app' names no image; use for example registry/app:v1.2",
        "it must be a maximum duration",
        "it sets no limit",
    ):
        assert said in outcome.output, outcome.output
