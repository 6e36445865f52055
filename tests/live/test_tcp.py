"""TCP servers of any protocol, with Redis, OpenSSH, a mail server and nginx: each check red by its fault."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from .certificates import hosts, issue
from .conftest import Run
from .processes import answers, copy, free_port, program, running, wait_until
from .smtp import Post, server
from .sshd import sshd
from .web import listener

ASKS = "answer = { send = 'PING', limit = '== +PONG' }\nlatency = '< 5s'\n"


@contextmanager
def redis(port: int, folder: Path, *more: str) -> Iterator[None]:
    command = [program("redis-server"), f"--port {port}", "--bind 127.0.0.1", "--save ''", f"--dir {folder}", *more]
    with running(command, log=folder / "redis.log"):
        wait_until(lambda: answers(port), "redis-server")
        yield


def target(port: int, expect: str = "", name: str = "cache", more: str = "") -> str:
    said = f"[tcp.{name}.expect]\n{expect}" if expect else ""
    return f'[tcp.{name}]\naddress = "127.0.0.1:{port}"\n{more}\n{said}\n'


def test_a_server_that_answers_otherwise_or_not_at_all_is_red(run: Run, tmp_path: Path) -> None:
    port = free_port()
    inventory = target(port, ASKS)
    with redis(port, tmp_path):
        outcome = run(inventory)
        assert outcome.exit_status == 0
        assert outcome.message("tcp.answer@cache") == "answer is +PONG"
    with redis(port, tmp_path, "--requirepass not-a-secret"):
        outcome = run(inventory)
    assert outcome.verdict("tcp.answer@cache") == "breach P1"
    assert "answer is -NOAUTH Authentication required., expected +PONG" in outcome.message("tcp.answer@cache")
    outcome = run(inventory)
    assert outcome.verdict("tcp.reachable@cache") == "breach P0"
    assert "connection refused" in outcome.message("tcp.reachable@cache")
    assert outcome.verdict("tcp.answer@cache") == outcome.verdict("tcp.latency@cache") == "blocked"


def test_a_server_that_greets_otherwise_is_red_and_its_greeting_is_not_its_answer(run: Run, tmp_path: Path) -> None:
    quit_ = "answer = { send = 'QUIT', after_banner = true, limit = '~ ^221 ' }\n"
    with sshd(tmp_path) as ssh, server(Post(), "none", None) as mail:
        port = int(ssh.connect().rpartition(":")[2].partition("?")[0])
        outcome = run(
            target(port, "banner = '~ ^SSH-2.0-OpenSSH'", "ssh")
            + target(port, "banner = '~ ^220 '", "other")
            + target(mail, f"banner = '~ ^220 '\n{quit_}", "mail")
            + target(mail, quit_.replace("after_banner = true, ", ""), "early")
        )
    assert [outcome.verdict(f"tcp.banner@{name}") for name in ("ssh", "mail", "other")] == ["ok", "ok", "breach P1"]
    assert "banner is SSH-2.0-OpenSSH" in outcome.message("tcp.banner@other")
    assert outcome.verdict("tcp.answer@mail") == "ok"
    assert outcome.verdict("tcp.answer@early") == "breach P1"


def test_tls_is_verified_and_a_handshake_that_takes_long_is_red(run: Run, tmp_path: Path) -> None:
    plain, port = free_port(), free_port()
    file = issue("localhost", names=hosts("localhost", "127.0.0.1")).write(tmp_path / "server.pem")
    secure = (f"--tls-port {port}", f"--tls-cert-file {file}", f"--tls-key-file {file}", "--tls-auth-clients no")
    trusts = f'tls = true\nca = "{file}"'
    with (
        listener(b"220 ready\r\n") as speaks_first,
        redis(plain, tmp_path, *secure, f"--tls-ca-cert-file {file}"),
        slow(port, 0.5) as late,
    ):
        wait_until(lambda: answers(port), "redis over TLS")
        outcome = run(
            target(port, ASKS, "trusted", trusts).replace("127.0.0.1", "localhost")
            + target(port, ASKS, "untrusted", "tls = true")
            + target(speaks_first, ASKS, "plain", "tls = true")
            + target(late, "latency = '< 400ms'", "late", trusts).replace("127.0.0.1", "localhost")
        )
    assert outcome.verdict("tcp.answer@trusted") == outcome.verdict("tcp.latency@trusted") == "ok"
    assert outcome.verdict("tcp.latency@late") == "breach P2"
    assert "its certificate is not trusted" in outcome.message("tcp.reachable@untrusted")
    assert "does not speak TLS" in outcome.message("tcp.reachable@plain")


@contextmanager
def slow(port: int, seconds: float) -> Iterator[int]:
    """Serve a port that leads to another one, a while after it has taken the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def lead(near: socket.socket) -> None:
            time.sleep(seconds)
            with near, socket.create_connection(("127.0.0.1", port)) as far:
                back = threading.Thread(target=copy, args=(far, near), daemon=True)
                back.start()
                copy(near, far)
                back.join()

        def serve() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=lead, args=(listening.accept()[0],), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"", "it said nothing within 1 s; see whether it waits for its client to speak first, or hangs"),
        (b"220 half", "its line did not end within 1 s: '220 half'; see which server listens there"),
        (b"\x8f\x01\x02\n", r"what answers there does not speak in lines of text: '\x8f\x01\x02'"),
        (b"220 \x1b[2J\n", "what answers there does not speak in lines of text: '220 \\x1b[2J'"),
        (b"\r\n", "its line is empty"),
        (b"2" * 80_000, "its line is longer than 65536 bytes, and no more of it was read"),
    ],
)
def test_what_is_not_a_line_is_unknown(run: Run, said: bytes, why: str) -> None:
    with listener(said) as port:
        outcome = run(target(port, "banner = { timeout = '1s', limit = '~ ^220 ' }\nlatency = '< 5s'\n"))
    assert outcome.verdict("tcp.banner@cache") == "unknown P1"
    assert why in outcome.message("tcp.banner@cache")
    assert outcome.verdict("tcp.latency@cache") == "ok"


def test_what_an_inventory_cannot_mean(run: Run) -> None:
    said = '[tcp.a]\naddress = "mail.example.com"\n[tcp.b]\naddress = "a:1"\nca = "x.pem"\nexpect.answer = "== +PONG"\n'
    output = " ".join(run(said).output.split())
    assert "it is not a host with a port; write for example 'api.example.com:443'" in output
    assert "ca is for a server that speaks TLS; add tls = true, or leave it out" in output
    assert "tcp.b.expect.answer" in output
