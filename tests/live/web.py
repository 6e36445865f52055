"""A small real web server whose answers a test sets, and one that only listens."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Reply = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers with what the site holds for the path."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body go out one after the other
    server: Site
    body = b""

    def do_GET(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.seen.append(
            (self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
        )
        reply = self.server.replies.get(urlsplit(self.path).path, self.server.otherwise)
        with contextlib.suppress(OSError):
            if reply is None:
                self.say(404, "no such page")
            else:
                reply(self)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the names that http.server looks for

    def say(self, status: int, body: Any, content_type: str = "text/plain", **headers: str) -> None:
        """Answer at once."""
        content = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


class Site(ThreadingHTTPServer):
    """A web server on a loopback port; `replies` are its pages by path, `seen` the requests that came.

    `otherwise` is what other paths answer, with 404 by default.
    """

    daemon_threads = True
    request_queue_size = 50

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies: dict[str, Reply] = {}
        self.otherwise: Reply | None = None
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def page(self, path: str, body: str, status: int = 200, content_type: str = "text/plain", **headers: str) -> None:
        self.replies[path] = lambda handler: handler.say(status, body, content_type, **headers)

    def document(self, path: str, document: Any, status: int = 200) -> None:
        self.page(path, json.dumps(document), status, "application/json")

    def slow(self, path: str, seconds: float) -> None:
        def reply(handler: Handler) -> None:
            time.sleep(seconds)
            handler.say(200, "at last")

        self.replies[path] = reply

    def dripping(self, path: str, start: bytes) -> None:
        """Send a byte every tenth of a second after the start, until the site is closed."""

        def reply(handler: Handler) -> None:
            handler.wfile.write(start)
            while not self.over.wait(0.1):
                handler.wfile.write(b"x")

        self.replies[path] = reply

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""


@contextlib.contextmanager
def site() -> Iterator[Site]:
    """Run a site while the block lasts."""
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="site")
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def listener(answer: bytes = b"") -> Iterator[int]:
    """Accept connections on a port, send the answer, and then nothing more."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as stack:
        server.settimeout(0.05)

        def serve() -> None:
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    connection, _ = server.accept()
                    stack.enter_context(connection)
                    with contextlib.suppress(OSError):
                        connection.sendall(answer)

        thread = threading.Thread(target=serve, name="listener")
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            stop.set()
            thread.join()


def serve_tls(server: Site, certificate: Path, key: Path) -> None:
    """Make a site speak TLS from now on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
