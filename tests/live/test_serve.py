"""`opscheck serve`: the page as it is now, to those who may see it, and nothing beside the reports."""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ..unit.reports.overviews import Shop
from ..unit.reports.values import ok, result
from .processes import wait_until

OPSCHECK = str(Path(sys.executable).with_name("opscheck"))
TOKEN = "a-token-of-some-length"


class Served:
    """A server that was started in a folder."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        command = [OPSCHECK, "serve", "--port", "0", *arguments]
        env = {**os.environ, **environment}
        self.process = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()
        self.port = int(self.said.partition("://")[2].rpartition(":")[2].partition("/")[0])

    def ask(
        self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> tuple[int, str, http.client.HTTPMessage]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, headers=dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.headers


@contextlib.contextmanager
def served(folder: Path, *arguments: str, **environment: str) -> Iterator[Served]:
    started = Served(folder, *arguments, **environment)
    try:
        yield started
    finally:
        started.process.kill()
        started.process.wait(30)
        assert started.process.stdout is not None
        started.process.stdout.close()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path)
    made.ran(result(id="<b>a</b>@x"))
    made.left("daily", [0])
    (made.reports / "secret.html").write_text("secret")
    (made.reports / "daily" / "2026-11-20T090000.html").symlink_to(tmp_path / "opscheck.toml")
    (made.reports / "daily" / "notes.html").write_text("secret")
    (made.reports / "daily" / "latest.xml").write_text("<testsuites/>")
    return made


def test_the_page_is_of_now_and_leads_to_the_reports(shop: Shop, tmp_path: Path) -> None:
    with served(tmp_path) as server:
        assert server.said.startswith("serving on http://127.0.0.1:")
        status, text, headers = server.ask("/")
        assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert "1 check not ok, worst P1" in text
        assert "&lt;b&gt;a&lt;/b&gt;@x" in text
        assert "http-equiv=refresh" in text
        assert "<b>a</b>" not in text
        status, text, _ = server.ask("/daily/2026-11-20T080000.html")
        assert (status, text[:11]) == (200, "the page of")
        assert server.ask("/daily/latest.xml")[2]["Content-Security-Policy"] == "default-src 'none'; sandbox"
        shop.ran(ok(id="<b>a</b>@x"), days=-0.1)
        wait_until(lambda: "1 check not ok" not in server.ask("/index.html")[1], "what the next run saw")


@pytest.mark.parametrize(
    "path",
    [
        "/history.sqlite3",
        "/daily/../history.sqlite3",
        "/daily/..%2fhistory.sqlite3",
        "/..%2fopscheck.toml",
        "/../opscheck.toml",
        "//etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/daily/2026-11-20T090000.html",
        "/daily/notes.html",
        "/secret.html",
        "/daily/",
        "/daily",
        "/daily/latest.html%00.json",
        "/daily/latest.html/",
        "/daily\\latest.json",
        "/.daily/latest.html",
        "/" + "a" * 5000,
        "/daily/latest.html",
    ],
)
def test_nothing_else_is_served(serving: Served, path: str) -> None:
    status, text, _ = serving.ask(path)
    assert (status, text) == (404, "404 Not Found\n")


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    shop = Shop(folder)
    shop.ran(ok(id="a@x"))
    shop.left("daily", [0])
    (shop.reports / "secret.html").write_text("secret")
    (shop.reports / "daily" / "2026-11-20T090000.html").symlink_to(folder / "opscheck.toml")
    (shop.reports / "daily" / "notes.html").write_text("secret")
    with served(folder) as server:
        yield server


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_can_be_changed(serving: Served, method: str) -> None:
    status, _, headers = serving.ask("/", method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_a_head_has_no_body(serving: Served) -> None:
    status, text, headers = serving.ask("/", "HEAD")
    assert (status, text) == (200, "")
    assert int(headers["Content-Length"]) > 1000


def test_a_name_of_somebody_else_that_leads_here_shows_nothing(serving: Served) -> None:
    for name in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[::1"):
        assert serving.ask("/", headers={"Host": name})[0] == 421
    for name in ("localhost:8010", "[::1]:8010", "127.0.0.1"):
        assert serving.ask("/", headers={"Host": name})[0] == 200


def test_who_is_silent_or_speaks_garbage_holds_up_nobody(serving: Served) -> None:
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection(("127.0.0.1", serving.port))) for _ in range(20)]
        silent[0].sendall(b"\x00\xff garbage\r\n\r\n")
        assert serving.ask("/")[0] == 200


def test_beyond_this_machine_only_with_a_token(tmp_path: Path) -> None:
    Shop(tmp_path).ran(ok(id="a@x"))
    for arguments, token, said in (
        (["--host", "0.0.0.0"], None, "can be reached from other machines; put a token"),
        (["--host", "::"], None, "can be reached from other machines"),
        (["--host", "db.example"], None, "can be reached from other machines"),
        ([], "short", "OPSCHECK_SERVE_TOKEN is too short"),
        (["--host", "192.0.2.1"], TOKEN, "can't listen on 192.0.2.1"),
    ):
        env = {**os.environ, **({"OPSCHECK_SERVE_TOKEN": token} if token else {})}
        command = [OPSCHECK, "serve", "--port", "0", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, said in done.stderr) == (4, True), done.stderr
    with served(tmp_path, "--host", "0.0.0.0", OPSCHECK_SERVE_TOKEN=TOKEN) as server:
        basic = base64.b64encode(f"ops:{TOKEN}".encode()).decode()
        wrong = base64.b64encode(b"ops:another").decode()
        refused = [{}, {"Authorization": f"Basic {wrong}"}, {"Authorization": "Basic ?"}, {"Authorization": "Bearer x"}]
        for headers in refused:
            status, text, answered = server.ask("/", headers=headers)
            assert (status, text) == (401, "401 Unauthorized\n")
            assert answered["WWW-Authenticate"].startswith("Basic ")
        for said in (f"Basic {basic}", f"Bearer {TOKEN}"):
            assert server.ask("/", headers={"Authorization": said, "Host": "ops.example"})[0] == 200
        assert TOKEN not in server.said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_ends_when_it_is_asked_to(tmp_path: Path, number: signal.Signals) -> None:
    """Also while somebody is connected and silent."""
    Shop(tmp_path).ran(ok(id="a@x"))
    with served(tmp_path) as server, socket.create_connection(("127.0.0.1", server.port)):
        server.process.send_signal(number)
        assert server.process.wait(30) == 0


def test_a_history_that_can_not_be_read_is_said(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.reports.mkdir()
    with served(tmp_path) as server:
        assert "No suite has run yet" not in server.ask("/")[1]
        assert "overdue: daily" in server.ask("/")[1]
    (shop.reports / "history.sqlite3").write_text("no database" * 1000)
    with served(tmp_path) as server:
        status, text, _ = server.ask("/")
        assert status == 503
        assert "The history could not be read" in text
