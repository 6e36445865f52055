"""`opscheck init` on this machine: what it writes is an inventory that is valid as it stands."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_opscheck.catalogue import checks
from pytest_opscheck.cli import first_inventory, machine
from pytest_opscheck.core.visible import plain
from pytest_opscheck.inventory import Inventory, load

from ..unit.nasty import PIECES
from .conftest import Run
from .databases import postgres
from .images import docker
from .processes import answers, free_port, program, running, wait_until


def loaded(text: str, folder: Path, **environment: str) -> Inventory:
    file = folder / "opscheck.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, checks(), environment)


def uncommented(text: str) -> str:
    """Take the `#` away from every suggestion, as a user does."""
    return re.sub(r"^# (?=\[|\w+ = )", "", text, flags=re.MULTILINE)


@pytest.fixture
def redis_port(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    command = [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with running(command, log=tmp_path / "redis.log", cwd=tmp_path):
        wait_until(lambda: answers(port), "redis-server")
        yield port


def test_what_it_writes_is_valid_with_nothing_set(tmp_path: Path) -> None:
    file = first_inventory.write(tmp_path)
    assert file == tmp_path / "opscheck.toml"
    assert load(file, checks(), {}).target("host", "local") is not None


def test_every_suggestion_is_valid_once_its_comment_is_gone(tmp_path: Path) -> None:
    """People take a `#` away and expect the line to work."""
    projects = (machine.Project("shop", ("api", "db"), 1), machine.Project("_b.c", ("web",), 1))
    parts = [
        first_inventory._head("vm", None),
        first_inventory._host([machine.Mount("/", 40.0)], []),
        first_inventory._API,
        first_inventory._BACKUP,
        *first_inventory._postgres([5432, 5433]),
        *first_inventory._redis([machine.RedisPort(6379, open=True), machine.RedisPort(6380, open=False)]),
        *first_inventory._tls(["www.example.com"], {443}),
        *first_inventory._tls(["api.example.com"], set()),
        *first_inventory._tls([], {443}),
        *first_inventory._docker(machine.Docker(projects)),
    ]
    text = uncommented("\n".join(parts))
    variables = dict.fromkeys(("DATABASE_URL", "DATABASE_URL_5433"), "postgresql://u:p@127.0.0.1/d")
    inventory = loaded(text, tmp_path, **variables, REDIS_URL_6380="redis://127.0.0.1:6380")
    names = {target.id for target in inventory.targets}
    assert {"postgres.main", "postgres.port_5433", "redis.cache", "redis.port_6380"} <= names
    assert {"tls.www-example-com", "tls.web", "http.api", "docker.shop", "docker.b-c", "backup.database"} <= names


def test_never_overwrites(tmp_path: Path) -> None:
    file = tmp_path / "opscheck.toml"
    for make in (lambda: file.write_text("mine"), lambda: file.symlink_to(tmp_path / "elsewhere.toml")):
        file.unlink(missing_ok=True)
        make()
        with pytest.raises(FileExistsError, match="already exists"):
            first_inventory.write(tmp_path)
    assert not (tmp_path / "elsewhere.toml").exists()


def test_listening_redis_is_found_and_its_first_run_is_green(run: Run, redis_port: int, tmp_path: Path) -> None:
    assert machine.RedisPort(redis_port, open=True) in machine.redis_ports(machine.listening())
    text = first_inventory.render()
    loaded(text, tmp_path)
    assert f'url = "redis://127.0.0.1:{redis_port}/0"' in text
    [part] = [part for part in re.split(r"\n\n", text) if f":{redis_port}/" in part]
    outcome = run(part, suite="smoke")
    assert outcome.exit_status == 0, outcome.output


def test_redis_with_a_password_is_only_suggested(tmp_path: Path) -> None:
    port = free_port()
    config = tmp_path / "redis.conf"
    config.write_text(f"bind 127.0.0.1\nport {port}\nsave ''\nrequirepass canary-4711\n")
    with running([program("redis-server"), str(config)], log=tmp_path / "redis.log", cwd=tmp_path):
        wait_until(lambda: answers(port), "redis-server")
        text = first_inventory.render()
    assert "canary" not in text
    assert f"# Redis answers on port {port} and requires a password." in text
    loaded(text, tmp_path)


def test_listening_postgresql_is_suggested(tmp_path: Path) -> None:
    """It is found on the port that its socket is named after, by the answer it gives before anybody has signed in."""
    with postgres("unix_socket_directories=/tmp") as server:
        text = first_inventory.render()
    assert f"# PostgreSQL answers on port {server.port}." in text
    loaded(text, tmp_path)


def test_compose_projects_of_the_local_engine_are_found(tmp_path: Path) -> None:
    name = f"opscheck-{secrets.token_hex(4)}"
    made = []
    try:
        for service, health in (("api", "--health-cmd=true"), ("db", "--no-healthcheck")):
            labels = {"project": name, "service": service, "oneoff": "False"}
            said = [f"--label=com.docker.compose.{key}={value}" for key, value in labels.items()]
            made.append(docker("run", "-d", "--network=none", health, *said, "debian:bookworm-slim", "sleep", "60"))
        text = first_inventory.render()
    finally:
        docker("rm", "-f", *made)
    assert f'project = "{name}"\n[docker.{name}.expect]\nup = ["api", "db"]\n# 1 of 2 services' in text
    assert loaded(text, tmp_path).target("docker", name) is not None


def test_certificates_are_found_where_certbot_and_nginx_keep_them(tmp_path: Path) -> None:
    (tmp_path / "letsencrypt/live/shop.example.com").mkdir(parents=True)
    (tmp_path / "letsencrypt/live/shop.example.com/cert.pem").touch()
    (tmp_path / "nginx/sites-enabled").mkdir(parents=True)
    (tmp_path / "nginx/sites-enabled/site").write_text(
        "server { listen 80; server_name plain.example.com; }\n"
        "server {\n  listen [::]:443 ssl http2;  # server_name old.example.com;\n"
        "  server_name www.example.com *.example.com _;\n"
        "  location / { proxy_pass http://127.0.0.1:8000; }\n}\n"
    )
    assert machine.certificate_names(tmp_path) == ["shop.example.com", "www.example.com"]
    assert machine.certificate_names(tmp_path / "nothing") == []


@pytest.mark.parametrize("said", PIECES)
def test_what_others_have_named_stays_within_its_comment_or_quotes(tmp_path: Path, said: str) -> None:
    """A mount, a container, a host: nobody writes targets or commands into somebody's inventory by a name."""
    said = f"{said}z"
    parts = [
        first_inventory._head(said, None),
        first_inventory._host([machine.Mount(f"/{said}", 99.0)], [said]),
        *first_inventory._docker(machine.Docker((machine.Project(said, (said, "db"), 1),))),
        *first_inventory._docker(machine.Docker(problem=said)),
    ]
    inventory = loaded("\n".join(parts), tmp_path)
    assert [target.kind for target in inventory.targets] == ["host", "docker"]
    assert inventory.name == plain(said)
    shown = {name for each in inventory.expectations for name in each.params.get("names", ())}
    assert plain(said) in shown
