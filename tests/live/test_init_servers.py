"""`opscheck init` finds the servers of a machine, wherever they listen; what it writes is green right after."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from .certificates import Issued, hosts, issue
from .databases import cluster, postgres_program
from .networks import Network, network
from .processes import program

OPSCHECK = str(Path(sys.executable).with_name("opscheck"))
NOT_OF_MACHINE = "not (disk or memory or load or cpu)"
"""How busy the machine is that runs the tests is not what is tested."""
NO_DOCKER = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
"""What others run on this machine's engine is not what is tested."""
NGINX = """\
daemon off;
pid nginx.pid;
error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t; uwsgi_temp_path t; scgi_temp_path t;
{servers}
}}
"""
APP = """\
import http.server

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(b"{}")

http.server.HTTPServer(("127.0.0.1", 8700), Handler).serve_forever()
"""
POSTGRES_EXPORTER = """\
import http.server, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(b"# TYPE pg_up gauge\\npg_up 1\\n" if self.path == "/metrics" else b"<a href=/metrics>")

http.server.HTTPServer(("127.0.0.1", 9187), Handler).serve_forever()
"""


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Network]:
    with network(tmp_path) as made:
        yield made


def nginx(folder: Path, *servers: str) -> list[str]:
    """Return the command of an nginx in a folder, with these server blocks' contents."""
    blocks = "\n".join(f"server {{ {each} location / {{ return 200 ok; }} }}" for each in servers)
    (folder / "nginx.conf").write_text(NGINX.format(servers=blocks))
    return [program("nginx"), "-e", "stderr", "-p", str(folder), "-c", "nginx.conf"]


def drafted(net: Network, folder: Path, *arguments: str, env: dict[str, str] | None = None) -> str:
    done = net.run([OPSCHECK, "init", *arguments], cwd=folder, env={**os.environ, **NO_DOCKER, **(env or {})})
    assert done.returncode == 0, done.stdout + done.stderr
    return (folder / "opscheck.toml").read_text(encoding="utf-8")


def smoke(net: Network, folder: Path, env: dict[str, str] | None = None) -> dict[str, Any]:
    """Run the quick checks of a draft, as it stands; return the verdicts."""
    run = [sys.executable, "-m", "pytest", "-m", "smoke", "-k", NOT_OF_MACHINE, "-p", "no:cacheprovider"]
    done = net.run([*run, "--opscheck-json=found.json"], cwd=folder, env={**os.environ, **NO_DOCKER, **(env or {})})
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((folder / "found.json").read_text(encoding="utf-8"))["results"]
    return {each["id"]: each["verdict"] for each in results}


def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def test_servers_on_odd_ports_are_found_and_their_first_run_is_green(net: Network, tmp_path: Path) -> None:
    """A web server, an application with a health page, exporters, Redis: by what they answer, not by their ports."""
    folder = project(tmp_path)
    with ExitStack() as stack:
        stack.enter_context(net.serving(nginx(tmp_path, "listen 127.0.0.1:8071;"), "127.0.0.1:8071"))
        exporter = [program("prometheus-node-exporter"), "--web.listen-address=127.0.0.1:9177"]
        stack.enter_context(net.serving(exporter, "127.0.0.1:9177"))
        redis = [program("redis-server"), "--port", "7711", "--bind", "127.0.0.1", "--save", ""]
        stack.enter_context(net.serving(redis, "127.0.0.1:7711"))
        for script, place in ((APP, "127.0.0.1:8700"), (POSTGRES_EXPORTER, "127.0.0.1:9187")):
            stack.enter_context(net.serving([sys.executable, "-c", script], place))
        text = drafted(net, folder)
        found = smoke(net, folder)
    assert '[http.nginx]\nurl = "http://127.0.0.1:8071/"' in text
    assert 'url = "http://127.0.0.1:8700/health"' in text
    assert '[metrics.prometheus-node-exporter]\nurl = "http://127.0.0.1:9177/metrics"' in text
    assert 'url = "http://127.0.0.1:9177/"' not in text  # nothing but a page that leads to the metrics
    assert 'url = "http://127.0.0.1:9187/metrics"' in text
    assert 'metric = "pg_up"\nexpect = "== 1"' in text
    assert '[redis.cache]\nurl = "redis://127.0.0.1:7711/0"' in text
    expected = {"http.status@nginx", "metrics.reachable@prometheus-node-exporter", "redis.reachable@cache"}
    assert expected <= {name for name, verdict in found.items() if verdict == "ok"}


