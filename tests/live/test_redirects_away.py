"""Whoever redirects elsewhere gets nothing sent there that was meant for him: two real servers, and every way out."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .test_heartbeat import COMMAND
from .web import Handler, Site, site

PASSWORD = "hunter2-Canary"
TOKEN = "Kq7zw9-Canary"

INVENTORY = """
[suites.daily]
heartbeat = "{own}/ping"
[report.metrics]
push = "{own}"
[notify.hook]
webhook = "{own}/hook"
[notify.app]
url = "{apprise}/app/?+X-Token={token}"
[http.api]
url = "{own}/api"
headers = {{ X-Token = "{token}", Cookie = "own={token}" }}
[http.api.flow.sign_in]
steps = [{{ name = "page", path = "/flow", headers = {{ X-Step = "{token}" }} }}]
[metrics.api]
url = "{own}/metrics"
headers = {{ X-Token = "{token}" }}
[prometheus.main]
url = "{own}"
headers = {{ Authorization = "Bearer {token}" }}
[docker.stack]
url = "tcp://{place}"
names = ["none"]
"""


@pytest.fixture
def servers() -> Iterator[tuple[Site, Site]]:
    with site() as asked, site() as other:
        yield asked, other


def inventory(asked: Site) -> str:
    place = asked.url.removeprefix("http://")
    own = f"http://ops:{PASSWORD}@{place}"
    return INVENTORY.format(own=own, place=place, apprise=own.replace("http", "json"), token=TOKEN)


def run(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "opscheck.toml").write_text(text, encoding="utf-8")
    return subprocess.run(COMMAND, cwd=folder, capture_output=True, text=True, check=False, timeout=100)


def all_lead_to(server: Site, location: str, status: int = 302) -> None:
    """Have all pages of a server lead to one place, and set a cookie."""

    def say(handler: Handler) -> None:
        handler.say(status, "", Location=location, **{"Set-Cookie": f"session={TOKEN}; Path=/"})

    server.otherwise = say


@pytest.mark.parametrize("status", [302, 307])
def test_another_server_gets_no_credentials(servers: tuple[Site, Site], tmp_path: Path, status: int) -> None:
    """No delivery goes there at all; a probe may look there, and takes nothing along."""
    asked, other = servers
    all_lead_to(asked, f"{other.url}/there?of=redirect", status)
    done = run(tmp_path, inventory(asked))
    came = {path.partition("?")[0] for _, path, _ in asked.seen}
    assert came >= {"/ping/start", "/ping/fail", "/hook", "/app/", "/api", "/flow", "/metrics", "/version"}, came
    assert any(path.startswith("/metrics/job") for path in came), done.stdout
    assert any(PASSWORD not in str(head) and "authorization" in head for _, _, head in asked.seen)
    for method, path, head in other.seen:
        assert method in {"GET", "HEAD"}, (method, path)
        assert not {"authorization", "cookie", "x-token", "x-step"} & head.keys(), (path, head)
        assert head["user-agent"] == "pytest-opscheck"
    assert "start: it redirects to another server" in done.stderr
    assert "push the metrics" in done.stdout
    assert "it redirects to another server" in done.stdout


def test_the_same_server_gets_them_again(servers: tuple[Site, Site], tmp_path: Path) -> None:
    asked, _ = servers
    for path in ("/ping", "/ping/start", "/ping/fail"):
        asked.page(path, "", 302, Location=f"/new{path}")
        asked.page(f"/new{path}", "OK")
    beaten = inventory(asked).partition("[report.metrics]")[0] + "[host.local.expect]\ndisk = false\n"
    done = run(tmp_path, beaten)
    heads = {path.partition("?")[0]: head for _, path, head in asked.seen}
    assert "heartbeat" not in done.stderr
    assert heads["/new/ping/start"]["authorization"] == heads["/ping/start"]["authorization"]


def test_a_redirect_that_can_not_be_read_quotes_nothing(servers: tuple[Site, Site], tmp_path: Path) -> None:
    """A parser that stumbles over a password with a slash quotes the half of it in front of that as a port."""
    asked, _ = servers
    all_lead_to(asked, "http://ops:Front9/Back9@127.0.0.1:1/")
    done = run(tmp_path, inventory(asked))
    told = done.stdout + done.stderr
    told += "".join(file.read_text("utf-8", "replace") for file in (tmp_path / "reports").rglob("*") if file.is_file())
    assert ("Front9" in told, "Back9" in told, "Canary" in told, "could not be cast" in told) == (False,) * 4
    assert told.count("it redirects to") > 8
