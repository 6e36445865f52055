"""What real servers send around an answer, odd and broken: judged where it can be, and never called unreachable."""

from __future__ import annotations

import gzip
import socket
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from .conftest import Run

OK = b"HTTP/1.1 200 OK\r\n"
BODY = b"Content-Length: 4\r\nX-Last: here\r\n\r\nwell"
WHOLE = OK + BODY
PACKED = gzip.compress(b"well")


def packed(how: bytes, body: bytes) -> bytes:
    return OK + b"Content-Encoding: %s\r\nX-Last: here\r\nContent-Length: %d\r\n\r\n" % (how, len(body)) + body


JUDGED = {
    "hints": b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" + WHOLE,
    "many_hints": (b"HTTP/1.1 100 Continue\r\n\r\n" + b"HTTP/1.1 102 Processing\r\n\r\n" * 20) + WHOLE,
    "cookies": OK + b"".join(b"Set-Cookie: c%d=%d; Path=/\r\n" % (n, n) for n in range(400)) + BODY,
    "long": OK + b"X-Long: " + b"x" * 200_000 + b"\r\n" + BODY,
    "folded": OK + b"X-Folded: one\r\n  two\r\n" + BODY,
    "no_colon": OK + b"this is not a header\r\n" + BODY,
    "no_reason": b"HTTP/1.1 200\r\n" + BODY,
    "odd_reason": b"HTTP/1.1 200 Tr\xc3\xa8s bien: OK!\r\n" + BODY,
    "line_feeds": WHOLE.replace(b"\r\n", b"\n"),
    "same_lengths": OK + b"Content-Length: 4\r\n" + BODY,
    "not_ascii": OK + b"X-Name: caf\xe9 \xe2\x82\xac\r\n" + BODY,
    "old": b"HTTP/1.0 200 OK\r\nX-Last: here\r\n\r\nwell",
    "chunked": OK + b"X-Last: here\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nwe\r\n2\r\nll\r\n0\r\nX-T: 1\r\n\r\n",
    "gzip": packed(b"gzip", PACKED),
    "two_gzips": packed(b"x-gzip", gzip.compress(b"we") + gzip.compress(b"ll")),
    "deflate": packed(b"deflate", zlib.compress(b"well")),
}
"""Answers that are 200, with the header X-Last and the body `well`."""
STATUSES = {
    "upgrade": (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", 101),
    "six": (b"HTTP/1.1 632 Odd\r\n" + BODY, 632),
    "empty": (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
}
UNJUDGED = {
    "cut_head": (OK + b"Content-Le", "the connection ended in the middle of the answer's head"),
    "only_line": (OK, "the connection ended in the middle of the answer's head"),
    "only_hints": (b"HTTP/1.1 103 Early Hints\r\n\r\n", "the connection ended after an interim answer"),
    "endless": (OK + b"X-More: 1\r\n" * 200_000, "its head is longer than the 1 MB that is read"),
    "lengths": (OK + b"Content-Length: 5\r\n" + BODY, "several lengths of one body (Content-Length) that differ"),
    "status": (b"HTTP/1.1 2000 OK\r\n" + BODY, "its first line is not one of HTTP/1.1 with a status from 100 to 999"),
    "words": (b"HTTP/1.1 OK\r\n" + BODY, "its first line is not one of HTTP/1.1"),
    "two": (b"HTTP/2 200\r\n" + BODY, "its first line is not one of HTTP/1.1"),
}
NO_BODY = {
    "short": (OK + b"Content-Length: 9\r\n\r\nwell", "the connection ended in the middle of the body"),
    "cut_chunk": (
        OK + b"Transfer-Encoding: chunked\r\n\r\n9\r\nwell",
        "the connection ended in the middle of the body",
    ),
    "no_chunk": (OK + b"Transfer-Encoding: chunked\r\n\r\nwell\r\n", "the body's chunks are not as HTTP has them"),
    "cut_gzip": (packed(b"gzip", PACKED[:-6]), "the body is cut off: the end of what is packed is missing"),
    "bad_gzip": (packed(b"gzip", b"well"), "the body is damaged: it can't be unpacked as gzip"),
    "brotli": (packed(b"br", b"\x0b\x01\x80well\x03"), "packed in a way that was not asked for"),
}
UNREACHED = {
    "nothing": (b"", "the connection was closed before an answer came"),
    "old_http": (b"<html>well</html>", "what answers there does not speak HTTP"),
    "ssh": (b"SSH-2.0-OpenSSH_9.2p1\r\n", "what answers there is an SSH server"),
    "smtp": (b"220 mail ESMTP\r\n", "what answers there is a mail or FTP server"),
    "redis": (b"-ERR unknown command\r\n", "what answers there is a Redis server"),
    "tls": (b"\x15\x03\x01\x00\x02\x02\x46", "what answers there speaks TLS; write https:// in the address"),
    "h2c": (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\0" * 18, "what answers there speaks HTTP/2 alone"),
}


@contextmanager
def answering(answers: dict[str, bytes], rest_s: dict[str, float] | None = None) -> Iterator[int]:
    """Answer each request with the bytes that stand for its path, and close; what rests waits after the first line."""
    stop = threading.Event()

    def one(connection: socket.socket) -> None:
        with connection:
            asked = b""
            while b"\r\n\r\n" not in asked and (more := connection.recv(65536)):
                asked += more
            if not asked:
                return
            name = asked.split()[1].decode().strip("/")
            first, _, rest = answers[name].partition(b"\n")
            if rest_s and name in rest_s:
                connection.sendall(first + b"\n")
                stop.wait(rest_s[name])
                connection.sendall(rest)
            else:
                connection.sendall(answers[name])
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)

    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        server.settimeout(0.05)

        def serve() -> None:
            while not stop.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                threading.Thread(target=guarded, args=(connection,), daemon=True).start()

        def guarded(connection: socket.socket) -> None:
            try:
                one(connection)
            except OSError:
                return

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            stop.set()
            thread.join()


def test_what_servers_send_around_an_answer(run: Run) -> None:
    answers = {
        **JUDGED,
        **{name: said for found in (STATUSES, UNJUDGED, NO_BODY, UNREACHED) for name, (said, _) in found.items()},
        "torn": OK + b"Content-Le",
        "hangs": WHOLE,
    }
    brief = 'reachable = { timeout = "1s" }\nstatus = { timeout = "1s" }\n'
    expectations = dict.fromkeys(answers, 'headers = { x-last = "== here" }\nbody = "== well"\n')
    expectations["hangs"] = (
        brief + 'headers = { x-last = "== here", timeout = "1s" }\nbody = { limit = "== well", timeout = "1s" }\n'
    )
    with answering(answers, {"torn": 0.8, "hangs": 30}) as port:
        inventory = "".join(
            f'[http.{name}]\nurl = "http://127.0.0.1:{port}/{name}"\n[http.{name}.expect]\n{expectations[name]}'
            for name in answers
            if name not in STATUSES
        )
        inventory += "".join(
            f'[http.{name}]\nurl = "http://127.0.0.1:{port}/{name}"\nexpect = {{ status = "== {status}" }}\n'
            for name, (_, status) in STATUSES.items()
        )
        outcome = run(inventory)
    for name in JUDGED:
        for check in ("reachable", "status", "headers", "body"):
            assert outcome.verdict(f"http.{check}@{name}") == "ok", outcome.message(f"http.{check}@{name}")
    for name in STATUSES:
        assert outcome.verdict(f"http.status@{name}") == "ok", outcome.message(f"http.status@{name}")
    for name, (_, said) in {
        **UNJUDGED,
        "torn": (b"", "the connection ended in the middle of the answer's head"),
        "hangs": (b"", "the head of its answer was not whole within 1 s"),
    }.items():
        assert outcome.verdict(f"http.reachable@{name}") == "ok", name
        for check, verdict in {"status": "unknown P1", "headers": "unknown P2", "body": "unknown P1"}.items():
            assert outcome.verdict(f"http.{check}@{name}") == verdict, name
            assert said in outcome.message(f"http.{check}@{name}"), name
    for name, (_, said) in NO_BODY.items():
        assert outcome.verdict(f"http.status@{name}") == "ok", name
        assert outcome.verdict(f"http.body@{name}") == "unknown P1", name
        assert said in outcome.message(f"http.body@{name}")
    for name, (_, said) in UNREACHED.items():
        assert outcome.verdict(f"http.reachable@{name}") == "breach P0", name
        assert said in outcome.message(f"http.reachable@{name}"), outcome.message(f"http.reachable@{name}")
        assert outcome.message(f"http.reachable@{name}").count("127.0.0.1") == 1
        assert outcome.verdict(f"http.status@{name}") == "blocked"