def test_ports_and_processes_are_expected_where_there_is_no_systemd(net: Network, tmp_path: Path) -> None:
    if Path("/run/systemd/system").is_dir():
        pytest.skip("here systemd runs, and is asked for its units")
    folder = project(tmp_path)
    with net.serving(nginx(tmp_path, "listen 127.0.0.1:8071;"), "127.0.0.1:8071"):
        text = drafted(net, folder)
        assert "\nports = [8071]" in text
        assert '[host.local.processes.nginx]\npattern = "(^|/)nginx( |:|$)"' in text
        assert smoke(net, folder)["host.ports@local"] == "ok"
        daily = [sys.executable, "-m", "pytest", "-m", "daily", "-k", "processes", "-p", "no:cacheprovider"]
        assert net.run(daily, cwd=folder).returncode == 0


def test_tls_on_any_port_is_expected_where_a_client_trusts_it(net: Network, tmp_path: Path) -> None:
    """By its name, or here under that name where that leads elsewhere; one that nobody trusts is a suggestion."""
    folder = project(tmp_path)
    ca = issue("a CA", ca=True)
    (tmp_path / "ca.pem").write_bytes(ca.pem)
    shown: dict[str, Issued] = {
        "listen 127.0.0.1:8441 ssl;": issue("localhost", ca, names=hosts("localhost")),
        "listen 127.0.0.1:8442 ssl;": issue("shop.invalid", ca, names=hosts("shop.invalid", "*.shop.invalid")),
        "listen 127.0.0.1:8443 ssl;": issue("localhost", names=hosts("localhost")),
    }
    blocks = []
    for number, (listen, issued) in enumerate(shown.items()):
        pem = issued.write(tmp_path / f"{number}.pem")
        blocks.append(f"{listen} ssl_certificate {pem}; ssl_certificate_key {pem};")
    env = {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
    with net.serving(nginx(tmp_path, *blocks), *(f"127.0.0.1:{port}" for port in (8441, 8442, 8443))):
        text = drafted(net, folder, env=env)
        found = smoke(net, folder, env)
    assert 'url = "https://localhost:8441/"' in text
    assert '\n[tls.localhost-8441]\naddress = "localhost:8441"' in text
    assert '\n[tls.shop-invalid-8442]\naddress = "127.0.0.1:8442"\nserver_name = "shop.invalid"' in text
    assert '# url = "https://127.0.0.1:8442/"' in text
    assert "\n# [tls.localhost-8443]" in text
    assert "# It would not pass now: self-signed." in text
    trusted = {"tls.trusted@localhost-8441", "tls.trusted@shop-invalid-8442"}
    assert trusted == {name for name in found if name.startswith("tls.trusted@")}


def test_postgresql_is_found_by_its_socket(net: Network, tmp_path: Path) -> None:
    """It has no port at all; whoever may sign in there without a password has a target that works as it stands."""
    folder = project(tmp_path)
    with cluster("--auth-local=trust") as place:
        options = [f"unix_socket_directories={place}", "listen_addresses=", "fsync=off"]
        words = [word for each in options for word in ("-c", each)]
        command = [postgres_program("postgres"), "-D", str(place / "data"), "-p", "5477", *words]
        with net.serving(command, f"{place}/.s.PGSQL.5477", user="postgres"):
            locked = drafted(net, folder)
            made = [postgres_program("psql"), "-h", str(place), "-p", "5477", "-U", "admin", "-d", "postgres"]
            assert net.run([*made, "-c", "CREATE ROLE root LOGIN"], cwd=tmp_path).returncode == 0
            (folder / "opscheck.toml").unlink()
            text = drafted(net, folder)
            found = smoke(net, folder)
    assert "# [postgres.main]" in locked
    assert f"#   DATABASE_URL=postgresql:///DATABASE?host={place}&port=5477&user=USER" in locked
    assert f'[postgres.main]\ndsn = "postgresql:///postgres?host={place}&port=5477"' in text
    assert found["postgres.reachable@main"] == "ok"


def test_who_cannot_see_a_program_is_told_so_and_asks_its_port_nothing(net: Network, tmp_path: Path) -> None:
    """Who listens on a port that another user's program has may take a request for who knows what."""
    folder = project(tmp_path)
    seen = tmp_path / "asked.log"
    folder.chmod(0o777)
    tmp_path.chmod(0o755)
    log = f"listen 127.0.0.1:8071; access_log {seen};"
    with net.serving(nginx(tmp_path, log), "127.0.0.1:8071"):
        look = ["setpriv", "--reuid=65534", "--clear-groups", OPSCHECK, "init", "."]
        env = {**os.environ, **NO_DOCKER, "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        done = net.run(look, cwd=folder, env=env)
        assert done.returncode == 0, done.stdout + done.stderr
    how = 'the programs that listen on port 8071; see them: sudo "$(command -v opscheck)" init "$(mktemp -d)"'
    assert f"not seen: {how}" in done.stdout
    assert f"# Not seen: {how}\n" in (folder / "opscheck.toml").read_text(encoding="utf-8")
    assert not seen.exists() or not seen.read_text()
