"""`opscheck init` on this machine: what it writes is an inventory that is valid as it stands."""

from __future__ import annotations

import re
import secrets
import subprocess
from pathlib import Path

import pytest

from pytest_opscheck.catalogue import checks
from pytest_opscheck.cli import first_inventory, first_servers, machine
from pytest_opscheck.cli.listening import Listener, PostgresSocket
from pytest_opscheck.cli.servers import Certificate, Postgres, Redis, Web
from pytest_opscheck.core.visible import plain
from pytest_opscheck.inventory import Inventory, load

from ..unit.nasty import PIECES
from .processes import program


def loaded(text: str, folder: Path, **environment: str) -> Inventory:
    file = folder / "opscheck.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, checks(), environment)


def uncommented(text: str) -> str:
    """Take the `#` away from every suggestion, as a user does."""
    return re.sub(r"^# (?=\[|\w+ = )", "", text, flags=re.MULTILINE)


def test_every_suggestion_is_valid_once_its_comment_is_gone(tmp_path: Path) -> None:
    """People take a `#` away and expect the line to work."""
    projects = (machine.Project("shop", ("api", "db"), 1), machine.Project("_b.c", ("web",), 1))
    at = [Listener(port, "127.0.0.1", "nginx") for port in (5432, 5433, 6379, 6380, 80, 443, 8443)]
    shown = (
        Certificate("api.example.com", 443, "api.example.com:443"),
        Certificate("_.example.com", 443, "x:1", "x", "old"),
    )
    found: list[Postgres | Redis | Web] = [
        Postgres(5432, at[0]),
        Postgres(5433, at[1]),
        Postgres(5434, socket=PostgresSocket("/var/run/postgresql", 5434)),
        Redis(at[2], open=True),
        Redis(at[3], open=False),
        Web(at[4], "http://127.0.0.1", "/", 200, metrics=True, up="pg_up"),
        Web(at[5], "https://api.example.com", "/health", 200, certificates=shown),
        Web(at[6], "https://127.0.0.1:8443", None, 404, metrics=True, trusted=False),
    ]
    parts = [
        first_inventory.head("vm", None),
        first_inventory._host([machine.Mount("/", 40.0)], machine.Systemd(runs=True), []),
        first_inventory._API,
        first_inventory._BACKUP,
        *first_servers.tables(found, ["www.example.com"]),
        *first_inventory._docker(machine.Docker(projects)),
    ]
    text = uncommented("\n".join(parts))
    variables = {f"DATABASE_URL{each}": "postgresql://u:p@127.0.0.1/d" for each in ("", "_5433", "_5434")}
    inventory = loaded(text, tmp_path, **variables, REDIS_URL_6380="redis://127.0.0.1:6380")
    names = {target.id for target in inventory.targets}
    assert {"postgres.main", "postgres.port_5433", "postgres.port_5434", "redis.cache", "redis.port_6380"} <= names
    assert {"tls.www-example-com", "http.api", "docker.shop", "docker.b-c", "backup.database"} <= names
    assert {"http.nginx-443", "http.nginx-8443", "metrics.nginx", "metrics.nginx-8443"} <= names


def test_never_overwrites(tmp_path: Path) -> None:
    file = tmp_path / "opscheck.toml"
    for make in (lambda: file.write_text("mine"), lambda: file.symlink_to(tmp_path / "elsewhere.toml")):
        file.unlink(missing_ok=True)
        make()
        with pytest.raises(FileExistsError, match="already exists"):
            first_inventory.write(tmp_path, "[host.local]\n")
    assert not (tmp_path / "elsewhere.toml").exists()


COMPOSE = """
services:
  api:
    image: debian:bookworm-slim
    command: sleep 600
    network_mode: none
    healthcheck: {test: "true", interval: 1s}
  db:
    image: debian:bookworm-slim
    command: sleep 600
    network_mode: none
  worker:
    image: debian:bookworm-slim
    command: sleep 600
    network_mode: none
"""


def test_compose_projects_are_expected_as_far_as_they_are_up(tmp_path: Path) -> None:
    """A service that was stopped is named, a project of which nothing runs too, and one that was taken down is gone."""
    name = f"opscheck-{secrets.token_hex(4)}"
    (tmp_path / "compose.yml").write_text(f"version: '3.8'\n{COMPOSE}")
    compose = [program("docker-compose"), "-p", name, "-f", "compose.yml"]

    def after(*arguments: str) -> str:
        subprocess.run([*compose, *arguments], cwd=tmp_path, check=True, capture_output=True)
        return "".join(first_inventory._docker(machine.docker()))

    try:
        running = after("up", "-d")
        lacking = after("stop", "-t", "0", "worker")
        stopped = after("stop", "-t", "0")
    finally:
        gone = after("down", "-t", "0")
    assert f'project = "{name}"\n[docker.{name}.expect]\nup = ["api", "db", "worker"]\n# 2 of 3 services' in running
    assert f"# The Compose project {name}. These do not run now: worker.\n[docker.{name}]" in lacking
    assert f'project = "{name}"\n[docker.{name}.expect]\nup = ["api", "db"]\n# 1 of 2 services' in lacking
    assert f"# The Compose project {name} has containers, and none of them runs.\n" in stopped
    assert f"[docker.{name}]" not in stopped
    assert name not in gone
    assert loaded(lacking, tmp_path).target("docker", name) is not None


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
    """A mount, a container, a host, a program: nobody writes targets or commands into an inventory by a name."""
    said = f"{said}z"
    mounts, listener = [machine.Mount(f"/{said}", 99.0)], Listener(80, "127.0.0.1", said, said)
    shown = Certificate(said, 443, "127.0.0.1:443", said, said)
    unseen = first_inventory._unseen(machine.Systemd(runs=True), machine.Docker(problem=said), [], plain(said))
    parts = [
        first_inventory.head(said, None),
        *(f"# Not seen: {each}\n" for each in unseen),
        first_inventory._host(mounts, machine.Systemd(runs=True, units=(said,)), []),
        *first_inventory._docker(machine.Docker((machine.Project(said, (said, "db"), 1, (said,)),))),
        *first_servers.tables([Web(listener, "http://127.0.0.1", "/", 200, certificates=(shown,))], [said]),
    ]
    inventory = loaded("\n".join(parts), tmp_path)
    assert [target.kind for target in inventory.targets] == ["host", "docker", "http"]
    assert inventory.name == plain(said)
    shown_names = {name for each in inventory.expectations for name in each.params.get("names", ())}
    assert plain(said) in shown_names
    without = loaded(first_inventory._host(mounts, machine.Systemd(runs=False), [listener]), tmp_path)
    assert [target.id for target in without.targets] == ["host.local"]
